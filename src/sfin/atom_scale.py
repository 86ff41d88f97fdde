"""How large atoms are and how far apart, estimated in the noisy image alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from sfin.bm3d_filter import noise_spectrum
from sfin.brightness import atom_size

FloatImage = NDArray[np.floating]
# Atoms in a lattice, in units of `atom_size`: neighbours make it too small. The median
# over training pairs.
SIZE_IN_LATTICE = 1.3


def estimate_sigma(bright: FloatImage) -> float:
    """Estimate the standard deviation of the atoms in pixels, within 1–15."""
    return float(np.clip(SIZE_IN_LATTICE * atom_size(bright), 1.0, 15.0))


def estimate_separation(bright: FloatImage) -> float:
    """Estimate the distance of neighbouring atoms from the autocorrelation.

    The power spectrum of the noise is subtracted first; the nearest peak of the
    autocorrelation that is more than noise is the separation.

    Parameters
    ----------
    bright
        Grey levels (rows, columns), atoms bright.

    Returns
    -------
    float
        In pixels; four standard deviations of the atoms where there is no peak.
    """
    sigma = estimate_sigma(bright)
    detail = bright - gaussian_filter(bright, 6 * sigma)
    power = np.abs(np.fft.fft2(detail)) ** 2 / detail.size - noise_spectrum(bright)
    correlation = np.fft.ifft2(power).real
    correlation = gaussian_filter(correlation, 0.5 * sigma, mode="wrap")
    rows, columns = correlation.shape
    down, right = np.meshgrid(
        np.fft.fftfreq(rows) * rows, np.fft.fftfreq(columns) * columns, indexing="ij"
    )
    distance = np.hypot(down, right)
    size = 2 * round(sigma) + 1
    peak = correlation == maximum_filter(correlation, size, mode="wrap")
    peak &= (distance > 2 * sigma) & (correlation > 0.15 * correlation[0, 0])
    return float(distance[peak].min()) if peak.any() else 4 * sigma


def inside_image(
    x: NDArray[np.floating], y: NDArray[np.floating], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Tell which positions lie on the pixels of an image; fits may leave it."""
    rows, columns = shape
    inside: NDArray[np.bool_] = (x >= -0.5) & (x < columns - 0.5)
    return inside & (y >= -0.5) & (y < rows - 0.5)
