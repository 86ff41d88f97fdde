"""Fourier ring correlation: up to which detail two images of one thing agree.

Saxton and Baumeister 1982 (J. Microsc. 127, 127); van Heel and Schatz 2005 (J. Struct.
Biol. 151, 250) on thresholds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sum_labels

from sfin.errors import InputError

FloatArray = NDArray[np.float64]
# What single-image resolution is usually read at (Banterle et al. 2013).
THRESHOLD = 1 / 7
# Standard errors by which a correlation must exceed chance.
SURE = 3.5
# Frequency samples that a ring is wide.
WIDTH = 3


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """Correlation of two images by spatial frequency; arrays of shape (n,).

    Attributes
    ----------
    frequency
        Cycles per pixel, middle of each ring.
    correlation
        −1 to 1.
    samples
        Independent frequencies in each ring.
    """

    frequency: FloatArray
    correlation: FloatArray
    samples: FloatArray

    @property
    def reach(self) -> float:
        """Highest frequency that the images agree on, in cycles per pixel; 0: none.

        Of the last ring whose correlation is above 1/7 and above chance: between the
        reflections of a crystal there is nothing to agree on.
        """
        chance = SURE / np.sqrt(self.samples)
        above = np.flatnonzero(self.correlation >= np.maximum(THRESHOLD, chance))
        return float(self.frequency[above[-1]]) if above.size else 0.0


def ring_correlation(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> RingCorrelation:
    """Correlate two images of one shape, ring by ring, up to half a cycle per pixel.

    Parameters
    ----------
    first, second
        Of the same thing with independent noise, (rows, columns).

    Raises
    ------
    InputError
        If they differ in shape.
    """
    if first.shape != second.shape:
        raise InputError(
            f"Images of shapes {first.shape} and {second.shape} cannot be compared: "
            "give two of one shape."
        )
    rows, columns = first.shape
    window = np.outer(np.hanning(rows), np.hanning(columns))
    spectra = [
        np.fft.fft2((image - image.mean()) * window) for image in (first, second)
    ]
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns))
    count = min(rows, columns) // (2 * WIDTH)
    ring = np.rint(frequency * 2 * count).astype(np.intp)
    rings = np.arange(1, count)
    cross, first_power, second_power, number = (
        sum_labels(values, ring, rings)
        for values in (
            (spectra[0] * spectra[1].conj()).real,
            *(np.abs(spectrum) ** 2 for spectrum in spectra),
            np.ones((rows, columns)),
        )
    )
    both = np.sqrt(first_power * second_power)
    correlation = np.divide(cross, both, out=np.zeros_like(both), where=both > 0)
    # A real image says everything twice, and the window blurs 1.5 neighbours into one
    # along each direction.
    return RingCorrelation(rings / (2 * count), correlation, number / (2 * 1.5**2))


def halves(image: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Take the even and the odd rows as two images of one thing with their own noise.

    Scan noise is that of a row, so rows share none. Columns are averaged in pairs,
    which keeps pixels square: twice as large as before.
    """
    rows, columns = (size // 2 * 2 for size in image.shape)
    even = image[:rows, :columns].astype(np.float64)
    paired = (even[:, ::2] + even[:, 1::2]) / 2
    return paired[::2], paired[1::2]


def correlation_of_halves(
    image: NDArray[np.floating],
    method: Callable[[NDArray[np.float32]], NDArray[np.floating]],
) -> RingCorrelation:
    """Correlate what a method makes of the even and of the odd rows of an image.

    Parameters
    ----------
    image
        Raw grey levels (rows, columns), fast scan along the rows.
    method
        Restores one image.
    """
    first, second = (method(half.astype(np.float32)) for half in halves(image))
    return ring_correlation(first, second)
