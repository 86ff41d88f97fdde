"""One look at an enhanced image: parts, residual, noise given back, verdict."""

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import NDArray

from sfin.figures.comparison import contrast_limits, middle_region, visible_part
from sfin.figures.style import (
    COLOURS,
    RED,
    add_panel,
    frame,
    house_style,
    mark_region,
    name_text,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
)
from sfin.figures.uncertainty import describe
from sfin.renoising import GREY_LEVELS

if TYPE_CHECKING:
    from sfin.trust import Trust

WIDTH, GAP, LEFT, TOP, TITLE = 2.3, 0.75, 0.15, 0.55, 0.4
TEXT = 4.9
# Of the table: ends of values, begins of units and of what is good.
VALUE, UNIT, GOOD = 2.95, 3.03, 3.75
# Letters of the verdict in a line; inches from line to line.
LETTERS, LINE = 64, 0.135
BLUE, GREEN = COLOURS[1], COLOURS[2]
GREY = "#666666"
SIGNS = {True: ("✓", GREEN), False: ("✗", RED), None: ("?", GREY)}
LEGEND = (
    "Signal + background + scan noise + pointwise noise = input. Red circles: maxima "
    "of the enhanced image that the input does not support; orange squares: atoms of "
    "the input that it lacks or draws far too faint. Residual: input − signal − "
    "background; noise alone has the same power everywhere (0). The circle is the band "
    "of the enhanced image: dots in it, and at places of the lattice outside, are "
    "signal that was removed; other dots outside, or on the axes, are probably "
    "interference of the scan or the detector. Noise given back: signal and background "
    "with the noise that was measured in the input."
)

Grey = NDArray[np.floating]


@dataclass(frozen=True)
class _Panel:
    title: str
    image: Grey
    limits: tuple[float, float]
    colours: str


def trust_figure(trust: "Trust", grey: Grey) -> Figure:
    """Draw all that tells whether an enhanced image can be trusted.

    Parameters
    ----------
    trust
        By `sfin.trust.assess_trust`.
    grey
        Grey levels of the input (rows, columns), not clipped.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    opened = trust.check.opened
    rows, columns = grey.shape
    height = WIDTH * min(max(rows / columns, 0.5), 2.0)
    images_width = LEFT + 3 * (WIDTH + GAP)
    total_width = images_width + TEXT
    lines, foot = wrap_caption(f"{opened.note} {LEGEND}", total_width - 2 * LEFT)
    tops = [TOP, TOP + height + TITLE, TOP + 2 * (height + TITLE)]
    total_height = tops[2] + WIDTH + 0.45 + foot
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        places = [LEFT + column * (WIDTH + GAP) for column in range(3)]
        whole = [
            add_panel(figure, left, top, WIDTH, height)
            for top in tops[:2]
            for left in places
        ]
        for axes, panel in zip(whole, _panels(trust, grey), strict=False):
            _show(figure, axes, panel)
        scale_bar(whole[0], opened.image.pixel_size)
        _mark_atoms(whole[1], trust)
        _draw_residual(figure, whole[5], trust)
        region = middle_region(grey.shape)
        mark_region(whole[0], region)
        below = [add_panel(figure, left, tops[2], WIDTH, WIDTH) for left in places]
        _draw_renoised(figure, below[:2], trust, grey, region)
        scale_bar(below[0], opened.image.pixel_size)
        _draw_curves(below[2], trust)
        _write_text(figure, trust, images_width)
        name = f"{name_text(opened.image.name)}: can the enhanced image be trusted?"
        figure.text(LEFT / total_width, 1 - 0.16 / total_height, name, va="center")
        write_caption(figure, lines, LEFT)
    return figure


def _panels(trust: "Trust", grey: Grey) -> tuple[_Panel, ...]:
    parts, enhanced = trust.parts, trust.check.uncertain.first
    # One scale for both kinds of noise, which so can be compared.
    spread = float(np.percentile(np.abs(parts.residual), 99.5)) or 1.0
    both = (-spread, spread)
    return (
        _Panel("Input", grey, contrast_limits(grey), "gray"),
        _Panel("Enhanced", enhanced, contrast_limits(enhanced), "gray"),
        _Panel(
            "Background", parts.background, contrast_limits(parts.background), "gray"
        ),
        _Panel("Scan noise", parts.scan_noise, both, "RdBu_r"),
        _Panel("Pointwise noise", parts.pointwise_noise, both, "RdBu_r"),
    )


def _show(figure: Figure, axes: Axes, panel: _Panel) -> None:
    show_image(axes, panel.image, panel.limits)
    axes.images[0].set_cmap(panel.colours)
    describe(figure, axes, panel.title, GREY_LEVELS)


def _mark_atoms(axes: Axes, trust: "Trust") -> None:
    atoms, (row, column) = trust.check.atoms, trust.lost
    doubtful = ~atoms.supported
    for x, y, marker, colour in (
        (atoms.column[doubtful], atoms.row[doubtful], "o", RED),
        (column, row, "s", COLOURS[4]),
    ):
        axes.plot(
            x,
            y,
            linestyle="none",
            marker=marker,
            markersize=5,
            markerfacecolor="none",
            markeredgecolor=colour,
            markeredgewidth=0.7,
        )


def _draw_residual(figure: Figure, axes: Axes, trust: "Trust") -> None:
    size, white = trust.check.opened.image.pixel_size, trust.whiteness
    power, highest = visible_part(white.spectrum, size)
    if max(white.peak_frequency, white.interference_frequency) > highest:
        # What the verdict names is to be seen.
        power, highest = visible_part(white.spectrum, None)
    top = max(float(np.log10(max(white.peak, power.max(), 10.0))), 1.2)
    axes.imshow(
        np.log10(np.maximum(power, 1e-3)),
        cmap="magma",
        vmin=-0.5,
        vmax=top,
        extent=(-highest, highest, highest, -highest),
        aspect="auto",
    )
    circle = Circle((0, 0), white.highest, fill=False, color="white", lw=0.6, ls=":")
    axes.add_patch(circle)
    scale_bar(axes, size, reciprocal=True)
    describe(figure, axes, "Power of the residual, noise = 0", "log₁₀")


def _draw_renoised(
    figure: Figure,
    panels: list[Axes],
    trust: "Trust",
    grey: Grey,
    region: tuple[slice, slice],
) -> None:
    limits = contrast_limits(grey)
    shown = [("Input, enlarged", grey)]
    if trust.renoised is not None:
        shown.append(("Enhanced, with noise again", trust.renoised.image))
    for axes, (title, image) in zip(panels, shown, strict=False):
        _show(figure, axes, _Panel(title, image[region], limits, "gray"))
        frame(axes)
    if trust.renoised is None:
        panels[1].text(
            0.5,
            0.5,
            "Noise cannot be measured",
            ha="center",
            transform=panels[1].transAxes,
        )


def _draw_curves(axes: Axes, trust: "Trust") -> None:
    if trust.renoised is None:
        return
    axes.set_axis_on()
    for curve, colour, style, label in (
        (trust.renoised.input_curve, RED, "-", "left of the input"),
        (trust.renoised.renoised_curve, BLUE, "--", "noise given back"),
    ):
        axes.plot(curve.x, curve.y, style, color=colour, linewidth=1.2, label=label)
    axes.set_ylim(bottom=0)
    axes.set_title(f"Deviation of the noise, {GREY_LEVELS}", pad=4, loc="left")
    axes.set_xlabel("grey level of signal and background", fontsize=7)
    axes.tick_params(labelsize=6, width=0.5, length=2)
    axes.legend(fontsize=6.5, loc="lower right")


def _write_text(figure: Figure, trust: "Trust", left: float) -> None:
    width, height = figure.get_size_inches()
    top = TOP - 0.05

    def write(text: str, x: float, **style: Any) -> None:
        place = (left + x) / width, 1 - top / height
        figure.text(*place, text, va="top", fontsize=7.5, **style)

    for finding in trust.verdict():
        sign, colour = SIGNS[finding.good]
        write(sign, 0.0, color=colour, weight="bold")
        for line in wrap(finding.sentence, LETTERS):
            write(line, 0.2)
            top += LINE
        top += 0.4 * LINE
    top += 0.6 * LINE
    for label, value, unit, good in _table(trust):
        write(label, 0.0)
        write(value, VALUE, ha="right")
        write(unit, UNIT)
        write(good, GOOD, color=GREY)
        top += LINE


def _table(trust: "Trust") -> list[tuple[str, str, str, str]]:
    white, parts = trust.whiteness, trust.parts
    table = [
        ("", "", "", "if good"),
        ("Whiteness of the residual", f"{white.score:.2f}", "", "0.7–1"),
        ("Residual at lattice spots", f"{white.spot_power:.1f}", "× noise", "1"),
        ("Highest peak", f"{white.peak:.0f}", "× noise", f"< {white.peak_limit:.0f}"),
        ("  of interference", f"{white.interference:.0f}", "× noise", ""),
        ("Lattice left in the residual", f"{white.unexplained:.1%}", "", "< 5 %"),
        ("Deviation of four answers", f"{_rms(trust):.1f}", GREY_LEVELS, ""),
        ("Background, range", f"{np.ptp(parts.background):.1f}", GREY_LEVELS, ""),
        ("Scan noise, deviation", f"{parts.scan_noise.std():.1f}", GREY_LEVELS, ""),
        (
            "Pointwise noise, deviation",
            f"{parts.pointwise_noise.std():.1f}",
            GREY_LEVELS,
            "",
        ),
    ]
    if trust.renoised is None:
        return table
    names = (
        ("deviation", "Residual | noise, deviation", ".1f"),
        ("histogram", "Distance of histograms | of draws", ".2f"),
        ("row_correlation", "Correlation of noise along rows", ".3f"),
        ("column_correlation", "  along columns", ".3f"),
        ("pointwise_slope", "Pointwise noise, slope", ".3f"),
        ("pointwise_intercept", "  intercept", ".1f"),
        ("pointwise_shape", "  shape λ", ".2f"),
        ("scan_slope", "Scan noise, slope", ".3f"),
        ("scan_intercept", "  intercept", ".1f"),
        ("atom_brightness", "Brightness of atoms", ".0f"),
    )
    table += [("", "", "", ""), ("", "input | noise given back", "", "between draws")]
    distance = f"{trust.renoised.distance:.1f}"
    table.append(("Median distance", distance, "spreads", "1"))
    for key, label, form in names:
        if key in trust.renoised.statistics:
            each = trust.renoised.statistics[key]
            values = f"{each.input:{form}} | {each.renoised:{form}}"
            unit = each.unit if each.unit == GREY_LEVELS else ""
            table.append((label, values, unit, f"± {each.spread:{form}}"))
    return table


def _rms(trust: "Trust") -> float:
    deviation = trust.check.uncertain.deviation.astype(np.float64)
    return float(np.sqrt(np.mean(deviation**2)))
