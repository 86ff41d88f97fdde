"""Draw columns, and what a network should make of an image of them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sfin.arrangements import Columns
from sfin.datasets import ATOM
from sfin.pixel_loops import add_spots, to_bytes

Float32Array = NDArray[np.float32]


def contrast(columns: Columns, size: int) -> Float32Array:
    """Add up the Gaussian columns and scale their greatest sum to one.

    Returns
    -------
    array
        Shape (size, size), 0 where there is no atom.
    """
    image = gaussian_spots(columns, size)
    highest = float(image.max(initial=0))
    return image / np.float32(highest) if highest > 0 else image


def visible_atoms(
    columns: Columns, size: int, threshold: float
) -> dict[str, Float32Array]:
    """List the visible atoms inside the image, as `sfin.datasets.ATOM` wants them.

    Parameters
    ----------
    threshold
        Relative brightness below which a column is not visible.
    """
    inside = columns.brightness >= threshold
    for place in (columns.x, columns.y):
        inside &= (place >= -0.5) & (place < size - 0.5)
    atoms = columns.keep(inside)
    return {name: getattr(atoms, name).astype(kind) for name, kind in ATOM.items()}


def gaussian_spots(columns: Columns, size: int) -> Float32Array:
    """Add up two-dimensional Gaussians, each to five standard deviations."""
    image = np.zeros((size, size), np.float32)
    add_spots(image, *(array.astype(np.float32) for array in columns.spots()))
    return image


def detection_label(
    columns: Columns, size: int, threshold: float, sigma: float
) -> NDArray[np.uint8]:
    """Draw a Gaussian dot, 255 at its peak, on each visible column.

    Parameters
    ----------
    threshold
        Relative brightness below which a column is not visible.
    sigma
        Standard deviation of the dots, in pixels.
    """
    visible = columns.keep(columns.brightness >= threshold)
    dots = replace(
        visible,
        brightness=np.full_like(visible.x, 255),
        sigma=np.full_like(visible.x, sigma),
    )
    return to_bytes(gaussian_spots(dots, size))
