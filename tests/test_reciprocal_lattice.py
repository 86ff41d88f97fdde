"""The lattice of a spectrum's spots, strays among them or not."""

import numpy as np
import pytest

from sfin.reciprocal_lattice import highest_spots, on_lattice, reciprocal_cell

SHAPE = (301, 256)
CELLS = {
    "oblique": [[13.3, 5.1], [-4.2, 19.7]],
    "along the axes": [[0.0, 11.4], [17.8, 0.0]],
    "hexagonal": [[16.0, 0.0], [8.0, 16 * np.sqrt(0.75)]],
}


def points(cell, reach=3):
    """Lattice points of one half of the plane, near ones first."""
    indices = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    places = indices @ np.asarray(cell)
    down, right = places.T
    half = (down > 1e-9) | ((np.abs(down) <= 1e-9) & (right > 1e-9))
    places = places[half]
    return places[np.argsort(np.hypot(*places.T), kind="stable")]


def same_lattice(one, other):
    """Whether each is the other times whole numbers."""
    change = one @ np.linalg.inv(other)
    whole = np.allclose(change, np.rint(change), atol=0.03)
    return whole and abs(np.linalg.det(change)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_lattice_is_found_among_strays(cell, generator):
    spots = points(cell)[:14] + generator.uniform(-0.2, 0.2, (14, 2))
    strays = generator.uniform((0, -60), (60, 60), (3, 2))
    weights = np.r_[np.linspace(6, 2, 14), 1.0, 1.0, 1.0]
    found = reciprocal_cell(np.r_[spots, strays], weights)
    assert same_lattice(found, np.array(cell))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_few_spots_may_leave_out_every_other_one(cell):
    cell = np.array(cell)
    # Those with an even sum of indices alone.
    centred = np.array([[1, 1], [1, -1]]) @ cell
    found = reciprocal_cell(points(centred)[:4], np.ones(4))
    inside = on_lattice(SHAPE, found)
    for place in np.rint(points(cell)).astype(int):
        row, column = place + np.array(SHAPE) // 2
        if 0 <= row < SHAPE[0] and 0 <= column < SHAPE[1]:
            assert inside[row, column]


def test_one_row_of_spots_is_no_lattice():
    row = np.array([[3.0, 9.0]]) * np.arange(1, 9)[:, None]
    assert reciprocal_cell(row, np.ones(8)) is None
    assert reciprocal_cell(np.zeros((0, 2)), np.zeros(0)) is None


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_few_frequencies_belong_to_a_lattice_by_chance(cell):
    assert 0.04 < on_lattice(SHAPE, np.array(cell)).mean() < 0.09


def test_spots_are_found_between_samples():
    row, column = np.indices(SHAPE) - np.reshape(np.array(SHAPE) // 2, (2, 1, 1))
    true = np.array([[20.3, -11.4], [7.0, 33.6]])
    power = np.full(SHAPE, 1e-3)
    for height, (down, right) in zip((5.0, 9.0), true, strict=True):
        power += height * np.exp(-((row - down) ** 2 + (column - right) ** 2) / 2)
    spots, heights = highest_spots(power, (row > 0) & (power > 1))
    np.testing.assert_allclose(spots, true[::-1], atol=0.05)
    assert heights[0] > heights[1]
