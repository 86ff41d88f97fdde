"""An affine map from a crystal to an image: its sites, and what it says of the scan."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import rq

from sfin.lattice_start import FloatArray, Motif

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Bend:
    """A smooth displacement of an image: polynomials of degree 2 to `degree`.

    Attributes
    ----------
    degree
        The highest of x and y together.
    middle, size
        (2,) and in px: the polynomials are of (position − middle) / size.
    coefficients
        (terms, 2) in px.
    """

    degree: int
    middle: FloatArray
    size: float
    coefficients: FloatArray

    def terms(self, positions: FloatArray) -> FloatArray:
        """Evaluate (n, terms) polynomials at (n, 2) positions."""
        x, y = ((positions - self.middle) / self.size).T
        return np.stack(
            [
                x ** (total - down) * y**down
                for total in range(2, self.degree + 1)
                for down in range(total + 1)
            ],
            axis=1,
        )

    def at(self, positions: FloatArray) -> FloatArray:
        """(n, 2) displacement at (n, 2) positions, in px."""
        return np.asarray(self.terms(positions) @ self.coefficients)


@dataclass(frozen=True)
class Placement:
    """Where a crystal lies in an image: r in Å lies at ``matrix @ r + origin`` in px.

    The matrix is read as scan after rotation: ``matrix = [[x, s y], [0, y]] R F``,
    where R rotates the crystal, F mirrors it or not, x and y are pixels per Å along
    and across the fast scan, and s shifts each row along the fast scan by s times its
    number, as drift does.

    Attributes
    ----------
    matrix
        (2, 2) in px per Å.
    origin
        (2,) x and y of the crystal's origin, in px.
    motif
        The crystal's visible columns.
    bend
        How the image is bent besides, or None.
    """

    matrix: FloatArray
    origin: FloatArray
    motif: Motif
    bend: Bend | None = None

    @cached_property
    def spacing(self) -> float:
        """Distance between nearest visible columns, in px without distortion."""
        return self.motif.spacing * self.scale

    @property
    def cell(self) -> FloatArray:
        """(2, 2) row vectors (x, y) of the cell, in px."""
        return np.asarray(self.motif.lattice @ self.matrix.T)

    @property
    def site_area(self) -> float:
        """Area per visible column, in px²."""
        return self.scale**2 / self.motif.density

    @property
    def scale(self) -> float:
        """Pixels per Å, in the geometric mean of all directions."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def pixel_size(self) -> float:
        """Å per pixel that the crystal implies."""
        return 1 / self.scale

    @property
    def mirrored(self) -> bool:
        """Whether the crystal is seen from its other side."""
        return bool(np.linalg.det(self.matrix) < 0)

    @property
    def distortion(self) -> float:
        """Longest over shortest stretch less one, over all directions."""
        stretches = np.linalg.svd(self.matrix, compute_uv=False)
        return float(stretches[0] / stretches[1] - 1)

    @property
    def ratio(self) -> float:
        """Length of the cell's first vector over the second's, in px."""
        first, second = np.linalg.norm(self.cell, axis=1)
        return float(first / second)

    @property
    def angle(self) -> float:
        """Angle between the two vectors of the cell, in degrees."""
        return angle_between(self.cell)

    @property
    def rotation(self) -> float:
        """Of the crystal's x axis from the image's, towards y, in degrees."""
        return float(np.degrees(np.arctan2(self._turn[1, 0], self._turn[0, 0])))

    @property
    def scan_ratio(self) -> float:
        """Pixels per Å along the fast scan over those across it."""
        return float(self._scan[0, 0] / self._scan[1, 1])

    @property
    def scan_shear(self) -> float:
        """Shift of a row along the fast scan per row, in degrees."""
        return float(np.degrees(np.arctan(self._scan[0, 1] / self._scan[1, 1])))

    @cached_property
    def _readings(self) -> tuple[FloatArray, FloatArray]:
        triangle, turn = rq(self.matrix)
        signs = np.diag(np.sign(np.diag(triangle)))
        return triangle @ signs, signs @ turn

    @property
    def _scan(self) -> FloatArray:
        return self._readings[0]

    @property
    def _turn(self) -> FloatArray:
        return self._readings[1]

    def place(self, crystal: FloatArray) -> FloatArray:
        """Give where (n, 2) places of the crystal in Å lie in the image, in px."""
        straight = crystal @ self.matrix.T + self.origin
        bent = straight
        # The bend is that at the place itself, which a few rounds find.
        for _ in range(4 if self.bend else 0):
            bent = straight + self.bend_at(bent)
        return np.asarray(bent)

    def nearest_sites(self, positions: FloatArray) -> "Sites":
        """Find the site nearest to each of (n, 2) positions."""
        bend = self.bend_at(positions)
        straight = (positions - bend - self.origin) @ np.linalg.inv(self.matrix).T
        # From each column of the crystal's first cell: (n, columns, 2). In a skew cell
        # the rounded cell need not hold the nearest site, but it does within half of
        # the shortest distance between sites.
        offsets = straight[:, None] - self.motif.positions
        steps = np.round(offsets @ np.linalg.inv(self.motif.lattice))
        offsets = (offsets - steps @ self.motif.lattice) @ self.matrix.T
        squares = (offsets**2).sum(axis=2)
        column = squares.argmin(axis=1)
        atoms = np.arange(len(column))
        keys = np.column_stack([column, steps[atoms, column].astype(np.int64)])
        crystal = self.motif.at(keys)
        return Sites(
            keys,
            crystal,
            crystal @ self.matrix.T + self.origin + bend,
            np.sqrt(squares[atoms, column]),
        )

    def fitted_to(
        self, positions: FloatArray, crystal: FloatArray, weights: FloatArray
    ) -> "Placement":
        """Give the map that brings places of the crystal onto atoms (least squares)."""
        design = [crystal, np.ones((len(crystal), 1))]
        if self.bend:
            design.append(self.bend.terms(positions))
        root = np.sqrt(weights)[:, None]
        solution, *_ = np.linalg.lstsq(
            np.hstack(design) * root, positions * root, rcond=None
        )
        bend = self.bend and replace(self.bend, coefficients=solution[3:])
        return replace(self, matrix=solution[:2].T, origin=solution[2], bend=bend)

    def bendable(self, degree: int, shape: tuple[int, int]) -> "Placement":
        """Let a fit bend this placement by polynomials up to `degree`."""
        if degree < 2:
            return self
        terms = sum(total + 1 for total in range(2, degree + 1))
        middle = (np.array(shape[::-1]) - 1) / 2
        bend = Bend(degree, middle, float(max(shape)) / 2, np.zeros((terms, 2)))
        return replace(self, bend=bend)

    def bend_at(self, positions: FloatArray) -> FloatArray:
        """(n, 2) displacement by the bend at (n, 2) positions, in px."""
        return self.bend.at(positions) if self.bend else np.zeros_like(positions)

    def nearest_cell(self, shape: tuple[int, int]) -> "Placement":
        """Move the origin by whole cells, to the one nearest to the image's middle."""
        middle = (np.array(shape[::-1]) - 1) / 2
        steps = np.round((middle - self.origin) @ np.linalg.inv(self.cell))
        return replace(self, origin=self.origin + steps @ self.cell)


@dataclass(frozen=True, eq=False)
class Sites:
    """The site nearest to each of n atoms.

    Attributes
    ----------
    keys
        (n, 3) number of the visible column, and of its cell along both vectors.
    crystal
        (n, 2) its place in the crystal, in Å.
    fitted
        (n, 2) x and y in the image, in px.
    distance
        (n,) from the atom, in px.
    """

    keys: IntArray
    crystal: FloatArray
    fitted: FloatArray
    distance: FloatArray

    def one_each(self, radius: float) -> NDArray[np.bool_]:
        """Tell which atoms lie within `radius`, and no other nearer to their site."""
        order = np.argsort(self.distance, kind="stable")
        _, first = np.unique(self.keys[order], axis=0, return_index=True)
        nearest = np.zeros(len(order), np.bool_)
        nearest[order[first]] = True
        return nearest & (self.distance <= radius)


def angle_between(vectors: FloatArray) -> float:
    """Angle between two row vectors, in degrees."""
    first, second = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip(first @ second, -1, 1))))
