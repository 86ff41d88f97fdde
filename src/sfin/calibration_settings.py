"""Constants of the noise calibration."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CalibrationSettings:
    """Constants of the calibration; grey levels are 8-bit units.

    Attributes
    ----------
    estimator
        ``debiased`` (`sfin.debiased_estimator`) or ``paper``
        (`sfin.paper_estimator`).
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
    wiener_strength
        Noise power that the debiased estimator takes away, relative to the
        measured one: more leaves less noise, and less of faint atoms.
    spectrum_blur
        Standard deviation of the blur of the power spectrum in that filter, in
        frequency samples.
    background_window
        Width of the window that atoms are removed with to find the background,
        relative to the standard deviation of the atoms.
    minimum_white_noise
        An image whose power near the Nyquist frequency, relative to its power
        at half of it, is below this was filtered or averaged.
    maximum_column_correlation
        By how much noise may correlate more along the columns than along the
        rows, before the scan is taken to run along the columns.
    maximum_saturated
        Share of the pixels that may hold the greatest or the least count.
    minimum_contrast
        Standard errors by which the brightest atom must exceed the background.
    """

    estimator: Literal["debiased", "paper"] = "debiased"
    patch_size: int = 256
    blur_sigma: float = 3.0
    row_blur_sigma: float = 5.0
    margin: int = 15
    grey_bin_width: float = 1.0
    gradient_bin_width: float = 1.0
    shape_bin_width: float = 5.0
    minimum_bin_fraction: float = 0.001
    wiener_strength: float = 2.0
    spectrum_blur: float = 1.0
    background_window: float = 10.0
    minimum_white_noise: float = 0.3
    maximum_column_correlation: float = 0.05
    maximum_saturated: float = 0.02
    minimum_contrast: float = 18.0
