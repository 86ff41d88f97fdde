"""The Fourier spectrum of a lattice image, and the background in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FourierFilter:
    """Settings of the two filters that subtract a background spectrum.

    Attributes
    ----------
    convergence
        The background amplitude of a radius is found once an iteration changes
        it by less than this fraction.
    median_size
        Width in frequency samples of the median that keeps the lattice's spots
        out of the background.
    taper
        Radius, as a fraction of the image, at which the window that the
        background is measured in has fallen to half; 0 for no window. Without
        it the jump from one edge to the opposite one is taken for background.
    low_pass
        Frequency in cycles per pixel at which a final Butterworth low-pass has
        fallen to 0.71; 0 for none.
    low_pass_order
        Order of that low-pass; larger falls more steeply.
    """

    convergence: float = 0.05
    median_size: int = 5
    taper: float = 0.4
    low_pass: float = 0.3
    low_pass_order: int = 2


def subtract_background(
    image: NDArray[np.floating], settings: FourierFilter, power: int
) -> NDArray[np.float32]:
    """Weigh an image's spectrum by 1 − (B/|F|)^power, where that is positive.

    The mean grey level is no noise: it is set aside and given back.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        How the background B is measured, and the final low-pass.
    power
        1 takes away amplitude, 2 takes away power.
    """
    grey = image.astype(np.float64)
    mean = grey.mean()
    frequency = radial_frequency(grey.shape)
    background = background_amplitude(grey, settings)
    spectrum = np.fft.fft2(grey - mean)
    amplitude = np.abs(spectrum)
    ratio = np.ones_like(amplitude)
    np.divide(background, amplitude, out=ratio, where=amplitude > background)
    weight = 1.0 - ratio**power
    if settings.low_pass > 0.0:
        steepness = 2 * settings.low_pass_order
        # √2 − 1, so that the amplitude at the cutoff is 1/√2.
        weight /= 1.0 + 0.414 * (frequency / settings.low_pass) ** steepness
    filtered = np.fft.ifft2(weight * spectrum).real + mean
    return np.asarray(filtered, dtype=np.float32)


def background_amplitude(image: NDArray[np.floating], settings: FourierFilter) -> Array:
    """Estimate the radially symmetric background of an image's Fourier amplitude.

    The image is tapered towards its edges and its amplitude median-filtered.
    Then, on each ring one frequency step wide, amplitudes above the mean are
    replaced by the mean, again and again, until the mean settles: what the
    lattice adds is gone. In between rings the background is interpolated.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        Width of the median, taper, and when the mean has settled.

    Returns
    -------
    NDArray[np.float64]
        Amplitude at every frequency of ``numpy.fft.fft2``, in its order and
        scale.
    """
    grey = image.astype(np.float64)
    window = _taper(grey.shape, settings.taper)
    tapered = (grey - np.average(grey, weights=window)) * window
    # White noise keeps its level: the taper takes this share of its amplitude.
    amplitude = np.abs(np.fft.fft2(tapered)) / np.sqrt(np.mean(window**2))
    amplitude = ndimage.median_filter(amplitude, settings.median_size, mode="wrap")

    step = 1.0 / min(grey.shape)
    frequency = radial_frequency(grey.shape)
    ring = np.rint(frequency / step).astype(np.intp).ravel()
    remaining = amplitude.ravel()
    count = np.maximum(np.bincount(ring), 1)
    mean = np.bincount(ring, remaining) / count
    unsettled = mean > 0.0
    while unsettled.any():
        remaining = np.minimum(remaining, mean[ring])
        lower = np.bincount(ring, remaining) / count
        changed = mean - lower >= settings.convergence * mean
        mean = np.where(unsettled, lower, mean)
        unsettled &= changed & (mean > 0.0)
    background: Array = np.interp(frequency, step * np.arange(mean.size), mean)
    return background


def radial_frequency(shape: tuple[int, ...]) -> Array:
    """Distance from zero frequency, cycles per pixel, in the order of the FFT."""
    down = np.fft.fftfreq(shape[0])[:, None]
    right = np.fft.fftfreq(shape[1])[None, :]
    return np.asarray(np.hypot(down, right))


def _taper(shape: tuple[int, ...], radius: float) -> Array:
    """Window of the background's spectrum: an order-12 Butterworth in space."""
    if radius == 0.0:
        return np.ones(shape)
    down = (np.arange(shape[0]) + 0.5) / shape[0] - 0.5
    right = (np.arange(shape[1]) + 0.5) / shape[1] - 0.5
    distance = np.hypot(down[:, None], right[None, :])
    return np.asarray(1.0 / (1.0 + (distance / radius) ** 24))


def power_spectrum(image: NDArray[np.floating]) -> Array:
    """Power at every frequency, zero frequency in the middle.

    The mean is removed and a Hann window applied, so that the image's edges
    make no cross.

    Parameters
    ----------
    image
        Any unit, (rows, columns).

    Returns
    -------
    NDArray[np.float64]
        Squared amplitude (rows, columns), from −0.5 to 0.5 cycles per pixel.
    """
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    spectrum = np.fft.fft2((image - image.mean(dtype=np.float64)) * window)
    return np.asarray(np.fft.fftshift(np.abs(spectrum) ** 2))
