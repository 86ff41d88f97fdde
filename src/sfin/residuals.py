"""Whether an enhanced image lost atoms of its input, or invented some."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from sfin.errors import InputError
from sfin.parameters import Mode
from sfin.spectra import power_spectrum
from sfin.whiteness import noise_power

FloatImage = NDArray[np.floating]
# Median of |x| of a normal distribution, in standard deviations.
MEDIAN_DEVIATION = 0.6745
# Of `_matched` at the top of a Gaussian of height 1: two Gaussians in a row are one
# whose variance is the sum.
GAUSSIAN_RESPONSE = 1 / (1 + 1) - 1 / (1 + 4)


@dataclass(frozen=True)
class ResidualSettings:
    """Settings of the residual and of the test of each atom.

    Attributes
    ----------
    background_width
        Standard deviation in pixels of the Gaussian that tells background from
        atoms. Wider than half the distance of atoms, narrower than the background's
        changes.
    spot_power
        A frequency of the input is a lattice spot if its power is this many times
        the median of its ring. Noise reaches 20 once in a million.
    minimum_height
        Maxima of the enhanced image below this share of its highest atoms are no
        atoms.
    minimum_support
        Signal-to-noise ratio below which the input does not support an atom. At 5,
        2 in 1000 atoms that are there are flagged, and 19 in 20 that are planted into
        the enhanced image (docs/inference.md).
    minimum_loss
        Signal-to-noise ratio from which the residual holds an atom that the enhanced
        image lacks. Noise stays below 8, the brightest atoms of an image, erased,
        reach 14 to 30 (docs/trust.md).
    """

    background_width: float = 20.0
    spot_power: float = 20.0
    minimum_height: float = 0.1
    minimum_support: float = 5.0
    minimum_loss: float = 9.0


@dataclass(frozen=True)
class Residual:
    """The input without what the enhanced image explains, and its statistics.

    Attributes
    ----------
    image
        Grey levels of the input, float32 (rows, columns).
    gain
        Grey levels of the input per grey level of the enhanced image.
    background
        Mean of input − gain × enhanced image; the residual itself has mean 0.
    deviation, skewness
        Of the residual's pixels.
    row_correlation, column_correlation
        Of neighbouring pixels along the rows (the fast scan, where noise correlates)
        and along the columns (where it should not).
    spots
        Number of frequencies that are lattice spots of the input.
    spot_power
        Share of the residual's power at these spots.
    spot_noise
        The share that noise alone has there, by the highest vertical frequencies
        (`sfin.whiteness`). What `spot_power` is beyond is structure: atoms lost, or of
        another brightness, or interference of the scan, which is not told apart here.
    """

    image: NDArray[np.float32]
    gain: float
    background: float
    deviation: float
    skewness: float
    row_correlation: float
    column_correlation: float
    spots: int
    spot_power: float
    spot_noise: float


@dataclass(frozen=True)
class Atoms:
    """Atoms of an enhanced image, arrays of one entry each.

    Attributes
    ----------
    row, column
        Pixel.
    height
        Above the ground of the enhanced image, in its grey levels.
    support
        Signal-to-noise ratio of the atom in the input.
    supported
        Whether that is enough.
    sigma
        Standard deviation in pixels of the Gaussian that stands for all atoms.
    """

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    height: NDArray[np.float64]
    support: NDArray[np.float64]
    supported: NDArray[np.bool_]
    sigma: float


def residual(
    noisy: FloatImage, enhanced: FloatImage, settings: ResidualSettings
) -> Residual:
    """Take from an image what its enhanced image explains.

    The networks remove the background and stretch the contrast of atoms, so that
    input − output is mostly these two. Both are taken out first: from input and
    output everything smoother than `background_width`, and the output gets the gain
    that leaves the least squares. What remains should be noise.

    Parameters
    ----------
    noisy, enhanced
        Grey levels (rows, columns).

    Raises
    ------
    InputError
        If the two images differ in shape or are smaller than 32 × 32.
    """
    if noisy.shape != enhanced.shape or min(noisy.shape) < 32:
        raise InputError(
            f"An image of shape {noisy.shape} and an enhanced image of shape "
            f"{enhanced.shape} have no residual: give two of one shape, at least "
            "32 × 32."
        )
    image, model = (
        _without_background(grey, settings.background_width)
        for grey in (noisy, enhanced)
    )
    power = float(np.vdot(model, model))
    gain = float(np.vdot(model, image)) / power if power else 0.0
    left = image - np.float32(gain) * model
    spots = _lattice_spots(image, settings.spot_power)
    spectrum = power_spectrum(left)
    total = float(spectrum.sum()) or 1.0
    noise = np.broadcast_to(noise_power(spectrum), spectrum.shape)
    return Residual(
        image=left,
        gain=gain,
        background=float(noisy.mean(dtype=np.float64))
        - gain * float(enhanced.mean(dtype=np.float64)),
        deviation=float(left.std(dtype=np.float64)),
        skewness=float(stats.skew(left, axis=None)),
        row_correlation=_neighbour_correlation(left),
        column_correlation=_neighbour_correlation(left.T),
        spots=int(spots.sum()),
        spot_power=float(spectrum[spots].sum()) / total,
        spot_noise=float(noise[spots].sum()) / total,
    )


def find_atoms(
    enhanced: FloatImage, left: Residual, mode: Mode, settings: ResidualSettings
) -> Atoms:
    """Find the atoms of an enhanced image and test each against the input.

    An atom's support is the matched filter's signal-to-noise ratio of the atom in
    the input less all other atoms: its own response in the enhanced image, in the
    input's grey levels, plus the response of the residual there, over the standard
    deviation of the residual's responses everywhere. An atom that the input does not
    have leaves a hole of its own depth in the residual, and the two cancel.

    Parameters
    ----------
    enhanced
        Grey levels (rows, columns).
    left
        Its residual.
    mode
        Whether atoms are bright (haadf) or dark (bf).
    """
    bright = enhanced if mode == "haadf" else 255 - enhanced
    sign = 1.0 if mode == "haadf" else -1.0
    smooth = ndimage.gaussian_filter(bright.astype(np.float64), 1.0)
    peak = ndimage.maximum_filter(smooth, 3) == smooth
    peak[[0, -1], :] = peak[:, [0, -1]] = False
    highest = float(np.percentile(smooth[peak], 90)) if peak.any() else 0.0
    peak &= smooth > settings.minimum_height * max(highest, 1.0)
    row, column = np.nonzero(peak)
    height = smooth[row, column]
    sigma = _atom_size(smooth, row, column)
    response = sign * _matched(left.image, sigma)
    # The median resists the atoms that are lost or invented.
    noise = float(np.median(np.abs(response))) / MEDIAN_DEVIATION
    own = left.gain * height * GAUSSIAN_RESPONSE
    support = (own + response[row, column]) / max(noise, np.finfo(np.float32).tiny)
    return Atoms(
        row, column, height, support, support >= settings.minimum_support, sigma
    )


def find_lost_atoms(
    left: Residual, sigma: float, mode: Mode, settings: ResidualSettings
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find what looks like an atom in the residual.

    The enhanced image lacks it, or draws it far too faint.

    Parameters
    ----------
    left
        The residual.
    sigma
        Standard deviation of the atoms in pixels, as `find_atoms` gives it.
    mode
        Whether atoms are bright or dark.

    Returns
    -------
    row, column
        Pixels, arrays of one entry each.
    """
    response = (1.0 if mode == "haadf" else -1.0) * _matched(left.image, sigma)
    noise = float(np.median(np.abs(response))) / MEDIAN_DEVIATION
    least = settings.minimum_loss * np.maximum(noise, np.finfo(np.float32).tiny)
    peak = ndimage.maximum_filter(response, 2 * round(sigma) + 1) == response
    peak &= response > least
    row, column = np.nonzero(peak)
    return row, column


def _without_background(image: FloatImage, width: float) -> NDArray[np.float32]:
    grey = image.astype(np.float32)
    return np.asarray(grey - ndimage.gaussian_filter(grey, width), np.float32)


def _neighbour_correlation(image: FloatImage) -> float:
    variance = float(np.mean(image**2, dtype=np.float64))
    product = float(np.mean(image[:, :-1] * image[:, 1:], dtype=np.float64))
    return product / variance if variance else 0.0


def _lattice_spots(image: FloatImage, threshold: float) -> NDArray[np.bool_]:
    # Of power spectra with zero frequency in the middle.
    power = power_spectrum(image)
    return np.asarray(power > threshold * np.maximum(_ring_median(power), 1e-12))


def _ring_median(power: NDArray[np.float64]) -> NDArray[np.float64]:
    # On rings of eight frequency samples, so that spots do not lift it, interpolated.
    rows, columns = power.shape
    down = (np.arange(rows) - rows // 2) / rows
    right = (np.arange(columns) - columns // 2) / columns
    radius = np.hypot(down[:, None], right) * min(power.shape)
    ring = (radius / 8).astype(np.intp)
    rings = np.arange(ring.max() + 1)
    median = ndimage.median(power, ring, rings)
    return np.asarray(np.interp(radius, 8 * rings + 4, median))


def _atom_size(
    image: NDArray[np.float64], row: NDArray[np.intp], column: NDArray[np.intp]
) -> float:
    # σ² = −2 height / Laplacian at the top of a Gaussian; the median of all atoms.
    if not row.size:
        return 1.0
    curvature = -ndimage.laplace(image)[row, column]
    curved = curvature > 0
    if not curved.any():
        return 1.0
    squares = 2 * image[row, column][curved] / curvature[curved]
    # The image was smoothed by one pixel before.
    return float(np.sqrt(max(np.median(squares) - 1.0, 1.0)))


def _matched(image: FloatImage, sigma: float) -> NDArray[np.float64]:
    # The atom less its surroundings: what is smooth has no response.
    grey = image.astype(np.float64)
    wide = ndimage.gaussian_filter(grey, 2 * sigma)
    return np.asarray(ndimage.gaussian_filter(grey, sigma) - wide)
