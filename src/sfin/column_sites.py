"""Project the atoms of a cell to columns, and tell which of them are equivalent."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sfin.columns import FloatArray

if TYPE_CHECKING:
    from ase import Atoms

# Columns nearer than this cannot be told apart in the image: they are joined.
JOIN_DISTANCE = 0.9  # Å
# HAADF intensity goes about as this power of the atomic number.
ATOMIC_NUMBER_POWER = 1.7

# Reach and blur of the neighbourhood by which columns are called equivalent.
NEIGHBOURHOOD = 5.0  # Å
NEIGHBOURHOOD_BLUR = 0.05  # Å


@dataclass(frozen=True)
class ColumnSites:
    """Projected columns: species, (n, 2) positions in Å, (n,) group numbers."""

    species: tuple[str, ...]
    positions: FloatArray
    group: NDArray[np.int64]


def project_columns(cell: "Atoms") -> ColumnSites:
    """Project the atoms of a cell along z, and join what no image separates.

    The nearest two are joined first, at their centre weighted by atomic number
    to the power of 1.7, until all are at least 0.9 Å apart.
    """
    sides = cell.cell.lengths()[:2]
    positions = [np.array(position[:2]) for position in cell.positions]
    weights = list(cell.numbers.astype(float) ** ATOMIC_NUMBER_POWER)
    atoms = [Counter([number]) for number in cell.numbers.tolist()]
    while len(atoms) > 1:
        steps = _nearest_steps(np.array(positions), sides)
        distances = np.linalg.norm(steps, axis=2) + 1e3 * np.eye(len(atoms))
        i, j = sorted(divmod(int(distances.argmin()), len(atoms)))
        if distances[i, j] >= JOIN_DISTANCE:
            break
        share = weights[j] / (weights[i] + weights[j])
        positions[i] = positions[i] + share * steps[i, j]
        weights[i] += weights.pop(j)
        atoms[i] += atoms.pop(j)
        positions.pop(j)
    wrapped = np.array(positions) % sides
    wrapped[np.isclose(wrapped, sides, rtol=0, atol=1e-6)] = 0
    order = sorted(
        range(len(atoms)), key=lambda i: (-weights[i], *wrapped[i][::-1].round(4))
    )
    species = tuple(_formula(atoms[i]) for i in order)
    return ColumnSites(species, wrapped[order], _groups(species, wrapped[order], sides))


def _formula(atoms: Counter[int]) -> str:
    """Write the atoms of a column, the heaviest first: TiO2."""
    from ase.data import chemical_symbols

    return "".join(
        chemical_symbols[number] + (str(count) if count > 1 else "")
        for number, count in sorted(atoms.items(), reverse=True)
    )


def _nearest_steps(positions: FloatArray, sides: FloatArray) -> FloatArray:
    """Give the steps (n, n, 2) from each column to the nearest image of each other."""
    steps = positions[None] - positions[:, None]
    return np.asarray(steps - np.round(steps / sides) * sides, np.float64)


def _groups(
    species: tuple[str, ...], positions: FloatArray, sides: FloatArray
) -> NDArray[np.int64]:
    """Group columns so that those of alike surroundings share a number.

    Surroundings are the densities of each species against distance, blurred, so
    that neighbours at equal distances need no order.
    """
    reach = np.ceil(NEIGHBOURHOOD / sides).astype(int) + 1
    cells = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    everywhere = positions[:, None] + cells * sides
    radii = np.arange(0, NEIGHBOURHOOD, NEIGHBOURHOOD_BLUR)
    surroundings = np.empty((len(species), len(species), radii.size))
    kinds = sorted(set(species))
    for i, position in enumerate(positions):
        distances = np.linalg.norm(everywhere - position, axis=2)
        offsets = (distances[..., None] - radii) / NEIGHBOURHOOD_BLUR
        surroundings[i] = np.exp(-(offsets**2) / 2).sum(axis=1)
    density = np.stack(
        [
            surroundings[:, [other == kind for other in species]].sum(axis=1)
            for kind in kinds
        ],
        axis=1,
    )
    group = np.full(len(species), -1)
    for i, kind in enumerate(species):
        if group[i] < 0:
            alike = np.abs(density - density[i]).max(axis=(1, 2)) < 0.2
            same = np.array([other == kind for other in species])
            group[alike & same & (group < 0)] = group.max() + 1
    return group
