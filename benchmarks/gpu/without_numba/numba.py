"""Stands in for numba on a machine that lacks it, whose wheels would be too large.

The loops over pixels run by numpy: slower, and equal but for the last digit. Loops
over atoms run as they are. Only for `run.py`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


def add_spots(image: Any, x: Any, y: Any, brightness: Any, sigma: Any) -> None:
    """Add Gaussian spots: one product of their factors along rows and columns."""
    width = np.float32(-0.5) / sigma**2
    row, column = (np.arange(size, dtype=np.float32)[:, None] for size in image.shape)
    image += (brightness * _within(row - y, sigma, width)) @ _within(
        column - x, sigma, width
    ).T


def _within(distance: Any, sigma: Any, width: Any) -> Any:
    factor = np.exp(distance**2 * width)
    factor[np.abs(distance) > np.float32(5) * sigma] = 0
    return factor


def sobel_magnitude(image: Any) -> Any:
    """Take the magnitude of the 3 × 3 Sobel gradient."""
    two = np.float32(2)
    padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
    smooth = padded[:-2] + two * padded[1:-1] + padded[2:]
    slope = padded[2:] - padded[:-2]
    smooth, slope = (
        np.pad(part, ((0, 0), (1, 1)), mode="edge") for part in (smooth, slope)
    )
    horizontal = smooth[:, 2:] - smooth[:, :-2]
    vertical = slope[:, :-2] + two * slope[:, 1:-1] + slope[:, 2:]
    return np.sqrt(horizontal**2 + vertical**2)


def blend_scan_noise(
    gradient: Any, calm: Any, rough: Any, slope: Any, intercept: Any, blend: Any
) -> Any:
    """Blend two patterns by the gradient."""
    share = np.minimum(gradient / blend, np.float32(1))
    rest = np.float32(1) - share
    deviation = np.maximum(slope * gradient + intercept, np.float32(0))
    scale = deviation / np.sqrt(share**2 + rest**2)
    return scale * (rest * calm + share * rough)


def scale_by_level(image: Any, unit: Any, slope: Any, intercept: Any) -> Any:
    """Multiply noise by a line of the grey level."""
    return np.maximum(slope * image + intercept, np.float32(0)) * unit


def to_bytes(image: Any) -> Any:
    """Round and clip to 0–255."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def apart(positions: Any, closest: float, fixed: int) -> Any:
    """Drop columns too near to one before them."""
    kept = np.ones(len(positions), bool)
    for second in range(fixed, len(positions)):
        away = positions[:second] - positions[second]
        near = (away**2).sum(axis=1) <= closest * closest
        kept[second] = not (near & kept[:second]).any()
    return kept


LOOPS = (add_spots, sobel_magnitude, blend_scan_noise, scale_by_level, to_bytes, apart)
BY_NAME = {loop.__name__: loop for loop in LOOPS}


def njit(*_: object, **__: object) -> Callable[[Any], Any]:
    """Give the numpy version of a function that numba would compile, if there is one.

    Only ever called with arguments.
    """
    return lambda function: BY_NAME.get(function.__name__, function)
