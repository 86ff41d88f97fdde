"""Figure 8: scan noise and image gradient against grey level, in each dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.calibrated_samples import REAL
from sfin.figures.style import COLOURS, house_style, wrap_caption, write_figure
from sfin.names import left_out, made_again
from sfin.parameters import MODES
from sfin.realism_tables import NAMES
from sfin.scan_trends import Trend

# So that the gradient fits beside the noise, as in the paper.
GRADIENT_DIVISOR = 5
_SCAN, _GRADIENT = COLOURS[1], COLOURS[0]


def figure8(
    trends: Sequence[Trend],
    provenance: Mapping[str, object],
    base_path: str | Path,
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Draw figure 8 and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    trends
        One per panel: a row per mode, a column per dataset.
    provenance
        `scale` and `seed` of the datasets.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.
    lacking
        Panels of the paper's that it has not, each with the reason.

    Returns
    -------
    str
        The caption. The files hold it too.
    """
    text = _caption(trends, provenance, version) + left_out(lacking)
    write_figure(base_path, draw(trends, text), text)
    return text


def draw(trends: Sequence[Trend], caption: str) -> Figure:
    """Draw a row of panels per mode, a column per dataset, the real images last."""
    panels = {(trend.mode, trend.dataset): trend for trend in trends}
    modes = sorted({mode for mode, _ in panels}, key=[*map(str, MODES)].index)
    datasets = list(dict.fromkeys(dataset for _, dataset in panels if dataset != REAL))
    datasets.append(REAL)
    # Room for three panels at least, or the caption grows taller than they are.
    width = 0.75 + 2.2 * max(len(datasets), 3)
    lines, foot = wrap_caption(caption, width)
    foot += 0.48  # the axis and its name
    height = 0.3 + 1.9 * len(modes) + foot
    with house_style():
        figure = Figure(figsize=(width, height))
        grid = figure.subplots(len(modes), len(datasets), squeeze=False, sharex=True)
        figure.subplots_adjust(
            0.7 / width,
            foot / height,
            1 - 0.1 / width,
            1 - 0.25 / height,
            wspace=0.15,
            hspace=0.12,
        )
        for row, mode in zip(grid, modes, strict=True):
            drawn = [(mode, dataset) in panels for dataset in datasets]
            for axes, dataset, there in zip(row, datasets, drawn, strict=True):
                axes.set_visible(there)
                if there:
                    _panel(axes, panels[mode, dataset])
            top = max(axes.get_ylim()[1] for axes in row[drawn])
            for axes in row:
                axes.set(xlim=(0, 255), ylim=(0, 1.12 * top), xticks=range(0, 256, 50))
            row[drawn.index(True)].set_ylabel(f"{mode.upper()}\ngrey levels")
            for axes in row[drawn.index(True) + 1 :]:
                axes.set_yticklabels([])
        for axes, dataset in zip(grid[0], datasets, strict=True):
            axes.set_title(NAMES.get(dataset, dataset), visible=True)
        for column in grid.T:
            lowest = [axes for axes in column if axes.get_visible()][-1]
            lowest.set_xlabel("Pixel value (grey level)")
            lowest.tick_params(labelbottom=True)
        _legend(figure, grid)
        figure.text(0.1 / width, 0.08 / height, lines, fontsize=6.5)
    return figure


def _legend(figure: Figure, grid: NDArray[Any]) -> None:
    """Explain the curves where no panel is, else in the last one."""
    handles, labels = grid[0, -1].get_legend_handles_labels()
    free = [axes for axes in grid.flat if not axes.get_visible()]
    if not free:
        grid[0, -1].legend(loc="lower right", fontsize=7)
        return
    box = free[0].get_position()
    figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(box.x0, box.y0))


def _panel(axes: Axes, trend: Trend) -> None:
    curves = (
        ("Scan noise, standard deviation", _SCAN, trend.scan_noise, 1),
        (f"Gradient / {GRADIENT_DIVISOR}", _GRADIENT, trend.gradient, GRADIENT_DIVISOR),
    )
    for label, colour, values, divisor in curves:
        axes.plot(
            values.level, values.median / divisor, color=colour, label=label, lw=1.2
        )
        axes.fill_between(
            values.level,
            values.low / divisor,
            values.high / divisor,
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
    slope, intercept, correlation = trend.line()
    sign = "+" if intercept >= 0 else "−"
    text = f"σ = {slope:.3f} g {sign} {abs(intercept):.1f},  r = {correlation:.2f}"
    axes.text(0.03, 0.97, text.replace("-", "−"), transform=axes.transAxes, va="top")


def _caption(
    trends: Sequence[Trend], provenance: Mapping[str, object], version: str
) -> str:
    counts = "; ".join(
        f"{NAMES.get(trend.dataset, trend.dataset)}, {trend.mode.upper()}: "
        f"{trend.patches} {'patch' if trend.patches == 1 else 'patches'}"
        + (f" ({trend.left_out} more lack contrast)" if trend.left_out else "")
        for trend in trends
    )
    return (
        "Figure 8. Standard deviation of the scan noise, and Sobel gradient divided "
        f"by {GRADIENT_DIVISOR}, against pixel value, by the paper's estimator, which "
        "does not correct for what its blurs let through. Lines: median over the "
        "patches; bands: 16th to 84th percentile; levels that at least a fifth of the "
        "patches have. In each panel: the line fitted to the medians of scan noise σ "
        "and gradient g, and their correlation r. The paper shows HAADF. "
        f"{counts}. Scale {provenance['scale']}, seed {provenance['seed']}, "
        f"sfin {version}.{_flagged(trends)}"
        f"{made_again(trend.dataset for trend in trends)}"
    )


def _flagged(trends: Sequence[Trend]) -> str:
    # Where no image is raw, data are not synthesised with what the panel shows.
    modes = [trend.mode.upper() for trend in trends if trend.flagged]
    if not modes:
        return ""
    return f" No real image of {' and '.join(modes)} is raw: its panel says little."
