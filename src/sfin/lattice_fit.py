"""Does a known crystal explain the atoms of an image? A check on real images.

The crystal is laid over the atoms by an affine map, found without any guess of
orientation and refined on all atoms. Whatever in the map is no rotation and no
magnification is the distortion of the scan, or strain: one image cannot tell which.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sfin.columns import FloatArray, ProjectedColumns
from sfin.errors import InputError
from sfin.lattice_choice import (
    FEWEST_ATOMS,
    best_placement,
    central_region,
    refined,
)
from sfin.lattice_errors import Jackknife, jackknife
from sfin.lattice_geometry import IntArray, Placement
from sfin.lattice_match import Match, match_sites
from sfin.lattice_settings import LatticeFitSettings
from sfin.lattice_start import Motif
from sfin.parameters import Mode

GROWTH = 1.25  # of the region, until it holds all atoms


@dataclass(frozen=True, eq=False)
class LatticeFit:
    """A crystal laid over the atoms of an image.

    Attributes
    ----------
    columns, mode
        The crystal and what it is seen with.
    placement, bent_placement
        Where it lies: straight, which all measures of the lattice refer to, and with
        the image's smooth bending in it.
    errors
        Standard errors of what `placement` says, from leaving out parts of the image.
    file_pixel_size
        Å per pixel as the file has it, or None.
    radius
        In px: atoms closer to their site are explained.
    visible
        Number of each visible column among all columns.
    positions
        (n, 2) x and y of the atoms, in px.
    straight, bent
        Which atoms each placement explains.
    """

    columns: ProjectedColumns
    mode: Mode
    placement: Placement
    bent_placement: Placement
    errors: Jackknife
    file_pixel_size: float | None
    radius: float
    visible: IntArray
    positions: FloatArray
    straight: Match
    bent: Match

    @property
    def chance(self) -> float:
        """Share of atoms thrown at random that would be explained."""
        return float(min(1.0, np.pi * self.radius**2 / self.placement.site_area))

    @property
    def found_by_species(self) -> dict[str, float]:
        """Share of the bent placement's sites that have an atom, by kind of column."""
        species = np.array(self.columns.species)[self.visible][self.bent.site_column]
        return {
            str(name): float(self.bent.site_found[species == name].mean())
            for name in dict.fromkeys(species.tolist())
        }

    @property
    def motif_error(self) -> float:
        """How far columns lie from where they should within the cell, RMS, in px.

        Of the mean displacement of each column's atoms from the bent lattice. No
        distortion of the scan enters: a dumbbell measured too short does.
        """
        match = self.bent
        displacements = match.displacements[match.explained]
        columns = match.column[match.explained]
        square = 0.0
        for number in np.unique(columns):
            mean = displacements[columns == number].mean(axis=0)
            square += float(mean @ mean) * float((columns == number).mean())
        return float(np.sqrt(square))


def fit_lattice(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    shape: tuple[int, int],
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None = None,
    amplitude: NDArray[np.floating] | None = None,
    settings: LatticeFitSettings | None = None,
) -> LatticeFit:
    """Lay a known crystal over the atoms of an image.

    Parameters
    ----------
    x, y
        (n,) of the atoms, in px: column and row coordinate.
    shape
        Rows and columns of the image.
    columns
        The crystal, seen along its zone axis.
    mode
        Decides which columns are visible.
    pixel_size
        Å per pixel as the file has it; None if unknown, and the scale is then
        whatever explains the atoms best.
    amplitude
        (n,) how strongly each atom stands out, in any unit. Where several ways to
        lie explain the positions equally, it decides which columns are which.

    Raises
    ------
    InputError
        The atoms are too few or not finite, the mode shows no column, or the crystal
        fits in no way.
    """
    settings = settings or LatticeFitSettings()
    positions, weights = _checked(x, y, amplitude, columns.structure)
    visible = _visible_columns(columns, mode, settings.least_amplitude)
    motif = Motif(columns.lattice, columns.positions[visible])
    strength = np.abs(columns.amplitude[mode][visible])
    region = central_region(positions, weights)
    best = best_placement(region, motif, strength, pixel_size, settings)
    if best is None:
        raise _no_fit(columns, positions)
    bent = best.nearest_cell(shape).bendable(settings.bend_degree, shape)
    distance = np.linalg.norm(positions - region.middle, axis=1)
    size = region.radius
    while size < distance.max():
        size *= GROWTH
        bent = refined(bent, positions[distance < size], settings)
    sites = bent.nearest_sites(positions)
    kept = sites.one_each(settings.radius * bent.spacing)
    # The mean lattice is that of all atoms whose places in the crystal are known.
    known = positions[kept], sites.crystal[kept]
    straight = replace(bent, bend=None).fitted_to(*known, np.ones(kept.sum()))
    if straight.distortion > settings.largest_distortion:
        raise _no_fit(columns, positions)
    radius, margin = (
        share * straight.spacing for share in (settings.radius, settings.margin)
    )
    matched = match_sites(bent, positions, shape, radius, margin)
    if matched.explained_fraction < settings.least_explained:
        raise _no_fit(columns, positions)
    return LatticeFit(
        columns=columns,
        mode=mode,
        placement=straight,
        bent_placement=bent,
        errors=jackknife(straight, *known, shape),
        file_pixel_size=pixel_size,
        radius=radius,
        visible=visible,
        positions=positions,
        straight=match_sites(straight, positions, shape, radius, margin),
        bent=matched,
    )


def _no_fit(columns: ProjectedColumns, positions: FloatArray) -> InputError:
    return InputError(
        f"{columns.structure} fits the {len(positions)} atoms in no way: check the "
        "structure, its zone axis, the pixel size, and that atoms were found."
    )


def _checked(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    amplitude: NDArray[np.floating] | None,
    name: str,
) -> tuple[FloatArray, FloatArray]:
    """Give positions (n, 2) and amplitudes (n,), once they are found usable."""
    lengths = {
        np.shape(x),
        np.shape(y),
        np.shape(x if amplitude is None else amplitude),
    }
    if len(lengths) != 1 or len(np.shape(x)) != 1:
        raise InputError(
            "x, y and amplitude of the atoms differ in length: give one of each per "
            "atom."
        )
    positions = np.stack([x, y], axis=1).astype(np.float64)
    weights = np.ones(len(positions)) if amplitude is None else np.abs(amplitude)
    if len(positions) < FEWEST_ATOMS:
        raise InputError(
            f"{len(positions)} atoms are too few to fit {name}: give {FEWEST_ATOMS} or "
            "more."
        )
    if not (np.isfinite(positions).all() and np.isfinite(weights).all()):
        raise InputError("Positions of atoms are not finite: leave those atoms out.")
    return positions, weights.astype(np.float64)


def _visible_columns(columns: ProjectedColumns, mode: Mode, least: float) -> IntArray:
    visible = np.flatnonzero(np.abs(columns.amplitude[mode]) >= least)
    if not visible.size:
        raise InputError(
            f"{columns.structure} has no column of amplitude {least:g} or more in "
            f"{mode}: lower least_amplitude."
        )
    return visible
