"""What must be true of numbers before they are taken for an image."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError


def usable_counts(
    origin: str | Path, frames: NDArray[Any], frame: int, minimum_size: int
) -> NDArray[np.float32]:
    """Take one image of a series, if it can be used as one.

    Parameters
    ----------
    origin
        What messages call it: the path of its file, or other words.
    frames
        Of shape (frames, rows, columns), of any type.
    frame
        Which of them, from 0.
    minimum_size
        Fewest rows and columns that will do.

    Returns
    -------
    ndarray
        Counts, float32 (rows, columns).

    Raises
    ------
    InputError
        There is no such frame, or it is too small, not of real numbers, not finite
        everywhere, or constant.
    """
    if frames.size == 0:
        raise InputError(f"{origin} holds an image without pixels; save it again.")
    if not 0 <= frame < len(frames):
        raise InputError(
            f"Frame {frame} of {origin} does not exist; it has {len(frames)}, "
            f"numbered from 0 to {len(frames) - 1}."
        )
    counts = frames[frame]
    rows, columns = counts.shape
    if min(rows, columns) < minimum_size:
        raise InputError(
            f"{origin} has {rows} × {columns} pixels; at least {minimum_size} × "
            f"{minimum_size} are needed, so record a larger image."
        )
    if counts.dtype.kind not in "buif":
        kind = "complex" if counts.dtype.kind == "c" else str(counts.dtype)
        raise InputError(
            f"{origin} holds {kind} values; save its amplitude or intensity as an "
            "image."
        )
    with np.errstate(over="ignore"):  # what overflows is refused below
        data = np.ascontiguousarray(counts, dtype=np.float32)
    if not np.isfinite(data).all():
        raise InputError(
            f"{origin} contains NaN or infinite values; replace them, for example by "
            "the mean of their neighbours."
        )
    if data.min() == data.max():
        raise InputError(
            f"{origin} is constant, every pixel holds {data.flat[0]:g}; give an image "
            "of the specimen."
        )
    return data
