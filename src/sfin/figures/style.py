"""What all figures share: type, scale bars, marked regions, reproducible files."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from sfin.files import write_whole
from sfin.texts import printable

RED = "#e4002b"
# Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
DOTS_PER_INCH = 200
# Pixels of a side; panels have at most half as many dots.
LARGEST_SHOWN = 2048

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: same bytes everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
    "legend.frameon": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with the type and lines of this project, whatever the user's settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def write_figure(
    base_path: str | Path,
    figure: Figure,
    caption: str,
    suffixes: Sequence[str] = ("png", "pdf"),
) -> None:
    """Write a figure as ``.png`` (200 dots per inch) and ``.pdf``.

    The files hold the caption, and no date or version of a program: the same
    figure makes the same bytes.

    Parameters
    ----------
    base_path
        Path without suffix.
    figure
        Figure to write.
    caption
        What the figure shows and where its data come from.
    suffixes
        Formats to write, of these two.
    """
    metadata = {
        "png": {"Description": caption, "Software": None},
        "pdf": {
            "Subject": caption,
            "CreationDate": None,
            "Creator": None,
            "Producer": None,
        },
    }
    for suffix in suffixes:
        content = io.BytesIO()
        with house_style(), warnings.catch_warnings():
            # Of a name in a script that the font lacks; it is drawn as boxes.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(
                content, format=suffix, dpi=DOTS_PER_INCH, metadata=metadata[suffix]
            )
        write_whole(f"{base_path}.{suffix}", content.getvalue())


def name_text(name: str) -> str:
    """Make the name of a user's file a text that is drawn as it is, no formula."""
    return printable(name).replace("$", r"\$")


def add_panel(
    figure: Figure, left: float, top: float, width: float, height: float
) -> Axes:
    """Add axes without ticks, placed in inches from the upper left corner."""
    total_width, total_height = figure.get_size_inches()
    axes = figure.add_axes(
        (
            left / total_width,
            1.0 - (top + height) / total_height,
            width / total_width,
            height / total_height,
        )
    )
    axes.set_axis_off()
    return axes


def wrap_caption(caption: str, width: float) -> tuple[str, float]:
    """Break a caption into lines as wide as a figure; also give their height.

    Parameters
    ----------
    caption
        What `write_caption` will write.
    width
        Of the figure, in inches; the height is, too.
    """
    lines = fill(caption, int(width * 18.5))
    return lines, 0.12 + 0.115 * (lines.count("\n") + 1)


def write_caption(figure: Figure, lines: str, left: float) -> None:
    """Write a wrapped caption at the foot, `left` inches from the left edge."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 0.06 / height, lines, fontsize=6.5)


def name_row(figure: Figure, name: str, middle: float) -> None:
    """Write a name upright at the left edge, `middle` inches from the top."""
    width, height = figure.get_size_inches()
    figure.text(
        0.12 / width,
        1 - middle / height,
        name,
        rotation="vertical",
        ha="center",
        va="center",
    )


def write_below(axes: Axes, text: str, size: float = 7.5) -> None:
    """Write a line of `size` points below a panel, in its middle."""
    axes.text(
        0.5,
        -0.03,
        text,
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontsize=size,
    )


def show_image(
    axes: Axes, image: NDArray[np.generic], limits: tuple[float, float]
) -> None:
    """Show an image in grey: origin at the upper left, fast scan to the right.

    Pixels stay pixels when enlarged; when reduced they are averaged, so that a
    fine lattice makes no moiré.
    """
    rows, columns = image.shape
    factor = -(-max(rows, columns) // LARGEST_SHOWN)
    shown = reduced(image, factor)
    height, width = (size * factor - 0.5 for size in shown.shape)
    axes.imshow(
        shown,
        cmap="gray",
        vmin=limits[0],
        vmax=limits[1],
        extent=(-0.5, width, height, -0.5),
    )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)


def reduced(image: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    """Average square blocks of pixels, those beyond the edge repeating the last ones.

    What is drawn on paper has fewer pixels than a large image, and drawing takes
    fifteen times the memory of its own.
    """
    if factor == 1:
        return image
    padding = [(0, -size % factor) for size in image.shape]
    padded = np.pad(image, padding, mode="edge")
    rows, columns = (size // factor for size in padded.shape)
    blocks: NDArray[Any] = padded.reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def mark_region(axes: Axes, region: tuple[slice, slice]) -> None:
    """Draw a red box around a region (rows, columns) of a shown image."""
    rows, columns = region
    axes.add_patch(
        Rectangle(
            (columns.start - 0.5, rows.start - 0.5),
            columns.stop - columns.start,
            rows.stop - rows.start,
            fill=False,
            edgecolor=RED,
            linewidth=1.0,
        )
    )


def frame(axes: Axes) -> None:
    """Draw a red frame around axes that show a marked region."""
    axes.add_patch(
        Rectangle(
            (0, 0),
            1,
            1,
            transform=axes.transAxes,
            fill=False,
            edgecolor=RED,
            linewidth=2.0,
        )
    )


def scale_bar(axes: Axes, per_length: float | None, reciprocal: bool = False) -> None:
    """Draw a scale bar at the lower left: of 1, 2 or 5 × 10ⁿ, below a third.

    Parameters
    ----------
    axes
        Axes whose horizontal unit is pixels, or, for a spectrum, cycles per
        pixel.
    per_length
        Pixel size in Å; None where it is unknown, and the bar then counts
        pixels.
    reciprocal
        Whether the axes show a spectrum.
    """
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    width, height = right - left, top - bottom
    unit = 1.0 if per_length is None else per_length
    unit = 1.0 / unit if reciprocal else unit
    length = nice_length(width * unit / 3)
    start = left + 0.06 * width
    base = bottom + 0.06 * height
    axes.add_patch(
        Rectangle(
            (start, base),
            length / unit,
            0.025 * height,
            facecolor="white",
            edgecolor="black",
            linewidth=0.5,
        )
    )
    axes.text(
        start,
        base + 0.05 * height,
        _length_label(length, per_length is not None, reciprocal),
        color="white",
        fontsize=7,
        ha="left",
        va="bottom",
        path_effects=[withStroke(linewidth=1.5, foreground="black")],
    )


def nice_length(longest: float) -> float:
    """Round down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(longest))
    digit = max(step for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))
    return float(digit * power)


def _length_label(length: float, calibrated: bool, reciprocal: bool) -> str:
    if not calibrated:
        return f"{length:g} px⁻¹" if reciprocal else f"{length:g} px"
    if reciprocal:
        return f"{length:g} Å⁻¹"
    return f"{length / 10:g} nm" if length >= 10 else f"{length:g} Å"
