"""Measure the noise of a STEM image from the image itself (paper, section 3.2).

An image is cut into patches; each patch is blurred in two dimensions, which
leaves the atoms and the background, and along its rows, which leaves the scan
noise too. The differences hold the scan noise and the pointwise noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, sobel

from sfin.errors import InputError
from sfin.parameters import Mode, NoiseParameters
from sfin.tukey_lambda import tukey_lambda_shape

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class CalibrationSettings:
    """Constants of the calibration; grey levels are 8-bit units.

    Attributes
    ----------
    patch_size
        Edge of the square patches, in pixels (256 in the paper).
    blur_sigma
        Standard deviation of the two-dimensional Gaussian blur, in pixels.
    row_blur_sigma
        Standard deviation of the blur along each row, in pixels.
    margin
        Pixels left out along each edge of a patch, where the blurs reflect.
    grey_bin_width, gradient_bin_width
        Width of the bins in which standard deviations are taken, in grey levels.
    shape_bin_width
        Width of the bins in which the Tukey-lambda shape is fitted.
    minimum_bin_fraction
        Bins that hold a smaller share of the pixels are left out of the fits.
    minimum_white_noise
        An image whose power near the Nyquist frequency, relative to its power
        at half of it, is below this was filtered or averaged.
    """

    patch_size: int = 256
    blur_sigma: float = 3.0
    row_blur_sigma: float = 5.0
    margin: int = 15
    grey_bin_width: float = 1.0
    gradient_bin_width: float = 1.0
    shape_bin_width: float = 5.0
    minimum_bin_fraction: float = 0.001
    minimum_white_noise: float = 0.3


@dataclass(frozen=True)
class PatchCalibration:
    """The noise of one patch and where it lies (its first row and column)."""

    row: int
    column: int
    parameters: NoiseParameters


@dataclass(frozen=True)
class Curve:
    """Standard deviation of a noise as a function of what it depends on."""

    x: NDArray[np.float64]
    standard_deviation: NDArray[np.float64]
    count: NDArray[np.float64]

    def fit(self) -> tuple[float, float]:
        """Fit a straight line, unweighted: slope and intercept."""
        slope, intercept = np.polyfit(self.x, self.standard_deviation, 1)
        return float(slope), float(intercept)


def calibrate(
    image: FloatArray, mode: Mode, settings: CalibrationSettings
) -> list[PatchCalibration]:
    """Calibrate every whole patch of an image.

    Parameters
    ----------
    image
        Grey levels (0–255), shape (rows, columns), fast scan along the rows.
    mode
        Whether atoms are bright (``haadf``) or dark (``bf``).
    settings
        Constants of the method.

    Returns
    -------
    list of PatchCalibration
        One for each whole patch, centred in the image as a grid.

    Raises
    ------
    InputError
        If the image is smaller than a patch, or a patch has too little contrast.
    """
    size = settings.patch_size
    rows, columns = image.shape
    if rows < size or columns < size:
        raise InputError(
            f"The image is {rows} × {columns} pixels, smaller than a patch of "
            f"{size} × {size}: use a larger image or a smaller calibration.patch_size."
        )
    starts = [
        (row, column)
        for row in range(rows % size // 2, rows - size + 1, size)
        for column in range(columns % size // 2, columns - size + 1, size)
    ]
    return [
        PatchCalibration(
            row,
            column,
            calibrate_patch(
                image[row : row + size, column : column + size], mode, settings
            ),
        )
        for row, column in starts
    ]


def calibrate_patch(
    patch: FloatArray, mode: Mode, settings: CalibrationSettings
) -> NoiseParameters:
    """Estimate the seven noise parameters of one patch (paper, section 3.2).

    Parameters
    ----------
    patch
        Grey levels (0–255), shape (rows, columns).
    mode
        Whether atoms are bright or dark.
    settings
        Constants of the method.
    """
    grey = np.asarray(patch, dtype=np.float64)
    smooth = gaussian_filter(grey, settings.blur_sigma)
    smooth_rows = gaussian_filter1d(grey, settings.row_blur_sigma, axis=1)
    # The blurs reflect at the edges of the patch: leave those out.
    blurred, gradient, scan_noise, pointwise_noise = (
        array[settings.margin : -settings.margin or None][
            :, settings.margin : -settings.margin or None
        ]
        for array in (
            smooth,
            sobel_magnitude(smooth),
            smooth_rows - smooth,
            grey - smooth_rows,
        )
    )

    scan_slope, scan_intercept = deviation_curve(
        gradient,
        scan_noise,
        settings.gradient_bin_width,
        settings.minimum_bin_fraction,
    ).fit()
    pointwise_slope, pointwise_intercept = deviation_curve(
        blurred,
        pointwise_noise,
        settings.grey_bin_width,
        settings.minimum_bin_fraction,
    ).fit()
    contrast = float(blurred.max() - blurred.min())
    return NoiseParameters(
        atom_brightness=contrast if mode == "haadf" else -contrast,
        background_brightness=float(
            blurred.min() if mode == "haadf" else blurred.max()
        ),
        scan_slope=scan_slope,
        scan_intercept=scan_intercept,
        pointwise_slope=pointwise_slope,
        pointwise_intercept=pointwise_intercept,
        pointwise_shape=float(
            np.median(
                shape_by_grey_level(
                    blurred,
                    pointwise_noise,
                    settings.shape_bin_width,
                    settings.minimum_bin_fraction,
                )[1]
            )
        ),
    )


def sobel_magnitude(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the magnitude of the un-normalised 3 × 3 Sobel gradient."""
    magnitude: NDArray[np.float64] = np.hypot(
        sobel(image, axis=0), sobel(image, axis=1)
    )
    return magnitude


def deviation_curve(
    variable: NDArray[np.float64],
    noise: NDArray[np.float64],
    bin_width: float,
    minimum_fraction: float,
) -> Curve:
    """Take the standard deviation of a noise in bins of a variable.

    Raises
    ------
    InputError
        If fewer than two bins hold enough pixels for a line to be fitted.
    """
    bins = _bins(variable, bin_width)
    count = np.bincount(bins).astype(np.float64)
    kept = count >= max(2.0, minimum_fraction * variable.size)
    if kept.sum() < 2:
        raise InputError(
            "The image has too little contrast to be calibrated: it needs atoms "
            "on a background, in focus."
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(bins, noise.ravel()) / count
        centred = noise.ravel() - mean[bins]
        deviation = np.sqrt(np.bincount(bins, centred**2) / count)
        x = np.bincount(bins, variable.ravel()) / count
    return Curve(x[kept], deviation[kept], count[kept])


def shape_by_grey_level(
    grey: NDArray[np.float64],
    noise: NDArray[np.float64],
    bin_width: float,
    minimum_fraction: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the Tukey-lambda shape in bins of grey level.

    Returns
    -------
    tuple of arrays
        Mean grey level and shape of each bin that holds enough pixels.
    """
    bins = _bins(grey, bin_width)
    order = np.argsort(bins, kind="stable")
    edges = np.flatnonzero(np.diff(bins[order])) + 1
    minimum = max(100.0, minimum_fraction * grey.size)
    kept = [part for part in np.split(order, edges) if part.size >= minimum]
    levels = np.array([grey.ravel()[part].mean() for part in kept])
    return levels, np.array([tukey_lambda_shape(noise.ravel()[part]) for part in kept])


def white_noise_ratio(image: FloatArray) -> float:
    """Compare the power near the Nyquist frequency with that at half of it.

    Raw images hold white noise and give 0.4 to 1; filtered, averaged or
    resampled ones lie below 0.25. Along the columns only, because scan noise
    is smooth along the rows.
    """
    centred = np.asarray(image, dtype=np.float64)
    centred = centred - centred.mean()
    window = np.hanning(centred.shape[0])[:, None] * np.hanning(centred.shape[1])
    power = np.abs(np.fft.rfft2(centred * window)) ** 2
    vertical = np.abs(np.fft.fftfreq(centred.shape[0]))[:, None]
    horizontal = np.fft.rfftfreq(centred.shape[1])[None, :]
    radius = np.hypot(vertical, horizontal)
    # Medians: the peaks of a lattice may lie in either band.
    near = np.median(power[(radius > 0.42) & (radius <= 0.5)])
    middle = np.median(power[(radius > 0.2) & (radius <= 0.3)])
    return float(near / middle) if middle > 0 else 0.0


def _bins(variable: NDArray[np.float64], width: float) -> NDArray[np.intp]:
    index: NDArray[np.intp] = np.floor(variable.ravel() / width).astype(np.intp)
    index -= index.min()
    return index
