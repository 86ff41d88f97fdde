"""Classical finders of atoms: what the networks have to beat.

Each gets what a microscopist has, the noisy image and its mode, and estimates the
rest in it. Their settings are chosen on training pairs (`tune_finder`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_laplace
from skimage.feature import peak_local_max

from sfin.atom_matching import MatchCounts, Matching, match_atoms, total
from sfin.atom_scale import estimate_sigma, inside_image
from sfin.atomap_finder import AtomapFinder, find_by_atomap
from sfin.background_removal import upright
from sfin.bm3d_filter import noise_spectrum
from sfin.column_loops import apart
from sfin.errors import InputError
from sfin.gaussian_fits import FitSettings, GaussianSpots, fit_gaussians
from sfin.optional_methods import require
from sfin.parameters import Mode
from sfin.rivals import combinations

FloatArray = NDArray[np.float64]
FloatImage = NDArray[np.floating]
Positions = tuple[FloatArray, FloatArray]
# Grey levels (rows, columns) in, x and y of the atoms in pixels out.
Finder = Callable[[FloatImage], Positions]
FINDERS = ("laplacian", "atomap")


@dataclass(frozen=True)
class LaplacianFinder:
    """Laplacian of Gaussian and Gaussian fits.

    Attributes
    ----------
    scale
        Standard deviation of the filter, in those of the atoms as estimated in the
        image.
    noise_threshold
        Least response, in standard deviations of the response to the noise alone.
    relative_threshold
        Least response, relative to that of the bright atoms of the image.
    distance
        Least distance of two peaks, in standard deviations of the atoms.
    fit
        How Gaussians are fitted.
    """

    scale: float = 0.8
    noise_threshold: float = 2.0
    relative_threshold: float = 0.2
    distance: float = 1.8
    fit: FitSettings = field(default_factory=FitSettings)


def find_by_laplacian(
    image: FloatImage, mode: Mode, settings: LaplacianFinder
) -> GaussianSpots:
    """Find atoms as the peaks of a Laplacian of Gaussian; fit a Gaussian to each.

    Parameters
    ----------
    image
        Grey levels (rows, columns), fast scan along the rows, as recorded.
    mode
        Whether atoms are bright or dark.
    settings
        Scale, thresholds and fit.

    Returns
    -------
    GaussianSpots
        Positions in pixels, brightest first; none where all is noise.
    """
    bright = np.asarray(upright(image, mode), dtype=np.float64)
    sigma = estimate_sigma(bright)
    width = settings.scale * sigma
    # So that a Gaussian atom of that size answers with its own height.
    gain = (sigma**2 + width**2) ** 2 / (2 * sigma**2)
    response = -gain * gaussian_laplace(bright, width)
    distance = settings.distance * sigma
    peaks = peak_local_max(  # type: ignore[no-untyped-call]
        response,
        min_distance=max(round(0.7 * distance), 1),
        threshold_abs=settings.noise_threshold * _response_noise(bright, width, gain),
        exclude_border=False,
        p_norm=2,
    )
    heights = response[tuple(peaks.T)]
    if heights.size:
        # Noise has peaks too, and some atoms are two: neither mean nor maximum.
        high = heights[heights >= np.percentile(heights, 98) / 2]
        keep = heights >= settings.relative_threshold * float(np.median(high))
        peaks, heights = peaks[keep], heights[keep]
    y, x = peaks.T.astype(np.float64)
    start = GaussianSpots(x, y, heights, np.full(x.size, sigma))
    spots = fit_gaussians(bright, start, settings.fit)
    order = np.argsort(-heights, kind="stable")
    places = np.column_stack([spots.x, spots.y])[order]
    kept = order[apart(places, 0.7 * distance, 0)]
    inside = inside_image(spots.x[kept], spots.y[kept], bright.shape)
    return _chosen(spots, kept[inside])


def finder(method: str, mode: Mode, values: Mapping[str, Any]) -> Finder:
    """Make the function by which a classical method finds atoms.

    Parameters
    ----------
    method
        ``laplacian`` or ``atomap``.
    mode
        Whether atoms are bright or dark.
    values
        Settings that differ from the default; those of the fit by ``fit.name``.

    Raises
    ------
    InputError
        If there is no such method or setting, or its package is not installed.
    """
    if method == "laplacian":
        settings = _with_values(LaplacianFinder(), values, method)

        def find(image: FloatImage) -> Positions:
            spots = find_by_laplacian(image, mode, settings)
            return spots.x, spots.y

        return find
    if method == "atomap":
        require(method)
        peer = _with_values(AtomapFinder(), values, method)
        return lambda image: find_by_atomap(image, mode, peer)
    raise InputError(
        f"There is no finder {method!r}; choose from {', '.join(FINDERS)}."
    )


@dataclass(frozen=True)
class TrueAtoms:
    """An image and where its atoms are, in pixels, with the radius of a match."""

    image: FloatImage
    x: FloatArray
    y: FloatArray
    radius: float
    frame: float = 0.0

    def match(self, found: Positions) -> Matching:
        """Match what was found in the image to its atoms."""
        rows, columns = self.image.shape
        true = (self.x, self.y)
        return match_atoms(found, true, self.radius, (rows, columns), self.frame)


def tune_finder(
    method: str,
    mode: Mode,
    images: Sequence[TrueAtoms],
    candidates: Mapping[str, Sequence[Any]],
) -> dict[str, Any]:
    """Choose the settings of a finder on training images.

    One setting after the other, in their order, the others as chosen so far: by F1,
    and of equals (to three digits) by the error of the positions.

    Parameters
    ----------
    method, mode
        As of `finder`.
    images
        Training images; never test images.
    candidates
        Values to choose from, by setting; several settings that are chosen together
        are joined by commas, and their values are lists.
    """
    chosen: dict[str, Any] = {}
    for names, values in candidates.items():
        split = [name.strip() for name in names.split(",")]
        lists = values if len(split) > 1 else [values]
        options = combinations(dict(zip(split, lists, strict=True)))
        scores = [
            _score(finder(method, mode, chosen | option), images) for option in options
        ]
        best = max(
            range(len(options)),
            key=lambda n: (
                round(scores[n].f1, 3),
                -np.nan_to_num(scores[n].rms_error, nan=np.inf),
            ),
        )
        chosen |= options[best]
    return chosen


def _score(find: Finder, images: Sequence[TrueAtoms]) -> MatchCounts:
    return total(image.match(find(image.image)).counts for image in images)


def _with_values(settings: Any, values: Mapping[str, Any], method: str) -> Any:
    changed = settings
    for name, value in values.items():
        part, _, inner = name.partition(".")
        known = [setting.name for setting in fields(changed)]
        if part not in known:
            raise InputError(
                f"{method} has no setting {name!r}; choose from {', '.join(known)}."
            )
        if inner:
            value = _with_values(getattr(changed, part), {inner: value}, name)
        changed = replace(changed, **{part: value})
    return changed


def _response_noise(bright: FloatImage, width: float, gain: float) -> float:
    """Give the standard deviation of the filter's response to the noise alone."""
    rows, columns = bright.shape
    down, right = (2 * np.pi * np.fft.fftfreq(size) for size in (rows, columns))
    square = down[:, None] ** 2 + right**2
    transfer = gain * square * np.exp(-square * width**2 / 2)
    return float(np.sqrt((transfer**2 * noise_spectrum(bright)).mean()))


def _chosen(spots: GaussianSpots, order: NDArray[np.intp]) -> GaussianSpots:
    return GaussianSpots(
        *(getattr(spots, setting.name)[order] for setting in fields(spots))
    )
