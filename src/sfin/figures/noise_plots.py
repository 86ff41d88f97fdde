"""Noise against grey level and gradient: panels e and g of the paper's Figure 3."""

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sfin.calibration_settings import CalibrationSettings
from sfin.figures.style import COLOURS
from sfin.noise_curves import Curve
from sfin.paper_estimator import Decomposition, NoiseCurves, noise_curves
from sfin.parameters import NoiseParameters

ORANGE, BLUE, GREEN, PINK = COLOURS[:4]
LIGHT_RED = "#fbdcdf"
# The gradient is several times larger than the noise; Figures 3 and 8 divide it.
GRADIENT_DIVISOR = 5
# Shape of the Tukey-lambda distribution closest to a normal one.
NORMAL_SHAPE = 0.14


@dataclass(frozen=True)
class PlottedNoise:
    """What the plots of one patch show.

    Attributes
    ----------
    kept
        Curves of the bins that lines are fitted to.
    everything
        Curves that hold the sparse bins too.
    settings
        Constants of the calibration.
    paper
        The lines that the paper's estimator fits.
    other
        Lines of another estimator, dashed; None for none.
    """

    kept: NoiseCurves
    everything: NoiseCurves
    settings: CalibrationSettings
    paper: NoiseParameters
    other: NoiseParameters | None


def plotted_noise(
    parts: Decomposition,
    settings: CalibrationSettings,
    paper: NoiseParameters,
    other: NoiseParameters | None,
) -> PlottedNoise:
    """Measure the curves to plot, with and without sparse bins.

    Raises
    ------
    InputError
        If the patch has too little contrast.
    """
    all_bins = replace(settings, minimum_bin_fraction=0.0)
    return PlottedNoise(
        kept=noise_curves(parts, settings),
        everything=noise_curves(parts, all_bins),
        settings=settings,
        paper=paper,
        other=other,
    )


def dropped_bins(
    everything: Curve, kept: Curve, width: float
) -> list[tuple[float, float]]:
    """Find the ranges of a variable whose bins were too sparse to be fitted.

    Parameters
    ----------
    everything
        Curve that also holds the sparse bins.
    kept
        Curve of the bins that were fitted.
    width
        Of the bins of `kept`.

    Returns
    -------
    list of tuple
        First and last value of each range, in ascending order.
    """
    present = np.floor(everything.x / width).astype(int)
    fitted = set(np.floor(kept.x / width).astype(int).tolist())
    ranges: list[tuple[float, float]] = []
    for place in range(int(present.min()), int(present.max()) + 1):
        if place in fitted:
            continue
        start, end = place * width, (place + 1) * width
        if ranges and np.isclose(ranges[-1][1], start):
            start = ranges.pop()[0]
        ranges.append((start, end))
    return ranges


def plot_scan_by_grey(axes: Axes, noise: PlottedNoise) -> None:
    """Plot scan noise and gradient against grey level."""
    kept, everything = noise.kept, noise.everything
    axes.set_title("(e) Scan noise and gradient", pad=3, loc="left")
    width = noise.settings.grey_bin_width
    _shade(axes, everything.scan_by_grey, kept.scan_by_grey, width)
    _curve(axes, everything.scan_by_grey, kept.scan_by_grey, BLUE, "SD")
    _curve(
        axes,
        _divided(everything.gradient_by_grey),
        _divided(kept.gradient_by_grey),
        ORANGE,
        f"gradient / {GRADIENT_DIVISOR}",
    )
    _finish(axes, "Pixel value (blurred)")


def plot_scan_by_gradient(axes: Axes, noise: PlottedNoise) -> None:
    """Plot scan noise against gradient, with its linear fit."""
    kept, everything = noise.kept.scan_by_gradient, noise.everything.scan_by_gradient
    axes.set_title("(e) Scan noise against gradient", pad=3, loc="left")
    _shade(axes, everything, kept, noise.settings.gradient_bin_width)
    _curve(axes, everything, kept, BLUE, "SD")
    _line(axes, kept, noise.paper.scan_slope, noise.paper.scan_intercept, "g")
    if noise.other:
        slope, intercept = noise.other.scan_slope, noise.other.scan_intercept
        _line(axes, kept, slope, intercept, "g", noise.settings.estimator)
    _finish(axes, "Gradient amplitude g (Sobel)")


def plot_pointwise(axes: Axes, noise: PlottedNoise) -> None:
    """Plot pointwise noise against grey level, with its linear fit."""
    kept, everything = noise.kept.pointwise_by_grey, noise.everything.pointwise_by_grey
    axes.set_title("(g) Pointwise noise", pad=3, loc="left")
    _shade(axes, everything, kept, noise.settings.grey_bin_width)
    _curve(axes, everything, kept, BLUE, "SD")
    paper, other = noise.paper, noise.other
    _line(axes, kept, paper.pointwise_slope, paper.pointwise_intercept, "I")
    if other:
        slope, intercept = other.pointwise_slope, other.pointwise_intercept
        _line(axes, kept, slope, intercept, "I", noise.settings.estimator)
    _finish(axes, "Pixel value I (blurred)")


def plot_shape(axes: Axes, noise: PlottedNoise) -> None:
    """Plot the shape of the pointwise noise against grey level."""
    kept = noise.kept.shape_by_grey
    grey = noise.everything.pointwise_by_grey
    axes.set_title("(g) Shape of the pointwise noise", pad=3, loc="left")
    _shade(axes, grey, kept, noise.settings.shape_bin_width)
    axes.plot(kept.x, kept.y, ".-", color=GREEN, linewidth=1, markersize=3, label="λ")
    levels = [
        (NORMAL_SHAPE, "0.5", ":", "normal"),
        (noise.paper.pointwise_shape, "black", "-", "median"),
        (float(np.mean(kept.y)), "black", "--", "mean"),
    ]
    if noise.other:
        estimator = noise.settings.estimator
        levels.append((noise.other.pointwise_shape, PINK, "--", estimator))
    for value, colour, style, label in levels:
        text = f"{label} {_signed(value, 2)}"
        axes.axhline(value, color=colour, linewidth=0.9, linestyle=style, label=text)
    drawn = [*kept.y, *(value for value, *_ in levels)]
    low, high = min(-0.2, *drawn), max(0.5, *drawn)
    axes.set_ylim(low - 0.05, high + 0.5 * (high - low))
    axes.set_xlim(float(grey.x.min()), float(grey.x.max()))
    _label(axes, "Pixel value (blurred)", "Tukey λ", 2)


def _shade(axes: Axes, everything: Curve, kept: Curve, width: float) -> None:
    for start, end in dropped_bins(everything, kept, width):
        axes.axvspan(start, end, facecolor=LIGHT_RED, linewidth=0, zorder=0)


def _curve(axes: Axes, everything: Curve, kept: Curve, colour: str, label: str) -> None:
    axes.plot(everything.x, everything.y, color=colour, linewidth=0.6, alpha=0.5)
    axes.plot(kept.x, kept.y, color=colour, linewidth=1.2, label=label)


def _line(
    axes: Axes,
    kept: Curve,
    slope: float,
    intercept: float,
    variable: str,
    estimator: str = "",
) -> None:
    """Draw a line over the fitted bins; that of another estimator is dashed."""
    ends = np.array([kept.x.min(), kept.x.max()])
    sign = "−" if intercept < 0 else "+"
    label = f"{_signed(slope, 3)} {variable} {sign} {abs(intercept):.1f}"
    label += f" ({estimator})" if estimator else ""
    axes.plot(
        ends,
        slope * ends + intercept,
        color=PINK if estimator else "black",
        linestyle="--" if estimator else "-",
        linewidth=1.1,
        label=label,
    )


def _finish(axes: Axes, horizontal: str) -> None:
    """Let the fitted curves set the scale, with room for the legend above."""
    labelled = [
        line for line in axes.lines if not str(line.get_label()).startswith("_")
    ]
    values = np.concatenate([_data(line.get_ydata()) for line in labelled])
    axes.set_ylim(min(0.0, float(values.min())), 1.45 * float(values.max()))
    places = np.concatenate([_data(line.get_xdata()) for line in axes.lines])
    axes.set_xlim(float(places.min()), float(places.max()))
    # Two short labels stand side by side, three below each other.
    _label(axes, horizontal, "Grey levels", 2 if len(labelled) == 2 else 1)


def _label(axes: Axes, horizontal: str, vertical: str, columns: int) -> None:
    axes.set_xlabel(horizontal, fontsize=7, labelpad=1)
    axes.set_ylabel(vertical, fontsize=7, labelpad=2)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(0, 1.02),
        ncols=columns,
        fontsize=6.5,
        handlelength=1.2,
        handletextpad=0.4,
        labelspacing=0.2,
        columnspacing=0.8,
        borderaxespad=0.1,
    )


def _data(values: object) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _divided(curve: Curve) -> Curve:
    return replace(curve, y=curve.y / GRADIENT_DIVISOR)


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
