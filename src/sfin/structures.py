"""Crystal structures as data: read one, and cut it so that the beam runs along z."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from sfin.errors import InputError
from sfin.orientation import (
    Direction,
    check_distances,
    orient_crystal,
    single_layer,
)

if TYPE_CHECKING:
    from ase import Atoms

LATTICE_KEYS = ("a", "b", "c", "alpha", "beta", "gamma")
SITE_KEYS = ("element", "position", "displacement")


@dataclass(frozen=True)
class Site:
    """One Wyckoff site: `position` is fractional, `displacement` is in Å.

    `displacement` is the root mean square thermal displacement along one axis,
    the square root of U_iso.
    """

    element: str
    position: tuple[float, float, float]
    displacement: float


@dataclass(frozen=True)
class Structure:
    """A crystal and the direction it is looked at from.

    Attributes
    ----------
    space_group
        Number in the International Tables (first setting, hexagonal axes).
    lattice
        a, b, c in Å and alpha, beta, gamma in degrees.
    zone_axis, horizontal, vertical
        Lattice directions along the beam, along x and along y of the image;
        perpendicular to each other and right-handed: x runs rightwards, y
        downwards, the beam into the image.
    monolayer
        Keep one layer of the crystal, with vacuum around it.
    reference
        Where the numbers come from.
    """

    name: str
    material: str
    space_group: int
    lattice: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    zone_axis: Direction
    horizontal: Direction
    vertical: Direction
    monolayer: bool
    reference: str


def list_structures(folder: Path) -> list[str]:
    """Names of the structure files in a folder, sorted; no file is opened.

    Raises
    ------
    InputError
        The folder holds no structure.
    """
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if not names:
        raise InputError(
            f"{folder} holds no structure: put a file like SrTiO3_001.yaml there."
        )
    return names


def check_structures(
    names: Sequence[str], folder: Path, user_names: Collection[str] = ()
) -> None:
    """Refuse names of structures that neither the folder nor the user describes.

    A user's structure may not take the name of one in the folder.

    Raises
    ------
    InputError
        For the first such name.
    """
    described = list_structures(folder)
    for name in user_names:
        if name in described:
            raise InputError(
                f"user_structures describes {name!r}, which {folder}/ describes "
                "already: give yours another name."
            )
    known = [*described, *user_names]
    for name in names:
        if name not in known:
            raise InputError(
                f"structures names {name!r}, which {folder}/ does not describe: "
                f"choose from {', '.join(known)}, or add {folder}/{name}.yaml, or "
                "describe it under user_structures."
            )


def read_structure(path: Path) -> Structure:
    """Read and check one structure file (YAML).

    Raises
    ------
    InputError
        The file is missing, is no YAML, or a field is missing, unknown or wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} cannot be read as YAML ({' '.join(str(error).split())}): "
            "give a structure file like SrTiO3_001.yaml."
        ) from error
    entry = _fields(content, [field.name for field in fields(Structure)], str(path))
    lattice = _fields(entry["lattice"], LATTICE_KEYS, f"lattice of {path}")
    sites = entry["sites"]
    if not isinstance(sites, list) or not sites:
        raise InputError(f"sites of {path} is empty: list at least one atom.")
    if entry["name"] != path.stem:
        raise InputError(
            f"{path} calls itself {entry['name']!r}: rename the file or the name."
        )
    return Structure(
        name=path.stem,
        material=_text(entry["material"], f"material of {path}"),
        space_group=_space_group(entry["space_group"], path),
        lattice=_lattice([lattice[key] for key in LATTICE_KEYS], path),
        sites=tuple(_site(site, f"site {i} of {path}") for i, site in enumerate(sites)),
        zone_axis=_direction(entry["zone_axis"], f"zone_axis of {path}"),
        horizontal=_direction(entry["horizontal"], f"horizontal of {path}"),
        vertical=_direction(entry["vertical"], f"vertical of {path}"),
        monolayer=_flag(entry["monolayer"], f"monolayer of {path}"),
        reference=_text(entry["reference"], f"reference of {path}"),
    )


def build_cell(structure: Structure) -> "Atoms":
    """Orthogonal periodic cell: x and y in the image plane, z along the beam.

    Returns
    -------
    Atoms
        With an array ``displacement``, the rms thermal displacement of each
        atom along one axis in Å.

    Raises
    ------
    InputError
        The directions are not perpendicular, or the sites do not make a crystal.
    """
    cell = orient_crystal(
        build_crystal(structure),
        (structure.horizontal, structure.vertical, structure.zone_axis),
        structure.name,
    )
    return single_layer(cell, structure.name) if structure.monolayer else cell


def build_crystal(structure: Structure) -> "Atoms":
    """Conventional unit cell: all atoms that the space group makes of the sites.

    A crystal of a user's file needs no `Structure`: see `sfin.user_structures`.
    """
    from ase.data import atomic_numbers
    from ase.spacegroup import crystal
    from ase.spacegroup.spacegroup import SpacegroupError

    for site in structure.sites:
        if site.element not in atomic_numbers:
            raise InputError(
                f"{structure.name} names an element {site.element!r}: "
                "use a chemical symbol such as Sr."
            )
    try:
        atoms = crystal(
            [site.element for site in structure.sites],
            [site.position for site in structure.sites],
            spacegroup=structure.space_group,
            cellpar=structure.lattice,
            onduplicates="error",
        )
    except (SpacegroupError, ValueError) as error:
        raise InputError(
            f"the sites of {structure.name} do not fit space group "
            f"{structure.space_group} ({error}): correct the positions."
        ) from error
    displacements = np.array([site.displacement for site in structure.sites])
    atoms.arrays["displacement"] = displacements[atoms.arrays["spacegroup_kinds"]]
    check_distances(atoms, structure.name)
    return atoms


def _fields(content: object, names: Sequence[str], where: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{where} is not a mapping: give {', '.join(names)}.")
    for name in content:
        if name not in names:
            raise InputError(
                f"{where} has an unknown field {name!r}: use {', '.join(names)}."
            )
    for name in names:
        if name not in content:
            raise InputError(f"{where} lacks the field {name!r}: add it.")
    return content


def _number(value: object, where: str) -> float:
    """Give the float of a number, or of a fraction written out like 1/3."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+/[1-9]\d*", value):
        return float(Fraction(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where} is {value!r}: give a number.")
    if not math.isfinite(value):
        raise InputError(f"{where} is {value!r}: give a finite number.")
    return float(value)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} is {value!r}: give a text.")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{where} is {value!r}: give true or false.")
    return value


def _space_group(value: object, path: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 230:
        raise InputError(
            f"space_group of {path} is {value!r}: give its number, 1 to 230."
        )
    return value


def _lattice(
    values: list[Any], path: Path
) -> tuple[float, float, float, float, float, float]:
    a, b, c, *angles = (_number(value, f"lattice of {path}") for value in values)
    alpha, beta, gamma = angles
    if not all(1 <= length <= 100 for length in (a, b, c)):
        raise InputError(f"lattice of {path} has a length outside 1–100 Å: correct it.")
    if not all(20 <= angle <= 160 for angle in angles):
        raise InputError(f"lattice of {path} has an angle outside 20–160°: correct it.")
    return a, b, c, alpha, beta, gamma


def _site(content: object, where: str) -> Site:
    entry = _fields(content, SITE_KEYS, where)
    position = entry["position"]
    if not isinstance(position, list) or len(position) != 3:
        raise InputError(f"position of {where} is {position!r}: give three numbers.")
    x, y, z = (_number(value, f"position of {where}") for value in position)
    displacement = _number(entry["displacement"], f"displacement of {where}")
    if not 0 <= displacement <= 0.5:
        raise InputError(
            f"displacement of {where} is {displacement} Å: give 0 to 0.5 Å."
        )
    return Site(_text(entry["element"], f"element of {where}"), (x, y, z), displacement)


def _direction(value: object, where: str) -> Direction:
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not all(type(index) is int for index in value)
        or not any(value)
    ):
        raise InputError(
            f"{where} is {value!r}: give three integers such as [1, 1, 0]."
        )
    first, second, third = value
    return first, second, third
