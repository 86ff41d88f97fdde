"""Files that appear whole or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file under a temporary name beside it, then rename it.

    A killed job leaves no file that looks finished. Folders are made as needed;
    text is UTF-8, its line ends as they are.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8")
        )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def make_whole(path: str | Path, write: Callable[[Path], object]) -> None:
    """Have a file or a folder written under a temporary name beside it, then rename it.

    For writers of libraries, which go by the suffix: the temporary name keeps it.
    Folders are made as needed.

    Parameters
    ----------
    path
        Of the file, or of the folder, such as a Zarr store; one that is there already
        is replaced.
    write
        Writes to the path that it is given.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(partial)
        if partial.is_dir() and path.exists():
            # A folder replaces nothing in one step: what is there steps aside.
            old = path.with_name(f".{path.stem}.{os.getpid()}.old{path.suffix}")
            path.replace(old)
            partial.replace(path)
            _remove(old)
        else:
            partial.replace(path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
