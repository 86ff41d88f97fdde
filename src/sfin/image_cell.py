"""Find an orthogonal cell of the image, given the direction of the beam."""

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.orientation import Direction, shortest_translation

if TYPE_CHECKING:
    from ase import Atoms

LARGEST_INDEX = 6  # of a direction that is searched
LARGEST_SIDE = 30.0  # Å, of the image cell
LONGEST_REPEAT = 100.0  # Å, along the beam
# What passes for perpendicular, so that a relaxed or refined lattice may be used:
# the atoms of a 10 Å cell are then moved by 0.02 Å at most.
ANGLE_TOLERANCE = 0.1  # degrees
# Pairs are made of so many directions, the shortest first.
MOST_CANDIDATES = 40


def find_image_axes(
    crystal: "Atoms",
    zone_axis: Direction,
    name: str,
    horizontal: Direction | None = None,
    vertical: Direction | None = None,
) -> tuple[Direction, Direction]:
    """Find two directions perpendicular to each other and to the beam.

    Of all pairs with indices up to 6 the one of the smallest cell, the longer
    side horizontal; right-handed with the zone axis.

    Parameters
    ----------
    crystal
        Periodic cell of any shape.
    zone_axis
        Lattice direction along the beam.
    name
        What to call the crystal in an error.
    horizontal, vertical
        What is given is kept, and only the other is searched. If both are, they
        are for `sfin.orientation.orient_crystal` to judge.

    Raises
    ------
    InputError
        There is no such pair within 0.1° and 30 Å, a given direction is not
        perpendicular to the beam, or the crystal repeats too seldom along it.
    """
    repeat = float(np.linalg.norm(_vector(crystal, zone_axis)))
    if repeat > LONGEST_REPEAT:
        raise InputError(
            f"{name} repeats along its zone_axis {list(zone_axis)} only every "
            f"{repeat:.0f} Å, more than {LONGEST_REPEAT:g} Å: choose one of lower "
            "indices."
        )
    for side, direction in {"horizontal": horizontal, "vertical": vertical}.items():
        if direction is None:
            continue
        off = _degrees_off(crystal, direction, zone_axis)
        if off > ANGLE_TOLERANCE:
            raise InputError(
                f"{side} {list(direction)} of {name} is {off:.2f}° off the "
                f"perpendicular to zone_axis {list(zone_axis)}: correct it, or leave "
                "it out to have it found."
            )
    if horizontal and vertical:
        return horizontal, vertical
    axes = _smallest_pair(crystal, zone_axis, horizontal, vertical)
    if axes is None and (horizontal or vertical):
        given = "horizontal" if horizontal else "vertical"
        raise InputError(
            f"nothing fits {given} {list(horizontal or vertical or ())} of {name} "
            f"(indices up to {LARGEST_INDEX}, sides up to {LARGEST_SIDE:g} Å, within "
            f"{ANGLE_TOLERANCE:g}° of perpendicular): leave it out to have both found."
        )
    if axes is None:
        others = [
            [first, second, third]
            for first, second, third in product((0, 1), repeat=3)
            if (first or second or third)
            and _smallest_pair(crystal, (first, second, third), None, None)
        ]
        remedy = (
            f"zone_axis may be {' or '.join(map(str, others))}"
            if others
            else "give a file of an orthogonal supercell"
        )
        raise InputError(
            f"no two directions of {name} with indices up to {LARGEST_INDEX} and "
            f"sides up to {LARGEST_SIDE:g} Å are perpendicular within "
            f"{ANGLE_TOLERANCE:g}° to each other and to zone_axis {list(zone_axis)}: "
            f"{remedy}."
        )
    return axes


def _smallest_pair(
    crystal: "Atoms",
    zone_axis: Direction,
    horizontal: Direction | None,
    vertical: Direction | None,
) -> tuple[Direction, Direction] | None:
    """Give the perpendicular pair of the smallest area, if there is any."""
    found = _perpendicular_directions(crystal, zone_axis)
    across = [horizontal] if horizontal else found
    down = [vertical] if vertical else found
    sides = {
        direction: float(np.linalg.norm(_vector(crystal, direction)))
        for direction in {*across, *down}
    }
    best: tuple[tuple[object, ...], tuple[Direction, Direction]] | None = None
    for first, second in product(across, down):
        if max(sides[first], sides[second]) > LARGEST_SIDE:
            continue
        handedness = np.linalg.det(np.array([first, second, zone_axis]))
        handedness *= np.linalg.det(np.asarray(crystal.cell))
        if handedness <= 0:
            continue
        if _degrees_off(crystal, first, second) > ANGLE_TOLERANCE:
            continue
        # Of equal cells the wider, then the one with fewest and latest minus signs.
        rank = (
            round(sides[first] * sides[second], 3),
            round(-sides[first], 3),
            sum(index < 0 for index in first + second),
            tuple(-index for index in first + second),
        )
        if best is None or rank < best[0]:
            best = rank, (first, second)
    return best[1] if best else None


def _perpendicular_directions(
    crystal: "Atoms", zone_axis: Direction
) -> list[Direction]:
    """List directions perpendicular to the beam, the shortest first."""
    indices = range(-LARGEST_INDEX, LARGEST_INDEX + 1)
    every = np.array([d for d in product(indices, repeat=3) if math.gcd(*d) == 1])
    cell = np.asarray(crystal.cell)
    vectors = every @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    beam = np.array(zone_axis) @ cell
    cosines = vectors @ beam / (lengths * np.linalg.norm(beam))
    kept = np.flatnonzero(np.abs(cosines) <= np.sin(np.radians(ANGLE_TOLERANCE)))
    order = kept[np.argsort(lengths[kept].round(4), kind="stable")]
    return [
        (int(first), int(second), int(third))
        for first, second, third in every[order[:MOST_CANDIDATES]]
    ]


def _degrees_off(crystal: "Atoms", first: Direction, second: Direction) -> float:
    """Give the deviation of an angle from 90°, in degrees."""
    one, other = np.array([first, second]) @ np.asarray(crystal.cell)
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arcsin(min(1.0, abs(cosine)))))


def _vector(crystal: "Atoms", direction: Direction) -> NDArray[np.float64]:
    cell = np.asarray(crystal.cell, np.float64)
    return np.asarray(shortest_translation(crystal, direction) @ cell)
