"""A real image, its atoms, and the known crystal laid over them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.figures.comparison import contrast_limits
from sfin.figures.style import (
    COLOURS,
    RED,
    add_panel,
    house_style,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
)
from sfin.lattice_fit import LatticeFit
from sfin.lattice_geometry import Placement
from sfin.lattice_match import Match
from sfin.lattice_spectrum import spectrum_placement
from sfin.lattice_table import PICOMETRES, lattice_table

WIDTH, GAP, MARGIN, TOP = 2.9, 0.2, 0.15, 0.3
MAGNIFIED = 10  # arrows
# Above the image (0), below the patch of the scale bar (1).
UNDER_SCALE_BAR = 0.5
# Of what the left panel shows, in spacings of the atoms; of a mark, in spacings.
SHOWN, MARK = 24, 0.4


def lattice_figure(
    grey: NDArray[np.floating], fit: LatticeFit, name: str, caption: str
) -> Figure:
    """Draw an image with atoms and sites, displacements × 10 twice, and the numbers.

    Left: the middle of the image, a dot on each atom that the crystal explains, a
    cross on each that it does not, a circle round each site without an atom. Middle
    and right: each explained atom's displacement from the straight and from the bent
    lattice. Left, the bent one decides which are explained.

    Parameters
    ----------
    grey
        Grey levels (rows, columns).
    fit
        The crystal laid over the atoms of this image.
    name
        Of the image, for the title.
    caption
        Where the atoms come from. Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.
    """
    rows, columns = grey.shape
    spectrum = spectrum_placement(grey, fit.placement)
    height = WIDTH * rows / columns
    total_width = 2 * MARGIN + 3 * WIDTH + 2 * GAP
    across = min(SHOWN, columns / fit.placement.spacing)
    left = "the middle, enlarged" if across == SHOWN else "the whole image"
    lines, foot = wrap_caption(
        f"Left: {left}, by the bent lattice. "
        f"{_statistics(fit, name, spectrum)} {caption}",
        total_width - 0.3,
    )
    total_height = TOP + height + 0.15 + foot
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        panels = [
            add_panel(figure, MARGIN + number * (WIDTH + GAP), TOP, WIDTH, height)
            for number in range(3)
        ]
        for axes in panels:
            show_image(axes, grey, contrast_limits(grey))
        _zoom(panels[0], grey.shape, SHOWN * fit.placement.spacing)
        scale_bar(panels[0], fit.placement.pixel_size)
        scale_bar(panels[1], fit.placement.pixel_size)
        _draw_match(panels[0], fit, min(MARK * WIDTH * 72 / across, 6.0))
        species = fit.columns.species
        panels[0].set_title(f"{name}: {fit.columns.structure}", loc="left")
        kinds = list(dict.fromkeys(species[number] for number in fit.visible))
        for axes, match, kind in (
            (panels[1], fit.straight, "straight"),
            (panels[2], fit.bent, "bent"),
        ):
            _draw_displacements(axes, fit, match, kinds)
            axes.set_title(
                f"Atoms less {kind} lattice, × {MAGNIFIED}"
                f" ({match.explained_fraction:.1%} explained)",
                loc="left",
            )
        _name_kinds(panels[2], kinds)
        write_caption(figure, lines, MARGIN)
    return figure


def _zoom(axes: Axes, shape: tuple[int, ...], extent: float) -> None:
    """Show the middle of an image, of its own proportions and `extent` px wide."""
    share = min(1.0, extent / shape[1])
    for set_limits, count, turn in (
        (axes.set_xlim, shape[1], 1),
        (axes.set_ylim, shape[0], -1),
    ):
        middle, half = (count - 1) / 2, share * count / 2
        set_limits(*(middle - half, middle + half)[::turn])


def _draw_match(axes: Axes, fit: LatticeFit, size: float) -> None:
    match = fit.bent
    for points, marker, colour, filled in (
        (match.site_positions[~match.site_found], "o", COLOURS[4], False),
        (fit.positions[match.explained], ".", COLOURS[5], True),
        (fit.positions[~match.explained], "x", RED, True),
    ):
        axes.plot(
            *points.T,
            zorder=UNDER_SCALE_BAR,
            linestyle="none",
            marker=marker,
            markersize=size,
            color=colour,
            markerfacecolor=colour if filled else "none",
            markeredgewidth=0 if marker == "." else 0.7,
        )


def _draw_displacements(
    axes: Axes, fit: LatticeFit, match: Match, kinds: list[str]
) -> None:
    axes.images[0].set_alpha(0.35)
    species = np.array(fit.columns.species)[fit.visible][match.column]
    for number, kind in enumerate(kinds):
        shown = match.explained & (species == kind)
        starts = (fit.positions - match.displacements)[shown]
        axes.quiver(
            *starts.T,
            *(MAGNIFIED * match.displacements[shown]).T,
            color=COLOURS[number % len(COLOURS)],
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.003,
            zorder=UNDER_SCALE_BAR,
        )


def _name_kinds(axes: Axes, kinds: list[str]) -> None:
    for number, kind in enumerate(kinds):
        axes.text(
            1 - 0.09 * (len(kinds) - 1 - number),
            -0.015,
            kind,
            transform=axes.transAxes,
            color=COLOURS[number % len(COLOURS)],
            ha="right",
            va="top",
        )


def _statistics(fit: LatticeFit, name: str, spectrum: Placement) -> str:
    """Write what the fit says in sentences, for the caption."""
    row = lattice_table(fit, name, spectrum).iloc[0]
    if np.isnan(row.file_pixel_size):
        pixel_size = "the file states none"
    else:
        pixel_size = (
            f"{row.pixel_size_ratio:.3f} × the {row.file_pixel_size:.4f} Å stated"
        )
    along, across = (
        PICOMETRES * fit.placement.pixel_size * rms for rms in fit.bent.rms
    )
    return (
        f"{row.structure} laid over {row.atoms} atoms. Blue dots: atoms that it "
        f"explains, within {row.radius_px:.1f} px (by chance: {row.chance:.0%}); red "
        f"crosses: atoms it does not; orange circles: sites "
        f"without an atom (found: {row.found_by_species}). Ratio of the cell's lengths "
        f"{row.ratio_deviation:+.2%} ± {row.ratio_deviation_error:.2%} off the "
        f"crystal's (by the power spectrum {row.spectrum_ratio_deviation:+.2%}), "
        f"angle {row.angle:.2f} ± {row.angle_error:.2f}° "
        f"(crystal: {row.crystal_angle:.0f}°). Pixel size implied "
        f"{row.pixel_size:.4f} Å: {pixel_size}. Scale along over across the fast scan "
        f"{row.scan_ratio:.4f} ± {row.scan_ratio_error:.4f}, shear of the rows "
        f"{row.scan_shear:.2f} ± {row.scan_shear_error:.2f}°: distortion of the scan "
        f"or strain. RMS from the bent lattice {along:.0f} pm along, {across:.0f} pm "
        f"across the scan; columns lie {row.motif_error_pm:.0f} pm (RMS) from their "
        "place within the cell."
    )
