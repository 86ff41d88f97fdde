"""Whether what an enhanced image leaves over is noise, judged by its spectrum.

Noise of a STEM is not white: along the fast scan it is smooth. But rows are recorded
one after the other, so the noise of neighbouring rows is independent, and the power of
noise is the same at all vertical frequencies, however it depends on the horizontal one,
on brightness or on place. Atoms go through many rows and have no power at the highest
vertical frequencies: there the noise is read off, and by it the spectrum is divided.

Peaks are not all lost signal. The line frequency, repeated fly-back and other
interference of the scan or the detector make some too, beyond the frequencies of the
atoms, or at zero horizontal or vertical frequency. What lies there and at no point of
the lattice is told apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter

from sfin.image_parts import BACKGROUND_SPACING
from sfin.reciprocal_lattice import highest_spots, on_lattice, reciprocal_cell
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
# Spots of this share of the power of the highest are sure to be of the lattice.
STRONG = 0.1
# What a peak of the enhanced image has of the power of that in the image, if it is one
# of the lattice: networks draw no interference.
DRAWN = 0.1
# How far beyond the band a lattice still has spots, times: the spectrum of atoms half
# as wide as those drawn is twice as wide, and the 99 % leave out the faintest.
FARTHEST = 2.5
# Deviation of a residual, relative to the signal, below which nothing is left: less
# than the rounding of 8 bits.
NOTHING = 1e-3


@dataclass(frozen=True)
class Whiteness:
    """How far the spectrum of a residual is that of noise.

    Flatness and structure refer to the band of frequencies that holds 99 % of the power
    of the enhanced image, without those of the background and without interference;
    spots and peak also to the points of the lattice beyond the band.

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
        Number of frequencies that are lattice spots of the input. Interference that
        lies among them, off the axes, passes for one.
    spot_power
        Mean power of the residual at these spots, in units of the noise; 1 for noise.
    peak
        Highest power, in units of the noise.
    peak_limit
        Height that noise alone exceeds once in a thousand images (Fisher's test).
    peak_frequency
        Of the peak, cycles per pixel.
    interference
        Highest power beyond the band, or at zero horizontal or vertical frequency, and
        at no point of the lattice, in units of the noise: probably interference of the
        scan or the detector. 0 if none is higher than noise alone makes.
    interference_frequency
        Of the interference, cycles per pixel.
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
    interference: float
    interference_frequency: float
    highest: float
    spectrum: NDArray[np.float64]

    @property
    def score(self) -> float:
        """The worse of flatness and share of noise: 1 for noise, 0 for structure."""
        return float(np.clip(min(self.flatness, 1 - self.structure), 0, 1))

    @property
    def has_peaks(self) -> bool:
        """Whether a peak of the signal is higher than noise alone makes."""
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
    smooth: FloatArray = gaussian_filter1d(_columns_of_noise(power), 3.0, mode="wrap")
    return smooth


def _columns_of_noise(power: FloatArray) -> FloatArray:
    rows = len(power)
    vertical = np.abs(np.arange(rows) - rows // 2) / rows
    # The median, over that of an exponential distribution, resists stray peaks.
    return np.asarray(np.median(power[vertical >= NOISE_ALONE], axis=0) / np.log(2))


def whiteness(residual: FloatArray, image: FloatArray, signal: FloatArray) -> Whiteness:
    """Judge the spectrum of a residual.

    Parameters
    ----------
    residual
        What signal and background leave over of the image (rows, columns).
    image, signal
        The image, and what the enhanced image explains of it; same unit and shape.
    """
    power, recorded, explained = map(power_spectrum, (residual, image, signal))
    frequency = _frequencies(residual.shape)
    # Half of the plane tells all, and below the first is background.
    tested = (frequency > 1.5 / BACKGROUND_SPACING) & _half(residual.shape)
    highest = _end_of_band(explained, frequency, tested)
    contrast = float(np.std(signal)) or float(np.std(image))
    if float(np.std(residual)) <= NOTHING * contrast:
        white = np.ones(power.shape)
        return Whiteness(1.0, 0.0, 0.0, 0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, highest, white)
    noise = np.maximum(noise_power(power), 1e-9 * power.max())
    relative = power / noise
    noise_of_image = np.maximum(noise_power(recorded), noise)
    drawn = explained >= DRAWN * recorded
    # Also spots that the enhanced image alone has are signal, if not of the input.
    shown = np.maximum(recorded, explained) / noise_of_image
    lattice = _lattice(shown, drawn, frequency, tested, highest)
    band = tested & (frequency <= highest)
    in_image = recorded > SPOT_POWER * noise_of_image
    high = tested & (relative > _limit(tested))
    # Rows that lie aside smear the lattice over a whole column, which is no peak.
    steep = high & (power > _limit(tested) * _columns_of_noise(power))
    outside = ~band | _axes(band.shape)
    interference = steep & _maxima(relative) & outside & ~lattice & in_image & ~drawn
    beside = outside & _around(interference)
    band &= ~beside
    lattice &= ~beside
    spots = (band | lattice) & in_image
    judged = spots if spots.any() else band
    left, all_of_it = (
        float((each - noise)[judged].sum()) for each in (power, recorded)
    )
    peak = _highest(relative, band | (high & lattice))
    stray = _highest(relative, interference)
    return Whiteness(
        flatness=_flatness(relative[band]),
        structure=float((power - noise)[band].sum()) / float(power[band].sum()),
        unexplained=float(np.sqrt(min(max(left, 0.0) / all_of_it, 1.0)))
        if all_of_it > 0
        else 0.0,
        spots=int(spots.sum()),
        spot_power=float(relative[spots].mean()) if spots.any() else 1.0,
        peak=float(relative.ravel()[peak]),
        # The Hann window makes neighbours alike; all count, to be on the safe side.
        peak_limit=_limit(band),
        peak_frequency=float(frequency.ravel()[peak]),
        interference=float(relative.ravel()[stray]) if interference.any() else 0.0,
        interference_frequency=float(frequency.ravel()[stray])
        if interference.any()
        else 0.0,
        highest=highest,
        spectrum=relative,
    )


def _end_of_band(
    explained: FloatArray, frequency: FloatArray, tested: NDArray[np.bool_]
) -> float:
    ordered = np.argsort(np.where(tested, frequency, np.inf), axis=None)
    summed = np.cumsum((explained * tested).ravel()[ordered])
    # Without a signal there is no band: everything is looked at.
    if summed[-1] <= 0:
        return float(frequency.max())
    last = int(np.searchsorted(summed, BAND_POWER * summed[-1]))
    return float(frequency.ravel()[ordered[min(last, summed.size - 1)]])


def _lattice(
    power: FloatArray,
    drawn: NDArray[np.bool_],
    frequency: FloatArray,
    tested: NDArray[np.bool_],
    highest: float,
) -> NDArray[np.bool_]:
    # Where the signal may have spots; `power` in units of the noise.
    limit = _limit(tested)
    seen = tested & (power > limit)
    strong = seen & (power >= STRONG * power[tested].max())
    end = highest
    if not (strong & drawn).any():
        # The lattice is lost, and the band is not that of the signal.
        end = float(frequency[strong].max(initial=highest))
    within = tested & (frequency <= FARTHEST * end)
    fitted = seen & ((frequency <= highest) | (strong & within))
    spots, heights = highest_spots(power, fitted)
    cell = reciprocal_cell(spots, np.log(heights / limit))
    # Who does not know the lattice calls no peak near the signal's interference.
    if cell is not None:
        within &= on_lattice(power.shape, cell)
    return np.asarray(within | (strong & (frequency <= highest)))


def _limit(frequencies: NDArray[np.bool_]) -> float:
    # Fisher's test.
    return float(np.log(frequencies.sum() / CHANCE))


def _highest(power: FloatArray, where: NDArray[np.bool_]) -> int:
    return int(np.argmax(np.where(where, power, 0)))


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


def _maxima(power: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(power == maximum_filter(power, 5, mode="wrap"))


def _around(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # Places of the other half, which says the same, count as well.
    even = tuple(1 - size % 2 for size in places.shape)
    both = places | np.roll(places[::-1, ::-1], even, axis=(0, 1))
    return np.asarray(maximum_filter(both, 5, mode="wrap"))


def _axes(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    # A peak of the Hann window is three samples wide.
    down, right = (np.abs(np.arange(size) - size // 2) <= 1 for size in shape)
    return np.asarray(down[:, None] | right)
