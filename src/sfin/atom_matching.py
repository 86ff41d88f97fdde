"""Compare atoms that were found in an image with those that are there.

Positions are pixels: x along a row, y along a column, pixel centres at integers.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from sfin.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class MatchCounts:
    """How well atoms were found in one image, or in several taken together.

    Attributes
    ----------
    matched
        True atoms with a detection of their own.
    missed, invented
        True atoms without a detection, detections without a true atom.
    merged
        Missed atoms within the radius of a detection that another atom has: one
        detection for two atoms.
    split
        Invented detections within the radius of an atom that has another: two
        detections for one atom.
    sum_x, sum_y
        Sums of found minus true positions over the matched atoms, in pixels.
    squared_error
        Sum of the squared distances, in pixels².
    """

    matched: int = 0
    missed: int = 0
    invented: int = 0
    merged: int = 0
    split: int = 0
    sum_x: float = 0.0
    sum_y: float = 0.0
    squared_error: float = 0.0

    @property
    def precision(self) -> float:
        """Share of the detections that are atoms; 1 where nothing was detected."""
        return _share(self.matched, self.invented)

    @property
    def recall(self) -> float:
        """Share of the atoms that were found; 1 where there are none."""
        return _share(self.matched, self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 1 where there is nothing and nothing was found."""
        return _share(2 * self.matched, self.missed + self.invented)

    @property
    def rms_error(self) -> float:
        """Root mean square distance of matched atoms in pixels; NaN without any."""
        if not self.matched:
            return float("nan")
        return float(np.sqrt(self.squared_error / self.matched))

    @property
    def bias(self) -> tuple[float, float]:
        """Mean of found minus true x and y in pixels; NaN without matched atoms."""
        if not self.matched:
            return float("nan"), float("nan")
        return self.sum_x / self.matched, self.sum_y / self.matched


@dataclass(frozen=True)
class Matching:
    """Which detection is which atom, in one image.

    Attributes
    ----------
    found, true
        Numbers of the detections and atoms that belong together, shape (k,).
    counts
        What follows from it, without what lies in the frame.
    counted
        Those of the k pairs whose atom does not lie in the frame, shape (k,).
    missed, invented
        Whether each atom was missed, and whether each detection was invented.
    """

    found: IntArray
    true: IntArray
    counts: MatchCounts
    counted: BoolArray
    missed: BoolArray
    invented: BoolArray


def match_atoms(
    found: tuple[ArrayLike, ArrayLike],
    true: tuple[ArrayLike, ArrayLike],
    radius: float,
    shape: tuple[int, int] | None = None,
    frame: float = 0.0,
) -> Matching:
    """Match found to true atoms one to one, as well as can be.

    Of all ways to match, the one with the least sum of squared distances, where
    each detection without an atom counts as one at the radius.

    Parameters
    ----------
    found, true
        x and y of the detections and of the atoms, in pixels, each of shape (n,).
    radius
        Greatest distance of a match, in pixels.
    shape
        Rows and columns of the image; only needed with a frame.
    frame
        Pixels at the edges of the image that are not counted: an atom there is
        neither matched nor missed, and a detection there not invented.

    Returns
    -------
    Matching
        The pairs, in the order of the detections, and the counts.

    Raises
    ------
    InputError
        If the radius is not positive, positions are not finite, x and y differ in
        number, or a frame is asked for without the shape.
    """
    if not radius > 0:
        raise InputError(f"A match radius of {radius} px finds nothing: give a larger.")
    if frame > 0 and shape is None:
        raise InputError("A frame needs the image's rows and columns: give its shape.")
    places, atoms = _points(found, "found"), _points(true, "true")
    pairs = _neighbours(places, atoms, radius)
    detection, atom = _assign(*pairs, len(places), len(atoms), radius)
    inside_place, inside_atom = (_inside(xy, shape, frame) for xy in (places, atoms))
    counted = inside_atom[atom]
    taken_place, taken_atom = np.zeros(len(places), bool), np.zeros(len(atoms), bool)
    taken_place[detection], taken_atom[atom] = True, True
    missed, invented = inside_atom & ~taken_atom, inside_place & ~taken_place
    near_place, near_atom, _ = pairs
    # An atom without a detection beside one that has another atom, and vice versa.
    merged = np.unique(near_atom[missed[near_atom] & taken_place[near_place]])
    split = np.unique(near_place[invented[near_place] & taken_atom[near_atom]])
    error = (places[detection] - atoms[atom])[counted]
    counts = MatchCounts(
        matched=int(counted.sum()),
        missed=int(missed.sum()),
        invented=int(invented.sum()),
        merged=merged.size,
        split=split.size,
        sum_x=float(error[:, 0].sum()),
        sum_y=float(error[:, 1].sum()),
        squared_error=float((error**2).sum()),
    )
    return Matching(detection, atom, counts, counted, missed, invented)


def total(counts: Iterable[MatchCounts]) -> MatchCounts:
    """Pool images: every atom counts alike, whichever image it is in."""
    rows = [astuple(count) for count in counts]
    if not rows:
        return MatchCounts()
    sums = [sum(column) for column in zip(*rows, strict=True)]
    return MatchCounts(*sums)


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 1.0


def _points(positions: tuple[ArrayLike, ArrayLike], name: str) -> FloatArray:
    x, y = (np.asarray(values, dtype=np.float64).ravel() for values in positions)
    if x.size != y.size:
        raise InputError(
            f"The {name} atoms have {x.size} x and {y.size} y: give as many of each."
        )
    points: FloatArray = np.column_stack([x, y])
    if not np.isfinite(points).all():
        raise InputError(
            f"The {name} atoms have positions that are not finite numbers: leave "
            "those out."
        )
    return points


def _neighbours(
    places: FloatArray, atoms: FloatArray, radius: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """List all pairs within the radius and their distances."""
    if not len(places) or not len(atoms):
        none = np.zeros(0, np.intp)
        return none, none, np.zeros(0)
    near = cKDTree(places).sparse_distance_matrix(
        cKDTree(atoms), radius, output_type="ndarray"
    )
    order = np.lexsort((near["j"], near["i"]))
    return near["i"][order], near["j"][order], near["v"][order]


def _assign(
    places: IntArray,
    atoms: IntArray,
    distance: FloatArray,
    number_places: int,
    number_atoms: int,
    radius: float,
) -> tuple[IntArray, IntArray]:
    """Find the cheapest one-to-one matching of the pairs."""
    if not places.size:
        return places, atoms
    # Each detection may also stay alone, at the price of a match at the radius. The
    # solver takes a zero for no pair at all, and scales badly with costs near it.
    alone = np.arange(number_places)
    cost = np.concatenate([(distance / radius) ** 2, np.full(number_places, 1 + 1e-9)])
    rows = np.concatenate([places, alone])
    columns = np.concatenate([atoms, number_atoms + alone])
    graph = coo_array(
        (cost + 1, (rows, columns)), shape=(number_places, number_atoms + number_places)
    )
    row, column = min_weight_full_bipartite_matching(graph.tocsr())
    matched = column < number_atoms
    detection: IntArray = row[matched].astype(np.intp)
    atom: IntArray = column[matched].astype(np.intp)
    return detection, atom


def _inside(
    points: FloatArray, shape: tuple[int, int] | None, frame: float
) -> BoolArray:
    if shape is None or frame <= 0:
        return np.ones(len(points), np.bool_)
    x, y = points.T
    rows, columns = shape
    inside: BoolArray = (
        (x >= frame)
        & (x <= columns - 1 - frame)
        & (y >= frame)
        & (y <= rows - 1 - frame)
    )
    return inside
