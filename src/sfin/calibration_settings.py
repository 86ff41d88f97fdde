"""Constants of the noise calibration."""

from dataclasses import dataclass


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
