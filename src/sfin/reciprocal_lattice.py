"""The reciprocal lattice of an image, from the spots of its power spectrum."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

FloatArray = NDArray[np.floating]

# Distance from a lattice point within which a frequency belongs to it, over the
# shortest vector of the lattice: chance alone brings 8 % of all so near, or fewer.
NEAR = 0.15
# Least length of a vector, frequency samples: spots of a Hann window, four samples
# wide, would else touch.
LEAST_LENGTH = 5.0
# Fewer spots may all be of a part of the lattice, such as those with an even sum of
# indices: the others then lie halfway between its points.
SURE = 7
# Spots that are fitted, those that vectors are taken from, and those whose sums and
# differences are tried as well; the strongest of each.
SPOTS, VECTORS, SUMMANDS = 30, 10, 6
# Of two lattices that explain the spots this nearly as well, the coarser is right: a
# lattice of twice as many points explains whatever the other does.
AS_GOOD = 0.02


def highest_spots(
    power: FloatArray, where: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Find the highest maxima of a power spectrum.

    Parameters
    ----------
    power
        Power, zero frequency in the middle (rows, columns).
    where
        Frequencies that may be a maximum.

    Returns
    -------
    spots, power
        Their places, frequency samples from the middle (n, 2), rows and columns, to a
        fraction of a sample; and their power (n,), falling.
    """
    highest = maximum_filter(power, 5, mode="wrap")
    places = np.argwhere(where & (power == highest))
    found = power[tuple(places.T)]
    order = np.argsort(-found, kind="stable")[:SPOTS]
    places = places[order]
    spots = places.astype(np.float64)
    for axis, step in enumerate(np.eye(2, dtype=np.intp)):
        # A Gaussian through three neighbours.
        before, middle, after = (
            np.log(np.maximum(power[tuple(((places + shift) % power.shape).T)], 1e-12))
            for shift in (-step, 0 * step, step)
        )
        bend = np.minimum(before - 2 * middle + after, -1e-12)
        spots[:, axis] += np.clip((before - after) / (2 * bend), -0.5, 0.5)
    return spots - np.array(power.shape) // 2, found[order]


def reciprocal_cell(spots: FloatArray, weights: FloatArray) -> FloatArray | None:
    """Find the lattice on whose points most of the weight of some spots lies.

    Parameters
    ----------
    spots, weights
        Places in frequency samples (n, 2), and what each counts (n,), falling.

    Returns
    -------
    ndarray or None
        Two shortest vectors (2, 2), the shorter first, frequency samples; half of them
        if there are less than seven spots. None if no two vectors are found.
    """
    fits = []
    for pair in combinations(_vectors(spots), 2):
        cell = _fitted(np.array(pair), spots, weights)
        if cell is not None:
            on = weights[_distances(spots, cell) <= NEAR].sum() / weights.sum()
            fits.append((float(on), float(abs(np.linalg.det(cell))), cell))
    if not fits:
        return None
    best = max(on for on, _, _ in fits)
    good = [(area, cell) for on, area, cell in fits if on >= best - AS_GOOD]
    cell = max(good, key=lambda fit: fit[0])[1]
    return cell if len(spots) >= SURE else cell / 2


def on_lattice(shape: tuple[int, ...], cell: FloatArray) -> NDArray[np.bool_]:
    """Tell which frequencies lie at a lattice point.

    Parameters
    ----------
    shape
        Of the spectrum, zero frequency in the middle.
    cell
        As from `reciprocal_cell`.
    """
    down, right = (np.arange(size) - size // 2 for size in shape)
    places = np.stack(np.meshgrid(down, right, indexing="ij"), axis=-1)
    # A peak lies up to half a sample aside in either direction.
    near = max(NEAR, 1 / _length(cell[0]))
    return np.asarray(_distances(places.astype(np.float64), cell) <= near)


def _vectors(spots: FloatArray) -> FloatArray:
    sums = [
        both
        for one, other in combinations(spots[:SUMMANDS], 2)
        for both in (one - other, one + other)
    ]
    return np.array([*spots[:VECTORS], *sums]).reshape(-1, 2)


def _fitted(
    cell: FloatArray, spots: FloatArray, weights: FloatArray
) -> FloatArray | None:
    shortest = _shortest(cell)
    # The second fit has the spots that the first brought near.
    for _ in range(2):
        if shortest is None:
            return None
        near = _distances(spots, shortest) <= NEAR
        indices = np.rint(spots[near] @ np.linalg.inv(shortest))
        if len(indices) < 2 or np.linalg.matrix_rank(indices) < 2:
            return None
        weight = weights[near, None]
        found, *_ = np.linalg.lstsq(weight * indices, weight * spots[near], rcond=None)
        shortest = _shortest(found)
    return shortest


def _shortest(cell: FloatArray) -> FloatArray | None:
    # By Lagrange and Gauss; None if the two are collinear, or one is too short.
    one, other = sorted(cell, key=_length)
    while _length(one) >= LEAST_LENGTH:
        other = other - np.rint(one @ other / (one @ one)) * one
        if _length(other) >= _length(one):
            return np.array([one, other])
        one, other = other, one
    return None


def _distances(places: FloatArray, cell: FloatArray) -> FloatArray:
    # Of the nearest lattice point, over the shortest vector (…,).
    indices = places @ np.linalg.inv(cell)
    rest = (indices - np.rint(indices)) @ cell
    return np.asarray(np.hypot(rest[..., 0], rest[..., 1]) / _length(cell[0]))


def _length(vector: FloatArray) -> float:
    return float(np.hypot(*vector))
