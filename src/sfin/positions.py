"""From a map of dots, one on each atom, to positions between the pixels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from sfin.errors import InputError

FloatArray = NDArray[np.float64]
# Pixels to each side of a dot's highest one that its fit sees.
REACH = 2
# Times that the fit weighs the pixels by the dot it has found.
REFINEMENTS = 3
# Standard deviation, in pixels, beyond which a blur is no dot.
WIDEST = 3.0
# Pixels of a map that are looked at together, and around them.
BLOCK = 512
MARGIN = 8


@dataclass(frozen=True)
class AtomPositions:
    """Atoms found in an image; all arrays have shape (n,), brightest first.

    Attributes
    ----------
    x, y
        Along the rows and along the columns, in pixels; the centre of the first
        pixel is (0, 0).
    amplitude
        Height of the dot, 0–1.
    sigma
        Its standard deviation, in pixels.
    """

    x: FloatArray
    y: FloatArray
    amplitude: FloatArray
    sigma: FloatArray

    def __len__(self) -> int:
        """Count the atoms."""
        return len(self.x)

    def keep(self, mask: NDArray[np.bool_]) -> "AtomPositions":
        """Take those atoms where `mask` is true."""
        return AtomPositions(*(array[mask] for array in self.arrays().values()))

    def apart(self, distance: float) -> "AtomPositions":
        """Of two atoms closer than a distance (pixels), keep the higher one alone."""
        # Greedy, from the highest down.
        places = np.stack([self.x, self.y], axis=1)
        kept = np.ones(len(self), np.bool_)
        pairs = (
            KDTree(places).query_pairs(distance, output_type="ndarray")
            if kept.size
            else []
        )
        for first, second in sorted(map(tuple, pairs)):
            if kept[first]:
                kept[second] = False
        return self.keep(kept)

    def arrays(self) -> Mapping[str, FloatArray]:
        """Give the arrays by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


NO_ATOMS = AtomPositions(*np.zeros((4, 0)))


@dataclass(frozen=True)
class PositionSettings:
    """What counts as a dot.

    Attributes
    ----------
    minimum_amplitude
        Height below which a dot is none, 0–1. Low: how sure a dot is, is told by
        `sfin.confidence`.
    minimum_distance
        Of two dots closer than this, in pixels, the higher one is kept.
    minimum_separation
        Likewise in standard deviations of the image's atoms, as `sfin.detection`
        estimates them: no image tells closer ones apart, and noise splits wide atoms.
    """

    minimum_amplitude: float = 0.03
    minimum_distance: float = 4.0
    minimum_separation: float = 1.5


def find_positions(
    dots: NDArray[np.floating], settings: PositionSettings | None = None
) -> AtomPositions:
    """Find the dots of a detection map, and the centre of each.

    A two-dimensional Gaussian is fitted to the logarithm of the 5 × 5 pixels around
    each highest pixel, weighted by the square of the fitted dot (Guo, IEEE Signal
    Processing Magazine 28, 2011): exact for a Gaussian, and deaf to the noise at
    its foot.

    Parameters
    ----------
    dots
        Grey levels (rows, columns): 255 at the top of a sure atom, 0 elsewhere.
    settings
        What counts as a dot; None for the defaults. The size of atoms is unknown here,
        so `minimum_separation` does nothing.

    Returns
    -------
    AtomPositions
        None where there is no dot.

    Raises
    ------
    InputError
        If the map is not two-dimensional or not finite.
    """
    settings = settings or PositionSettings()
    if dots.ndim != 2 or not np.isfinite(dots).all():
        raise InputError(
            f"A map of shape {dots.shape} with {np.isfinite(dots).mean():.0%} finite "
            "numbers has no atoms to find: give one of rows and columns, all finite."
        )
    found = _join(
        _find_in_block(dots, row, column, settings)
        for row in range(0, dots.shape[0], BLOCK)
        for column in range(0, dots.shape[1], BLOCK)
    )
    order = np.lexsort((found.x, found.y, -found.amplitude))
    found = AtomPositions(*(array[order] for array in found.arrays().values()))
    return found.apart(settings.minimum_distance)


def _find_in_block(
    dots: NDArray[np.floating], row: int, column: int, settings: PositionSettings
) -> AtomPositions:
    # A block at a time and a margin around it: memory does not grow with the map.
    top, left = max(row - MARGIN, 0), max(column - MARGIN, 0)
    seen = dots[top : row + BLOCK + MARGIN, left : column + BLOCK + MARGIN]
    heights = np.clip(seen.astype(np.float64) / 255, 0, None)
    rows, columns = _summits(heights, settings.minimum_amplitude)
    # Summits of the margin are those of other blocks.
    inside = (rows + top >= row) & (rows + top < row + BLOCK)
    inside &= (columns + left >= column) & (columns + left < column + BLOCK)
    found = _fit(heights, rows[inside], columns[inside])
    found = found.keep(found.amplitude >= settings.minimum_amplitude)
    return replace(found, x=found.x + left, y=found.y + top)


def _join(parts: Iterable[AtomPositions]) -> AtomPositions:
    arrays = zip(*(part.arrays().values() for part in (NO_ATOMS, *parts)), strict=True)
    return AtomPositions(*map(np.concatenate, arrays))


def _summits(
    heights: FloatArray, minimum: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    # A little blurred, so that a ragged dot has one summit; the fit sees it unblurred.
    smooth = ndimage.gaussian_filter(heights, 0.7, mode="constant")
    highest = ndimage.maximum_filter(smooth, size=3, mode="constant")
    # A dot of one pixel alone keeps a quarter of its height.
    summits = (smooth == highest) & (smooth > 0.25 * minimum)
    # Plateaus, as of clipped dots, count once.
    labels, number = ndimage.label(summits, np.ones((3, 3)))
    centres = ndimage.center_of_mass(summits, labels, np.arange(1, number + 1))
    places = np.rint(np.reshape(centres, (-1, 2))).astype(np.intp)
    return places[:, 0], places[:, 1]


def _fit(
    heights: FloatArray, row: NDArray[np.intp], column: NDArray[np.intp]
) -> AtomPositions:
    offsets = np.arange(-REACH, REACH + 1)
    down, right = (
        grid.ravel() for grid in np.meshgrid(offsets, offsets, indexing="ij")
    )
    # Beyond the edge there is nothing to fit: weight 0.
    padded = np.pad(heights, REACH)
    values = padded[row[:, None] + down + REACH, column[:, None] + right + REACH]
    logarithm = np.log(np.maximum(values, 1e-3))
    # ln dot = parabola: constant, x, y, x² + y².
    terms = np.stack([np.ones(down.size), right, down, right**2 + down**2], axis=1)
    weights = np.where(values > 1e-3, values, 0.0)
    coefficients = np.zeros((len(row), 4))
    for _ in range(REFINEMENTS):
        weighted = terms.T[None] * (weights**2)[:, None, :]  # (n, 4, pixels)
        # A trace on the diagonal: a dot of two pixels leaves the fit undetermined.
        normal = weighted @ terms + 1e-9 * np.eye(4)
        coefficients = np.linalg.solve(normal, weighted @ logarithm[:, :, None])[..., 0]
        fitted = np.exp(np.clip(coefficients @ terms.T, -20, 2))
        weights = np.where(values > 1e-3, fitted, 0.0)
    # Where the parabola opens upwards, or hardly closes, there is no dot.
    dot = coefficients[:, 3] < -1 / (2 * WIDEST**2)
    constant, in_x, in_y, curvature = coefficients[dot].T
    # As far as the pixels of the fit reach, or the dot is none.
    dx, dy = -in_x / (2 * curvature), -in_y / (2 * curvature)
    top = np.exp(np.minimum(constant - (in_x**2 + in_y**2) / (4 * curvature), 1))
    sigma = np.sqrt(-1 / (2 * curvature))
    found = AtomPositions(column[dot] + dx, row[dot] + dy, top, sigma)
    return found.keep(np.hypot(dx, dy) <= REACH)
