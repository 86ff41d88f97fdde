"""What a real image of a known crystal should look like without noise.

The crystal's columns, as abTEM renders them, are drawn on the lattice that was fitted
to the image's atoms, and moved, widened and scaled as a whole until they agree best
with the image. Only some numbers are adjusted to a whole image, so what is wrong with
single atoms of it (vacancies, foreign atoms) stays a difference between the two.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sfin.columns import FloatArray, ProjectedColumns
from sfin.errors import InputError
from sfin.lattice_fit import LatticeFit
from sfin.lattice_geometry import Placement
from sfin.lattice_match import sites_in_image
from sfin.lattice_start import Motif
from sfin.parameters import Mode
from sfin.pixel_loops import REACH, add_spots

ROUNDS = 8
# Greatest change of the width in a round; step of its numerical derivative.
WIDENING, STEP = 0.2, 0.01
# Factors on the rendered width that can still be those atoms.
NARROWEST, WIDEST = 0.4, 2.0
# Pixels: a lattice this far off explains other atoms than it was fitted to.
FARTHEST = 2.0
# Pixels: patches that are compared one by one; a wrong lattice drifts off its atoms.
PATCH = 64
# Median likeness of the patches. Real images are like their own crystal by 0.86 and
# more, and synthetic ones by 0.77 where noise is 1.5 times as high as atoms; others
# are like them by less, unless they have the same pattern at another pixel size.
LEAST_LIKENESS = 0.7
# Standard deviations of the blur against backgrounds, in those of the atoms.
BACKGROUND = 3.0


@dataclass(frozen=True, eq=False)
class Theory:
    """The image of a crystal without noise, registered with a real image.

    Attributes
    ----------
    contrast
        (rows, columns) of the columns relative to the strongest; 0 between atoms.
    gain, level
        ``gain × contrast + level`` are the real image's grey levels.
    width
        Factor on the rendered widths of the atoms: of the microscope's probe and
        source over ours.
    shift
        (2,) x and y in px by which the fitted lattice was moved.
    correlation
        Between the real image and the contrast.
    likeness
        The same without noise and background, `likeness_of`.
    """

    contrast: NDArray[np.float32]
    gain: float
    level: float
    width: float
    shift: FloatArray
    correlation: float
    likeness: float

    @property
    def grey(self) -> NDArray[np.float32]:
        """Give the theoretical image in the real image's grey levels."""
        return np.float32(self.gain) * self.contrast + np.float32(self.level)


def draw_contrast(
    placement: Placement,
    columns: ProjectedColumns,
    mode: Mode,
    shape: tuple[int, int],
    width: float = 1.0,
) -> NDArray[np.float32]:
    """Draw a crystal's columns where it lies in an image.

    Parameters
    ----------
    placement
        Where it lies.
    columns, mode
        The crystal, and what it is seen with; all columns are drawn, weak ones too.
    shape
        Rows and columns of the image.
    width
        Factor on the standard deviations of the columns.

    Returns
    -------
    ndarray
        Shape (rows, columns); the strongest column is 1 high, −1 in BF.
    """
    crystal = replace(placement, motif=Motif(columns.lattice, columns.positions))
    sigma = columns.sigma[mode] * placement.scale * width
    # Atoms beyond the edge reach into the image.
    keys, places = sites_in_image(crystal, shape, -REACH * float(sigma.max()))
    kind = keys[:, 0]
    contrast = np.zeros(shape, np.float32)
    spots = (*places.T, columns.amplitude[mode][kind], sigma[kind])
    add_spots(contrast, *(values.astype(np.float32) for values in spots))
    return contrast


def register_theory(grey: NDArray[np.floating], fit: LatticeFit) -> Theory:
    """Draw the crystal that was fitted to an image's atoms, and register the two.

    Gauss and Newton's method on shift, width, gain and level (Lucas and Kanade 1981,
    for a whole image).

    Parameters
    ----------
    grey
        The real image (rows, columns).
    fit
        The crystal laid over its atoms, as from `sfin.lattice_fit.fit_lattice`. Its
        bent placement is drawn.

    Raises
    ------
    InputError
        If the image does not look like the crystal: it would have to be moved or
        widened beyond reason, or is still too little like it.
    """
    image = grey.astype(np.float64)
    shift, width = np.zeros(2), 1.0

    def drawn(wide: float) -> NDArray[np.float32]:
        moved = replace(fit.bent_placement, origin=fit.bent_placement.origin + shift)
        return draw_contrast(moved, fit.columns, fit.mode, image.shape, wide)

    for _ in range(ROUNDS):
        contrast = drawn(width).astype(np.float64)
        down, right = np.gradient(contrast)
        wider = (drawn(width + STEP) - contrast) / STEP
        terms = [contrast, np.ones_like(contrast), -right, -down, wider]
        design = np.stack([term.ravel() for term in terms], axis=1)
        solution, *_ = np.linalg.lstsq(design, image.ravel(), rcond=None)
        gain = float(solution[0])
        change = solution[2:] / gain if gain > 0 else np.full(3, np.inf)
        shift = shift + np.clip(change[:2], -1, 1)
        width += float(np.clip(change[2], -WIDENING, WIDENING))
        if gain <= 0 or np.abs(shift).max() > FARTHEST or not _plausible(width):
            raise _unlike(fit)
    final = drawn(width)
    likeness = likeness_of(image, final, _atom_size(fit), fit.positions)
    if not likeness >= LEAST_LIKENESS:
        raise _unlike(fit)
    seen = final.ravel().astype(np.float64), image.ravel()
    scale, level = np.polyfit(*seen, 1)
    correlation = float(np.corrcoef(*seen)[0, 1])
    return Theory(
        final, float(scale), float(level), width, shift, correlation, likeness
    )


def likeness_of(
    image: NDArray[np.floating],
    contrast: NDArray[np.floating],
    sigma: float,
    positions: FloatArray,
) -> float:
    """Correlate an image with a theoretical one, patch by patch; give the median.

    Both are blurred as wide as atoms first, against noise, and lose what is wider
    than some of them, as background.

    Parameters
    ----------
    image, contrast
        (rows, columns).
    sigma
        Standard deviation of the atoms, in px.
    positions
        (n, 2) x and y of the atoms, in px. Patches without any do not count: a
        particle may lie in vacuum.
    """
    flat = [
        gaussian_filter(each.astype(np.float64), sigma)
        - gaussian_filter(each.astype(np.float64), BACKGROUND * sigma)
        for each in (image, contrast)
    ]
    edges = [min(PATCH, side) for side in image.shape]
    rows, columns = (np.maximum(positions[:, axis], 0) // PATCH for axis in (1, 0))
    values = []
    for row, column in {*zip(rows.astype(int), columns.astype(int), strict=True)}:
        top, left = (
            min(number * PATCH, side - edge)
            for number, side, edge in zip(
                (row, column), image.shape, edges, strict=True
            )
        )
        seen, expected = (
            each[top : top + edges[0], left : left + edges[1]].ravel() for each in flat
        )
        # Where nothing varies nothing is alike.
        varied = np.ptp(seen) > 0 and np.ptp(expected) > 0
        values.append(np.corrcoef(seen, expected)[0, 1] if varied else 0.0)
    return float(np.median(values))


def _atom_size(fit: LatticeFit) -> float:
    return float(np.median(fit.columns.sigma[fit.mode]) * fit.placement.scale)


def _unlike(fit: LatticeFit) -> InputError:
    return InputError(
        f"The image does not look like {fit.columns.structure} as {fit.mode.upper()} "
        "shows it: check the structure, its zone axis, and the mode."
    )


def _plausible(width: float) -> bool:
    return NARROWEST < width < WIDEST
