import time
from itertools import permutations

import numpy as np
import pytest

from sfin.atom_matching import MatchCounts, match_atoms, total
from sfin.errors import InputError

NONE = (np.zeros(0), np.zeros(0))


def lattice(number, spacing):
    x, y = np.meshgrid(*[spacing * (1 + np.arange(number))] * 2)
    return x.ravel().astype(float), y.ravel().astype(float)


def test_shifted_lattice_gives_shift_and_error():
    x, y = lattice(5, 10)
    counts = match_atoms((x + 0.3, y - 0.4), (x, y), 2.0).counts
    assert counts.matched == 25
    assert counts.precision == counts.recall == counts.f1 == 1
    assert counts.rms_error == pytest.approx(0.5)
    assert counts.bias == pytest.approx((0.3, -0.4))


def test_pairs_are_named_by_number():
    matching = match_atoms(([9.0, 1.0], [0.0, 0.0]), ([0.0, 30.0, 10.0], [0.0] * 3), 2)
    assert list(matching.found) == [0, 1]
    assert list(matching.true) == [2, 0]


def test_nearest_neighbours_alone_would_be_wrong():
    # The first detection is nearest to the second atom, which the other one needs.
    found, true = ([2.6, 5.4], [0.0, 0.0]), ([0.0, 4.0], [0.0, 0.0])
    matching = match_atoms(found, true, 3.0)
    assert list(matching.true) == [0, 1]
    assert matching.counts.matched == 2


@pytest.mark.parametrize("seed", range(20))
def test_no_other_matching_is_cheaper(seed):
    generator = np.random.default_rng(seed)
    found, true = generator.uniform(0, 6, (2, 2, 4))
    radius = 2.5
    distance = np.hypot(*(found[:, :, None] - true[:, None, :]))

    def cost(order):
        chosen = distance[np.arange(4), list(order)]
        return np.where(chosen <= radius, chosen**2, radius**2).sum()

    matching = match_atoms(tuple(found), tuple(true), radius)
    ours = matching.counts.squared_error
    ours += (4 - matching.counts.matched) * radius**2
    assert ours == pytest.approx(min(map(cost, permutations(range(4)))))


def test_one_detection_between_two_atoms_is_merged():
    counts = match_atoms(([5.0], [5.0]), ([3.6, 6.2], [5.0, 5.0]), 2.0).counts
    assert (counts.matched, counts.missed, counts.merged) == (1, 1, 1)
    assert (counts.invented, counts.split) == (0, 0)


def test_two_detections_on_one_atom_are_split():
    counts = match_atoms(([4.0, 5.8], [5.0, 5.0]), ([5.0], [5.0]), 2.0).counts
    assert (counts.matched, counts.invented, counts.split) == (1, 1, 1)
    assert (counts.missed, counts.merged) == (0, 0)


def test_far_apart_is_missed_and_invented_and_neither_merged_nor_split():
    counts = match_atoms(([50.0], [5.0]), ([5.0], [5.0]), 2.0).counts
    assert counts == MatchCounts(missed=1, invented=1)
    assert counts.f1 == 0
    assert np.isnan(counts.rms_error)
    assert np.isnan(counts.bias).all()


@pytest.mark.parametrize(
    ("found", "true", "precision", "recall", "f1"),
    [
        (NONE, NONE, 1, 1, 1),
        (NONE, ([3.0], [3.0]), 1, 0, 0),
        (([3.0], [3.0]), NONE, 0, 1, 0),
    ],
)
def test_nothing_is_well_defined(found, true, precision, recall, f1):
    counts = match_atoms(found, true, 2.0, (9, 9), 1.0).counts
    assert (counts.precision, counts.recall, counts.f1) == (precision, recall, f1)


def test_frame_counts_neither_its_atoms_nor_its_detections():
    # In the frame: an atom found, one missed, one invented; inside: one of each.
    true = ([2.0, 2.0, 30.0, 30.0], [10.0, 30.0, 20.0, 40.0])
    found = ([2.2, 3.0, 30.1, 45.0], [10.0, 50.0, 20.0, 45.0])
    counts = match_atoms(found, true, 2.0, (60, 60), 8.0).counts
    assert (counts.matched, counts.missed, counts.invented) == (1, 1, 1)
    assert counts.rms_error == pytest.approx(0.1)
    everything = match_atoms(found, true, 2.0).counts
    assert (everything.matched, everything.missed, everything.invented) == (2, 2, 2)


def test_frame_may_be_crossed_by_a_pair():
    # The detection lies in the frame, its atom does not: found, not missed.
    counts = match_atoms(([7.5], [30.0]), ([8.5], [30.0]), 2.0, (60, 60), 8.0).counts
    assert (counts.matched, counts.missed, counts.invented) == (1, 0, 0)


def test_frame_of_a_wide_image_knows_rows_from_columns():
    counts = match_atoms(NONE, ([90.0], [10.0]), 2.0, (20, 100), 5.0).counts
    assert counts.missed == 1
    assert match_atoms(NONE, ([10.0], [90.0]), 2.0, (20, 100), 5.0).counts.missed == 0


def test_images_are_pooled_by_their_atoms():
    x, y = lattice(3, 10)
    images = [
        match_atoms((x + 1, y), (x, y), 2.0).counts,
        match_atoms(NONE, ([1.0], [1.0]), 2.0).counts,
    ]
    pooled = total(images)
    assert pooled.recall == pytest.approx(0.9)
    assert pooled.rms_error == pytest.approx(1)
    assert pooled.bias == pytest.approx((1, 0))
    assert total([]) == MatchCounts()


def test_many_crowded_atoms_take_no_time():
    generator = np.random.default_rng(0)
    true = generator.uniform(0, 1000, (2, 10_000))
    found = true + generator.normal(0, 0.5, true.shape)
    start = time.process_time()
    counts = match_atoms(tuple(found), tuple(true), 10.0).counts
    assert time.process_time() - start < 5
    assert counts.matched == 10_000


@pytest.mark.parametrize(
    ("found", "true", "radius", "frame", "words"),
    [
        (NONE, NONE, 0.0, 0.0, "radius"),
        (([1.0], [1.0, 2.0]), NONE, 1.0, 0.0, "as many"),
        (([np.nan], [1.0]), NONE, 1.0, 0.0, "not finite"),
        (NONE, NONE, 1.0, 2.0, "shape"),
    ],
)
def test_what_cannot_be_matched_is_refused(found, true, radius, frame, words):
    with pytest.raises(InputError, match=words):
        match_atoms(found, true, radius, None, frame)
