import numpy as np
import pytest
from samples import spots_image
from scipy.spatial import KDTree

from sfin.errors import InputError
from sfin.positions import AtomPositions, PositionSettings, find_positions


def nearest(found, x, y):
    distance, _ = KDTree(np.column_stack([found.x, found.y])).query(
        np.column_stack([x, y])
    )
    return distance


def lattice(size, spacing, generator):
    steps = np.arange(spacing, size - spacing, spacing)
    x, y = (array.ravel() for array in np.meshgrid(steps, steps))
    return x + generator.uniform(-1, 1, x.size), y + generator.uniform(-1, 1, x.size)


def test_dots_are_found_where_they_are(generator):
    x, y = lattice(128, 9, generator)
    found = find_positions(spots_image(x, y, 128, sigma=1.0))
    assert len(found) == x.size
    assert nearest(found, x, y).max() < 0.01
    assert found.sigma == pytest.approx(1, abs=0.01)
    assert found.amplitude == pytest.approx(1, abs=0.02)


def test_dots_as_close_as_atoms_are_kept_apart():
    found = find_positions(spots_image([30, 34.5], [30, 30], 64, sigma=1.0))
    assert len(found) == 2
    assert nearest(found, [30, 34.5], [30, 30]).max() < 0.15


def test_of_two_dots_too_close_the_higher_is_kept():
    dots = spots_image([30], [30], 64, sigma=0.6) + 0.6 * spots_image(
        [33], [30], 64, sigma=0.6
    )
    both = find_positions(dots, PositionSettings(minimum_distance=2))
    one = find_positions(dots, PositionSettings(minimum_distance=4))
    assert (len(both), len(one)) == (2, 1)
    assert one.x[0] == pytest.approx(30, abs=0.1)


def test_surest_come_first_and_faint_ones_are_none():
    dots = sum(
        height * spots_image([20 * n + 15], [30], 100, sigma=1.0)
        for n, height in enumerate((0.05, 0.4, 1.0, 0.7))
    )
    found = find_positions(dots, PositionSettings(minimum_amplitude=0.1))
    assert found.x == pytest.approx([55, 75, 35], abs=0.05)


def test_shifted_dots_are_found_shifted():
    x, y = np.array([20.3, 40.7]), np.array([25.1, 44.6])
    first = find_positions(spots_image(x, y, 64, sigma=1.2))
    second = find_positions(spots_image(x + 0.4, y - 0.3, 64, sigma=1.2))
    for axis, shift in (("x", 0.4), ("y", -0.3)):
        before, after = (np.sort(getattr(atoms, axis)) for atoms in (first, second))
        assert after - before == pytest.approx([shift, shift], abs=0.02)


def test_blocks_of_a_large_map_leave_no_seams(generator):
    # Blocks of 512: atoms on and around their borders.
    x = np.array([505.0, 511.4, 511.5, 512.0, 519.0, 511.7])
    y = np.array([100.0, 200.5, 300.0, 400.0, 512.3, 511.5])
    found = find_positions(spots_image(x, y, 700, sigma=1.0))
    assert len(found) == 6
    assert nearest(found, x, y).max() < 0.01


@pytest.mark.parametrize(
    "dots",
    [np.zeros((64, 64)), np.full((64, 64), 200.0), np.zeros((0, 5))],
    ids=["dark", "flat", "empty"],
)
def test_map_without_dots_has_no_atoms(dots):
    assert len(find_positions(dots)) == 0


def test_smooth_hills_are_no_dots():
    assert len(find_positions(spots_image([32], [32], 64, sigma=6.0))) == 0


@pytest.mark.parametrize("dots", [np.zeros(5), np.full((5, 5), np.nan)])
def test_bad_maps_are_refused(dots):
    with pytest.raises(InputError, match="all finite"):
        find_positions(dots)


def test_atoms_can_be_chosen():
    atoms = AtomPositions(*np.arange(8.0).reshape(4, 2))
    assert atoms.keep(np.array([False, True])).x.tolist() == [1.0]
