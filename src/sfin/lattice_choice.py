"""Choose how a crystal lies in a region of an image, among all ways it could."""

from dataclasses import dataclass, replace

import numpy as np

from sfin.lattice_geometry import IntArray, Placement
from sfin.lattice_settings import LatticeFitSettings
from sfin.lattice_start import FloatArray, Motif, possible_maps

# Atoms of the region: slow bending blurs the lattice of a whole image.
FIRST_ATOMS = 200
FEWEST_ATOMS = 16
ROUNDS = 5  # of a least-squares fit
# A column of less than this share of another's amplitude may have been missed where
# the other was found.
CLEARLY_WEAKER = 0.85
# Ways to lie are equally good within so much of the best score.
EQUALLY_GOOD = 0.02

_Judged = tuple[float, Placement]  # with its score


@dataclass(frozen=True, eq=False)
class Region:
    """Atoms in a circle around a middle, from which a fit starts."""

    positions: FloatArray
    weights: FloatArray
    middle: FloatArray
    radius: float

    @property
    def area(self) -> float:
        """Of the circle, in px²."""
        return float(np.pi * self.radius**2)

    @property
    def window(self) -> FloatArray:
        """Weights that fall off to the edge, so that it makes no spots of its own."""
        distance = np.linalg.norm(self.positions - self.middle, axis=1)
        return np.asarray(np.cos(np.pi / 2 * distance / self.radius) ** 2)


def central_region(positions: FloatArray, weights: FloatArray) -> Region:
    """Give the region of the first atoms about the middle of all."""
    middle = np.median(positions, axis=0)
    distance = np.linalg.norm(positions - middle, axis=1)
    radius = float(np.sort(distance)[:FIRST_ATOMS][-1]) * 1.001
    near = distance < radius
    return Region(positions[near], weights[near], middle, radius)


def best_placement(
    region: Region,
    motif: Motif,
    strength: FloatArray,
    pixel_size: float | None,
    settings: LatticeFitSettings,
) -> Placement | None:
    """Find how a crystal lies in a region, or None if it does in no way.

    The best way explains most atoms with most of its sites, either of all visible
    columns or of the stronger ones alone.
    """
    judged = [
        each
        for part in strongest_parts(strength)
        for each in _judged(region, motif, part, pixel_size, settings)
    ]
    return _choose(judged, region, strength, settings) if judged else None


def strongest_parts(strength: FloatArray) -> list[IntArray]:
    """List the columns that a detector may have been content with, all of them last.

    The strongest, then with them the next that are clearly weaker, and so on.
    """
    order = np.argsort(-strength, kind="stable")
    parts, first = [], strength[order[0]]
    for count, number in enumerate(order):
        if strength[number] < CLEARLY_WEAKER * first:
            parts.append(np.sort(order[:count]))
            first = strength[number]
    return [*parts, np.arange(len(strength))]


def _judged(
    region: Region,
    motif: Motif,
    part: IntArray,
    pixel_size: float | None,
    settings: LatticeFitSettings,
) -> list[_Judged]:
    """Judge all ways in which part of the columns could lie in a region."""
    partial = Motif(motif.lattice, motif.positions[part])
    ways = possible_maps(
        region.positions,
        region.window,
        partial,
        None if pixel_size is None else 1 / pixel_size,
        settings.pixel_size_tolerance,
        1.2 * settings.largest_distortion,  # for now
    )
    judged: list[_Judged] = []
    for matrix, origin in ways:
        found = Placement(matrix, origin, partial)
        found = refined(found, region.positions, settings)
        if not found.distortion < settings.largest_distortion:
            continue
        sites = found.nearest_sites(region.positions)
        count = int(sites.one_each(settings.radius * found.spacing).sum())
        # Harmonic mean of the shares of atoms explained and of sites found.
        score = 2 * count / (len(region.positions) + region.area / found.site_area)
        if count >= FEWEST_ATOMS / 2:
            judged.append((score, replace(found, motif=motif)))
    return judged


def _choose(
    judged: list[_Judged],
    region: Region,
    strength: FloatArray,
    settings: LatticeFitSettings,
) -> Placement:
    """Choose the best score; what decides among equals is told where it is done."""
    best = max(score for score, _ in judged)
    equals = [each for score, each in judged if score > best - EQUALLY_GOOD]
    measured = [_likeness(each, region, strength, settings) for each in equals]
    # Which columns are which is told by their brightness, then by weaker columns.
    for number, tolerance in enumerate((0.05, 0.01)):
        highest = max(values[number] for values in measured)
        kept = [values[number] > highest - tolerance for values in measured]
        equals = [each for each, keep in zip(equals, kept, strict=True) if keep]
        measured = [each for each, keep in zip(measured, kept, strict=True) if keep]
    # Only the crystal's own symmetry is left: rather not mirrored, little rotated.
    return min(
        equals,
        key=lambda each: (each.mirrored, abs(round(each.rotation)), -each.rotation),
    )


def _likeness(
    placement: Placement,
    region: Region,
    strength: FloatArray,
    settings: LatticeFitSettings,
) -> tuple[float, float]:
    """Correlate atoms' brightness with their columns'; give the share explained too."""
    sites = placement.nearest_sites(region.positions)
    explained = sites.one_each(settings.radius * placement.spacing)
    expected, seen = strength[sites.keys[explained, 0]], region.weights[explained]
    alike = 0.0
    if explained.sum() > 2 and np.ptp(expected) > 0.01 and np.ptp(seen) > 0:
        alike = float(np.corrcoef(expected, seen)[0, 1])
    return alike, float(explained.mean())


def refined(
    placement: Placement, positions: FloatArray, settings: LatticeFitSettings
) -> Placement:
    """Fit the map to atoms; the farther one lies from its site, the less it counts."""
    for round_ in range(ROUNDS):
        sites = placement.nearest_sites(positions)
        # From as far as sites are told apart, to twice the radius.
        share = max(0.5 * 0.7**round_, min(0.5, 2 * settings.radius))
        reach = share * placement.spacing
        weights = np.maximum(1 - (sites.distance / reach) ** 2, 0) ** 2  # Tukey's
        if (weights > 0).sum() < FEWEST_ATOMS / 2:
            break
        placement = placement.fitted_to(positions, sites.crystal, weights)
    return placement
