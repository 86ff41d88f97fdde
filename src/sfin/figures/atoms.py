"""A real image and its atoms in red over it."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.figures.comparison import contrast_limits
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

WIDTH, GAP, EDGE, TOP = 4.0, 0.1, 0.1, 0.3


def atoms_figure(
    grey: NDArray[np.floating],
    atoms: NDArray[np.float64],
    name: str,
    pixel_size: float | None,
    caption: str,
) -> Figure:
    """Draw the image, and beside it the same with a red dot on each atom.

    Parameters
    ----------
    grey
        Grey levels (rows, columns).
    atoms
        x and y in pixels, (n, 2).
    name
        Of the image, for the title.
    pixel_size
        Å per pixel; None if unknown, and the scale bar then counts pixels.
    caption
        What found them. Written small at the foot.
    """
    rows, columns = grey.shape
    height = WIDTH * rows / columns
    width = 2 * (WIDTH + EDGE) + GAP
    lines, foot = wrap_caption(caption, width - 2 * EDGE)
    # As large as atoms allow that stand side by side.
    spacing = WIDTH * 72 / np.sqrt(max(len(atoms), 1) * columns / rows)
    with house_style():
        figure = Figure(figsize=(width, TOP + height + foot + 0.1))
        for place, title in enumerate((name_text(name), f"{len(atoms)} atoms")):
            left = EDGE + place * (WIDTH + GAP)
            axes = add_panel(figure, left, TOP, WIDTH, height)
            show_image(axes, grey, contrast_limits(grey))
            axes.set_title(title, pad=4, loc="left")
            if place == 0:
                scale_bar(axes, pixel_size)
                continue
            axes.plot(
                *atoms.T,
                linestyle="none",
                marker=".",
                markersize=float(np.clip(spacing / 2.5, 0.8, 5)),
                markerfacecolor=RED,
                markeredgewidth=0,
            )
        write_caption(figure, lines, EDGE)
    return figure
