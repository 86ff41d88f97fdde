from dataclasses import asdict, replace

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from samples import perovskite, spread_noise, synthesis_settings

from sfin.arrangements import ARRANGEMENTS, NO_SPECIES, Columns
from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.labels import contrast, detection_label, gaussian_spots
from sfin.parameters import NOISE_NAMES, PARAMETER_NAMES, NoiseParameters
from sfin.synthesis import synthesise_dataset, synthesise_pair

SETTINGS = synthesis_settings(64)
PROVENANCE = {"scale": "test", "seed": 5}


def make(
    path,
    number=70,
    split="train",
    mode="haadf",
    seed=5,
    progress=None,
    scheduler="threads",
    workers=None,
):
    synthesise_dataset(
        path,
        split,
        [perovskite("first"), perovskite("second")],
        spread_noise(mode),
        number,
        SETTINGS,
        {"scale": "test", "seed": seed},
        progress,
        workers,
        scheduler,
    )
    return load_pairs(path)


def files(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def spots(x, y, brightness, sigma):
    arrays = (np.array(v, dtype=np.float64) for v in (x, y, brightness, sigma))
    return Columns(*arrays, np.full(len(x), NO_SPECIES))


def test_spot_is_a_gaussian_of_the_right_place_height_and_width():
    image = gaussian_spots(spots([20.0], [30.0], [0.7], [3.0]), 64)
    assert np.unravel_index(image.argmax(), image.shape) == (30, 20)
    assert image.max() == pytest.approx(0.7)
    assert image.sum() == pytest.approx(0.7 * 2 * np.pi * 9, rel=1e-3)


def test_spots_add_up():
    both = spots([10.0, 12.0], [10.0, 40.0], [1.0, 0.5], [2.0, 4.0])
    first, second = (
        both.keep(np.array([True, False])),
        both.keep(np.array([False, True])),
    )
    assert gaussian_spots(both, 64) == pytest.approx(
        gaussian_spots(first, 64) + gaussian_spots(second, 64), abs=1e-6
    )


def test_contrast_is_one_at_its_peak_and_zero_without_atoms():
    assert contrast(spots([5.0, 40], [5.0, 40], [0.3, 0.2], [3.0, 3]), 64).max() == 1
    assert not contrast(spots([], [], [], []), 64).any()


def test_detection_label_has_a_dot_on_each_visible_atom():
    atoms = spots([10.0, 30.0, 50.0], [10.0, 30.0, 50.0], [1.0, 0.5, 0.01], [4.0] * 3)
    label = detection_label(atoms, 64, 0.05, 1.0)
    assert label[10, 10] == label[30, 30] == 255
    assert label[50, 50] == 0
    assert np.count_nonzero(label > 127) == 2 * 5


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_clean_image_has_no_background_and_full_contrast(mode, generator):
    for _ in range(5):
        pair = synthesise_pair([perovskite()], spread_noise(mode), SETTINGS, generator)
        assert pair.noisy.dtype == pair.clean.dtype == np.uint8
        assert (pair.clean.max() if mode == "haadf" else 255 - pair.clean.min()) == 255


def test_clean_scale_of_the_atoms(generator):
    settings = replace(SETTINGS, clean_scale="atom_brightness")
    pair = synthesise_pair([perovskite()], spread_noise(), settings, generator)
    assert pair.clean.max() == pytest.approx(pair.drawn["atom_brightness"], abs=1)


def test_noisy_image_shows_the_atoms_of_the_clean_one(generator):
    for mode in ("haadf", "bf"):
        pairs = [
            synthesise_pair([perovskite()], spread_noise(mode), SETTINGS, generator)
            for _ in range(10)
        ]
        correlations = [
            np.corrcoef(pair.noisy.ravel(), pair.clean.ravel())[0, 1] for pair in pairs
        ]
        assert np.median(correlations) > 0.6


@pytest.mark.parametrize(
    ("scheduler", "workers"), [("threads", 1), ("threads", 7), ("processes", 2)]
)
def test_same_seed_same_bytes_whatever_the_workers(tmp_path, scheduler, workers):
    make(tmp_path / "one.zarr", scheduler="synchronous")
    make(tmp_path / "other.zarr", scheduler=scheduler, workers=workers)
    assert files(tmp_path / "other.zarr") == files(tmp_path / "one.zarr")


def test_a_cluster_of_dask_makes_the_same_bytes(tmp_path):
    make(tmp_path / "one.zarr", scheduler="synchronous")
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster),
    ):
        told = []
        make(
            tmp_path / "other.zarr",
            scheduler=None,
            progress=lambda *now: told.append(now),
        )
    # Two shards of 64 and 6 pairs.
    assert told == [(35, 70), (70, 70)]
    assert files(tmp_path / "other.zarr") == files(tmp_path / "one.zarr")


def test_noiseless_image_is_the_noisy_one_without_its_noise(generator):
    quiet = NoiseParameters(
        **{**asdict(spread_noise().mean), **dict.fromkeys(NOISE_NAMES, 0.0)}
    )
    still = replace(spread_noise(), mean=quiet, minimum=quiet, maximum=quiet)
    still = replace(still, variance=NoiseParameters(*[0.0] * 7))
    pair = synthesise_pair([perovskite()], still, SETTINGS, generator)
    assert np.array_equal(pair.noisy, pair.noiseless)
    pair = synthesise_pair([perovskite()], spread_noise(), SETTINGS, generator)
    # Atoms of the clean image on a background that the clean one has not.
    background = pair.noiseless - pair.clean * (pair.drawn["atom_brightness"] / 255)
    assert background.min() > pair.drawn["background_brightness"] - 1.5
    assert background.std() > 1


def test_noise_factor_scales_the_noise_and_nothing_else():
    noise, structures = spread_noise("haadf"), [perovskite("first")]
    plain, wide = (
        synthesise_pair(
            structures,
            noise,
            replace(SETTINGS, noise_factor=factors),
            np.random.default_rng(9),
        )
        for factors in ((1, 1), (3, 3))
    )
    for name in PARAMETER_NAMES:
        factor = 3 if name in NOISE_NAMES else 1
        assert wide.drawn[name] == pytest.approx(factor * plain.drawn[name])
    np.testing.assert_array_equal(wide.clean, plain.clean)
    drawn = [
        synthesise_pair(
            structures,
            noise,
            replace(SETTINGS, noise_factor=(0.5, 2)),
            np.random.default_rng(seed),
        ).drawn["pointwise_intercept"]
        for seed in range(30)
    ]
    assert max(drawn) > 2.5 * min(drawn)
    with pytest.raises(InputError, match="give the least factor first"):
        replace(SETTINGS, noise_factor=(2, 1))


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_brightness_factor_makes_atoms_fainter_and_the_label_not(mode):
    noise, structures = spread_noise(mode), [perovskite("first")]
    pairs = [
        synthesise_pair(
            structures,
            noise,
            replace(SETTINGS, brightness_factor=factors),
            np.random.default_rng(9),
        )
        for factors in ((1, 1), (0.4, 0.4))
    ]
    plain, faint = (pair.drawn for pair in pairs)
    assert faint["atom_brightness"] == pytest.approx(0.4 * plain["atom_brightness"])
    # The background stays where it was, or comes nearer to where the atoms were.
    moved = faint["background_brightness"] - plain["background_brightness"]
    assert 0 <= moved / plain["atom_brightness"] <= 0.6
    for name in NOISE_NAMES:
        assert faint[name] == plain[name]
    np.testing.assert_array_equal(pairs[0].clean, pairs[1].clean)
    with pytest.raises(InputError, match="brightness_factor is"):
        replace(SETTINGS, brightness_factor=(0, 1))


def test_splits_modes_and_seeds_share_nothing(tmp_path):
    stores = [
        make(tmp_path / f"{index}.zarr", number=3, **change)
        for index, change in enumerate(
            [{}, {"split": "test"}, {"seed": 6}, {"mode": "bf"}]
        )
    ]
    sizes = [store.drawn["pixel_size"] for store in stores]
    assert len(np.unique(np.concatenate(sizes))) == 12


def test_more_pairs_leave_the_first_ones_as_they_were(tmp_path):
    few, many = make(tmp_path / "few.zarr", 3), make(tmp_path / "many.zarr", 80)
    assert np.array_equal(few.noisy, many.noisy[:3])


def test_store_follows_the_contract(tmp_path):
    seen = []
    pairs = make(tmp_path / "a.zarr", progress=lambda done, total: seen.append(done))
    assert pairs.noisy.shape == pairs.clean.shape == pairs.detection.shape
    assert pairs.noisy.shape == (70, 64, 64)
    assert pairs.attributes["mode"] == "haadf"
    assert pairs.attributes["scale"] == "test"
    assert pairs.attributes["seed"] == 5
    assert pairs.attributes["structures"] == ["first", "second"]
    assert pairs.attributes["calibration"] == spread_noise().to_dict()
    drawn = set(PARAMETER_NAMES) | {"arrangement", "structure", "pixel_size"}
    drawn |= {"rotation", "second_structure", "second_rotation"}
    assert set(pairs.drawn) == drawn
    interface = pairs.drawn["arrangement"] == ARRANGEMENTS.index("interface")
    second = pairs.drawn["second_structure"]
    assert set(second[interface]) == {-1, 0, 1}
    assert np.all(second[~interface] == -1)
    random = pairs.drawn["arrangement"] == ARRANGEMENTS.index("random")
    assert np.array_equal(np.isnan(pairs.drawn["rotation"]), random)
    assert np.array_equal(np.isnan(pairs.drawn["second_rotation"]), second == -1)
    assert set(pairs.drawn["structure"]) == {0, 1}
    assert sorted(seen) == [35, 70]


def test_killed_synthesis_leaves_no_store(tmp_path, monkeypatch):
    import sfin.pair_writing

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sfin.pair_writing, "finish_pairs", fail)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "a.zarr")
    assert not (tmp_path / "a.zarr").exists()
    with pytest.raises(InputError, match="There is no dataset at"):
        load_pairs(tmp_path / "a.zarr")
    # The next run carries on over what was left.
    assert len(make(tmp_path / "a.zarr").noisy) == 70
    assert list(tmp_path.iterdir()) == [tmp_path / "a.zarr"]


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_superresolution_has_the_same_atoms_narrower(mode, generator):
    pair = synthesise_pair([perovskite()], spread_noise(mode), SETTINGS, generator)
    sharp, clean = (
        image if mode == "haadf" else 255 - image
        for image in (pair.superresolution, pair.clean)
    )
    assert sharp.max() == clean.max() == 255
    assert sharp.mean() < 0.6 * clean.mean()
    brightest = np.unravel_index(sharp.argmax(), sharp.shape)
    assert clean[brightest] > 200


def test_atoms_are_stored_where_the_dots_are(tmp_path):
    pairs = make(tmp_path / "a.zarr", number=5)
    atoms = load_atoms(tmp_path / "a.zarr")
    assert len(atoms) == 5
    for number, table in enumerate(atoms):
        assert len({len(column) for column in table.values()}) == 1
        rows, columns = (np.rint(table[name]).astype(int) for name in ("y", "x"))
        assert (pairs.detection[number, rows, columns] > 190).all()
