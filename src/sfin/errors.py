"""The one exception that means: what the user gave cannot be used."""


class InputError(ValueError):
    """A user's file, setting or name that cannot be used.

    The message is one sentence that names what was given, says what is wrong
    with it, and says what to do. Commands print it without a traceback.
    """
