"""Cut a crystal so that the beam runs along z and the image lies in x and y."""

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

# Layers are told apart by an empty slab thicker than any layer spacing inside
# one: 1.6 Å between Mo and S, 3.0 Å between two layers of MoS2.
LAYER_GAP = 2.5  # Å
VACUUM = 4.0  # Å on either side of a monolayer
TOLERANCE = 1e-4  # of a lattice vector
# Two atoms nearer than this are a mistake in the sites: no bond is that short.
SHORTEST_DISTANCE = 0.9  # Å
RIGHT_ANGLE = 1e-4  # cosine that passes for zero

Direction = tuple[int, int, int]


def orient_crystal(
    crystal: "Atoms",
    directions: tuple[Direction, Direction, Direction],
    name: str,
    tolerance: float = RIGHT_ANGLE,
) -> "Atoms":
    """Cut a crystal to the cell of its shortest translations along directions.

    Parameters
    ----------
    crystal
        Periodic cell of any shape, with an array ``displacement``.
    directions
        Lattice directions along x, y and z of the new cell.
    name
        What to call the crystal in an error.
    tolerance
        Greatest cosine between two directions that pass for perpendicular; the
        new cell is orthogonal, so what they lack is sheared away.

    Raises
    ------
    InputError
        The directions are not perpendicular and right-handed.
    """
    from ase import Atoms

    old = np.asarray(crystal.cell)
    new = np.array([shortest_translation(crystal, d) for d in directions]) @ old
    lengths = np.linalg.norm(new, axis=1)
    cosines = (new @ new.T) / np.outer(lengths, lengths)
    if not np.allclose(cosines, np.eye(3), atol=tolerance) or np.linalg.det(new) <= 0:
        raise InputError(
            f"horizontal, vertical and zone_axis of {name} are not perpendicular "
            "to each other and right-handed: correct one of them."
        )
    corners = np.array(list(product((0, 1), repeat=3))) @ new @ np.linalg.inv(old)
    first = np.floor(corners.min(axis=0)).astype(int) - 1
    last = np.ceil(corners.max(axis=0)).astype(int) + 1
    shifts = np.array(
        list(product(*(range(a, b) for a, b in zip(first, last, strict=True))))
    )
    everywhere = crystal.positions @ np.linalg.inv(old) + shifts[:, None]
    inside = everywhere.reshape(-1, 3) @ old @ np.linalg.inv(new)
    # Just below 0 stays and just below 1 goes, so each atom is kept once.
    kept = np.all((inside > -TOLERANCE) & (inside < 1 - TOLERANCE), axis=1)
    source = np.tile(np.arange(len(crystal)), len(shifts))[kept]
    expected = len(crystal) * np.linalg.det(new) / abs(np.linalg.det(old))
    if abs(len(source) - expected) > 1e-3:
        raise InputError(
            f"the cell of {name} holds {len(source)} atoms instead of "
            f"{expected:.3f}: correct its sites."
        )
    cell = Atoms(
        crystal.numbers[source],
        scaled_positions=np.clip(inside[kept], 0, None),
        cell=np.diag(lengths),
        pbc=True,
    )
    cell.arrays["displacement"] = crystal.arrays["displacement"][source]
    return cell


def check_distances(crystal: "Atoms", name: str) -> None:
    """Refuse a crystal of which two atoms all but coincide.

    Raises
    ------
    InputError
        Two atoms are nearer than any bond is short.
    """
    vectors = np.asarray(crystal.cell)
    steps = crystal.positions[:, None] - crystal.positions[None]
    fractions = steps @ np.linalg.inv(vectors)
    nearest = (fractions - np.round(fractions)) @ vectors
    distances = np.linalg.norm(nearest, axis=2) + 1e3 * np.eye(len(crystal))
    if distances.min() < SHORTEST_DISTANCE:
        raise InputError(
            f"two atoms of {name} are {distances.min():.2f} Å apart: "
            "correct the positions or the lattice."
        )


def single_layer(cell: "Atoms", name: str) -> "Atoms":
    """Keep the lowest layer of an oriented cell, with vacuum on both sides."""
    height = cell.cell[2, 2]
    z = np.sort(cell.positions[:, 2])
    gaps = np.diff(np.append(z, z[0] + height))
    if gaps.max() < LAYER_GAP:
        raise InputError(
            f"{name} has no empty slab of {LAYER_GAP} Å along its zone axis: "
            "set monolayer to false, or look along the layer normal."
        )
    # Start above an empty slab, so that no layer is cut by the cell's border.
    above = (int(np.argmax(gaps)) + 1) % len(z)
    lifted = (cell.positions[:, 2] - z[above] + TOLERANCE) % height
    ordered = np.sort(lifted)
    breaks = np.flatnonzero(np.diff(ordered) > LAYER_GAP)
    top = ordered[breaks[0]] if breaks.size else ordered[-1]
    layer: Atoms = cell[lifted <= top + TOLERANCE]
    layer.positions[:, 2] = lifted[lifted <= top + TOLERANCE] - TOLERANCE + VACUUM
    layer.cell[2, 2] = top - TOLERANCE + 2 * VACUUM
    return layer


def shortest_translation(crystal: "Atoms", direction: Direction) -> NDArray[np.float64]:
    """Shortest lattice translation along a direction, in lattice vectors.

    Centred lattices have some inside the cell: ½[110] in silicon.
    """
    positions = crystal.positions @ np.linalg.inv(np.asarray(crystal.cell))
    numbers = crystal.numbers
    whole = np.array(direction) / math.gcd(*direction)
    same = numbers[:, None] == numbers[None]
    for divisor in (6, 4, 3, 2):
        step = whole / divisor
        offset = positions[:, None] + step - positions[None]
        offset -= np.round(offset)
        meets = np.all(np.abs(offset) < TOLERANCE, axis=2) & same
        if meets.any(axis=1).all():
            return step
    return whole
