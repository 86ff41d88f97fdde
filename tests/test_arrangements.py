from dataclasses import replace

import numpy as np
import pytest
from samples import perovskite
from scipy.spatial import cKDTree

from sfin.arrangements import (
    ARRANGEMENTS,
    NO_SPECIES,
    ArrangementSettings,
    crystal,
    delete_columns,
    draw_scene,
    embedded_columns,
    keep_apart,
    smooth_border,
    species_names,
)

EQUAL = ArrangementSettings(shares=dict.fromkeys(ARRANGEMENTS, 1.0))


def only(arrangement, **changes):
    shares = dict.fromkeys(ARRANGEMENTS, 0.0) | {arrangement: 1.0}
    return replace(EQUAL, shares=shares, **changes)


def inside(columns, size=256):
    return columns.keep(
        (columns.x > 0) & (columns.x < size) & (columns.y > 0) & (columns.y < size)
    )


@pytest.mark.parametrize("pixel_size", [0.07, 0.13, 0.22])
def test_crystal_fills_the_image_at_the_density_of_the_structure(pixel_size, generator):
    columns, _ = crystal(perovskite(), "bf", 256, pixel_size, 1.0, generator)
    cells = (256 * pixel_size / 3.905) ** 2
    assert inside(columns).x.size == pytest.approx(4 * cells, rel=0.12)


def test_crystal_keeps_distances_whatever_the_rotation(generator):
    for _ in range(5):
        columns, _ = crystal(perovskite(), "haadf", 256, 0.1, 1.0, generator)
        strong = columns.keep(columns.brightness == 1)
        points = np.column_stack([strong.x, strong.y])
        distance, _ = cKDTree(points).query(points, k=2)
        assert np.allclose(distance[:, 1], 39.05, atol=1e-6)


def test_invisible_columns_are_left_out_of_haadf_only(generator):
    for mode, kinds in (("haadf", 2), ("bf", 3)):
        columns, _ = crystal(perovskite(), mode, 256, 0.1, 1.0, generator)
        assert len(np.unique(columns.brightness)) == kinds


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_columns_know_their_species_whatever_becomes_of_them(arrangement, generator):
    other = replace(perovskite("other"), species=("Ba", "TiO", "O", "O"))
    structures = [perovskite(), other]
    brightness = {"Sr": 1, "Ba": 1, "TiO": 0.92, "O": 0.46}
    seen = set()
    for _ in range(8):
        scene = draw_scene(structures, "bf", 128, only(arrangement), generator)
        columns = scene.columns
        if arrangement == "random":
            assert (columns.species == NO_SPECIES).all()
            continue
        names = np.array(species_names(structures))[columns.species]
        assert columns.brightness.tolist() == [brightness[name] for name in names]
        seen |= set(names)
    assert seen == (set() if arrangement == "random" else set(brightness))


def test_sizes_follow_pixel_size_and_probe(generator):
    columns, _ = crystal(perovskite(), "haadf", 256, 0.1, 1.2, generator)
    assert columns.sigma == pytest.approx(0.5 / 0.1 * 1.2)


def test_defects_take_away_and_embeddings_add(generator):
    columns, _ = crystal(perovskite(), "bf", 256, 0.1, 1.0, generator)
    kept = [delete_columns(columns, 0.5, generator).x.size for _ in range(20)]
    assert min(kept) < columns.x.size * 0.7
    assert max(kept) <= columns.x.size
    added = embedded_columns(columns, 256, 0.5, generator)
    assert 0 < added.x.size <= np.ceil(columns.x.size / 2)
    assert set(added.brightness) <= set(columns.brightness)


def test_added_columns_keep_apart_and_the_first_stay(generator):
    columns, _ = crystal(perovskite(), "bf", 256, 0.1, 1.0, generator)
    added = embedded_columns(columns, 256, 1.0, generator)
    size = columns.x.size
    both = keep_apart(columns.join(added), 8.0, size)
    assert np.array_equal(both.x[:size], columns.x)
    assert size < both.x.size < size + added.x.size
    points = np.column_stack([both.x, both.y])
    distance, _ = cKDTree(points).query(points[size:], k=2)
    assert distance[:, 1].min() > 8
    assert keep_apart(columns.join(added), 0.0).x.size == size + added.x.size


def test_border_halves_the_image(generator):
    columns, _ = crystal(perovskite(), "bf", 256, 0.07, 1.0, generator)
    shares = [smooth_border(256, generator)(inside(columns)).mean() for _ in range(20)]
    assert min(shares) > 0.3
    assert max(shares) < 0.7


def test_rotation_is_that_of_the_crystal(generator):
    columns, angle = crystal(perovskite(), "haadf", 256, 0.1, 1.0, generator)
    strontium = columns.keep(columns.brightness == 1)
    # Turned back, its columns stand on rows and columns.
    turn = np.exp(-1j * np.radians(angle))
    turned = (strontium.x + 1j * strontium.y) * turn / 39.05
    for part in (turned.real, turned.imag):
        steps = (part - part[0]) % 1
        assert np.minimum(steps, 1 - steps).max() < 1e-6


def test_interface_names_both_its_structures(generator):
    settings = only("interface", vacuum_share=0.0)
    second = replace(perovskite(), structure="second")
    scenes = [
        draw_scene([perovskite(), second], "bf", 64, settings, generator)
        for _ in range(20)
    ]
    assert all(len(s.structures) == len(s.rotations) == 2 for s in scenes)
    assert {s.structures[1] for s in scenes} == {perovskite().structure, "second"}
    vacuum = only("interface", vacuum_share=1.0)
    scene = draw_scene([perovskite(), second], "bf", 64, vacuum, generator)
    assert len(scene.structures) == len(scene.rotations) == 1
    random = draw_scene([second], "bf", 64, only("random"), generator)
    assert random.rotations == ()


def test_interface_with_vacuum_leaves_half_the_image_empty(generator):
    settings = only("interface", vacuum_share=1.0, pixel_size=(0.1, 0.1))
    scene = draw_scene([perovskite()], "bf", 256, settings, generator)
    whole, _ = crystal(perovskite(), "bf", 256, 0.1, 1.0, generator)
    share = inside(scene.columns).x.size / inside(whole).x.size
    assert 0.3 < share < 0.7


def test_random_arrangement_has_sizes_and_brightnesses_of_its_own(generator):
    scene = draw_scene([perovskite()], "bf", 256, only("random"), generator)
    assert len(np.unique(scene.columns.sigma)) == scene.columns.sigma.size
    assert scene.columns.brightness.min() >= 0.2


def test_shares_are_kept(generator):
    shares = dict.fromkeys(ARRANGEMENTS, 0.0) | {"periodic": 3.0, "random": 1.0}
    settings = replace(EQUAL, shares=shares)
    drawn = [
        draw_scene([perovskite()], "bf", 64, settings, generator).arrangement
        for _ in range(300)
    ]
    assert set(drawn) == {"periodic", "random"}
    assert drawn.count("periodic") / 300 == pytest.approx(0.75, abs=0.09)


def test_scale_is_continuous_within_its_range(generator):
    sizes = [
        draw_scene([perovskite()], "bf", 64, EQUAL, generator).pixel_size
        for _ in range(50)
    ]
    assert len(set(sizes)) == 50
    assert 0.07 <= min(sizes) < max(sizes) <= 0.22
