"""Loops over atomic columns that numpy would run over many that are not wanted."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@njit(cache=True, nogil=True)
def tile_columns(
    lattice: FloatArray, basis: FloatArray, low: float, high: float
) -> tuple[FloatArray, IntArray]:
    """Repeat a cell over a square.

    Parameters
    ----------
    lattice
        (2, 2) row vectors of the cell.
    basis
        (n, 2) positions in the cell with its origin.
    low, high
        Least and greatest x and y of the square.

    Returns
    -------
    positions
        (m, 2), those inside the square.
    column
        (m,), the number of the basis position that each repeats.
    """
    inverse = np.linalg.inv(lattice)
    least, greatest = np.full(2, np.inf), np.full(2, -np.inf)
    # The square in units of the cell is a parallelogram: its corners bound it.
    for number in range(basis.shape[0]):
        for x in (low, high):
            for y in (low, high):
                for axis in range(2):
                    cell = (x - basis[number, 0]) * inverse[0, axis] + (
                        y - basis[number, 1]
                    ) * inverse[1, axis]
                    least[axis] = min(least[axis], cell)
                    greatest[axis] = max(greatest[axis], cell)
    first = np.floor(least).astype(np.int64)
    last = np.ceil(greatest).astype(np.int64)
    most = (last[0] - first[0] + 1) * (last[1] - first[1] + 1) * basis.shape[0]
    positions, column = np.empty((most, 2)), np.empty(most, np.int64)
    found = 0
    for i in range(first[0], last[0] + 1):
        for j in range(first[1], last[1] + 1):
            for number in range(basis.shape[0]):
                x = basis[number, 0] + i * lattice[0, 0] + j * lattice[1, 0]
                y = basis[number, 1] + i * lattice[0, 1] + j * lattice[1, 1]
                if low < x < high and low < y < high:
                    positions[found, 0], positions[found, 1] = x, y
                    column[found] = number
                    found += 1
    return positions[:found].copy(), column[:found].copy()


@njit(cache=True, nogil=True)
def apart(positions: FloatArray, closest: float, fixed: int) -> NDArray[np.bool_]:
    """Tell which columns stay if none may be too near to one that comes before it.

    Parameters
    ----------
    positions
        (n, 2).
    closest
        Least distance.
    fixed
        The first so many stay whatever their distances.

    Returns
    -------
    array
        (n,) bool.
    """
    number = positions.shape[0]
    kept = np.ones(number, np.bool_)
    for second in range(fixed, number):
        for first in range(second):
            if kept[first]:
                x = positions[first, 0] - positions[second, 0]
                y = positions[first, 1] - positions[second, 1]
                if x * x + y * y <= closest * closest:
                    kept[second] = False
                    break
    return kept
