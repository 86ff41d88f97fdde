"""Whether what an enhanced image leaves over is noise, judged by its spectrum.

Noise of a STEM is not white: along the fast scan it is smooth. But rows are recorded
one after the other, so the noise of neighbouring rows is independent, and the power of
noise is the same at all vertical frequencies, however it depends on the horizontal one,
on brightness or on place. Atoms go through many rows and have no power at the highest
vertical frequencies: there the noise is read off, and by it the spectrum is divided.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from sfin.image_parts import BACKGROUND_SPACING
from sfin.spectra import power_spectrum

FloatArray = NDArray[np.floating]

# Vertical frequencies from here on hold noise alone, cycles per pixel.
NOISE_ALONE = 0.35
# Share of the signal's power that its band holds.
BAND_POWER = 0.99
# A frequency of the input is a lattice spot if its power is this many times the
# noise: noise alone reaches it once in a million.
SPOT_POWER = 13.8
# Chance of noise alone to make as high a peak, below which it is called one.
CHANCE = 1e-3
# Deviation of a residual, relative to the signal, below which nothing is left: less
# than the rounding of 8 bits.
NOTHING = 1e-3


@dataclass(frozen=True)
class Whiteness:
    """How far the spectrum of a residual is that of noise.

    All but `spectrum` refer to the band of frequencies that holds 99 % of the power of
    the enhanced image, without those of the background.

    Attributes
    ----------
    flatness
        Spectral flatness (Wiener entropy) after division by the noise: geometric over
        arithmetic mean, 1 for noise, 0 for peaks alone.
    structure
        Share of the residual's power that is no noise; around 0 for noise, and then
        below it as often as above.
    unexplained
        Share of the amplitude of the input's lattice that is left in the residual: 0 if
        the enhanced image explains all of it, 1 if none. Without a lattice, of the
        amplitude of the whole band.
    spots
        Number of frequencies that are lattice spots of the input.
    spot_power
        Mean power of the residual at these spots, in units of the noise; 1 for noise.
    peak
        Highest power, in units of the noise.
    peak_limit
        Height that noise alone exceeds once in a thousand images (Fisher's test).
    peak_frequency
        Of the peak, cycles per pixel.
    highest
        Upper end of the band, cycles per pixel.
    spectrum
        Power of the residual in units of the noise, zero frequency in the middle.
    """

    flatness: float
    structure: float
    unexplained: float
    spots: int
    spot_power: float
    peak: float
    peak_limit: float
    peak_frequency: float
    highest: float
    spectrum: NDArray[np.float64]

    @property
    def score(self) -> float:
        """The worse of flatness and share of noise: 1 for noise, 0 for structure."""
        return float(np.clip(min(self.flatness, 1 - self.structure), 0, 1))

    @property
    def has_peaks(self) -> bool:
        """Whether a peak is higher than noise alone makes."""
        return self.peak > self.peak_limit


def noise_power(power: FloatArray) -> FloatArray:
    """Read the power of noise off the highest vertical frequencies.

    Parameters
    ----------
    power
        Power spectrum, zero frequency in the middle (rows, columns).

    Returns
    -------
    ndarray
        Mean power of the noise at each horizontal frequency (columns,).
    """
    rows = len(power)
    vertical = np.abs(np.arange(rows) - rows // 2) / rows
    # The median, over that of an exponential distribution, resists stray peaks.
    median = np.median(power[vertical >= NOISE_ALONE], axis=0) / np.log(2)
    smooth: FloatArray = gaussian_filter1d(median, 3.0, mode="wrap")
    return smooth


def whiteness(residual: FloatArray, image: FloatArray, signal: FloatArray) -> Whiteness:
    """Judge the spectrum of a residual.

    Parameters
    ----------
    residual
        What signal and background leave over of the image (rows, columns).
    image, signal
        The image, and what the enhanced image explains of it; same unit and shape.
    """
    power = power_spectrum(residual)
    recorded = power_spectrum(image)
    explained = power_spectrum(signal)
    frequency = _frequencies(residual.shape)
    # Half of the plane tells all, and below the first is background.
    tested = (frequency > 1.5 / BACKGROUND_SPACING) & _half(residual.shape)
    ordered = np.argsort(np.where(tested, frequency, np.inf), axis=None)
    summed = np.cumsum((explained * tested).ravel()[ordered])
    # Without a signal there is no band: everything is looked at.
    highest = float(frequency.max())
    if summed[-1] > 0:
        last = int(np.searchsorted(summed, BAND_POWER * summed[-1]))
        highest = float(frequency.ravel()[ordered[min(last, summed.size - 1)]])
    band = tested & (frequency <= highest)
    contrast = float(np.std(signal)) or float(np.std(image))
    if float(np.std(residual)) <= NOTHING * contrast:
        return Whiteness(
            1.0, 0.0, 0.0, 0, 1.0, 0.0, 1.0, 0.0, highest, np.ones(power.shape)
        )
    noise = np.maximum(noise_power(power), 1e-9 * power.max())
    relative = power / noise
    inside = relative[band]
    extra = float((power - noise)[band].sum())
    spots = band & (recorded > SPOT_POWER * np.maximum(noise_power(recorded), noise))
    lattice = spots if spots.any() else band
    left, shown = (float((each - noise)[lattice].sum()) for each in (power, recorded))
    place = int(np.argmax(np.where(band, relative, 0)))
    return Whiteness(
        flatness=_flatness(inside),
        structure=extra / float(power[band].sum()),
        unexplained=float(np.sqrt(min(max(left, 0.0) / shown, 1.0)))
        if shown > 0
        else 0.0,
        spots=int(spots.sum()),
        spot_power=float(relative[spots].mean()) if spots.any() else 1.0,
        peak=float(relative.ravel()[place]),
        # The Hann window makes neighbours alike; all count, to be on the safe side.
        peak_limit=float(np.log(inside.size / CHANCE)),
        peak_frequency=float(frequency.ravel()[place]),
        highest=highest,
        spectrum=relative,
    )


def _flatness(power: FloatArray) -> float:
    # Of exponentially distributed power the mean logarithm lies Euler's constant low.
    logarithm = float(np.mean(np.log(np.maximum(power, 1e-12))))
    flatness = np.exp(logarithm + np.euler_gamma) / float(np.mean(power))
    return float(min(flatness, 1.0))


def _frequencies(shape: tuple[int, ...]) -> FloatArray:
    down, right = ((np.arange(size) - size // 2) / size for size in shape)
    return np.asarray(np.hypot(down[:, None], right))


def _half(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    down, right = (np.arange(size) - size // 2 for size in shape)
    return np.asarray((down[:, None] > 0) | ((down[:, None] == 0) & (right > 0)))
