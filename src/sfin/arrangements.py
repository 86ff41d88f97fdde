"""Place atomic columns in an image: crystals, defects, embeddings, interfaces.

Positions are pixels (x along a row, y along a column of the image), sizes
pixels; brightness is relative, 1 for the extreme column of a structure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sfin.column_loops import apart, tile_columns
from sfin.columns import ProjectedColumns
from sfin.parameters import Mode

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Arrangement = Literal["periodic", "defect", "embedding", "random", "interface"]
ARRANGEMENTS: tuple[Arrangement, ...] = get_args(Arrangement)
# Pixels beyond the edges of the image to which crystals are continued.
MARGIN = 40.0
# In the place of a species, for columns that are no element's.
NO_SPECIES = -1


@dataclass(frozen=True)
class ArrangementSettings:
    """How atoms are arranged (paper, section 3.3, and Table 4).

    Attributes
    ----------
    shares
        Share of each arrangement among the images; they sum to one.
    pixel_size
        Least and greatest pixel size, in Å. Continuous, as the rotation is.
    sigma_factor
        Least and greatest factor on the size of all atoms of an image: the
        probes of different microscopes.
    defect_share, embedding_share
        Greatest share of atoms deleted from a crystal, and added to it.
    vacuum_share
        Share of the interfaces that have vacuum on their other side.
    closest
        Least distance, in Å, of an added or random column, or one across an
        interface, to the others: matter does not overlap.
    """

    shares: Mapping[Arrangement, float]
    pixel_size: tuple[float, float] = (0.07, 0.22)
    sigma_factor: tuple[float, float] = (0.85, 1.2)
    defect_share: float = 0.15
    embedding_share: float = 0.15
    vacuum_share: float = 0.3
    closest: float = 1.0


@dataclass(frozen=True)
class Columns:
    """Atomic columns of one image; all arrays have shape (n,).

    Attributes
    ----------
    x, y, brightness, sigma
        As the module says.
    species
        Place among `species_names`; `NO_SPECIES` where a column is made up.
    """

    x: FloatArray
    y: FloatArray
    brightness: FloatArray
    sigma: FloatArray
    species: IntArray

    def keep(self, mask: NDArray[np.bool_]) -> "Columns":
        """Take those columns where `mask` is true."""
        x, y, brightness, sigma = (array[mask] for array in self.spots())
        return Columns(x, y, brightness, sigma, self.species[mask])

    def join(self, other: "Columns") -> "Columns":
        """Take the columns of both."""
        pairs = zip(self.spots(), other.spots(), strict=True)
        x, y, brightness, sigma = (np.concatenate(pair) for pair in pairs)
        species = np.concatenate([self.species, other.species])
        return Columns(x, y, brightness, sigma, species)

    def spots(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Give x, y, brightness and sigma."""
        return self.x, self.y, self.brightness, self.sigma


@dataclass(frozen=True)
class Scene:
    """Columns of one image and how they came about.

    Attributes
    ----------
    columns
        Columns in the image and somewhat beyond its edges.
    arrangement
        How they are arranged.
    structures
        Name of the structure; of an interface without vacuum, also of the second.
    rotations
        Of each structure's first lattice vector, from x towards y, in degrees;
        none for a random arrangement.
    pixel_size
        In Å.
    """

    columns: Columns
    arrangement: Arrangement
    structures: tuple[str, ...]
    rotations: tuple[float, ...]
    pixel_size: float


def draw_scene(
    structures: Sequence[ProjectedColumns],
    mode: Mode,
    size: int,
    settings: ArrangementSettings,
    generator: np.random.Generator,
) -> Scene:
    """Draw an arrangement of atoms for one image of `size` × `size` pixels.

    Parameters
    ----------
    structures
        Rendered structures to choose from.
    mode
        Decides which columns are visible, and how strongly.
    size
        Edge of the image, in pixels.
    settings
        How atoms are arranged.
    generator
        Source of randomness.
    """
    names = list(settings.shares)
    shares = np.array([settings.shares[name] for name in names], dtype=np.float64)
    arrangement = names[int(generator.choice(len(names), p=shares / shares.sum()))]
    structure = structures[int(generator.integers(len(structures)))]
    pixel_size = float(generator.uniform(*settings.pixel_size))
    factor = float(generator.uniform(*settings.sigma_factor))
    species = species_names(structures)
    look = (mode, size, pixel_size, factor, generator, species)
    columns, angle = crystal(structure, *look)
    drawn: tuple[str, ...] = (structure.structure,)
    rotations: tuple[float, ...] = (angle,)
    closest = settings.closest / pixel_size
    if arrangement == "defect":
        columns = delete_columns(columns, settings.defect_share, generator)
    elif arrangement == "embedding":
        added = embedded_columns(columns, size, settings.embedding_share, generator)
        columns = keep_apart(columns.join(added), closest, columns.x.size)
    elif arrangement == "interface":
        beyond = smooth_border(size, generator)
        columns = columns.keep(~beyond(columns))
        if generator.random() >= settings.vacuum_share:
            other = structures[int(generator.integers(len(structures)))]
            second, other_angle = crystal(other, *look)
            drawn, rotations = (*drawn, other.structure), (angle, other_angle)
            other_side = second.keep(beyond(second))
            columns = keep_apart(columns.join(other_side), closest, columns.x.size)
    elif arrangement == "random":
        columns = keep_apart(random_columns(columns, size, generator), closest)
        rotations = ()
    return Scene(columns, arrangement, drawn, rotations, pixel_size)


def species_names(structures: Sequence[ProjectedColumns]) -> list[str]:
    """List the species of all columns of several structures, each once."""
    names = (name for structure in structures for name in structure.species)
    return sorted(set(names))


def crystal(
    structure: ProjectedColumns,
    mode: Mode,
    size: int,
    pixel_size: float,
    sigma_factor: float,
    generator: np.random.Generator,
    species: Sequence[str] | None = None,
) -> tuple[Columns, float]:
    """Tile a structure over the image with a random rotation and origin.

    `species` are the names that the columns' species count; the structure's own if
    None.

    Returns
    -------
    Columns
        Its visible columns.
    float
        Rotation of its first lattice vector, from x towards y, in degrees.
    """
    angle = generator.uniform(0, 2 * np.pi)
    origin = generator.uniform(0, 1, 2)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    lattice = structure.lattice / pixel_size @ turn
    basis = structure.positions / pixel_size @ turn + origin @ lattice
    visible = structure.amplitude[mode] != 0
    # Columns beyond the edges reach into the image, and hide nothing at its edges.
    positions, column = tile_columns(lattice, basis[visible], -MARGIN, size + MARGIN)
    brightness = np.abs(structure.amplitude[mode])[visible][column]
    sigma = structure.sigma[mode][visible][column] / pixel_size * sigma_factor
    species = species_names([structure]) if species is None else species
    kinds = np.array([species.index(name) for name in structure.species], np.int64)
    columns = Columns(
        positions[:, 0], positions[:, 1], brightness, sigma, kinds[visible][column]
    )
    return columns, float(np.degrees(angle))


def delete_columns(
    columns: Columns, share: float, generator: np.random.Generator
) -> Columns:
    """Delete up to a share of the columns: defects."""
    deleted = generator.uniform(0, share)
    return columns.keep(generator.random(columns.x.size) >= deleted)


def embedded_columns(
    columns: Columns, size: int, share: float, generator: np.random.Generator
) -> Columns:
    """Draw columns that sit anywhere between those of a crystal: embeddings."""
    number = int(np.ceil(columns.x.size * generator.uniform(0, share)))
    drawn = generator.integers(columns.x.size, size=number)
    x, y = generator.uniform(0, size, (2, number))
    like = columns.brightness[drawn], columns.sigma[drawn], columns.species[drawn]
    return Columns(x, y, *like)


def random_columns(
    columns: Columns, size: int, generator: np.random.Generator
) -> Columns:
    """Throw columns anywhere, in sizes and brightnesses of their own.

    There are a third to all as many as the crystal would have had.
    """
    number = int(np.ceil(columns.x.size * generator.uniform(1 / 3, 1)))
    x, y = generator.uniform(-20, size + 20, (2, number))
    typical = float(np.median(columns.sigma))
    return Columns(
        x,
        y,
        generator.uniform(0.2, 1, number),
        typical * generator.uniform(0.7, 1.5, number),
        np.full(number, NO_SPECIES),
    )


def keep_apart(columns: Columns, closest: float, fixed: int = 0) -> Columns:
    """Drop columns that lie nearer than `closest` pixels to one before them.

    The first `fixed` columns stay whatever their distances.
    """
    positions = np.column_stack([columns.x, columns.y])
    return columns.keep(apart(positions, closest, fixed))


def smooth_border(
    size: int, generator: np.random.Generator
) -> Callable[[Columns], NDArray[np.bool_]]:
    """Draw a smooth border through the image; tell which columns lie beyond it.

    The border is a level line of a few long waves, at the level that halves
    the image.
    """
    waves = generator.normal(0, 1, (4, 2)) * 2 * np.pi / size
    phases = generator.uniform(0, 2 * np.pi, 4)

    def height(x: FloatArray, y: FloatArray) -> FloatArray:
        phase = np.outer(x, waves[:, 0]) + np.outer(y, waves[:, 1])
        total: FloatArray = np.cos(phase + phases).sum(axis=1)
        return total

    grid = np.meshgrid(*[np.linspace(0, size, 16)] * 2)
    level = np.median(height(grid[0].ravel(), grid[1].ravel()))
    return lambda columns: height(columns.x, columns.y) > level
