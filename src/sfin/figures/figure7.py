"""Figure 7: real images restored by every method, beside what theory expects."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.figures.comparison import (
    contrast_limits,
    show_spectrum,
    visible_spectrum,
)
from sfin.figures.style import (
    add_panel,
    frame,
    house_style,
    mark_region,
    name_row,
    name_text,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
)
from sfin.files import write_whole
from sfin.metrics import DATA_RANGE
from sfin.names import METHOD_NAMES

GreyImage = NDArray[np.floating]
WIDTH, GAP, LEFT, TOP, BELOW = 1.3, 0.04, 0.3, 0.28, 0.36
# Spacings of atoms that the upper panels show, and the enlarged ones.
FIELD, ENLARGED = 16.0, 6.0
THEORY = "Theory"
REFUSED_WIDTH = 4.0


@dataclass(frozen=True, eq=False)
class RealComparison:
    """A real image as every method restores it; all images (rows, columns).

    Attributes
    ----------
    name
        Of the image, with its crystal.
    restored
        Images by method, brought to the theoretical image's grey levels; none where
        the crystal does not fit.
    theory
        The theoretical image, 0 to 255; the raw one where the crystal does not fit.
    scores
        What is written below each method.
    pixel_size
        Å; None if unknown.
    spacing
        Of neighbouring atoms, in pixels.
    mode
        Of the image.
    problem
        Why the crystal does not fit; empty where it does.
    """

    name: str
    restored: Mapping[str, GreyImage]
    theory: GreyImage
    scores: Mapping[str, str]
    pixel_size: float | None
    spacing: float
    mode: str
    problem: str = ""


def write_comparison(path: str | Path, comparison: RealComparison) -> None:
    """Keep a comparison as ``.npz``, its images in whole grey levels."""
    content = io.BytesIO()
    images = np.stack([*comparison.restored.values(), comparison.theory])
    np.savez_compressed(
        content,
        images=images.clip(0, DATA_RANGE).round().astype(np.uint8),
        name=comparison.name,
        methods=list(comparison.restored),
        scores=[comparison.scores[method] for method in comparison.restored],
        pixel_size=comparison.pixel_size or np.nan,
        spacing=comparison.spacing,
        mode=comparison.mode,
        problem=comparison.problem,
    )
    write_whole(path, content.getvalue())


def read_comparison(path: str | Path) -> RealComparison:
    """Read what `write_comparison` wrote."""
    with np.load(path) as kept:
        methods = [str(name) for name in kept["methods"]]
        *restored, theory = kept["images"].astype(np.float32)
        size = float(kept["pixel_size"])
        return RealComparison(
            str(kept["name"]),
            dict(zip(methods, restored, strict=True)),
            theory,
            dict(zip(methods, map(str, kept["scores"]), strict=True)),
            None if np.isnan(size) else size,
            float(kept["spacing"]),
            str(kept["mode"]),
            str(kept["problem"]),
        )


def figure7(comparisons: Sequence[RealComparison], caption: str) -> Figure:
    """Draw four rows for each image: part of it, enlarged, spectrum, and difference.

    Spectra are of the whole image, with one scale for all methods. The difference is
    the restored image less the theoretical one: bright and dark alike are what the
    crystal does not explain, be it noise, background, a defect, or an invention.

    Parameters
    ----------
    comparisons
        One per image whose crystal fits, by the same methods.
    caption
        Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    columns = 1 + max(len(comparison.restored) for comparison in comparisons)
    total_width = LEFT + columns * (WIDTH + GAP)
    block = 4 * (WIDTH + GAP) + BELOW
    lines, foot = wrap_caption(caption, total_width - LEFT)
    total_height = TOP + block * len(comparisons) + foot
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        for number, comparison in enumerate(comparisons):
            top = TOP + number * block
            name_row(figure, comparison.name, top + 2 * (WIDTH + GAP))
            for column in range(1 + len(comparison.restored)):
                _draw_column(_panels(figure, top, column), comparison, column)
        write_caption(figure, lines, LEFT)
    return figure


def refused_figure(comparison: RealComparison, caption: str) -> Figure:
    """Draw the raw image alone, where its crystal does not fit.

    Parameters
    ----------
    comparison
        Without methods.
    caption
        Why. Written small at the foot.
    """
    raw = comparison.theory
    height = REFUSED_WIDTH * raw.shape[0] / raw.shape[1]
    lines, foot = wrap_caption(caption, REFUSED_WIDTH)
    size = (REFUSED_WIDTH + 2 * GAP, TOP + height + foot + GAP)
    with house_style():
        figure = Figure(figsize=size)
        axes = add_panel(figure, GAP, TOP, REFUSED_WIDTH, height)
        show_image(axes, raw, contrast_limits(raw))
        axes.set_title(name_text(comparison.name), pad=4, loc="left")
        scale_bar(axes, comparison.pixel_size)
        write_caption(figure, lines, GAP)
    return figure


def _panels(figure: Figure, top: float, column: int) -> list[Axes]:
    left = LEFT + column * (WIDTH + GAP)
    return [
        add_panel(figure, left, top + row * (WIDTH + GAP), WIDTH, WIDTH)
        for row in range(4)
    ]


def _draw_column(
    panels: Sequence[Axes], comparison: RealComparison, column: int
) -> None:
    field, enlarged, spectrum, difference = panels
    shape = comparison.theory.shape
    region = _middle(shape, FIELD * comparison.spacing)
    side = region[0].stop - region[0].start
    part = _middle((side, side), ENLARGED * comparison.spacing)
    methods = list(comparison.restored)
    method = methods[column] if column < len(methods) else None
    image = comparison.restored[method] if method else comparison.theory
    show_image(field, image[region], (0, DATA_RANGE))
    mark_region(field, part)
    show_image(enlarged, image[region][part], (0, DATA_RANGE))
    frame(enlarged)
    # One scale for all, from the input's: darker means power taken away.
    first = next(iter(comparison.restored.values()))
    reference, _ = visible_spectrum(first, comparison.pixel_size)
    levels = tuple(np.percentile(reference, (1, 99.95)))
    shown = visible_spectrum(image, comparison.pixel_size)
    show_spectrum(spectrum, *shown, levels)
    if method:
        field.set_title(METHOD_NAMES[method], pad=4)
        left_over = image[region] - comparison.theory[region]
        show_image(difference, left_over, (-DATA_RANGE / 2, DATA_RANGE / 2))
        write_below(difference, comparison.scores[method])
    else:
        field.set_title(THEORY, pad=4)
    if column == 0:
        scale_bar(field, comparison.pixel_size)
        scale_bar(enlarged, comparison.pixel_size)
        scale_bar(spectrum, comparison.pixel_size, reciprocal=True)


def _middle(shape: tuple[int, ...], side: float) -> tuple[slice, slice]:
    size = int(min(side, *shape))
    row, column = ((length - size) // 2 for length in shape)
    return slice(row, row + size), slice(column, column + size)
