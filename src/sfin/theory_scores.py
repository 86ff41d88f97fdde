"""How good an enhanced real image is, where theory says what it should look like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.figures.comparison import brightness_match
from sfin.gaussian_fits import FitSettings, GaussianSpots, fit_gaussians
from sfin.lattice_fit import LatticeFit
from sfin.lattice_match import sites_in_image
from sfin.lattice_start import FloatArray
from sfin.metrics import DATA_RANGE, psnr, ssim
from sfin.theory import Theory

# Of the range of the theoretical image: on an atom, and between atoms.
ON_ATOM, BETWEEN = 0.7, 0.05
PICOMETRES = 100.0  # in one Å
# Of the strongest: columns whose places are measured.
LEAST_AMPLITUDE = 0.3


@dataclass(frozen=True)
class TheoryScore:
    """How an image compares with the theoretical one; all but `columns` are floats.

    Attributes
    ----------
    psnr, ssim
        dB and at most 1, against the theoretical image from 0 to 255, once the
        image's grey levels have been scaled and shifted for the least squared error.
    contrast_to_noise
        Difference of the mean grey levels on atoms and between them, in standard
        deviations of the latter. On and between are where the theoretical image is in
        the upper 30 % and in the lowest 5 % of its range: where atoms overlap, as in
        BF, it is nowhere empty.
    along_pm, across_pm
        Spread of the vectors between neighbouring columns of one kind, in pm along and
        across the fast scan: standard deviation from what the fitted lattice says. Of
        two columns' errors, so √2 times the error of one that knows no neighbour.
    columns
        How many columns it was measured on.
    """

    psnr: float
    ssim: float
    contrast_to_noise: float
    along_pm: float
    across_pm: float
    columns: int


def score_against_theory(
    image: NDArray[np.floating], theory: Theory, fit: LatticeFit
) -> TheoryScore:
    """Compare an image, raw or enhanced, with the theoretical one.

    A method is rewarded for what the crystal explains alone: one that draws a perfect
    lattice over a defect scores better than one that shows it. See the residuals.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    theory, fit
        Registered with the raw image.
    """
    reference = normalised(theory)
    contrast = np.abs(theory.contrast.astype(np.float64))
    height = (contrast - contrast.min()) / max(float(np.ptp(contrast)), 1e-9)
    grey = image.astype(np.float64)
    on, between = grey[height > ON_ATOM], grey[height < BETWEEN]
    matched = match_grey_levels(image, reference).clip(0, DATA_RANGE)
    along, across, columns = lattice_precision(image, theory, fit)
    picometres = fit.placement.pixel_size * PICOMETRES
    return TheoryScore(
        psnr=psnr(matched, reference),
        ssim=ssim(matched, reference),
        contrast_to_noise=_contrast_to_noise(on, between),
        along_pm=along * picometres,
        across_pm=across * picometres,
        columns=columns,
    )


def _contrast_to_noise(on: FloatArray, between: FloatArray) -> float:
    # An image that a method made flat there has no noise to count in.
    if not (on.size and between.size and between.std() > 0):
        return np.nan
    return float(abs(on.mean() - between.mean()) / between.std())


def normalised(theory: Theory) -> FloatArray:
    """Give the theoretical image as synthetic clean images are: 0 to 255."""
    contrast = theory.contrast.astype(np.float64)
    lowest = min(float(contrast.min()), 0.0)
    return DATA_RANGE * (contrast - lowest) / max(float(contrast.max()) - lowest, 1e-9)


def match_grey_levels(image: NDArray[np.floating], reference: FloatArray) -> FloatArray:
    """Scale and shift an image's grey levels for the least squared difference."""
    seen = image.astype(np.float64)
    gain, offset = brightness_match(seen, reference)
    return gain * seen + offset


def lattice_precision(
    image: NDArray[np.floating], theory: Theory, fit: LatticeFit
) -> tuple[float, float, int]:
    """Measure how evenly the columns of an image lie on their lattice.

    Gaussians are fitted to all columns of the theoretical image, in the image that is
    given. Distortions that neighbours share, such as drift, do not count.

    Returns
    -------
    along, across
        Standard deviation of the vectors between neighbouring columns of one kind from
        those of the fitted lattice, in px along and across the fast scan.
    columns
        Number of columns whose fit did not run away.
    """
    strength = np.abs(fit.columns.amplitude[fit.mode])[fit.visible]
    sigma = fit.columns.sigma[fit.mode][fit.visible] * fit.placement.scale
    sigma = sigma * theory.width
    keys, places = sites_in_image(
        fit.bent_placement, theory.contrast.shape, 2 * float(sigma.max())
    )
    strong = strength[keys[:, 0]] >= LEAST_AMPLITUDE * strength.max()
    keys, places = keys[strong], places[strong] + theory.shift
    sign = -1.0 if fit.mode == "bf" else 1.0
    matched = sign * match_grey_levels(image, normalised(theory))
    kind = keys[:, 0]
    x, y = places.T
    start = GaussianSpots(x, y, DATA_RANGE * strength[kind], sigma[kind])
    found = fit_gaussians(matched, start, FitSettings())
    moved = np.stack([found.x, found.y], axis=1) - places
    # A fit that ran away was put back to its start, which is perfect.
    settled = (moved != 0).any(axis=1)
    spread = _spread_between_neighbours(keys[settled], moved[settled])
    return *spread, int(settled.sum())


def _spread_between_neighbours(
    keys: NDArray[np.int64], moved: FloatArray
) -> tuple[float, float]:
    # Differences to the same column in the next cell along both vectors of the cell.
    places = {tuple(key): number for number, key in enumerate(keys.tolist())}
    differences = []
    for step in ((0, 1, 0), (0, 0, 1)):
        others = [places.get(tuple(key), -1) for key in (keys + step).tolist()]
        other = np.array(others, np.int64)
        differences.append((moved[other] - moved)[other >= 0])
    spread = np.concatenate(differences)
    if not len(spread):
        return np.nan, np.nan
    along, across = np.sqrt((spread**2).mean(axis=0))
    return float(along), float(across)
