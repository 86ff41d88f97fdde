"""What TEMImageNet's recipe looks at: structures, fields of view, rotations, probes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfin.arrangements import Columns, species_names
from sfin.column_loops import tile_columns
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.linear_imaging import GAUSSIAN, Probe, relative_brightness
from sfin.pixel_loops import REACH
from sfin.temimagenet_noise import DisturbanceSettings

ARRANGEMENTS = ("crystal", "particle")
# Widest probe that still shows two columns as two: its full width at half maximum, in
# their distance. At 1 a crystal is a grey field.
RESOLVED = 0.8


@dataclass(frozen=True)
class TemimagenetSettings:
    """One dataset after TEMImageNet's recipe; the mode is HAADF.

    Attributes
    ----------
    structures
        Images of each structure in the original: the weights they are drawn with.
    particles
        Structures of which some images show a particle in vacuum.
    particle_share
        Share of those images.
    particle_radius
        Least and greatest radius of a particle, relative to the field of view.
    particle_offset
        Greatest distance of its centre from that of the image, along either edge and
        relative to it.
    fields_of_view
        In Å.
    rotations
        In degrees.
    probes
        Imaging conditions: energy (eV), semi-angle (mrad) and source size (Å).
    mask_width
        Full width at half maximum of the dots on the atoms, in Å.
    label_threshold
        Relative brightness below which a column has no dot.
    superresolution_narrowing
        Factor on the size of the atoms in the super-resolution label.
    disturbance
        Background, scan jitter and shot noise.
    """

    structures: Mapping[str, float]
    particles: Sequence[str]
    particle_share: float
    particle_radius: tuple[float, float]
    particle_offset: float
    fields_of_view: Sequence[float]
    rotations: Sequence[float]
    probes: Sequence[tuple[float, float, float]]
    mask_width: float
    label_threshold: float
    superresolution_narrowing: float
    disturbance: DisturbanceSettings

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "TemimagenetSettings":
        """Build from nested dictionaries, as they stand in the config."""
        nested = {"disturbance": DisturbanceSettings(**entries["disturbance"])}
        return cls(**{**entries, **nested})


@dataclass(frozen=True)
class View:
    """What is seen of which structure, and how: all that is drawn before the noise.

    Attributes
    ----------
    columns
        Columns in the image and as far beyond its edges as they reach.
    drawn
        Numbers of the structure, arrangement and probe; pixel size and field of view
        in Å, rotation in degrees.
    """

    columns: Columns
    drawn: dict[str, float]


def draw_view(
    structures: Sequence[ProjectedColumns],
    size: int,
    settings: TemimagenetSettings,
    generator: np.random.Generator,
) -> View:
    """Draw a structure, its orientation and a probe from the discrete choices.

    The probe is one that resolves the columns that have labels.

    Raises
    ------
    InputError
        If there is none for the structure drawn.
    """
    weights = np.array([settings.structures[s.structure] for s in structures], float)
    number = int(generator.choice(len(structures), p=weights / weights.sum()))
    structure = structures[number]
    probes = [Probe(*entry) for entry in settings.probes]
    widest = RESOLVED * closest_columns(structure, settings.label_threshold)
    resolving = [
        place for place, probe in enumerate(probes) if probe.sigma * GAUSSIAN < widest
    ]
    if not resolving:
        raise InputError(
            f"No probe of temimagenet.settings resolves the columns of "
            f"{structure.structure}: add a finer one, or leave the structure out."
        )
    probe_number = int(generator.choice(resolving))
    field_of_view = float(generator.choice(np.array(settings.fields_of_view, float)))
    rotation = float(generator.choice(np.array(settings.rotations, float)))
    pixel_size = field_of_view / size
    sigma = probes[probe_number].sigma / pixel_size
    columns = _tile(structure, rotation, pixel_size, sigma, size, structures, generator)
    particle = structure.structure in settings.particles and (
        generator.random() < settings.particle_share
    )
    if particle:
        columns = cut_particle(columns, size, settings, generator)
    drawn = {
        "structure": number,
        "arrangement": ARRANGEMENTS.index("particle" if particle else "crystal"),
        "probe": probe_number,
        "field_of_view": field_of_view,
        "pixel_size": pixel_size,
        "rotation": rotation,
    }
    return View(columns, drawn)


def closest_columns(structure: ProjectedColumns, threshold: float) -> float:
    """Give the least distance in Å of two columns at least so bright, relatively."""
    bright = relative_brightness(structure.species) >= threshold
    basis = structure.positions[bright]
    reach = 2 * float(np.abs(structure.lattice).sum())
    around, _ = tile_columns(structure.lattice, basis, -reach, reach)
    distances = np.linalg.norm(around[:, None] - basis, axis=2)
    return float(distances[distances > 1e-3].min())


def cut_particle(
    columns: Columns,
    size: int,
    settings: TemimagenetSettings,
    generator: np.random.Generator,
) -> Columns:
    """Keep the columns within a circle about the middle; at least the nearest one."""
    offset = settings.particle_offset
    x, y = size * (0.5 + generator.uniform(-offset, offset, 2))
    radius = size * generator.uniform(*settings.particle_radius)
    distance = np.hypot(columns.x - x, columns.y - y)
    return columns.keep(distance <= max(radius, float(distance.min())))


def _tile(
    structure: ProjectedColumns,
    rotation: float,
    pixel_size: float,
    sigma: float,
    size: int,
    structures: Sequence[ProjectedColumns],
    generator: np.random.Generator,
) -> Columns:
    """Repeat the columns over the image, from a random origin."""
    angle = np.radians(rotation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    lattice = structure.lattice / pixel_size @ turn
    origin = generator.uniform(0, 1, 2) @ lattice
    basis = structure.positions / pixel_size @ turn + origin
    margin = REACH * sigma
    positions, column = tile_columns(lattice, basis, -margin, size + margin)
    names = species_names(structures)
    kinds = np.array([names.index(name) for name in structure.species], np.int64)
    brightness = relative_brightness(structure.species)[column]
    width = np.full(column.size, sigma)
    x, y = positions.T
    return Columns(x, y, brightness, width, kinds[column])
