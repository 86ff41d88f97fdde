"""Find how a known crystal lies in an image, from the positions of atoms alone.

Nothing is assumed of orientation, handedness and, where the pixel size is unknown,
scale: the atoms' power spectrum gives reciprocal vectors, pairs of them are taken for
pairs of the crystal's strongest reflections, and each such reading is tried.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import KDTree

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# Peaks of the spectrum and reflections of the crystal that are paired.
MOST_PEAKS, MOST_REFLECTIONS = 12, 6
# Readings that go on to the atoms themselves, the likeliest first: more than the 12
# that the symmetry of a hexagonal crystal makes of each.
MOST_READINGS = 60
# Origins of each reading: those almost as likely as the best.
MOST_ORIGINS, LIKELY_ORIGIN = 4, 0.9
# In distances between neighbours: how far an atom may lie from its site here, and the
# highest frequency looked at.
BLUR, HIGHEST_FREQUENCY = 0.12, 1.6
# Points of the grids of frequencies, per width of a peak, and of origins, per spacing.
FINENESS, ORIGINS = 3, 8


@dataclass(frozen=True)
class Motif:
    """The columns of a crystal that a detector sees.

    Attributes
    ----------
    lattice
        (2, 2) row vectors (x, y) of the cell, in Å.
    positions
        (n, 2) x and y of the visible columns, in Å.
    """

    lattice: FloatArray
    positions: FloatArray

    @cached_property
    def spacing(self) -> float:
        """Distance between nearest columns, in Å."""
        steps = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 2), axis=-1).reshape(-1, 2)
        everywhere = (self.positions + (steps @ self.lattice)[:, None]).reshape(-1, 2)
        distances, _ = KDTree(everywhere).query(self.positions, k=2)
        return float(distances[:, 1].min())

    def at(self, keys: NDArray[np.int64]) -> FloatArray:
        """Give the places (n, 2) in Å of sites by number of column and cell (n, 3)."""
        return np.asarray(
            self.positions[keys[:, 0]] + keys[:, 1:] @ self.lattice, np.float64
        )

    @property
    def density(self) -> float:
        """Columns per Å²."""
        return len(self.positions) / abs(float(np.linalg.det(self.lattice)))


def possible_maps(
    positions: FloatArray,
    weights: FloatArray,
    motif: Motif,
    scale: float | None,
    scale_tolerance: float,
    largest_distortion: float,
) -> list[tuple[FloatArray, FloatArray]]:
    """List the ways in which a crystal could lie, the likeliest first.

    Parameters
    ----------
    positions
        (n, 2) x and y of atoms of one region, in px.
    weights
        (n,) of the atoms, such as a window that falls off towards the edge.
    motif
        The crystal.
    scale
        Pixels per Å, None if unknown.
    scale_tolerance
        By what share the scale may be wrong.
    largest_distortion
        By what share the crystal may be stretched along one direction.

    Returns
    -------
    list of (matrix, origin)
        An atom at r (x, y in Å, in the crystal) lies at ``matrix @ r + origin`` in
        px. Ways that a symmetry of the crystal makes alike are all in the list.
    """
    spacing = float(np.median(KDTree(positions).query(positions, k=2)[0][:, 1]))
    peaks = _spectrum_peaks(positions, weights, spacing)
    reflections, factors = reflections_of(motif)
    matrices = _readings(peaks, reflections, factors)
    if not len(matrices):
        return []
    stretches = np.linalg.svd(matrices, compute_uv=False)
    kept = stretches[:, 0] < (1 + largest_distortion) * stretches[:, 1]
    # What lies closer together than the atoms do explains any atoms.
    scales = np.sqrt(stretches.prod(axis=1))
    kept &= scales * motif.spacing > 0.4 * spacing
    if scale is not None:
        kept &= np.abs(np.log(scales / scale)) < np.log1p(scale_tolerance)
    matrices = _distinct(matrices[kept])
    found = [
        (value, matrix, matrix @ origin)
        for matrix in matrices
        for value, origin in _likely_origins(
            positions, weights, matrix, motif, reflections, factors
        )
    ]
    found.sort(key=lambda each: -each[0])
    return [(matrix, origin) for _, matrix, origin in found[:MOST_READINGS]]


def _transform(
    positions: FloatArray, weights: FloatArray, frequencies: FloatArray
) -> ComplexArray:
    """Fourier transform of the atoms as points, at (m, 2) frequencies per px."""
    waves = np.exp(-2j * np.pi * (frequencies @ positions.T))
    return np.asarray(waves @ (weights / weights.sum()), np.complex128)


def _spectrum_peaks(
    positions: FloatArray, weights: FloatArray, spacing: float
) -> FloatArray:
    """Give the strongest frequencies (x, y, per px) of the atoms, of a half plane."""
    width = 1 / np.ptp(positions, axis=0).max()  # of a peak
    highest = HIGHEST_FREQUENCY / spacing
    step = width / FINENESS
    most = int(highest / step)
    axis = step * np.arange(-most, most + 1)
    across, down = (
        np.exp(-2j * np.pi * np.outer(axis, positions[:, side])) for side in (0, 1)
    )
    power = np.abs((down * weights) @ across.T) ** 2
    frequencies = np.stack(np.meshgrid(axis, axis), axis=-1)
    radius = np.linalg.norm(frequencies, axis=2)
    power *= np.exp(-4 * np.pi**2 * (BLUR * spacing * radius) ** 2)
    # The window's own peak in the middle, and the half that repeats the other.
    power[radius < 3 * width] = 0
    is_peak = maximum_filter(power, 2 * FINENESS + 1) == power
    is_peak &= (power > 0) & upper_half(frequencies)
    is_peak[[0, -1]] = is_peak[:, [0, -1]] = False
    rows, columns = np.nonzero(is_peak)
    order = np.argsort(-power[rows, columns], kind="stable")[:MOST_PEAKS]
    rows, columns = rows[order], columns[order]
    shifts = [
        _vertex(power[rows - up, columns - left], power[rows, columns], after)
        for up, left, after in (
            (0, 1, power[rows, columns + 1]),
            (1, 0, power[rows + 1, columns]),
        )
    ]
    return np.asarray(frequencies[rows, columns] + step * np.stack(shifts, axis=1))


def upper_half(frequencies: FloatArray) -> NDArray[np.bool_]:
    """Tell which frequencies (…, 2) belong to the half that has all information."""
    x, y = frequencies[..., 0], frequencies[..., 1]
    return np.asarray((y > 1e-9) | ((y > -1e-9) & (x > 0)))


def _vertex(before: FloatArray, middle: FloatArray, after: FloatArray) -> FloatArray:
    """Where the parabola through three points has its peak, in steps."""
    curvature = np.maximum(2 * middle - before - after, 1e-12 * middle)
    return np.asarray(np.clip((after - before) / (2 * curvature), -0.5, 0.5))


def reflections_of(motif: Motif) -> tuple[FloatArray, ComplexArray]:
    """Give the crystal's frequencies (m, 2) per Å and their structure factors.

    The factors are of points of equal weight, damped like the spectrum of atoms that
    lie a little off their sites.
    """
    highest = HIGHEST_FREQUENCY / motif.spacing
    most = np.ceil(highest * np.linalg.norm(motif.lattice, axis=1)).astype(int)
    indices = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    frequencies = indices @ np.linalg.inv(motif.lattice).T
    radius = np.linalg.norm(frequencies, axis=1)
    frequencies = frequencies[(radius > 0) & (radius < highest)]
    radius = np.linalg.norm(frequencies, axis=1)
    waves = np.exp(-2j * np.pi * (frequencies @ motif.positions.T))
    damping = np.exp(-2 * np.pi**2 * (BLUR * motif.spacing * radius) ** 2)
    return frequencies, np.asarray(waves.mean(axis=1) * damping, np.complex128)


def _readings(
    peaks: FloatArray, reflections: FloatArray, factors: ComplexArray
) -> FloatArray:
    """Take each pair of peaks for each pair of reflections: (n, 2, 2) matrices."""
    strength = np.abs(factors).round(6)
    weakest = 0.1 * strength.max()
    strong = np.flatnonzero(upper_half(reflections) & (strength > weakest))
    strong = strong[np.argsort(-strength[strong], kind="stable")][:MOST_REFLECTIONS]
    pairs = np.array(list(combinations(reflections[strong], 2)))
    both = np.concatenate([peaks, -peaks])
    first, second = np.meshgrid(np.arange(len(both)), np.arange(len(both)))
    seen = np.stack([both[first.ravel()], both[second.ravel()]], axis=1)
    seen, pairs = (
        vectors[_spread(vectors) > 0.3] if len(vectors) else np.empty((0, 2, 2))
        for vectors in (seen, pairs)
    )
    if not len(seen) or not len(pairs):
        return np.empty((0, 2, 2))
    # With peaks K and reflections G in columns, K = matrix⁻ᵀ G.
    inverse = np.linalg.inv(pairs.transpose(0, 2, 1))
    transposed = seen.transpose(0, 2, 1)[:, None] @ inverse
    return np.asarray(np.linalg.inv(transposed.reshape(-1, 2, 2)).transpose(0, 2, 1))


def _spread(pairs: FloatArray) -> FloatArray:
    """Sine of the angle between the two vectors of each pair, (n,)."""
    lengths = np.linalg.norm(pairs, axis=2).prod(axis=1)
    return np.asarray(np.abs(np.linalg.det(pairs)) / lengths)


def _distinct(matrices: FloatArray) -> FloatArray:
    """Drop matrices that are within 2 % of an earlier one."""
    kept: list[FloatArray] = []
    for matrix in matrices:
        size = 0.02 * np.linalg.norm(matrix)
        if all(np.linalg.norm(matrix - other) > size for other in kept):
            kept.append(matrix)
    return np.array(kept).reshape(-1, 2, 2)


def _likely_origins(
    positions: FloatArray,
    weights: FloatArray,
    matrix: FloatArray,
    motif: Motif,
    reflections: FloatArray,
    factors: ComplexArray,
) -> list[tuple[float, FloatArray]]:
    """Correlate atoms and crystal over all origins; list the best values and origins.

    They are several where the crystal's columns lie alike but are not the same. The
    origins are in Å of the crystal, within its cell.
    """
    seen = _transform(positions, weights, reflections @ np.linalg.inv(matrix))
    indices = reflections @ motif.lattice.T
    sides = np.linalg.norm(motif.lattice, axis=1)
    counts = np.ceil(ORIGINS * sides / motif.spacing).astype(int)
    first, second = (
        np.exp(2j * np.pi * np.outer(np.arange(count) / count, index))
        for count, index in zip(counts, indices.T, strict=True)
    )
    values = ((first * (seen * factors.conj())) @ second.T).real
    is_peak = maximum_filter(values, 3, mode="wrap") == values
    is_peak &= values > LIKELY_ORIGIN * values.max()
    peaks = np.argwhere(is_peak)
    peaks = peaks[np.argsort(-values[is_peak], kind="stable")][:MOST_ORIGINS]
    return [
        (float(values[tuple(peak)]), np.asarray((peak / counts) @ motif.lattice))
        for peak in peaks
    ]
