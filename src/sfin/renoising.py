"""Give an enhanced image its noise back, and compare the result with the input.

If enhanced image and calibration are right, an image drawn from the two cannot be told
from the input, but for chance: the draws themselves say how large that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.image_doubts import middle
from sfin.image_parts import ImageParts
from sfin.image_quality import noise_correlation, white_noise_ratio
from sfin.noise import NoiseSettings, disturb
from sfin.noise_curves import Curve, deviation_curve
from sfin.parameters import PARAMETER_NAMES, Mode, NoiseParameters

FloatArray = NDArray[np.floating]

# Images that are drawn; their spread is the yardstick.
DRAWS = 5
# Of the curves of noise against grey level.
BIN_WIDTH, BIN_SHARE = 5.0, 0.002
GREY_LEVELS = "grey levels"
UNITS = dict.fromkeys(PARAMETER_NAMES, GREY_LEVELS) | {
    "scan_slope": "grey levels per grey level of the gradient",
    "pointwise_slope": "1",
    "pointwise_shape": "1",
}


@dataclass(frozen=True)
class Comparison:
    """A statistic of the input beside that of the re-noised images.

    Attributes
    ----------
    input, renoised
        Value of the input, and mean of the draws.
    spread
        Standard deviation between draws: the yardstick.
    unit
        Of the three; ``1`` for a plain number.
    """

    input: float
    renoised: float
    spread: float
    unit: str

    @property
    def distance(self) -> float:
        """Difference in spreads."""
        return abs(self.input - self.renoised) / max(self.spread, 1e-12)


@dataclass(frozen=True)
class Renoised:
    """Images drawn from an enhanced image, and how they compare with the input.

    Attributes
    ----------
    image
        The first of them, grey levels (rows, columns).
    statistics
        By name. ``deviation`` is that of the noise, where the input has its residual;
        ``histogram`` is the Wasserstein distance to a draw, of the input and of
        another draw.
    input_curve, renoised_curve
        Standard deviation of residual and of drawn noise against grey level.
    """

    image: FloatArray
    statistics: dict[str, Comparison]
    input_curve: Curve
    renoised_curve: Curve

    @property
    def distance(self) -> float:
        """Median distance of the statistics, in spreads between draws."""
        return float(np.median([each.distance for each in self.statistics.values()]))


def measured_noise(grey: FloatArray, mode: Mode) -> NoiseParameters | None:
    """Calibrate the middle of an image: the median of its patches.

    Images smaller than a patch of 256 pixels are one patch. None if there is too
    little contrast or too few pixels.

    Parameters
    ----------
    grey
        Grey levels (rows, columns), not clipped.
    mode
        Of the image.
    """
    part = middle(grey)
    whole = CalibrationSettings().patch_size
    settings = CalibrationSettings(patch_size=min(whole, *part.shape))
    if settings.patch_size < 4 * settings.margin:
        return None
    try:
        patches = calibrate(part, mode, settings)
    except InputError:
        return None
    found = np.median([list(vars(p.parameters).values()) for p in patches], axis=0)
    return NoiseParameters(*map(float, found))


def renoise(
    grey: FloatArray,
    parts: ImageParts,
    mode: Mode,
    noise: NoiseParameters,
    generator: np.random.Generator,
) -> Renoised | None:
    """Draw noise on signal and background, several times, and measure all images alike.

    Parameters
    ----------
    grey
        Grey levels of the input (rows, columns), not clipped.
    parts
        Of the input.
    mode
        Whether atoms are bright or dark.
    noise
        Of the input, by `measured_noise`.
    generator
        Source of randomness.

    Returns
    -------
    Renoised or None
        None if there are too few grey levels to compare.
    """
    noiseless = parts.noiseless.astype(np.float32)
    settings = NoiseSettings()
    draws = [disturb(noiseless, noise, settings, generator) for _ in range(DRAWS)]
    level = middle(noiseless).astype(np.float64)
    images = [middle(image).astype(np.float64) for image in (grey, *draws)]
    noises = [image - level for image in images]
    try:
        curves = [deviation_curve(level, each, BIN_WIDTH, BIN_SHARE) for each in noises]
    except InputError:
        return None
    measured = (noise, *(measured_noise(image, mode) for image in draws))
    known = [each for each in measured if each is not None]
    statistics = {
        "deviation": _compare(map(np.std, noises), GREY_LEVELS),
        "histogram": _histograms(images),
        "row_correlation": _compare(map(noise_correlation, images), "1"),
        "column_correlation": _compare(
            (noise_correlation(image.T) for image in images), "1"
        ),
        "white_noise": _compare(map(white_noise_ratio, images), "1"),
    }
    if len(known) > 2:
        statistics |= {
            name: _compare((getattr(each, name) for each in known), UNITS[name])
            for name in PARAMETER_NAMES
        }
    mean = np.sqrt(np.mean([curve.y**2 for curve in curves[1:]], axis=0))
    drawn = Curve(curves[1].x, mean, curves[1].count)
    return Renoised(draws[0], statistics, curves[0], drawn)


def _compare(values: Iterable[float], unit: str) -> Comparison:
    # The first is the input.
    own, *drawn = map(float, values)
    return Comparison(own, float(np.mean(drawn)), float(np.std(drawn, ddof=1)), unit)


def _histograms(images: Sequence[FloatArray]) -> Comparison:
    own, *draws = (np.sort(image, axis=None) for image in images)
    distances = [wasserstein_distance(own, draw) for draw in draws]
    between = [wasserstein_distance(*pair) for pair in pairwise(draws)]
    spread = float(np.std(between, ddof=1))
    return Comparison(
        float(np.mean(distances)), float(np.mean(between)), spread, GREY_LEVELS
    )
