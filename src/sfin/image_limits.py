"""How much memory an image may take: what its file justifies, and what is free."""

from dataclasses import dataclass
from pathlib import Path

from sfin.errors import InputError

# Noise hardly compresses, so that images of a microscope shrink tenfold at most;
# deflate's most is a thousandfold, of nothing but zeros.
MOST_EXPANSION = 100
# Bytes that any file may expand to: an image of 4096 × 4096 in float32.
ALWAYS_ALLOWED = 64 * 2**20
# Of the memory that is free: the counts are copied while they are worked on.
MOST_OF_FREE_MEMORY = 0.5


@dataclass(frozen=True)
class Promise:
    """What the header of a file says of its size, before any of it is read.

    Attributes
    ----------
    expanded
        Bytes that everything takes which is read from the file.
    stored
        Bytes of the file, or of all files of a store.
    compressed
        Whether `expanded` may be larger than `stored`.
    """

    expanded: int
    stored: int
    compressed: bool


def check_promise(path: Path, promise: Promise) -> None:
    """Refuse a file that is cut short, a bomb, or larger than the memory.

    Raises
    ------
    InputError
        If the file has less than its header promises; if it would expand beyond
        `MOST_EXPANSION` and `ALWAYS_ALLOWED`; or take more than
        `MOST_OF_FREE_MEMORY`.
    """
    expanded, stored = promise.expanded, promise.stored
    if not promise.compressed and expanded > stored:
        raise InputError(
            f"{path} cannot be read: its header promises {_size(expanded)} and it has "
            f"{_size(stored)}, so it is damaged or cut short; copy it again."
        )
    if expanded > MOST_EXPANSION * stored + ALWAYS_ALLOWED:
        raise InputError(
            f"{path} cannot be read: its {_size(stored)} would expand to "
            f"{_size(expanded)}, as no image does; if it is one, save it without "
            "compression."
        )
    free = free_memory()
    if expanded > MOST_OF_FREE_MEMORY * free:
        raise InputError(
            f"{path} takes {_size(expanded)}, more than half of the {_size(free)} of "
            "memory that are free: cut it into parts, or use a larger machine."
        )


def free_memory() -> int:
    """Give the bytes of memory that can be had without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def _size(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"
