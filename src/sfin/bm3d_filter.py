"""BM3D, the strongest classical denoiser, told the noise of each image.

Block matching and 3D filtering (Dabov et al. 2007, IEEE Trans. Image Process. 16,
2080) for correlated noise (Mäkinen et al. 2020, IEEE Trans. Image Process. 29, 8339):
the authors' own package `bm3d`, for non-commercial use only. The power spectrum of
the noise is measured in the image itself: rows of a scan are recorded one after the
other, so noise is white along the columns, and along the rows it has the scan noise
at low frequencies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from sfin.errors import InputError
from sfin.optional_methods import require

# Fifth differences between rows, of unit energy: noise that is independent between
# rows keeps its power, and atoms nearly vanish.
DIFFERENCE = np.array([1, -5, 10, -10, 5, -1]) / np.sqrt(252)
# The median of the power of a normal variable at one frequency, relative to its mean.
MEDIAN_POWER = np.log(2)
# Frequency samples: the spectrum of noise is smooth.
SPECTRUM_BLUR = 2.0
# Threshold of the first stage and weight of the noise in the second. The package
# would find them with a function that numpy no longer has; these are its own
# threshold for white noise, and the better of 0.4, 1 and 2 on training pairs.
THRESHOLD, NOISE_WEIGHT = 3.0, 2.0
# Squared grey levels: below, all there is are errors of rounding.
QUIET = 1e-9
# Pixels; edge of a block.
BLOCK = 8


@dataclass(frozen=True)
class BM3D:
    """Settings of BM3D.

    Attributes
    ----------
    strength
        Factor on the standard deviation of the noise that was measured. More than
        one is best for what is not normal and not stationary.
    step
        Pixels between reference blocks; more is faster and worse.
    """

    strength: float = 1.4
    step: int = 3


def noise_spectrum(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure the power spectrum of the noise along the rows.

    Parameters
    ----------
    image
        Grey levels (rows, columns), fast scan along the rows.

    Returns
    -------
    ndarray
        Squared grey levels at each frequency of ``numpy.fft.fft`` along a row, shape
        (columns,); their mean is the variance of the noise.
    """
    grey = np.asarray(image, dtype=np.float64)
    rows = len(grey) - len(DIFFERENCE) + 1
    noise = sum(
        (weight * grey[row : row + rows] for row, weight in enumerate(DIFFERENCE)),
        start=np.zeros((rows, grey.shape[1])),
    )
    power = np.median(np.abs(np.fft.fft(noise, axis=1)) ** 2, axis=0) / MEDIAN_POWER
    smooth = gaussian_filter1d(power / grey.shape[1], SPECTRUM_BLUR, mode="wrap")
    return np.asarray(smooth, dtype=np.float64)


def bm3d(image: NDArray[np.floating], settings: BM3D) -> NDArray[np.float32]:
    """Denoise an image by BM3D, on one thread: the same bytes every time.

    Parameters
    ----------
    image
        Grey levels (rows, columns), fast scan along the rows.
    settings
        Strength and speed.

    Raises
    ------
    InputError
        If the package `bm3d` is not installed, or the image is smaller than a block.
    """
    require("bm3d")
    if min(image.shape) < BLOCK:
        raise InputError(
            f"BM3D needs images of at least {BLOCK} × {BLOCK} pixels, this one has "
            f"{image.shape[0]} × {image.shape[1]}; give a larger one."
        )
    import bm3d as package

    spectrum = settings.strength**2 * noise_spectrum(image)
    grey = np.asarray(image, dtype=np.float64)
    if spectrum.max() < QUIET:
        return grey.astype(np.float32)
    profile = package.BM3DProfile()
    profile.num_threads = 1
    profile.lambda_thr3d, profile.mu2 = THRESHOLD, NOISE_WEIGHT
    profile.step_ht = profile.step_wiener = settings.step
    # Its convention is that of an unnormalised transform: the variance × the pixels.
    power = np.tile(spectrum * grey.size, (len(grey), 1))
    return np.asarray(package.bm3d(grey, power, profile), dtype=np.float32)
