"""Files that appear whole or not at all."""

import os
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
