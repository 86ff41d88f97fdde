"""Structures that users bring as files: CIF, or anything else that ASE reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.image_cell import ANGLE_TOLERANCE, find_image_axes
from sfin.orientation import Direction, check_distances, orient_crystal, single_layer
from sfin.structures import Structure, build_cell, read_structure

if TYPE_CHECKING:
    from ase import Atoms

MOST_ATOMS = 500  # of a user's cell; synthesis wants a unit cell


@dataclass(frozen=True)
class UserStructure:
    """A crystal in a file, and the direction it is looked at from.

    Attributes
    ----------
    name
        What the config calls it.
    file
        CIF, POSCAR, or any other format of ASE with a periodic cell.
    zone_axis
        Direction along the beam, in the lattice vectors of the file.
    displacement
        Root mean square thermal displacement along one axis in Å, of all atoms
        or by element; what the file says of it is not used.
    horizontal, vertical
        Directions along x and y of the image; found if not given.
    monolayer
        Keep one layer of the crystal, with vacuum around it.
    reference
        Where the file comes from.
    """

    name: str
    file: Path
    zone_axis: Direction
    displacement: float | Mapping[str, float]
    horizontal: Direction | None = None
    vertical: Direction | None = None
    monolayer: bool = False
    reference: str = "a file of the user"


def user_structure(name: str, entry: Mapping[str, Any]) -> UserStructure:
    """Make a `UserStructure` of one entry of ``user_structures`` in the config.

    The schema of the config has checked names and types.
    """
    directions = {
        key: tuple(entry[key])
        for key in ("zone_axis", "horizontal", "vertical")
        if key in entry
    }
    for key, direction in directions.items():
        if not any(direction):
            raise InputError(
                f"{key} of user_structures.{name} is [0, 0, 0]: give a direction "
                "such as [1, 1, 0]."
            )
    return UserStructure(
        **{"name": name, **entry, **directions, "file": Path(entry["file"])}
    )


def check_user_structures(
    entries: Mapping[str, Mapping[str, Any]], names: Collection[str]
) -> None:
    """Cut each of the named user's structures, so that mistakes show before any job.

    Raises
    ------
    InputError
        For the first file that cannot be used.
    """
    for name, entry in entries.items():
        if name not in names:
            continue
        build_user_cell(user_structure(name, entry))


def find_structure(
    source: str | Path, name: str, entry: Mapping[str, Any]
) -> Structure | UserStructure:
    """Read a structure file of ours, or describe that of a user.

    Parameters
    ----------
    source
        YAML file of the structure; not read if there is an entry.
    name
        Of the structure.
    entry
        What ``user_structures`` of the config says of it; empty if nothing.
    """
    return user_structure(name, entry) if entry else read_structure(Path(source))


def image_cell(structure: Structure | UserStructure) -> "Atoms":
    """Orthogonal periodic cell of a structure from either source.

    Returns
    -------
    Atoms
        x and y in the image plane, z along the beam, with an array
        ``displacement``, as `sfin.structures.build_cell` gives it.
    """
    if isinstance(structure, UserStructure):
        return build_user_cell(structure)
    return build_cell(structure)


def build_user_cell(structure: UserStructure) -> "Atoms":
    """Orthogonal periodic cell of a user's structure; see `image_cell`.

    Raises
    ------
    InputError
        The file cannot be read or used, or no orthogonal cell is found.
    """
    crystal = read_crystal(structure)
    across, down = find_image_axes(
        crystal,
        structure.zone_axis,
        structure.name,
        structure.horizontal,
        structure.vertical,
    )
    cell = orient_crystal(
        crystal,
        (across, down, structure.zone_axis),
        structure.name,
        tolerance=float(np.sin(np.radians(ANGLE_TOLERANCE))),
    )
    return single_layer(cell, structure.name) if structure.monolayer else cell


def read_crystal(structure: UserStructure) -> "Atoms":
    """Read the file of a user's structure with ASE.

    Returns
    -------
    Atoms
        With an array ``displacement``.

    Raises
    ------
    InputError
        The file is missing, unreadable, holds not exactly one crystal, or its
        atoms are too many, too close, partly occupied or of unknown displacement.
    """
    import ase.io

    place = f"{structure.file} (user_structures.{structure.name})"
    if not structure.file.is_file():
        raise InputError(f"{place} does not exist: correct the path of the file.")
    try:
        found: Any = ase.io.read(structure.file, index=":")
    except Exception as error:  # each format of ASE fails in its own way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{place} cannot be read ({reason[:120]}): give a CIF or another file "
            "that ASE reads."
        ) from error
    if len(found) != 1:
        raise InputError(
            f"{place} holds {len(found)} structures: give a file of exactly one."
        )
    crystal: Atoms = found[0]
    if crystal.cell.rank < 3 or not len(crystal):
        raise InputError(
            f"{place} is no crystal: it needs atoms in a cell of three lattice vectors."
        )
    if len(crystal) > MOST_ATOMS:
        raise InputError(
            f"{place} has {len(crystal)} atoms, more than {MOST_ATOMS}: give a unit "
            "cell."
        )
    sites = crystal.info.get("occupancy", {}).values()
    if any(len(site) > 1 or min(site.values()) < 1 for site in sites):
        raise InputError(
            f"{place} has sites that are partly occupied or shared: give a file of an "
            "ordered cell."
        )
    check_distances(crystal, place)
    crystal.arrays["displacement"] = _displacements(structure, crystal)
    return crystal


def _displacements(structure: UserStructure, crystal: "Atoms") -> NDArray[np.float64]:
    """Give the thermal displacement of each atom, in Å."""
    if not isinstance(structure.displacement, Mapping):
        return np.full(len(crystal), float(structure.displacement))
    elements = sorted(set(crystal.symbols))
    for element in elements:
        if element not in structure.displacement:
            raise InputError(
                f"displacement of user_structures.{structure.name} lacks {element}: "
                f"give one number, or one for each of {', '.join(elements)}."
            )
    for element in structure.displacement:
        if element not in elements:
            raise InputError(
                f"displacement of user_structures.{structure.name} names {element}, "
                f"which {structure.file} lacks: remove it."
            )
    return np.array([structure.displacement[symbol] for symbol in crystal.symbols])
