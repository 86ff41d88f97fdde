"""What counts as an atom in any image: one finder for truth and for every method.

Unlike `sfin.peak_finders`, it estimates nothing in the image: the size of the atoms,
their height and the threshold are given, so that all methods are read alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_laplace, maximum_filter

from sfin.atom_matching import match_atoms
from sfin.background_removal import upright
from sfin.column_loops import apart
from sfin.detection_settings import MatchSettings
from sfin.errors import InputError
from sfin.metrics import DATA_RANGE
from sfin.parameters import Mode

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# Of the grey levels of a clean image: a method whose atoms are fainter draws none.
LEAST_SCALE = 1 / DATA_RANGE


@dataclass(frozen=True)
class PeakSettings:
    """What a peak must be to count as an atom.

    Attributes
    ----------
    width
        Standard deviation of the filter, in those of the atoms.
    least_height
        Of the height of a lone brightest atom. True atoms are asked for that have
        twice that in the noiseless image.
    """

    width: float = 0.8
    least_height: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a threshold that no true atom stands out from."""
        if not 0 < self.least_height < 0.5:
            raise InputError(
                f"inventions.peaks.least_height is {self.least_height}: give more than "
                "0 and less than 0.5, since true atoms must have twice that."
            )


@dataclass(frozen=True, eq=False)
class TrueAtoms:
    """What an image should show, all arrays of shape (n,).

    Attributes
    ----------
    x, y
        Pixels. All visible columns, and what else is a peak of the noiseless image.
    asked
        Whether it stands out enough to be asked for.
    sigma
        Standard deviation of the atoms, in pixels: their median.
    radius
        Greatest distance of a match, in pixels.
    frame
        Pixels at the edges where nothing counts.
    """

    x: FloatArray
    y: FloatArray
    asked: BoolArray
    sigma: float
    radius: float
    frame: float


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a method makes of an image, without its frame.

    Attributes
    ----------
    x, y, invented
        Peaks of the method's image that count as atoms, in pixels, and whether there
        is no true atom; those in the frame are not invented.
    asked, lost
        Of the true atoms, those that are asked for, and those of them without a peak.
    shown
        How many peaks there are.
    """

    x: FloatArray
    y: FloatArray
    invented: BoolArray
    asked: BoolArray
    lost: BoolArray
    shown: int

    def invented_near(self, place: tuple[float, float], radius: float) -> bool:
        """Tell whether an atom was invented at a place."""
        near = np.hypot(self.x - place[0], self.y - place[1]) <= radius
        return bool((near & self.invented).any())


def response(
    image: NDArray[np.floating], mode: Mode, sigma: float, settings: PeakSettings
) -> FloatArray:
    """Filter an image so that atoms answer with their height, and background with 0.

    A Laplacian of Gaussian; a lone Gaussian of `sigma` answers with its own height.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    mode
        Whether atoms are bright or dark.
    sigma
        Of the atoms, in pixels.
    settings
        Width of the filter.
    """
    width = settings.width * sigma
    gain = (sigma**2 + width**2) ** 2 / (2 * sigma**2)
    bright = upright(image, mode).astype(np.float64)
    answer: FloatArray = -gain * gaussian_laplace(bright, width)
    return answer


def peaks(
    answer: FloatArray, least: float, distance: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Find the peaks of a response that reach `least`, the highest first.

    Returns
    -------
    x, y, height
        Of shape (n,); x and y to a fraction of a pixel, by a parabola through three.
    """
    highest = (answer == maximum_filter(answer, 3, mode="nearest")) & (answer >= least)
    row, column = np.nonzero(highest)
    height = answer[row, column]
    padded = np.pad(answer, 1, mode="edge")
    y = row + _vertex(padded[row, column + 1], height, padded[row + 2, column + 1])
    x = column + _vertex(padded[row + 1, column], height, padded[row + 1, column + 2])
    order = np.argsort(-height, kind="stable")
    order = order[apart(np.column_stack([x, y])[order], distance, 0)]
    return x[order], y[order], height[order]


def true_atoms(
    columns: tuple[FloatArray, FloatArray],
    clean: NDArray[np.floating],
    sigma: float,
    pixel_size: float,
    settings: PeakSettings,
    match: MatchSettings,
) -> TrueAtoms:
    """Say what an image of known columns should show.

    Parameters
    ----------
    columns
        x and y of all visible columns, in pixels.
    clean
        The noiseless image without background, atoms bright, 0 to 255.
    sigma
        Of the atoms, in pixels.
    pixel_size
        Å.
    settings, match
        What counts as an atom, and as the same atom.
    """
    radius = match.radius / pixel_size
    answer = response(clean, "haadf", sigma, settings) / DATA_RANGE
    found = peaks(answer, settings.least_height, radius)
    matching = match_atoms(found[:2], columns, radius)
    asked = np.zeros(columns[0].size, np.bool_)
    strong = found[2][matching.found] >= 2 * settings.least_height
    asked[matching.true] = strong
    # Two columns that are seen as one spot: whoever shows that spot invents nothing.
    other = matching.invented
    x, y = (
        np.concatenate([np.asarray(places, np.float64), seen[other]])
        for places, seen in zip(columns, found[:2], strict=True)
    )
    asked = np.concatenate([asked, np.zeros(int(other.sum()), np.bool_)])
    return TrueAtoms(x, y, asked, sigma, radius, match.frame)


def scale_of_atoms(
    restored: NDArray[np.floating],
    clean: NDArray[np.floating],
    true: TrueAtoms,
    mode: Mode,
    settings: PeakSettings,
) -> FloatArray:
    """Measure how high a method draws the atoms of an image, relative to the clean one.

    Parameters
    ----------
    restored
        What the method returns, grey levels (rows, columns).
    clean
        As for `true_atoms`.
    true
        What is to be seen.
    mode, settings
        As for `response`.

    Returns
    -------
    array
        Of each atom that is asked for: its answer in units of that in the clean image.
    """
    rows, columns = (
        np.rint(places[true.asked]).astype(np.intp).clip(0, size - 1)
        for places, size in zip((true.y, true.x), clean.shape, strict=True)
    )
    drawn, wanted = (
        response(image, kind, true.sigma, settings)[rows, columns]
        for image, kind in ((restored, mode), (clean, "haadf"))
    )
    ratio: FloatArray = drawn / np.maximum(wanted, settings.least_height * DATA_RANGE)
    return ratio


def judge_atoms(
    restored: NDArray[np.floating],
    true: TrueAtoms,
    mode: Mode,
    scale: float,
    settings: PeakSettings,
) -> Verdict:
    """Compare the atoms that a method shows with those that are there.

    Parameters
    ----------
    restored
        What the method returns, grey levels (rows, columns).
    true
        What is there.
    mode
        Whether atoms are bright or dark.
    scale
        Of the method: the median of `scale_of_atoms` over its test images.
    settings
        What counts as an atom.
    """
    none = (np.zeros(0),) * 3
    shape = (restored.shape[0], restored.shape[1])
    found = none
    if scale > LEAST_SCALE:
        answer = response(restored, mode, true.sigma, settings) / (DATA_RANGE * scale)
        found = peaks(answer, settings.least_height, true.radius)
    x, y, _ = found
    matching = match_atoms((x, y), (true.x, true.y), true.radius, shape, true.frame)
    inside = matching.missed.copy()
    inside[matching.true[matching.counted]] = True
    return Verdict(
        x,
        y,
        matching.invented,
        asked=inside & true.asked,
        lost=matching.missed & true.asked,
        shown=matching.counts.matched + matching.counts.invented,
    )


def _vertex(before: FloatArray, top: FloatArray, after: FloatArray) -> FloatArray:
    curvature = before - 2 * top + after
    shift = (before - after) / (2 * np.where(curvature < 0, curvature, -np.inf))
    result: FloatArray = shift.clip(-0.5, 0.5)
    return result
