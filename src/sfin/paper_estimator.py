"""The paper's estimator of the noise of a patch (section 3.2, Figure 3).

A patch is blurred in two dimensions, which leaves the atoms and the background,
and along its rows, which leaves the scan noise too. The differences hold the
scan noise and the pointwise noise. What the blurs let through is not corrected.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from sfin.calibration_settings import CalibrationSettings
from sfin.noise_curves import (
    Curve,
    deviation_curve,
    mean_curve,
    shape_curve,
    sobel_magnitude,
)
from sfin.parameters import Mode, NoiseParameters

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Decomposition:
    """A patch and what its blurs take it apart into (Figure 3 a–d, f).

    All arrays are grey levels of shape (rows, columns).

    Attributes
    ----------
    blurred
        The patch, blurred in two dimensions.
    row_blurred
        The patch, blurred along its rows.
    gradient
        Sobel magnitude of `blurred`.
    scan_noise
        `row_blurred` − `blurred`.
    pointwise_noise
        The patch − `row_blurred`.
    """

    blurred: FloatArray
    row_blurred: FloatArray
    gradient: FloatArray
    scan_noise: FloatArray
    pointwise_noise: FloatArray

    def without_margin(self, margin: int) -> "Decomposition":
        """Leave out the edges, where the blurs reflect."""
        inside = (slice(margin, -margin or None),) * 2
        return Decomposition(*(array[inside] for array in vars(self).values()))


@dataclass(frozen=True)
class NoiseCurves:
    """How the noise depends on gradient and grey level (Figure 3 e, g).

    Attributes
    ----------
    scan_by_gradient, scan_by_grey
        Standard deviation of the scan noise.
    gradient_by_grey
        Mean gradient.
    pointwise_by_grey
        Standard deviation of the pointwise noise.
    shape_by_grey
        Tukey-lambda shape of the pointwise noise.
    """

    scan_by_gradient: Curve
    scan_by_grey: Curve
    gradient_by_grey: Curve
    pointwise_by_grey: Curve
    shape_by_grey: Curve


def decompose(
    patch: NDArray[np.floating], settings: CalibrationSettings
) -> Decomposition:
    """Take a patch apart by blurring it.

    Parameters
    ----------
    patch
        Grey levels (0–255), shape (rows, columns), fast scan along the rows.
    settings
        Widths of the blurs.
    """
    grey = np.asarray(patch, dtype=np.float64)
    blurred: FloatArray = gaussian_filter(grey, settings.blur_sigma)
    row_blurred: FloatArray = gaussian_filter1d(grey, settings.row_blur_sigma, axis=1)
    return Decomposition(
        blurred=blurred,
        row_blurred=row_blurred,
        gradient=sobel_magnitude(blurred),
        scan_noise=row_blurred - blurred,
        pointwise_noise=grey - row_blurred,
    )


def noise_curves(parts: Decomposition, settings: CalibrationSettings) -> NoiseCurves:
    """Measure how the noise depends on gradient and grey level.

    Raises
    ------
    InputError
        If the patch has too little contrast.
    """
    inside = parts.without_margin(settings.margin)
    share = settings.minimum_bin_fraction
    grey, width = inside.blurred, settings.grey_bin_width
    gradient = inside.gradient
    return NoiseCurves(
        scan_by_gradient=deviation_curve(
            gradient, inside.scan_noise, settings.gradient_bin_width, share
        ),
        scan_by_grey=deviation_curve(grey, inside.scan_noise, width, share),
        gradient_by_grey=mean_curve(grey, gradient, width, share),
        pointwise_by_grey=deviation_curve(grey, inside.pointwise_noise, width, share),
        shape_by_grey=shape_curve(
            grey, inside.pointwise_noise, settings.shape_bin_width, share
        ),
    )


def estimate(
    patch: NDArray[np.floating], mode: Mode, settings: CalibrationSettings
) -> NoiseParameters:
    """Estimate the seven noise parameters of one patch (paper, section 3.2).

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
    parts = decompose(patch, settings).without_margin(settings.margin)
    grey, share = parts.blurred, settings.minimum_bin_fraction
    scan_slope, scan_intercept = deviation_curve(
        parts.gradient, parts.scan_noise, settings.gradient_bin_width, share
    ).fit()
    pointwise_slope, pointwise_intercept = deviation_curve(
        grey, parts.pointwise_noise, settings.grey_bin_width, share
    ).fit()
    shapes = shape_curve(grey, parts.pointwise_noise, settings.shape_bin_width, share)
    contrast = float(grey.max() - grey.min())
    return NoiseParameters(
        atom_brightness=contrast if mode == "haadf" else -contrast,
        background_brightness=float(grey.min() if mode == "haadf" else grey.max()),
        scan_slope=scan_slope,
        scan_intercept=scan_intercept,
        pointwise_slope=pointwise_slope,
        pointwise_intercept=pointwise_intercept,
        pointwise_shape=float(np.median(shapes.y)),
    )
