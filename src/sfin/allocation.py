"""Memory that a process keeps for its next tensor."""

import ctypes
import platform

# Numbers of the settings of glibc's `mallopt`.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks instead of giving them back.

    It maps each block above 32 MiB anew, and the system clears every page of it:
    more than half the time of a training step on a CPU. Nothing happens where the
    C library is another one.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(MMAP_THRESHOLD, LARGEST)
    library.mallopt(TRIM_THRESHOLD, LARGEST)
