"""Open a file that a user names, or say in a sentence why it cannot be."""

from pathlib import Path

from sfin.errors import InputError


def first_bytes(path: Path, number: int) -> bytes | None:
    """Read how a file begins; None for a folder.

    What is neither, such as a pipe, is never opened: it might keep whoever reads it
    waiting for ever.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is empty.
    """
    try:
        if not path.exists():
            raise InputError(
                f"{path} is a link to what does not exist; mend the link."
                if path.is_symlink()
                else f"{path} does not exist; check its name and folder."
            )
        if path.is_dir():
            return None
        if not path.is_file():
            raise InputError(f"{path} is a device or a pipe; give a file.")
        with path.open("rb") as file:
            start = file.read(number)
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({error.strerror or error}); check its name and "
            "its permissions."
        ) from error
    if not start:
        raise InputError(f"{path} is empty; copy or download it again.")
    return start
