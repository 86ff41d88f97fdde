"""The noise that a network was trained on, and whether an image's lies within it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfin.parameters import NOISE_NAMES, PARAMETER_NAMES, NoiseParameters

# Grey level at which noise is compared, and by how much it may lie beyond the noise
# that a network was trained on.
LEVEL, MARGIN = 128.0, 1.3
ENDS = ("minimum", "maximum")
FACTORS = ("noise_factor", "brightness_factor")
IMAGES = "calibrated_on"
Range = tuple[float, float]


@dataclass(frozen=True)
class TrainedRange:
    """Least and greatest of what a network has seen.

    Attributes
    ----------
    parameters
        Least and greatest value of each noise parameter, by name, with the factors
        that the training images were drawn with.
    deviation
        Standard deviation of all noise at half brightness, grey levels.
    brightness
        Of the atoms over their background, without its sign, grey levels.
    says_factors
        Whether the weights say with what factors; else these are taken for 1.
    """

    parameters: dict[str, Range]
    deviation: Range
    brightness: Range
    says_factors: bool

    def holds(self, noise: NoiseParameters) -> bool:
        """Tell whether noise lies within the range, a little beyond it included."""
        return _within(noise_deviation(noise), self.deviation) and _within(
            abs(noise.atom_brightness), self.brightness
        )


def trained_noise(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Take from a network's metadata the noise that it was trained on.

    Returns
    -------
    dict or None
        ``minimum`` and ``maximum`` of the calibrated parameters; the factors of the
        synthesis and, in ``calibrated_on``, the names of the images that were
        calibrated, both of which weights of old lack. None if nobody wrote down any
        noise.
    """
    noise = metadata.get("noise")
    if noise is None:
        return None
    data = metadata.get("data", {})
    names = (*FACTORS, IMAGES)
    return {**noise, **{name: data[name] for name in names if name in data}}


def calibrated_on(image: str, noise: Mapping[str, Any] | None) -> bool:
    """Tell whether an image of this name gave the noise that a network was trained on.

    Parameters
    ----------
    image
        Its name; pixels are not compared.
    noise
        As from `trained_noise`.
    """
    return noise is not None and image in noise.get(IMAGES, ())


def trained_range(noise: Mapping[str, Any]) -> TrainedRange:
    """Widen the calibrated range by the factors of the synthesis.

    Parameters
    ----------
    noise
        As from `trained_noise`.
    """
    least, most = (noise[name] for name in ENDS)
    low, high = noise.get("noise_factor", (1.0, 1.0))
    faint, bright = noise.get("brightness_factor", (1.0, 1.0))
    ranges = {
        name: _products((least[name], most[name]), (low, high))
        if name in NOISE_NAMES
        else (float(least[name]), float(most[name]))
        for name in PARAMETER_NAMES
    }
    brightness = ranges["atom_brightness"]
    ranges["atom_brightness"] = _products(brightness, (faint, bright))
    # The background moves by up to what the atoms lose (`sfin.synthesis`).
    ends = ranges["background_brightness"]
    lost = [(1 - faint) * value for value in brightness]
    ranges["background_brightness"] = (
        ends[0] + min(*lost, 0.0),
        ends[1] + max(*lost, 0.0),
    )
    deviation = low * _deviation(least), high * _deviation(most)
    heights = [abs(value) for value in ranges["atom_brightness"]]
    return TrainedRange(
        ranges,
        deviation,
        (min(heights), max(heights)),
        all(name in noise for name in FACTORS),
    )


def noise_deviation(noise: NoiseParameters) -> float:
    """Give the deviation of all noise at half brightness, where nothing is steep."""
    return _deviation(vars(noise))


def range_sentence(
    measured: NoiseParameters | None, noise: Mapping[str, Any] | None, image: str = ""
) -> str:
    """Say whether an image's noise is what the network was trained on.

    Parameters
    ----------
    measured
        Noise of the image; None if it cannot be measured.
    noise
        As from `trained_noise`; None if nobody wrote it down.
    image
        Name of the image.
    """
    if measured is None:
        return (
            "The noise of this image cannot be measured, so nobody knows whether the "
            "network was trained on its like."
        )
    if noise is None:
        return (
            "The weights do not say what noise the network was trained on: train again "
            "with this version, or compare with the calibration yourself."
        )
    trained = trained_range(noise)
    inside = trained.holds(measured)
    place = "lies inside" if inside else "lies OUTSIDE"
    advice = (
        "" if inside else ": do not trust single atoms, train with images like this one"
    )
    unsaid = (
        ""
        if trained.says_factors
        else " The weights do not say by what factors the training widened the "
        "calibrated noise; none are assumed."
    )
    own = (
        " As an image of this name was calibrated for the training, it lies inside by "
        "construction, which proves nothing."
        if inside and calibrated_on(image, noise)
        else ""
    )
    return (
        f"The noise {place} the range that the network was trained on{advice} "
        f"({noise_deviation(measured):.1f} grey levels at half brightness, trained on "
        f"{trained.deviation[0]:.1f}–{trained.deviation[1]:.1f}; atoms "
        f"{abs(measured.atom_brightness):.0f} grey levels high, trained on "
        f"{trained.brightness[0]:.0f}–{trained.brightness[1]:.0f}).{unsaid}{own}"
    )


def _products(ends: Range, factors: Range) -> Range:
    values = [float(end * factor) for end in ends for factor in factors]
    return min(values), max(values)


def _within(value: float, ends: Range) -> bool:
    return ends[0] / MARGIN <= value <= ends[1] * MARGIN


def _deviation(noise: Mapping[str, float]) -> float:
    pointwise = noise["pointwise_slope"] * LEVEL + noise["pointwise_intercept"]
    return float(np.hypot(max(pointwise, 0.0), max(noise["scan_intercept"], 0.0)))
