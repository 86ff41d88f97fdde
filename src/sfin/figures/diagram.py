"""Boxes, arrows and words of diagrams, placed in inches from the upper left."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from sfin.figures.style import add_panel

Point = tuple[float, float]

INK = "black"
SMALL = 6.3
# Inches from one line of small type to the next.
LEADING = 0.115


def canvas(
    figure: Figure, left: float, top: float, width: float, height: float
) -> Axes:
    """Add axes whose unit is the inch, from their upper left corner."""
    axes = add_panel(figure, left, top, width, height)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return axes


def title(axes: Axes, text: str) -> None:
    """Write the title of a diagram at its upper left."""
    axes.text(0.1, 0.14, text, fontsize=8, fontweight="bold", va="center")


def word(axes: Axes, middle: Point, text: str, side: str = "center") -> None:
    """Write small type around a point, or to its ``left`` or ``right``."""
    where = {"left": "right", "right": "left"}.get(side, "center")
    axes.text(
        *middle,
        text,
        fontsize=SMALL,
        ha=where,
        va="center",
        linespacing=1.15,
    )


def box(
    axes: Axes,
    middle: Point,
    size: Point,
    text: str,
    colour: str,
    code: str = "",
    edge: str = INK,
) -> None:
    """Draw a box with words in it, and below them its name in the code."""
    x, y = middle
    width, height = size
    axes.add_patch(
        Rectangle(
            (x - width / 2, y - height / 2),
            width,
            height,
            facecolor=colour,
            edgecolor=edge,
            linewidth=0.6,
            zorder=2,
        )
    )
    rise = LEADING / 2 if code else 0.0
    axes.text(
        x,
        y - rise,
        text,
        fontsize=SMALL,
        ha="center",
        va="center",
        linespacing=1.15,
        zorder=3,
    )
    if code:
        axes.text(
            x,
            y + height / 2 - 0.07,
            code,
            fontsize=5,
            family="DejaVu Sans Mono",
            color="#444444",
            ha="center",
            va="center",
            zorder=3,
        )


def arrow(axes: Axes, *points: Point, colour: str = INK) -> None:
    """Draw a line through points, with a head at the last one."""
    if len(points) > 2:
        line(axes, points[:-1], colour)
    axes.annotate(
        "",
        xy=points[-1],
        xytext=points[-2],
        arrowprops={
            "arrowstyle": "-|>,head_width=0.12,head_length=0.25",
            "color": colour,
            "linewidth": 0.7,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=1,
    )


def line(axes: Axes, points: Sequence[Point], colour: str = INK) -> None:
    """Draw a line through points."""
    axes.plot(*zip(*points, strict=True), color=colour, linewidth=0.7, zorder=1)


def plus(axes: Axes, middle: Point) -> None:
    """Draw the sign of a sum: a plus in a circle."""
    x, y = middle
    radius = 0.075
    axes.add_patch(
        Circle(
            middle, radius, facecolor="white", edgecolor=INK, linewidth=0.6, zorder=3
        )
    )
    for ends in (
        [(x - radius, y), (x + radius, y)],
        [(x, y - radius), (x, y + radius)],
    ):
        axes.plot(*zip(*ends, strict=True), color=INK, linewidth=0.6, zorder=4)
