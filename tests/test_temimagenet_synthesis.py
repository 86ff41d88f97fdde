from dataclasses import replace

import numpy as np
import pytest
import yaml
from samples import ROOT, perovskite

from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.linear_imaging import Probe
from sfin.shipped_columns import read_table
from sfin.temimagenet_noise import (
    BACKGROUNDS,
    count_electrons,
    draw_background,
    jitter,
    row_displacements,
)
from sfin.temimagenet_synthesis import draw_pair, synthesise_temimagenet
from sfin.temimagenet_views import (
    RESOLVED,
    TemimagenetSettings,
    closest_columns,
    draw_view,
)

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())["temimagenet"]
FULL = TemimagenetSettings.from_dict(CONFIG["settings"])
SETTINGS = replace(FULL, structures={"first": 3, "second": 1}, particles=["second"])
STRUCTURES = {name: perovskite(name) for name in ("first", "second")}
CHOSEN = list(STRUCTURES.values())


def make(path, number=70, split="train", seed=5, scheduler="threads", workers=None):
    synthesise_temimagenet(
        *(path, split, STRUCTURES, number, 64, SETTINGS),
        {"scale": "test", "seed": seed},
        workers=workers,
        scheduler=scheduler,
    )
    return load_pairs(path)


def files(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("scheduler", "workers"), [("threads", 7), ("processes", 2)])
def test_same_seed_same_bytes_whatever_the_workers(tmp_path, scheduler, workers):
    make(tmp_path / "one.zarr", scheduler="synchronous")
    make(tmp_path / "other.zarr", scheduler=scheduler, workers=workers)
    assert files(tmp_path / "other.zarr") == files(tmp_path / "one.zarr")


def test_splits_and_seeds_share_nothing(tmp_path):
    stores = [
        make(tmp_path / f"{number}.zarr", number=3, **change)
        for number, change in enumerate([{}, {"split": "test"}, {"seed": 6}])
    ]
    counts = [store.drawn["counts"] for store in stores]
    assert len(np.unique(np.concatenate(counts))) == 9


def test_store_follows_the_contract_and_says_what_it_is(tmp_path):
    pairs = make(tmp_path / "a.zarr")
    assert pairs.noisy.shape == pairs.superresolution.shape == (70, 64, 64)
    assert pairs.attributes["origin"] == "re-synthesised"
    assert pairs.attributes["mode"] == "haadf"
    assert pairs.attributes["seed"] == 5
    assert pairs.attributes["structures"] == ["first", "second"]
    drawn = pairs.drawn
    assert set(drawn["field_of_view"]) == set(FULL.fields_of_view)
    assert set(drawn["rotation"]) <= set(FULL.rotations)
    assert drawn["pixel_size"] == pytest.approx(drawn["field_of_view"] / 64)
    # Three of four show the first structure, none of whose images is a particle.
    assert 40 < np.count_nonzero(drawn["structure"] == 0) < 65
    assert not drawn["arrangement"][drawn["structure"] == 0].any()
    assert set(drawn["arrangement"][drawn["structure"] == 1]) == {0, 1}
    for number, atoms in enumerate(load_atoms(tmp_path / "a.zarr")):
        rows, columns = (np.rint(atoms[name]).astype(int) for name in ("y", "x"))
        assert (pairs.detection[number, rows, columns] > 0).all()
        assert (atoms["brightness"] >= SETTINGS.label_threshold).all()


def test_labels_show_the_same_atoms(generator):
    for _ in range(10):
        pair = draw_pair(CHOSEN, 64, SETTINGS, generator)
        assert pair.clean.max() == pair.superresolution.max() == 255
        assert pair.superresolution.mean() < pair.clean.mean()
        assert np.corrcoef(pair.noisy.ravel(), pair.noiseless.ravel())[0, 1] > 0.25


def test_without_disturbance_the_noisy_image_is_the_clean_one(generator):
    still = replace(
        FULL.disturbance, background=(0, 0), jitter=0, counts=(1e8, 1e8), blobs=(1, 1)
    )
    for _ in range(5):
        pair = draw_pair(CHOSEN, 64, replace(SETTINGS, disturbance=still), generator)
        assert np.abs(pair.noisy.astype(int) - pair.clean).max() <= 1
        assert np.abs(pair.noiseless.astype(int) - pair.clean).max() <= 1


def test_every_structure_of_the_config_can_be_drawn(generator):
    table = read_table(ROOT / "resources/structures/columns.json")
    for name in FULL.structures:
        view = draw_view([table[name]], 64, FULL, generator)
        probe = Probe(*FULL.probes[int(view.drawn["probe"])])
        assert probe.sigma * 2.35 < RESOLVED * closest_columns(
            table[name], FULL.label_threshold
        )
    assert set(FULL.particles) <= set(FULL.structures)


def test_closest_columns_count_across_the_cell():
    # Sr and TiO are half a diagonal apart; oxygen is too faint to count.
    assert closest_columns(perovskite(), 0.3) == pytest.approx(3.905 / np.sqrt(2))
    assert closest_columns(perovskite(), 0) == pytest.approx(3.905 / 2)


def test_what_cannot_be_drawn_is_refused(tmp_path, generator):
    blurred = replace(SETTINGS, probes=[(200e3, 1, 9)])
    with pytest.raises(InputError, match="resolves the columns of"):
        draw_view(CHOSEN, 64, blurred, generator)
    with pytest.raises(InputError, match="'third'"):
        synthesise_temimagenet(
            *(tmp_path / "a.zarr", "train", STRUCTURES, 1, 64),
            replace(SETTINGS, structures={"third": 1}),
            {"seed": 1},
        )


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_backgrounds_are_as_high_as_asked_and_smooth(kind, generator):
    image = draw_background(kind, 0.2, 64, (2, 6), generator)
    assert image.max() == pytest.approx(0.2)
    assert image.min() == pytest.approx(0.2 if kind == "constant" else 0, abs=1e-6)
    assert np.abs(np.diff(image)).max() < 0.2 / 5


def test_jitter_displaces_whole_rows(generator):
    ramp = np.tile(np.arange(70, dtype=np.float32), (70, 1))
    x, y = row_displacements(64, 2.0, generator), np.zeros(64)
    assert np.abs(x).max() <= 2
    scanned = jitter(ramp, x, y, 3)
    # On a ramp the grey level is the place: each row is displaced by its own x.
    expected = np.arange(64) + 3 + x[:, None]
    assert scanned == pytest.approx(expected, abs=1e-4)
    # Across the fast scan a ramp along it does not change.
    assert jitter(ramp, y, x, 3) == pytest.approx(ramp[3:-3, 3:-3], abs=1e-4)


def test_shot_noise_is_that_of_counted_electrons(generator):
    signal = np.full((200, 200), 0.5, np.float32)
    noisy, scale = count_electrons(signal, 20, generator)
    counts = noisy * 20 / scale
    assert noisy.max() == pytest.approx(255)
    assert np.abs(counts - np.rint(counts)).max() < 1e-3
    assert counts.mean() == pytest.approx(10, rel=0.02)
    assert counts.var() == pytest.approx(10, rel=0.05)
