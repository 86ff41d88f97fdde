"""Show a rendered cell beside its Gaussian columns and what they leave over."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.style import context
from numpy.typing import NDArray

from sfin.columns import LEAST_R_SQUARED, ProjectedColumns, cell_shape, draw_cell
from sfin.parameters import MODES, Mode

FIELD_OF_VIEW = 16.0  # Å, tiled from the cell
SCALE_BAR = 5.0  # Å
SAMPLING = 0.1  # Å, of a model without a rendered image


def plot_rendering(columns: ProjectedColumns, path: str | Path) -> None:
    """Plot rendered image, Gaussian model and residual of both modes.

    The residual is drawn from −20 to 20 % of the range of the rendered image.
    Columns of the shipped table have no rendered image: only the model is drawn.

    Parameters
    ----------
    columns
        A rendered structure, or one of the shipped table.
    path
        PNG, PDF or any other format of matplotlib.
    """
    path = Path(path)
    style = {"font.size": 8, "axes.titlesize": 8, "pdf.fonttype": 42}
    with context(style):
        size = (6.3, 4.6) if columns.image else (6.3, 3.5)
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(_title(columns))
        axes = figure.subplots(2, 3) if columns.image else figure.subplots(1, 2)
        for row, mode in zip(axes, MODES, strict=True):
            _plot_mode(np.atleast_1d(row), columns, mode)
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
        figure.savefig(path, dpi=200, metadata=metadata)


def _title(columns: ProjectedColumns) -> str:
    """Name the structure, the conditions if known, and what fits badly."""
    warning = "".join(
        f"\n{mode.upper()} is not a sum of Gaussians "
        f"(R² {columns.r_squared[mode]:.3f} < {LEAST_R_SQUARED:.2f})"
        for mode in columns.poor_modes
    )
    made = columns.attributes
    if "rendering" not in made:
        return columns.structure + warning
    settings = made["rendering"]
    thickness = made["cells_along_beam"] * made["cell_along_beam"]
    specimen = "monolayer" if made["monolayer"] else f"{thickness:.0f} Å"
    return (
        f"{columns.structure}, {specimen}: {settings['energy'] / 1e3:g} kV, "
        f"{settings['semiangle_cutoff']:g} mrad, thermal configurations: "
        f"{settings['frozen_phonons']} ({settings['preset']}){warning}"
    )


def _label(columns: ProjectedColumns, mode: Mode) -> str:
    """Name the mode, its detector, and what differs from the title in its scan."""
    settings = columns.attributes.get("rendering")
    if not settings:
        return mode.upper()
    inner, outer = settings[f"{mode}_angles"]
    label = f"{mode.upper()} {inner:g}–{outer:g} mrad"
    own = {"thick": settings["bf_thickness"], "defocus": settings["bf_defocus"]}
    parts = [f"{value:g} Å {name}" for name, value in own.items() if value is not None]
    return f"{', '.join(parts)}\n{label}" if mode == "bf" and parts else label


def _plot_mode(
    axes: NDArray[np.object_], columns: ProjectedColumns, mode: Mode
) -> None:
    rendered = columns.image.get(mode)
    shape = (
        cell_shape(columns.lattice, SAMPLING) if rendered is None else rendered.shape
    )
    model = draw_cell(
        columns.lattice,
        columns.positions,
        columns.amplitude[mode],
        columns.sigma[mode],
        shape,
    )
    shown = model if rendered is None else rendered
    low, high = float(shown.min()), float(shown.max())
    limit = 0.2 * (high - low)
    fitted = f"Gaussian columns, R² = {columns.r_squared[mode]:.3f}"
    panels: list[tuple[NDArray[np.floating], str, str, float, float]]
    if rendered is None:
        panels = [(model, f"{_label(columns, mode)}, {fitted}", "gray", low, high)]
    else:
        panels = [
            (rendered, f"{_label(columns, mode)}, rendered", "gray", low, high),
            (model, fitted, "gray", low, high),
            (rendered - model, "residual, ±20 %", "RdBu_r", -limit, limit),
        ]
    sides = np.linalg.norm(columns.lattice, axis=1)
    pixel = sides / shape[::-1]
    for axis, (image, title, colours, least, greatest) in zip(
        axes, panels, strict=True
    ):
        # One cell more on the left and on top, where the view begins at −1 Å;
        # half a pixel less, for the first sample of a cell sits at its origin.
        copies = np.ceil(FIELD_OF_VIEW / sides).astype(int) + 1
        tiled = np.tile(image, tuple(copies[::-1]))
        left, top = -sides - pixel / 2
        right, bottom = (copies - 1) * sides - pixel / 2
        extent = (left, right, bottom, top)
        axis.imshow(tiled, cmap=colours, vmin=least, vmax=greatest, extent=extent)
        axis.set(xlim=(-1, FIELD_OF_VIEW - 1), ylim=(FIELD_OF_VIEW - 1, -1))
        axis.set(title=title, xticks=[], yticks=[])
    _mark(axes[0], columns, mode)


def _mark(axis: Axes, columns: ProjectedColumns, mode: Mode) -> None:
    """Draw the border of one cell and a scale bar."""
    width, height = np.linalg.norm(columns.lattice, axis=1)
    border = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * (width, height)
    axis.plot(*border.T, color="tab:orange", linewidth=0.8)
    right, bottom = FIELD_OF_VIEW - 2.2, FIELD_OF_VIEW - 2.2
    left = right - SCALE_BAR
    # A dark plate, so that the bar also shows on the bright field.
    plate = (left - 0.5, bottom - 1.6), SCALE_BAR + 1.0, 2.2
    axis.add_patch(Rectangle(*plate, facecolor="black", alpha=0.7))
    axis.plot([left, right], [bottom, bottom], color="white", linewidth=2.5)
    label = f"{SCALE_BAR:g} Å"
    axis.text((left + right) / 2, bottom - 0.2, label, color="white", ha="center")
