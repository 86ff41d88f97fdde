"""A removed and an added atom, as every method shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from sfin.figures.style import (
    COLOURS,
    RED,
    add_panel,
    house_style,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
    write_figure,
)
from sfin.invention_table import definition
from sfin.inventions import Example, read_examples
from sfin.lattice_report import made_by
from sfin.metrics import DATA_RANGE
from sfin.names import METHOD_NAMES

WIDTH, GAP, LEFT, TOP, BELOW = 1.3, 0.04, 0.5, 0.28, 0.2
KINDS = {"vacancy": "atom removed", "adatom": "atom added"}
CAUGHT = {"vacancy": "drawn back", "adatom": "erased"}
HONEST = {"vacancy": "left out", "adatom": "kept"}
# Inches from the left edge to the middle of the names of rows.
NAME = 0.22
# Å, of the circle around the defect.
CIRCLE = 1.1


def inventions_figure(
    examples: Mapping[tuple[str, str], Sequence[Example]], caption: str
) -> Figure:
    """Draw a row for each mode, level of noise and defect, a column for each method.

    Parameters
    ----------
    examples
        By mode and method; for all methods of a mode of the same images.
    caption
        Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    methods = list(dict.fromkeys(method for _, method in examples))
    modes = list(dict.fromkeys(mode for mode, _ in examples))
    rows = [
        (mode, number)
        for mode in modes
        for number in range(len(examples[mode, methods[0]]))
    ]
    height = WIDTH + BELOW
    total_width = LEFT + (1 + len(methods)) * (WIDTH + GAP)
    lines, foot = wrap_caption(caption, total_width)
    with house_style():
        total_height = TOP + max(len(rows), 1) * height + foot + 0.1
        figure = Figure(figsize=(total_width, total_height))
        for row, (mode, number) in enumerate(rows):
            top = TOP + row * height
            first = examples[mode, methods[0]][number]
            name = f"{mode.upper()}, noise × {first.factor:g}\n{KINDS[first.kind]}"
            figure.text(
                NAME / total_width,
                1 - (top + WIDTH / 2) / total_height,
                name,
                rotation="vertical",
                ha="center",
                va="center",
            )
            truth = add_panel(figure, LEFT, top, WIDTH, WIDTH)
            show_image(truth, first.clean, (0, DATA_RANGE))
            _mark_place(truth, first)
            scale_bar(truth, first.pixel_size)
            if row == 0:
                truth.set_title("Truth", pad=4)
            for column, method in enumerate(methods, start=1):
                place = LEFT + column * (WIDTH + GAP)
                panel = add_panel(figure, place, top, WIDTH, WIDTH)
                _draw_method(panel, examples[mode, method][number])
                if row == 0:
                    panel.set_title(METHOD_NAMES[method], pad=4)
        write_caption(figure, lines, LEFT)
    return figure


def _draw_method(panel: Axes, example: Example) -> None:
    show_image(panel, example.image, (0, DATA_RANGE))
    _mark_place(panel, example)
    rows, columns = example.image.shape
    for x, y, invented in example.peaks:
        if 0 <= x <= columns - 1 and 0 <= y <= rows - 1:
            colour = RED if invented else COLOURS[5]
            size = 4.0 if invented else 1.5
            panel.plot(x, y, "+", color=colour, markersize=size, markeredgewidth=0.8)
    words = CAUGHT if example.caught else HONEST
    write_below(panel, words[example.kind])


def _mark_place(panel: Axes, example: Example) -> None:
    panel.add_patch(
        Circle(
            example.place,
            CIRCLE / example.pixel_size,
            fill=False,
            edgecolor=COLOURS[4],
            linewidth=1.0,
        )
    )


def draw_inventions(
    files: Sequence[str],
    base_path: str,
    inventions: Mapping[str, Any],
    match: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> str:
    """Draw the examples of all methods, and return the caption.

    Parameters
    ----------
    files
        ``{mode}/{method}.npz``, as `sfin.inventions.write_examples` wrote them.
    base_path
        Path without suffix.
    inventions, match
        Sections ``inventions`` and ``detection/match`` of the config.
    provenance
        ``scale`` and ``seed``.
    """
    examples = {
        (path.parent.name, path.stem): read_examples(path) for path in map(Path, files)
    }
    caption = (
        "A crystal with one atom less and one with one atom more (circle), as each "
        "method shows them: the first image of each kind, whatever came out. Crosses: "
        "blue on a true atom, red on none. BF is turned over; grey levels are scaled "
        f"and shifted to the true image's. {definition(inventions, match)} "
        f"{made_by(**provenance)}"
    )
    write_figure(base_path, inventions_figure(examples, caption), caption)
    return caption
