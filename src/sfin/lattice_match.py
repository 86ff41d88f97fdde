"""Which atoms of an image a crystal explains, and which of its sites have an atom."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.lattice_geometry import IntArray, Placement
from sfin.lattice_start import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Match:
    """Atoms of an image and sites of a crystal, one to one.

    Attributes
    ----------
    column
        (n,) number of the visible column whose site is nearest to each atom.
    displacements
        (n, 2) x and y of each atom less that site, in px.
    explained
        (n,) whether the site is within the radius and no other atom nearer to it.
    site_column, site_positions, site_found
        Sites inside the image, the margin off its edge at least: number of the
        visible column (m,), x and y in px (m, 2), whether it explains an atom (m,).
    """

    column: IntArray
    displacements: FloatArray
    explained: BoolArray
    site_column: IntArray
    site_positions: FloatArray
    site_found: BoolArray

    @property
    def explained_fraction(self) -> float:
        """Share of the atoms that the crystal explains."""
        return float(self.explained.mean())

    @property
    def found_fraction(self) -> float:
        """Share of the sites inside the image that have an atom."""
        return float(self.site_found.mean()) if self.site_found.size else np.nan

    @property
    def rms(self) -> tuple[float, float]:
        """RMS displacement of explained atoms along and across the scan, in px."""
        if not self.explained.any():
            return np.nan, np.nan
        squares = self.displacements[self.explained] ** 2
        along, across = np.sqrt(squares.mean(axis=0))
        return float(along), float(across)


def match_sites(
    placement: Placement,
    positions: FloatArray,
    shape: tuple[int, int],
    radius: float,
    margin: float,
) -> Match:
    """Match (n, 2) atoms and the sites of a crystal in an image of a shape.

    Parameters
    ----------
    radius
        How far an atom may lie from its site, in px.
    margin
        How far off the edge a site must lie to be expected, in px.
    """
    sites = placement.nearest_sites(positions)
    explained = sites.one_each(radius)
    keys, places = sites_in_image(placement, shape, margin)
    taken = set(map(tuple, sites.keys[explained].tolist()))
    found = [tuple(key) in taken for key in keys.tolist()]
    return Match(
        column=sites.keys[:, 0],
        displacements=positions - sites.fitted,
        explained=explained,
        site_column=keys[:, 0],
        site_positions=places,
        site_found=np.array(found, np.bool_),
    )


def sites_in_image(
    placement: Placement, shape: tuple[int, int], margin: float
) -> tuple[IntArray, FloatArray]:
    """List the visible columns inside an image, `margin` px off its edge at least.

    Returns
    -------
    keys
        (m, 3) number of the visible column, and of its cell along both vectors.
    positions
        (m, 2) x and y, in px.
    """
    extent = np.array(shape[::-1]) - 1.0
    edge = np.linspace(0, 1, 9)
    grid = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2) * extent
    straight = grid - placement.bend_at(grid)
    indices = (straight - placement.origin) @ np.linalg.inv(placement.cell)
    low = np.floor(indices.min(axis=0)).astype(int) - 2
    high = np.ceil(indices.max(axis=0)).astype(int) + 3
    numbers = np.arange(len(placement.motif.positions))
    ranges = [numbers, *map(np.arange, low, high)]
    keys = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    places = placement.place(placement.motif.at(keys))
    kept = ((places >= margin) & (places <= extent - margin)).all(axis=1)
    return keys[kept], places[kept]
