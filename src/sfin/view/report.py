"""What the page says in words and numbers: noise, quality, residual, verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfin.calibrated_images import CalibratedImage, image_parameters
from sfin.image_quality import ImageQuality
from sfin.trust import Trust
from sfin.trust_report import trust_numbers

# Names, and units, of the noise parameters.
PARAMETERS = {
    "atom_brightness": ("Strongest atom against the background", "grey levels"),
    "background_brightness": ("Background", "grey levels"),
    "scan_intercept": ("Scan noise where the image is flat", "grey levels"),
    "scan_slope": ("Scan noise, rise with the gradient", "per grey level"),
    "pointwise_intercept": ("Pointwise noise at black", "grey levels"),
    "pointwise_slope": ("Pointwise noise, rise with the grey level", "per grey level"),
    "pointwise_shape": ("Pointwise noise, shape λ (0.14 is nearly normal)", ""),
}


@dataclass(frozen=True)
class NoiseRow:
    """A noise parameter.

    Attributes
    ----------
    name, unit
        For people.
    value, error
        With its standard error; – where nobody knows it.
    trained
        Range that the network was trained on; – where nobody wrote it down.
    within
        Whether the value lies in it.
    """

    name: str
    unit: str
    value: str
    error: str
    trained: str
    within: bool


@dataclass(frozen=True)
class Finding:
    """A measure, and what it should be.

    Attributes
    ----------
    name, value
        For people.
    wanted
        Of a good image.
    passed
        Whether it is; None where there is no limit.
    """

    name: str
    value: str
    wanted: str
    passed: bool | None = None


def noise_rows(
    record: CalibratedImage, trained: Mapping[str, Any] | None
) -> list[NoiseRow]:
    """List the noise parameters of an image beside those of the training data.

    Parameters
    ----------
    record
        Calibration of the image.
    trained
        ``minimum`` and ``maximum`` of each parameter, as for
        `sfin.image_doubts.doubts`.
    """
    noise, errors = image_parameters(record)
    rows = []
    for name, (label, unit) in PARAMETERS.items():
        value = getattr(noise, name)
        digits = 1 if unit == "grey levels" else 3
        error = "–" if errors is None else _number(getattr(errors, name), digits)
        span, within = "–", True
        if trained is not None:
            low, high = (float(trained[end][name]) for end in ("minimum", "maximum"))
            span = f"{_number(low, digits)} to {_number(high, digits)}"
            within = low <= value <= high
        shown = _number(value, digits)
        rows.append(NoiseRow(label, unit, shown, error, span, within))
    return rows


def quality_findings(record: CalibratedImage) -> list[Finding]:
    """Say whether the image is raw enough for its noise to be calibrated."""
    quality, settings = record.quality, record.settings
    excess = quality.column_correlation - quality.row_correlation
    findings = [
        Finding(
            "White noise left near the Nyquist frequency",
            f"{quality.white_noise:.2f}",
            f"at least {settings.minimum_white_noise:.2f}: not filtered, not averaged",
            quality.white_noise >= settings.minimum_white_noise,
        ),
        Finding(
            "Noise correlation along rows, along columns",
            _pair(quality.row_correlation, quality.column_correlation),
            "more along the rows, where the fast scan runs",
            excess <= settings.maximum_column_correlation,
        ),
        Finding(
            "Pixels at the greatest or least count",
            f"{quality.saturated:.2%}",
            f"at most {settings.maximum_saturated:.0%}: not saturated",
            quality.saturated <= settings.maximum_saturated,
        ),
    ]
    return [*findings, *_contrast(quality, settings.minimum_contrast)]


def _contrast(quality: ImageQuality, least: float) -> Sequence[Finding]:
    if quality.contrast is None:
        return []
    finding = Finding(
        "Strongest atom, in standard errors",
        f"{quality.contrast:.0f}",
        f"at least {least:.0f}",
        quality.contrast >= least,
    )
    return [finding]


def trust_findings(trust: Trust) -> list[Finding]:
    """List the scores of the enhanced image that say what is good."""
    scores = trust_numbers(trust)["scores"]
    return [
        Finding(
            name.replace("_", " ").capitalize(),
            _shown(score["value"], score["unit"]),
            score["good"].replace("near", "about"),
        )
        for name, score in scores.items()
        if "good" in score
    ]


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return _number(value, 0 if unit == "maxima" else 2)


def _number(value: float, digits: int) -> str:
    # With a minus sign, and without a negative zero.
    return f"{value:z.{digits}f}".replace("-", "−")


def _pair(first: float, second: float) -> str:
    return f"{_number(first, 2)}, {_number(second, 2)}"
