"""The lattice of an image from its power spectrum, without any atoms detected.

A second opinion on `sfin.lattice_fit`: where both agree on a distortion, it is in the
image and not in the detection of atoms.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sfin.lattice_geometry import Placement
from sfin.lattice_start import FloatArray, reflections_of, upper_half

SPOTS = 8  # the crystal's strongest
# Each spot is searched on 9 × 9 points, at last of this step in widths of a spot.
STEPS = (0.5, 0.15, 0.05)
POINTS = np.arange(-4, 5)


def spectrum_placement(grey: NDArray[np.floating], placement: Placement) -> Placement:
    """Fit the cell to the spots of an image's spectrum, near where they should be.

    Parameters
    ----------
    grey
        Grey levels (rows, columns), as recorded.
    placement
        Where the atoms say that the crystal lies: tells which spot is which.

    Returns
    -------
    Placement
        With the matrix of the spectrum. The origin is as it was: a power spectrum
        knows none.
    """
    frequencies, factors = reflections_of(placement.motif)
    half = upper_half(frequencies)
    frequencies, factors = frequencies[half], factors[half]
    order = np.argsort(-np.abs(factors).round(6), kind="stable")[:SPOTS]
    rows, columns = grey.shape
    windowed = (grey - grey.mean()) * np.hanning(rows)[:, None] * np.hanning(columns)
    found = [
        _spot(windowed, start)
        for start in frequencies[order] @ np.linalg.inv(placement.matrix)
    ]
    weights = np.array([height for _, height in found])[:, None]
    spots = np.array([place for place, _ in found])
    inverse, *_ = np.linalg.lstsq(
        frequencies[order] * weights, spots * weights, rcond=None
    )
    return replace(placement, matrix=np.linalg.inv(inverse), bend=None)


def _spot(windowed: FloatArray, start: FloatArray) -> tuple[FloatArray, float]:
    """Find the highest spectrum near a frequency (x, y) per px; give its height too."""
    rows, columns = windowed.shape
    place = np.asarray(start, np.float64)
    highest = 0.0
    for step in STEPS:
        right, down = (middle + step / max(rows, columns) * POINTS for middle in place)
        waves = np.exp(-2j * np.pi * np.outer(down, np.arange(rows)))
        across = np.exp(-2j * np.pi * np.outer(np.arange(columns), right))
        heights = np.abs(waves @ windowed @ across)
        row, column = np.unravel_index(int(heights.argmax()), heights.shape)
        place = np.array([right[column], down[row]])
        highest = float(heights[row, column])
    return place, highest
