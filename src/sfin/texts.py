"""Text that comes with files, such as their names, made fit to be shown."""


def printable(text: str) -> str:
    """Replace line ends, control characters and bytes that are no text by escapes.

    They would break a message into lines, drive the terminal, or end the command.
    """
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
