"""The calibration of one patch, step by step: the paper's Figure 3."""

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sfin.calibration_settings import CalibrationSettings
from sfin.figures.noise_plots import (
    plot_pointwise,
    plot_scan_by_gradient,
    plot_scan_by_grey,
    plot_shape,
    plotted_noise,
)
from sfin.figures.style import COLOURS, add_panel, house_style, scale_bar, show_image
from sfin.paper_estimator import Decomposition, decompose, estimate
from sfin.parameters import Mode, NoiseParameters

# Inches. Three columns: images, and below their first one curves beside images.
WIDTH = 7.2
LEFT = 0.12
IMAGE = 1.8
GRID_HEIGHT = 6.42
_COLUMNS = (LEFT, 2.5, 4.88)
_ROW = 2.17
_TITLE = 0.2
# Characters of the small type at the foot.
NOTE_WIDTH = 148
_BRIGHTEST, _DARKEST = COLOURS[0], COLOURS[5]

FloatArray = NDArray[np.floating]


def calibration_figure(
    patch: NDArray[np.floating],
    mode: Mode,
    settings: CalibrationSettings,
    name: str,
    pixel_size: float | None,
    note: str = "",
) -> Figure:
    """Draw how the paper calibrates one patch (section 3.2, Figure 3).

    Parameters
    ----------
    patch
        Grey levels (0–255), shape (rows, columns), fast scan along the rows.
    mode
        Whether atoms are bright (``haadf``) or dark (``bf``).
    settings
        Constants of the calibration.
    name
        Of the image, for the title.
    pixel_size
        Å per pixel; None if unknown, and scale bars then count pixels.
    note
        What the patch is and where it comes from. Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.

    Raises
    ------
    InputError
        If the patch has too little contrast to be calibrated.
    """
    text = fill(note, NOTE_WIDTH)
    top, foot = 0.3, 0.15 + 0.115 * (text.count("\n") + 1)
    height = top + GRID_HEIGHT + foot
    with house_style():
        figure = Figure(figsize=(WIDTH, height))
        draw_calibration(figure, top, patch, mode, settings, pixel_size)
        figure.text(LEFT / WIDTH, 1 - 0.15 / height, name, va="center", weight="bold")
        figure.text(LEFT / WIDTH, 0.08 / height, text, fontsize=6.5, va="bottom")
    return figure


def draw_calibration(
    figure: Figure,
    top: float,
    patch: NDArray[np.floating],
    mode: Mode,
    settings: CalibrationSettings,
    pixel_size: float | None,
    other: NoiseParameters | None = None,
) -> NoiseParameters:
    """Draw the panels of Figure 3 into a figure `WIDTH` inches wide.

    Parameters
    ----------
    figure
        Figure that has `GRID_HEIGHT` inches of room.
    top
        Inches from its upper edge to the panels.
    patch, mode, settings, pixel_size
        As for `calibration_figure`.
    other
        What `settings.estimator` found, if it is not the paper's: dashed lines.

    Returns
    -------
    NoiseParameters
        What the paper's estimator, whose lines are drawn, finds in the patch.
    """
    grey = np.asarray(patch, dtype=np.float64)
    parts = decompose(grey, settings)
    paper = estimate(grey, mode, settings)
    noise = plotted_noise(parts, settings, paper, other)
    _draw_images(figure, top, grey, parts, settings, pixel_size)
    second, third = top + _ROW, top + 2 * _ROW
    plot_scan_by_grey(_plot(figure, _COLUMNS[1], second), noise)
    plot_scan_by_gradient(_plot(figure, _COLUMNS[2], second), noise)
    plot_pointwise(_plot(figure, _COLUMNS[1], third), noise)
    plot_shape(_plot(figure, _COLUMNS[2], third), noise)
    return paper


def grey_limits(image: NDArray[np.floating]) -> tuple[float, float]:
    """Choose what to show as black and white: all but 0.4 % of the pixels between."""
    low, high = np.percentile(image, (0.2, 99.8))
    return float(low), float(high)


def _draw_images(
    figure: Figure,
    top: float,
    grey: FloatArray,
    parts: Decomposition,
    settings: CalibrationSettings,
    pixel_size: float | None,
) -> None:
    # Both blurred images share a scale, so that their difference can be seen.
    blurred = grey_limits(parts.row_blurred)
    scan, pointwise = parts.scan_noise, parts.pointwise_noise
    row_title = f"(c) Blurred along rows, σ {settings.row_blur_sigma:g} px"
    panels = [
        (0, 0, "(a) Noisy image", grey, grey_limits(grey)),
        (
            0,
            1,
            f"(b) Blurred in 2-D, σ {settings.blur_sigma:g} px",
            parts.blurred,
            blurred,
        ),
        (0, 2, row_title, parts.row_blurred, blurred),
        (1, 0, "(d) Scan noise, c − b", scan, _symmetric(scan)),
        (2, 0, "(f) Pointwise noise, a − c", pointwise, _symmetric(pointwise)),
    ]
    for row, column, title, image, limits in panels:
        left, upper = _COLUMNS[column], top + row * _ROW + _TITLE
        axes = add_panel(figure, left, upper, IMAGE, IMAGE)
        show_image(axes, image, limits)
        axes.set_title(title, pad=3, loc="left")
        if image is grey:
            scale_bar(axes, pixel_size)
        if image is parts.blurred:
            _mark_extremes(axes, image, settings.margin)
        bar = add_panel(figure, left + IMAGE + 0.05, upper, 0.07, IMAGE)
        bar.set_axis_on()
        figure.colorbar(axes.images[0], cax=bar)
        bar.tick_params(labelsize=6, length=2, pad=1.5)
        bar.locator_params(nbins=6)


def _mark_extremes(axes: Axes, blurred: FloatArray, margin: int) -> None:
    """Mark what gives the brightnesses, and the margin that is left out."""
    inside = blurred[margin : -margin or None, margin : -margin or None]
    for place, colour in ((inside.argmax(), _BRIGHTEST), (inside.argmin(), _DARKEST)):
        row, column = np.unravel_index(place, inside.shape)
        axes.plot(
            int(column) + margin,
            int(row) + margin,
            "o",
            markersize=6,
            markerfacecolor="none",
            markeredgecolor=colour,
            markeredgewidth=1.2,
        )
    axes.add_patch(
        Rectangle(
            (margin - 0.5, margin - 0.5),
            inside.shape[1],
            inside.shape[0],
            fill=False,
            edgecolor="white",
            linewidth=0.6,
            linestyle=(0, (3, 3)),
        )
    )


def _plot(figure: Figure, left: float, top: float) -> Axes:
    axes = add_panel(figure, left + 0.36, top + _TITLE, 1.84, 1.5)
    axes.set_axis_on()
    axes.tick_params(labelsize=6.5, length=2.5, pad=2)
    return axes


def _symmetric(noise: FloatArray) -> tuple[float, float]:
    spread = float(np.percentile(np.abs(noise), 99.5)) or 1.0
    return -spread, spread
