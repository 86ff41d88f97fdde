"""An estimator of the noise of a patch that corrects for its own filters.

The paper's estimator takes blurred images apart, and what its blurs let through
distorts it: pointwise noise enters the scan noise, small atoms enter both. This
one uses what sets noise apart from atoms: **rows are recorded one after the
other, so noise of neighbouring rows is independent, while atoms go through many
rows.** Differences of fifth order between rows keep the noise, all of it, and
lose the atoms. Within a row of differences, scan noise is smooth and pointwise
noise is white, so the covariance of neighbouring pixels is that of the scan noise
alone. Both are binned by gradient and grey level of a denoised image.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from sfin.brightness import brightness
from sfin.calibration_settings import CalibrationSettings
from sfin.noise_curves import Bins, require_contrast, sobel_magnitude
from sfin.parameters import Mode, NoiseParameters
from sfin.tukey_lambda import l_kurtosis, shape_of_l_kurtosis

FloatArray = NDArray[np.floating]

# Fifth differences between six rows, of unit energy: white noise keeps its
# variance, and an atom of standard deviation 3 pixels loses 99.9 % of its power.
DIFFERENCE = np.array([1, -5, 10, -10, 5, -1], np.float32) / np.sqrt(np.float32(252))
# The median of a squared standard normal variable.
MEDIAN_SQUARE = 0.45494
# L-kurtosis of the normal distribution.
NORMAL = 0.12260172
# Parts of a patch that are left out in turn to find standard errors.
PARTS = 16


@dataclass(frozen=True)
class Estimate:
    """Noise of a patch and the standard error of each parameter."""

    parameters: NoiseParameters
    standard_errors: NoiseParameters


def estimate(
    patch: NDArray[np.floating], mode: Mode, settings: CalibrationSettings
) -> Estimate:
    """Estimate the seven noise parameters of one patch.

    Parameters
    ----------
    patch
        Grey levels (0–255), shape (rows, columns), fast scan along the rows.
    mode
        Whether atoms are bright or dark.
    settings
        Constants of the method.

    Raises
    ------
    InputError
        If the patch has too little contrast.
    """
    grey = np.asarray(patch, dtype=np.float32)
    smooth, error, lost = denoise(grey, settings)
    total, scan = local_variances(grey)
    margin = settings.margin
    inside = (slice(margin, -margin or None),) * 2
    total, scan = total[inside], scan[inside]
    # Differences span six rows; products begin in all columns but the last two.
    steepness = _between_rows(sobel_magnitude(smooth)[:, :-2] ** 2)[inside]
    gradient = np.sqrt(np.maximum(steepness - lost.noise, 0) * lost.factor)
    level = _between_rows(smooth[:, :-2])[inside]
    part = _parts(total.shape)
    share = settings.minimum_bin_fraction
    scan_line = _line(
        Bins(gradient, settings.gradient_bin_width, share, part), scan, total
    )
    pointwise_line = _line(
        Bins(level, settings.grey_bin_width, share, part), total - scan, total
    )
    shape, shape_error = _shape(grey, smooth, pointwise_line[0], settings)
    atoms, background = brightness(smooth, mode, settings)
    return Estimate(
        NoiseParameters(atoms, background, *scan_line[0], *pointwise_line[0], shape),
        NoiseParameters(
            # A difference of two denoised pixels, and one of them.
            np.sqrt(2) * error,
            error,
            *scan_line[1],
            *pointwise_line[1],
            shape_error,
        ),
    )


@dataclass(frozen=True)
class GradientCorrection:
    """What denoising does to squared gradients, on average.

    Attributes
    ----------
    noise
        Squared gradient that the noise left in the image adds.
    factor
        By how much that of the atoms has fallen.
    """

    noise: float
    factor: float


def denoise(
    grey: FloatArray, settings: CalibrationSettings
) -> tuple[FloatArray, float, GradientCorrection]:
    """Remove noise by a Wiener filter whose noise power is read off the patch.

    The noise of independent rows has the same power at all vertical
    frequencies, and at the high ones there is nothing but noise. The filter
    works on cosines, which need no periodic patch.

    Returns
    -------
    smooth, error, correction
        Grey levels (rows, columns), the standard deviation of the noise that is
        left in them, and how to correct their gradients.
    """
    mean = grey.mean()
    require_contrast(bool(np.ptp(grey) > 0))
    spectrum = dctn(grey - mean, norm="ortho")
    power = spectrum**2
    high = power[int(0.7 * len(grey)) :]
    noise = gaussian_filter(np.median(high, axis=0), 3.0, mode="nearest")
    noise = noise / MEDIAN_SQUARE
    local = gaussian_filter(power, settings.spectrum_blur)
    gain = np.clip(1 - settings.wiener_strength * noise / local, 0, 1)
    smooth: FloatArray = idctn(spectrum * gain, norm="ortho") + mean
    left = gain**2 * noise
    sobel = _sobel_response(grey.shape)
    # Where the gain is low the power may be a chance of the noise, not atoms.
    atoms = (gain > 0.5) * (power - noise) * sobel
    factor = float(np.sum(atoms) / max(np.sum(gain**2 * atoms), 1e-9))
    correction = GradientCorrection(float(np.mean(left * sobel)), max(factor, 1.0))
    return smooth, float(np.sqrt(np.mean(left))), correction


@lru_cache(maxsize=4)
def _sobel_response(shape: tuple[int, ...]) -> FloatArray:
    """Give the squared response of the two Sobel operators to each cosine."""
    down, across = (np.pi * np.arange(size) / size for size in shape)
    edge = [4 * np.sin(angle) ** 2 for angle in (down, across)]
    blur = [(2 + 2 * np.cos(angle)) ** 2 for angle in (down, across)]
    response: FloatArray = np.outer(edge[0], blur[1]) + np.outer(blur[0], edge[1])
    return response.astype(np.float32)


def local_variances(grey: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give unbiased, noisy variances of all noise and of the scan noise.

    Returns
    -------
    total, scan
        Shape (rows − 5, columns − 2). Single values say nothing and may be
        negative; their mean over a bin is the variance there.
    """
    rows = _between_rows(grey, DIFFERENCE)
    here = rows[:, :-2]
    # Scan noise is smooth: its covariance goes as 1 − a d² for small distances
    # d, so distances 1 and 2 tell that at 0, where pointwise noise would add.
    scan = (4 * here * rows[:, 1:-1] - here * rows[:, 2:]) / 3
    return here**2, scan


def _between_rows(image: FloatArray, weights: FloatArray = DIFFERENCE**2) -> FloatArray:
    """Combine six neighbouring rows; by default as their variances combine."""
    rows = len(image) - len(weights) + 1
    combined: FloatArray = sum(
        (weight * image[row : row + rows] for row, weight in enumerate(weights)),
        start=np.zeros((rows, image.shape[1]), image.dtype),
    )
    return combined


def _parts(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Give each pixel the number of its part: a grid of 4 × 4 blocks."""
    rows, columns = (np.arange(size) * 4 // size for size in shape)
    numbers: NDArray[np.intp] = (rows[:, None] * 4 + columns).astype(np.intp)
    return numbers


def _line(
    bins: Bins, variance: FloatArray, total: FloatArray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Fit slope and intercept of a standard deviation, and their errors.

    The errors are those of a jackknife over the parts of the patch.
    """
    # The whole patch, then without each of its parts: (1 + parts, bins).
    count, value, spread = (
        np.vstack([sums.sum(axis=0), sums.sum(axis=0) - sums])
        for sums in (bins.count, bins.sum(variance), bins.sum(total))
    )
    count = np.maximum(count, 1)
    # A bin that all pixels of a part fell into is empty without it: no weight.
    error = np.where(spread > 0, spread / count / np.sqrt(count), np.inf)
    slope, intercept = fit_deviation(bins.x, value / count, error)
    errors = [np.sqrt((PARTS - 1) * fit[1:].var()) for fit in (slope, intercept)]
    return (
        (float(slope[0]), float(intercept[0])),
        (float(errors[0]), float(errors[1])),
    )


def fit_deviation(
    x: FloatArray, variance: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit straight lines to standard deviations of which variances are known.

    Least squares on the variances, because these are unbiased and their square
    roots are not; variances that came out negative take part.

    Parameters
    ----------
    x
        Variable, shape (n,).
    variance, error
        Variances, and the standard error of each, shape (lines, n).

    Returns
    -------
    slope, intercept
        Shape (lines,).
    """
    weight = 1 / error
    slope, intercept = _weighted_lines(x, np.sqrt(np.maximum(variance, 0)), weight)
    for _ in range(6):
        line = slope[:, None] * x + intercept[:, None]
        # d(s|s|) = 2 |s| ds; the floor keeps the system solvable at s = 0.
        rise = 2 * np.maximum(np.abs(line), 1e-3)
        steps = _weighted_lines(
            x, (variance - line * np.abs(line)) / rise, rise * weight
        )
        slope, intercept = slope + steps[0], intercept + steps[1]
    return slope, intercept


def _weighted_lines(
    x: FloatArray, y: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit lines by weighted least squares; y and weight are (lines, n)."""
    squared = weight**2
    total = squared.sum(axis=1)
    mean_x, mean_y = (squared @ x) / total, (squared * y).sum(axis=1) / total
    away = x - mean_x[:, None]
    across = (squared * away * (y - mean_y[:, None])).sum(axis=1)
    slope: FloatArray = across / (squared * away**2).sum(axis=1)
    return slope, mean_y - slope * mean_x


def _shape(
    grey: FloatArray,
    smooth: FloatArray,
    line: tuple[float, float],
    settings: CalibrationSettings,
) -> tuple[float, float]:
    """Estimate the Tukey-lambda shape from all pixels at once.

    The residual is freed of scan noise by a high-pass along the rows and divided
    by the standard deviation of each pixel. The high-pass mixes pixels, which
    draws the L-kurtosis towards that of the normal distribution by a known
    factor; what scan noise is left does so too.
    """
    residual = _high_pass(grey - smooth)
    deviation = np.maximum(line[0] * smooth + line[1], 1e-3)
    inside = (slice(settings.margin, -settings.margin or None),) * 2
    values = (residual / deviation)[inside]
    response = _high_pass(np.eye(1, 81, 40))
    energy = float(np.sum(response**2))
    mixing = float(np.sum(response**4)) / energy**2
    white = min(energy / float(np.mean(values**2)), 1.0)
    rows, columns = (size // 4 * 4 for size in values.shape)
    # (4, rows, 4, columns) -> (4, 4, rows, columns) -> (parts, pixels)
    grid = values[:rows, :columns].reshape(4, rows // 4, 4, columns // 4)
    blocks = grid.transpose(0, 2, 1, 3).reshape(PARTS, -1)
    whole, *parts = (
        shape_of_l_kurtosis(NORMAL + (kurtosis - NORMAL) / (mixing * white**2))
        for kurtosis in (*l_kurtosis(values.reshape(1, -1)), *l_kurtosis(blocks))
    )
    return whole, float(np.std(parts, ddof=1) / np.sqrt(PARTS))


def _high_pass(image: FloatArray) -> FloatArray:
    """Take away what is smooth along the rows, sharply: 1 − g twice applied."""
    once = image - gaussian_filter1d(image, 2.0, axis=1)
    twice: FloatArray = once - gaussian_filter1d(once, 2.0, axis=1)
    return twice
