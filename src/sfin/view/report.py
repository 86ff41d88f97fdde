"""What the page says in words and numbers: noise, quality, residual, verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from sfin.calibrated_images import CalibratedImage, image_parameters
from sfin.image_quality import ImageQuality
from sfin.parameters import NoiseParameters
from sfin.training_range import Range, TrainedRange, noise_deviation
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


def noise_rows(record: CalibratedImage, trained: TrainedRange | None) -> list[NoiseRow]:
    """List the noise parameters of an image beside those of the training data.

    Parameters
    ----------
    record
        Calibration of the image.
    trained
        The range that the trust pack shows, too; None if nobody wrote it down.
    """
    noise, errors = image_parameters(record)
    ranges = trained.parameters if trained else {}
    rows = [_noise_row(name, noise, errors, ranges.get(name)) for name in PARAMETERS]
    # What the verdict goes by.
    value = noise_deviation(noise)
    span = trained.deviation if trained else None
    return [
        *rows,
        _row("All noise at half brightness", "grey levels", value, "–", span),
    ]


def _noise_row(
    name: str,
    noise: NoiseParameters,
    errors: NoiseParameters | None,
    span: Range | None,
) -> NoiseRow:
    label, unit = PARAMETERS[name]
    error = "–" if errors is None else _number(getattr(errors, name), _digits(unit))
    return _row(label, unit, getattr(noise, name), error, span)


def _row(
    label: str, unit: str, value: float, error: str, span: Range | None
) -> NoiseRow:
    shown = _number(value, _digits(unit))
    if span is None:
        return NoiseRow(label, unit, shown, error, "–", True)
    ends = " to ".join(_number(end, _digits(unit)) for end in span)
    return NoiseRow(label, unit, shown, error, ends, span[0] <= value <= span[1])


def _digits(unit: str) -> int:
    return 1 if unit == "grey levels" else 3


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
