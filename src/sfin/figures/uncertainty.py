"""A real image, the enhanced one, how sure that is, and what it leaves over."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.figures.comparison import contrast_limits, draw_spectrum
from sfin.figures.style import (
    RED,
    add_panel,
    house_style,
    name_text,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
)
from sfin.residuals import Atoms, Residual
from sfin.uncertainty import UncertainImage

WIDTH, GAP, LEFT, TOP = 2.3, 0.75, 0.15, 0.55
# Of a colour bar and its distance from the panel.
BAR, BAR_GAP = 0.09, 0.05


# What the pictures alone would make one believe; measured in docs/inference.md.
CAVEAT = (
    "The deviation says where the network wavers; it is no error bar: on synthetic "
    "images the error is 3 to 4 times as large. Circles mark maxima that the input "
    "does not support as atoms; of atoms that a network invented itself they find "
    "about half. The command sfin detect lists atoms that a network was trained to "
    "find; the workflow lists them in results/atoms."
)


def uncertainty_figure(
    noisy: NDArray[np.floating],
    uncertain: UncertainImage,
    residual: Residual,
    atoms: Atoms,
    name: str,
    pixel_size: float | None,
    caption: str,
) -> Figure:
    """Draw five panels with colour bars, and the statistics of the residual.

    The input; the enhanced image with red circles round the atoms that the input
    does not support; the standard deviation of the answers; the residual; and its
    power spectrum, where lattice spots are atoms lost or of another brightness, and
    others probably interference of the scan.

    Parameters
    ----------
    noisy
        Grey levels (rows, columns).
    uncertain, residual, atoms
        Of this image.
    name
        Of the image, for the title.
    pixel_size
        Å per pixel; None if unknown, and scale bars then count pixels.
    caption
        What enhanced it. Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    rows, columns = noisy.shape
    height = WIDTH * rows / columns
    total_width = LEFT + 3 * (WIDTH + GAP)
    lines, foot = wrap_caption(f"{caption} {CAVEAT}".strip(), total_width - 2 * LEFT)
    second = TOP + height + 0.4
    total_height = second + max(height, WIDTH) + 0.15 + foot
    spread = float(np.percentile(np.abs(residual.image), 99.5)) or 1.0
    highest = float(np.percentile(uncertain.deviation, 99.8)) or 1.0
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        panels = [
            add_panel(figure, LEFT + column * (WIDTH + GAP), top, WIDTH, tall)
            for top, tall in ((TOP, height), (second, height))
            for column in range(3)
        ]
        shown = (
            ("Input", noisy, contrast_limits(noisy), "gray"),
            ("Enhanced", uncertain.mean, contrast_limits(uncertain.mean), "gray"),
            (
                f"Deviation of {uncertain.answers} answers",
                uncertain.deviation,
                (0.0, highest),
                "viridis",
            ),
            ("Residual", residual.image, (-spread, spread), "RdBu_r"),
        )
        for axes, (title, image, limits, colours) in zip(panels, shown, strict=False):
            show_image(axes, image, limits)
            axes.images[0].set_cmap(colours)
            describe(figure, axes, title, "grey levels")
        scale_bar(panels[0], pixel_size)
        _mark_unsupported(panels[1], atoms)
        _draw_spectrum(figure, panels[4], residual, pixel_size)
        _write_statistics(panels[5], residual, atoms)
        top = 1 - 0.16 / total_height
        figure.text(LEFT / total_width, top, name_text(name), va="center")
        write_caption(figure, lines, LEFT)
    return figure


def describe(figure: Figure, axes: Axes, title: str, unit: str) -> None:
    """Write a title, and draw a colour bar at the right with its unit on top."""
    axes.set_title(title, pad=4, loc="left")
    place = axes.get_position()
    width = figure.get_figwidth()
    bar = figure.add_axes(
        (place.x1 + BAR_GAP / width, place.y0, BAR / width, place.height)
    )
    figure.colorbar(axes.images[0], cax=bar)
    bar.tick_params(labelsize=6, width=0.5, length=2)
    bar.set_title(unit, fontsize=6, pad=4, loc="left")


def _mark_unsupported(axes: Axes, atoms: Atoms) -> None:
    doubtful = ~atoms.supported
    axes.plot(
        atoms.column[doubtful],
        atoms.row[doubtful],
        linestyle="none",
        marker="o",
        markersize=6,
        markerfacecolor="none",
        markeredgecolor=RED,
        markeredgewidth=0.8,
    )


def _draw_spectrum(
    figure: Figure, axes: Axes, residual: Residual, pixel_size: float | None
) -> None:
    draw_spectrum(axes, residual.image, pixel_size)
    describe(figure, axes, "Power spectrum of the residual", "log₁₀")


def _write_statistics(axes: Axes, residual: Residual, atoms: Atoms) -> None:
    doubtful = int((~atoms.supported).sum())
    lines = (
        ("Gain, input per enhanced", f"{residual.gain:.3f}"),
        ("Background, mean (grey levels)", f"{residual.background:.1f}"),
        ("Residual, deviation (grey levels)", f"{residual.deviation:.1f}"),
        ("Residual, skewness", f"{residual.skewness:.2f}"),
        ("Residual, correlation along rows", f"{residual.row_correlation:.2f}"),
        ("  along columns", f"{residual.column_correlation:.2f}"),
        ("Residual, share at lattice spots", f"{residual.spot_power:.1%}"),
        ("  of noise alone", f"{residual.spot_noise:.1%}"),
        ("Maxima of the enhanced image", f"{len(atoms.row)}"),
        ("  without support (circles)", f"{doubtful}"),
    )
    for number, (label, value) in enumerate(lines):
        place = 0.97 - 0.095 * number
        for x, text, side in ((0.0, label, "left"), (1.1, value, "right")):
            axes.text(
                x,
                place,
                text,
                transform=axes.transAxes,
                fontsize=7,
                ha=side,
                va="top",
            )
