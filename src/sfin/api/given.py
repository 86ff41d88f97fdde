"""Images as callers have them: a file, an array, or an image that was read."""

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sfin.errors import InputError
from sfin.image_counts import usable_counts
from sfin.image_modes import mode_doubt, read_image_of_mode, told_mode
from sfin.images import Image, read_image
from sfin.parameters import MODES, Mode

# A path is a text or a `pathlib.Path`; an array has rows and columns.
GivenImage = str | os.PathLike[str] | ArrayLike | Image


@contextmanager
def opened(
    given: GivenImage, mode: Mode | None, pixel_size: float | None = None
) -> Iterator[tuple[Image, Mode]]:
    """Give an image to work with, and its mode; what goes wrong then names its file.

    Of a file with images of several detectors the one that names the mode is taken. A
    file that names the other mode is warned of: a network for bright atoms ruins
    images of dark ones. So is one of several frames, of which the first is taken.

    Parameters
    ----------
    given
        A path, an array (rows, columns) of counts or grey levels, or an `Image`.
    mode
        ``haadf`` or ``bf``; None for what the image says of its detector.
    pixel_size
        Å per pixel, in place of what the image says.

    Raises
    ------
    InputError
        If it cannot be used as an image, there is no such mode or pixel size, or
        nothing tells the mode.
    """
    if mode is not None:
        check_mode(mode)
    if isinstance(given, str | os.PathLike):
        name = os.fspath(given)
        image = (
            read_image_of_mode(Path(given), mode, pixel_size=pixel_size)
            if mode
            else read_image(given, pixel_size=pixel_size)
        )
    else:
        name = given.name if isinstance(given, Image) else "The array"
        image = _checked(given, name, pixel_size)
    told = told_mode(image)
    # Never guessed: what enhances images of one mode ruins those of the other.
    known = mode or (told[0] if told else None)
    if known is None:
        raise InputError(
            f"{name} does not say which detector recorded it: give the mode, 'haadf' "
            "where atoms are bright, 'bf' where they are dark."
        )
    # At the caller's line: above this generator, contextlib, and the function.
    if other := mode_doubt(image, known):
        warnings.warn(f"{name} is {other}.", stacklevel=4)
    frames = image.metadata.get("frames", 1)
    if frames > 1 and not isinstance(given, Image):
        warnings.warn(
            f"{name} holds {frames} frames: the first is taken; sfin.read_image(path, "
            "frame) reads another.",
            stacklevel=4,
        )
    try:
        yield image, known
    except InputError as error:
        if name in str(error) or not isinstance(given, str | os.PathLike):
            raise
        raise InputError(f"{name}: {error}") from error


def check_mode(mode: object) -> None:
    """Refuse what is no mode.

    Raises
    ------
    InputError
        If it is neither ``haadf`` nor ``bf``.
    """
    if mode not in MODES:
        raise InputError(
            f"There is no mode {mode!r}: give 'haadf' where atoms are bright, 'bf' "
            "where they are dark."
        )


def _checked(given: ArrayLike | Image, name: str, pixel_size: float | None) -> Image:
    image = given if isinstance(given, Image) else None
    try:
        counts: np.ndarray[Any, Any] = np.asarray(image.data if image else given)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} is no array of numbers ({error}): give one of rows and columns."
        ) from error
    size = pixel_size if image is None else pixel_size or image.pixel_size
    if counts.ndim != 2:
        raise InputError(
            f"{name} has the shape {counts.shape} and is no image: give one of rows "
            "and columns."
        )
    if size is not None and not (math.isfinite(size) and size > 0):
        raise InputError(
            f"{name} has pixels of {size:g} Å: give a positive number of Å, or None "
            "where nobody knows."
        )
    data = usable_counts(name, counts[None], 0, 1)
    if image is None:
        return Image(data, size, "image")
    return replace(image, data=data, pixel_size=size)
