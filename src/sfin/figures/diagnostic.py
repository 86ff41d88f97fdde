"""What the calibration of one image found, and whether to trust it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sfin.calibrated_images import CalibratedImage, read_calibrated_image
from sfin.calibration import PatchCalibration
from sfin.figures.calibrated_patch import (
    central_patch,
    describe,
    patch_region,
    read_grey_levels,
)
from sfin.figures.calibration import (
    GRID_HEIGHT,
    IMAGE,
    LEFT,
    NOTE_WIDTH,
    WIDTH,
    draw_calibration,
    grey_limits,
)
from sfin.figures.style import (
    RED,
    add_panel,
    house_style,
    mark_region,
    name_text,
    scale_bar,
    show_image,
    write_figure,
)
from sfin.parameters import PARAMETER_NAMES, NoiseParameters

# Inches.
_FIELD_ROW = 2.15
_MAP_ROW = 1.3
_TABLE_LEFT = 2.5
# As a microscopist calls them: name, unit, digits, and a short name for maps.
LABELS = {
    "atom_brightness": ("Atom brightness", "grey levels", 1, "Atoms"),
    "background_brightness": ("Background", "grey levels", 1, "Background"),
    "scan_slope": ("Scan noise, slope", "per gradient", 3, "Scan slope"),
    "scan_intercept": ("Scan noise, intercept", "grey levels", 2, "Scan interc."),
    "pointwise_slope": ("Pointwise, slope", "per grey level", 3, "Pointw. slope"),
    "pointwise_intercept": (
        "Pointwise, intercept",
        "grey levels",
        2,
        "Pointw. interc.",
    ),
    "pointwise_shape": ("Pointwise, shape λ", "", 3, "Shape λ"),
}


def write_diagnostic(
    image_path: str | Path,
    record_path: str | Path,
    base_path: str | Path,
    version: str,
) -> str:
    """Draw what the calibration of one image found, as PNG.

    Parameters
    ----------
    image_path, record_path
        An image file and its calibration.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.

    Returns
    -------
    str
        The caption. The file holds it too.

    Raises
    ------
    InputError
        If the image cannot be read, or no patch of it was calibrated.
    """
    record = read_calibrated_image(record_path)
    grey = read_grey_levels(image_path, record)
    return draw_diagnostic(grey, record, base_path, version)


def draw_diagnostic(
    grey: NDArray[np.floating],
    record: CalibratedImage,
    base_path: str | Path,
    version: str,
) -> str:
    """Draw what `write_diagnostic` does, of an image in grey levels."""
    caption = describe(record, central_patch(record))
    if record.settings.estimator != "paper":
        caption += (
            f" Dashed: the {record.settings.estimator} estimator, on its own grey "
            "levels and gradients."
        )
    if len(record.patches) > 1:
        caption += " Coloured: each parameter in each patch, from least to greatest."
    caption += f" sfin {version}."
    figure = diagnostic_figure(grey, record, caption)
    write_figure(base_path, figure, caption, ["png"])
    return caption


def diagnostic_figure(
    grey: NDArray[np.floating], record: CalibratedImage, note: str = ""
) -> Figure:
    """Draw the steps for the central patch, and the result for all patches.

    Parameters
    ----------
    grey
        The image in grey levels, (rows, columns).
    record
        Its calibration.
    note
        Written small at the foot.

    Raises
    ------
    InputError
        If no patch was calibrated.
    """
    chosen = central_patch(record)
    warning = ""
    if record.warnings:
        warning = fill("Not to be trusted: " + "; ".join(record.warnings) + ".", 100)
    text = fill(note, NOTE_WIDTH)
    several = len(record.patches) > 1
    top = 0.3 + (0.1 + 0.135 * (warning.count("\n") + 1) if warning else 0)
    below = top + GRID_HEIGHT + 0.05
    maps = below + _FIELD_ROW
    foot = 0.15 + 0.115 * (text.count("\n") + 1)
    height = maps + (_MAP_ROW if several else 0) + foot
    # The paper's own lines are drawn in any case.
    others = record.settings.estimator != "paper"
    with house_style():
        figure = Figure(figsize=(WIDTH, height))
        left = LEFT / WIDTH
        name = f"{name_text(record.image)}, {record.mode.upper()}"
        figure.text(left, 1 - 0.15 / height, name, va="center", weight="bold")
        figure.text(
            left, 1 - 0.28 / height, warning, va="top", color=RED, weight="bold"
        )
        paper = draw_calibration(
            figure,
            top,
            grey[patch_region(record, chosen)],
            record.mode,
            record.settings,
            record.pixel_size,
            chosen.parameters if others else None,
        )
        _draw_field(figure, below, grey, record, chosen)
        _draw_table(figure, below, _table(record, chosen, paper if others else None))
        if several:
            _draw_maps(figure, maps, record, chosen)
        figure.text(left, 0.08 / height, text, fontsize=6.5, va="bottom")
    return figure


def _draw_field(
    figure: Figure,
    top: float,
    grey: NDArray[np.floating],
    record: CalibratedImage,
    chosen: PatchCalibration,
) -> None:
    """Show the whole image, its patches and the one drawn above."""
    rows, columns = grey.shape
    width, height = (IMAGE * length / max(rows, columns) for length in (columns, rows))
    axes = add_panel(figure, LEFT, top + 0.2, width, height)
    show_image(axes, grey, grey_limits(grey))
    axes.set_title("Patches; red: shown above", pad=3, loc="left")
    size = record.settings.patch_size
    for patch in record.patches:
        _outline(axes, patch.row, patch.column, size, "white", 0.4)
    mark_region(axes, patch_region(record, chosen))
    scale_bar(axes, record.pixel_size)


def _table(
    record: CalibratedImage, chosen: PatchCalibration, paper: NoiseParameters | None
) -> list[list[str]]:
    """List the seven parameters: of the patch drawn, and over all patches."""
    found = [asdict(patch.parameters) for patch in record.patches]
    columns = {f"Shown,\n{record.settings.estimator}": asdict(chosen.parameters)}
    if chosen.standard_errors:
        columns["Standard\nerror"] = asdict(chosen.standard_errors)
    if paper:
        columns["Shown,\npaper"] = asdict(paper)
    if len(found) > 1:
        values = {name: [one[name] for one in found] for name in LABELS}
        columns[f"Mean,\nn = {len(found)}"] = {k: np.mean(v) for k, v in values.items()}
        columns["Their\nSD"] = {k: np.std(v, ddof=1) for k, v in values.items()}
    table = [["", *columns]]
    for name, (label, unit, digits, _) in LABELS.items():
        numbers = [_number(column[name], digits) for column in columns.values()]
        table.append([f"{label} ({unit})" if unit else label, *numbers])
    quality, least = record.quality, record.settings.minimum_white_noise
    return [
        *table,
        [
            f"Whole image: white noise near Nyquist {_number(quality.white_noise, 2)} "
            f"(raw: at least {least:g}), saturated {100 * quality.saturated:.2f} %;"
        ],
        [
            "noise of neighbours correlates by "
            f"{_number(quality.row_correlation, 2)} along the rows, by "
            f"{_number(quality.column_correlation, 2)} along the columns"
        ],
    ]


def _draw_table(figure: Figure, top: float, table: Sequence[Sequence[str]]) -> None:
    axes = add_panel(
        figure, _TABLE_LEFT, top + 0.1, WIDTH - _TABLE_LEFT - LEFT, _FIELD_ROW - 0.2
    )
    # Right edges of up to five columns of numbers.
    edges = (0.0, 0.56, 0.67, 0.78, 0.9, 1.0)
    for row, entries in enumerate(table):
        height = 1 - (row + 0.5) / len(table)
        for edge, entry in zip(edges, entries, strict=False):
            axes.text(
                edge,
                height,
                entry,
                ha="right" if edge else "left",
                va="center",
                fontsize=7 if row else 6.5,
                weight="normal" if row else "bold",
            )


def _draw_maps(
    figure: Figure, top: float, record: CalibratedImage, chosen: PatchCalibration
) -> None:
    """Map each parameter over the patches of the image."""
    down = sorted({patch.row for patch in record.patches})
    right = sorted({patch.column for patch in record.patches})
    pitch = (WIDTH - 2 * LEFT) / len(PARAMETER_NAMES)
    most = max(len(down), len(right))
    width, height = ((pitch - 0.12) * n / most for n in (len(right), len(down)))
    for number, name in enumerate(PARAMETER_NAMES):
        values = np.full((len(down), len(right)), np.nan)
        for patch in record.patches:
            place = down.index(patch.row), right.index(patch.column)
            values[place] = getattr(patch.parameters, name)
        axes = add_panel(figure, LEFT + number * pitch, top + 0.18, width, height)
        axes.imshow(values, cmap="viridis", interpolation="nearest")
        _, _, digits, title = LABELS[name]
        axes.set_title(title, pad=3, loc="left", fontsize=7)
        row, column = down.index(chosen.row), right.index(chosen.column)
        _outline(axes, row, column, 1, RED, 1.0)
        ends = (_number(end(values), digits) for end in (np.nanmin, np.nanmax))
        axes.text(
            0,
            -0.04 / height,
            " … ".join(ends),
            transform=axes.transAxes,
            va="top",
            fontsize=6.5,
        )


def _outline(
    axes: Axes, row: int, column: int, size: int, colour: str, width: float
) -> None:
    axes.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5),
            size,
            size,
            fill=False,
            edgecolor=colour,
            linewidth=width,
            clip_on=False,
        )
    )


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
