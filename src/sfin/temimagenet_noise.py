"""Background, scan jitter and shot noise as TEMImageNet has them."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32Array = NDArray[np.float32]
Background = Literal["constant", "ramp", "blobs"]
BACKGROUNDS: tuple[Background, ...] = get_args(Background)


@dataclass(frozen=True)
class DisturbanceSettings:
    """What lies between the atoms and their noisy image.

    Attributes
    ----------
    background
        Least and greatest height of the background, relative to the brightest atom.
    blobs
        Fewest and most blobs of a background that has them.
    jitter
        Greatest displacement of a row along the fast scan, in Å.
    jitter_across
        The same across it, relative to `jitter`.
    counts
        Least and greatest number of electrons counted at the brightest atom.
    """

    background: tuple[float, float]
    blobs: tuple[int, int]
    jitter: float
    jitter_across: float
    counts: tuple[float, float]


def draw_background(
    kind: Background,
    height: float,
    size: int,
    blobs: tuple[int, int],
    generator: np.random.Generator,
) -> Float32Array:
    """Draw a background between 0 and `height`, shape (size, size).

    It is the same everywhere, rises in some direction, or has broad Gaussian blobs.
    """
    if kind == "constant":
        return np.full((size, size), height, np.float32)
    row, column = np.mgrid[:size, :size] / size
    if kind == "ramp":
        angle = generator.uniform(0, 2 * np.pi)
        shape = np.cos(angle) * column + np.sin(angle) * row
    else:
        shape = np.zeros((size, size))
        for _ in range(int(generator.integers(blobs[0], blobs[1], endpoint=True))):
            x, y = generator.uniform(0, 1, 2)
            width = generator.uniform(0.1, 0.35)
            square = (column - x) ** 2 + (row - y) ** 2
            shape += np.exp(-square / (2 * width**2))
    shape -= shape.min()
    result: Float32Array = (height * shape / shape.max()).astype(np.float32)
    return result


def row_displacements(
    size: int, amplitude: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw how far each row is displaced: a hum whose strength changes at every row.

    Parameters
    ----------
    size
        Number of rows.
    amplitude
        Greatest displacement, in pixels.

    Returns
    -------
    array
        Shape (size,), in pixels.
    """
    frequency = generator.uniform(0, 0.5)
    phase = generator.uniform(0, 2 * np.pi)
    strength = generator.uniform(-1, 1, size)
    hum = np.sin(2 * np.pi * frequency * np.arange(size) + phase)
    displacements: NDArray[np.float64] = amplitude * strength * hum
    return displacements


def jitter(
    image: Float32Array, x: NDArray[np.float64], y: NDArray[np.float64], margin: int
) -> Float32Array:
    """Scan an image with every row displaced.

    Parameters
    ----------
    image
        Shape (rows + 2 × margin, columns + 2 × margin).
    x, y
        Displacements of each row along and across the fast scan, in pixels and less
        than the margin; shape (rows,).
    margin
        Pixels around the scanned field.

    Returns
    -------
    array
        Shape (rows, columns).
    """
    row, column = np.mgrid[: x.size, : image.shape[1] - 2 * margin]
    places = (row + y[:, None] + margin, column + x[:, None] + margin)
    scanned: Float32Array = ndimage.map_coordinates(image, places, order=1)
    return scanned


def count_electrons(
    signal: Float32Array, peak: float, generator: np.random.Generator
) -> tuple[Float32Array, float]:
    """Count electrons, and scale the counts to grey levels.

    Parameters
    ----------
    signal
        Expected signal, 1 at the brightest atom without background.
    peak
        Electrons expected where the signal is 1.

    Returns
    -------
    noisy
        Grey levels; the most counts are 255.
    scale
        Grey levels of a signal of 1.
    """
    counts = generator.poisson(peak * signal.astype(np.float64))
    grey = 255.0 / max(int(counts.max()), 1)
    return (counts * grey).astype(np.float32), peak * grey
