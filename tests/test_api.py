"""What `import sfin` offers to scripts and notebooks."""

import doctest
import importlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from samples import perovskite, spots_image, spread_noise
from untrained_networks import train

import sfin
from sfin import model_files
from sfin.calibrated_images import calibrate_file
from sfin.calibration_settings import CalibrationSettings
from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.images import Image, to_grey_levels, write_image
from sfin.parameters import write_distribution
from sfin.shipped_files import shipped
from sfin.synthesis import synthesise_dataset
from sfin.synthesis_inputs import find_structures, read_settings

HEAVY = {"torch", "dask", "rsciio", "matplotlib", "pandas", "zarr", "scipy"}
COUNTS = np.random.default_rng(0).normal(5000, 300, (70, 90))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run in a folder of its own, where networks lie that nobody trained."""
    monkeypatch.chdir(tmp_path)
    # Not those that ship: what lies here is all there is.
    monkeypatch.setattr(model_files, "SHIPPED", tmp_path / "shipped")
    for task in ("enhancement", "detection"):
        train(task, "haadf")
    return tmp_path


@pytest.mark.parametrize("name", sfin.__all__)
def test_examples_in_docstrings_are_true(name):
    function = getattr(sfin, name)
    module = importlib.import_module(function.__module__)
    (test,) = doctest.DocTestFinder(recurse=False).find(function, name, module)
    assert test.examples, f"sfin.{name} has no example"
    runner = doctest.DocTestRunner()
    said = []
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)


def test_import_is_light_and_names_what_there_is():
    code = (
        "import sys, sfin\n"
        "known = set(sfin.__all__) <= set(dir(sfin))\n"
        "first = set(sys.modules)\n"
        "functions = [getattr(sfin, name) for name in sfin.__all__]\n"
        f"print(known, sorted(first & {HEAVY | {'numpy'}}),"
        f" sorted(set(sys.modules) & {HEAVY}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True [] []"


def test_what_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="colour"):
        sfin.colour  # noqa: B018


def test_files_images_and_arrays_are_alike(folder):
    image = Image(COUNTS.astype(np.float32), 0.1, "scan")
    write_image("scan.tif", image)
    found = [
        sfin.enhance(given, "haadf", pixel_size=size)
        for given, size in [
            (folder / "scan.tif", None),
            ("scan.tif", None),
            (image, None),
            (image.data, 0.1),
            (image.data.tolist(), 0.1),
        ]
    ]
    for enhanced in found[1:]:
        np.testing.assert_array_equal(enhanced.data, found[0].data)
        assert enhanced.pixel_size == pytest.approx(0.1)
    assert found[0].data.dtype == np.float32


def test_enhanced_image_is_in_the_counts_of_its_input():
    low = sfin.enhance(COUNTS, "haadf")
    # A network sees grey levels alone, so counts come back as they went.
    high = sfin.enhance(3 * COUNTS + 500, "haadf")
    np.testing.assert_allclose(high.data, 3 * low.data + 500, rtol=1e-3)
    assert low.pixel_size is None
    assert "scale test" in low.metadata["note"]


def test_input_is_left_as_it_is():
    image = Image(COUNTS.astype(np.float32), 0.1, "scan", {"title": "scan"})
    before = replace(image, data=image.data.copy())
    enhanced = sfin.enhance(image, "haadf", pixel_size=0.2)
    sfin.detect_atoms(image, "haadf")
    np.testing.assert_array_equal(image.data, before.data)
    assert (image.pixel_size, enhanced.pixel_size) == (0.1, 0.2)
    assert image.metadata == {"title": "scan"}


def test_weights_are_named_by_path_or_name(folder):
    name = train("enhancement", "haadf", method="fcn", seed=2)
    for given in (
        name,
        folder / "results/models" / name,
        f"results/models/{name}/weights.safetensors",
    ):
        assert "seed 2" in sfin.enhance(COUNTS, "haadf", weights=given).metadata["note"]
    assert "seed 1" in sfin.enhance(COUNTS, "haadf").metadata["note"]


def test_atoms_come_as_the_workflow_writes_them():
    dots = spots_image([20, 44, 68], [16, 40, 40], 90, 3)
    generator = np.random.default_rng(0)
    image = 1000 + dots + generator.normal(0, 5, dots.shape)
    atoms = sfin.detect_atoms(image, "haadf", threshold=0, pixel_size=0.2)
    assert list(atoms)[:4] == ["x", "y", "x_angstrom", "y_angstrom"]
    np.testing.assert_allclose(atoms["x_angstrom"], 0.2 * atoms["x"])
    assert "detection" in atoms.attrs["note"]
    unknown = sfin.detect_atoms(image, "haadf", threshold=0)
    pd.testing.assert_series_equal(unknown["y"], atoms["y"])
    assert unknown["y_angstrom"].isna().all()


def test_calibration_is_that_of_the_workflow():
    pairs = sfin.synthesise("Si_110", "haadf", 1)
    np.save("scan.npy", pairs.noisy[0])
    settings = CalibrationSettings()
    by_file = calibrate_file("scan.npy", "scan", "haadf", settings)
    assert sfin.calibrate("scan.npy", "haadf") == by_file
    half = sfin.calibrate(
        pairs.noisy[0], "haadf", settings=CalibrationSettings(patch_size=128)
    )
    assert len(half.patches) == 4
    mean = np.mean([each.parameters.scan_intercept for each in half.patches])
    assert half.noise.scan_intercept == pytest.approx(mean)


def test_synthesised_noise_is_found_again():
    drawn = sfin.synthesise(perovskite(), spread_noise(), 4, seed=3)
    for image, true in zip(drawn.noisy, drawn.drawn.itertuples(), strict=True):
        _, scale = to_grey_levels(image)
        found = sfin.calibrate(image, "haadf").noise
        assert found.pointwise_intercept * scale.gain == pytest.approx(
            true.pointwise_intercept, rel=0.3
        )


@pytest.mark.parametrize("split", ["train", "test"])
def test_pairs_are_those_of_the_command(split):
    mode = "bf"
    distribution = spread_noise(mode)
    names = ["SrTiO3_001", "NiO_001"]
    pairs = sfin.synthesise(names, distribution, 3, size=64, seed=5, split=split)
    structures = find_structures(names, shipped("resources/structures/columns.json"))
    settings = read_settings(shipped("config/config.yaml"), 64)
    origin = {"seed": 5, "scale": "own"}
    synthesise_dataset(
        *("pairs.zarr", split, structures, distribution, 3, settings, origin),
        scheduler="synchronous",
    )
    stored = load_pairs("pairs.zarr")
    for name in ("noisy", "clean", "noiseless", "detection", "superresolution"):
        np.testing.assert_array_equal(getattr(pairs, name), getattr(stored, name))
    for own, theirs in zip(pairs.atoms, load_atoms("pairs.zarr"), strict=True):
        np.testing.assert_array_equal(own["x"], theirs["x"])
        species = dict(enumerate(stored.attributes["species"])) | {-1: ""}
        assert list(own["species"]) == [species[code] for code in theirs["species"]]
    chosen = [names[code] for code in stored.drawn["structure"]]
    assert list(pairs.drawn["structure"]) == chosen
    assert len(pairs) == 3


def test_generator_goes_on_from_pair_to_pair():
    generator = np.random.default_rng(1)
    first = sfin.synthesise(perovskite(), spread_noise(), 2, size=48, seed=generator)
    second = sfin.synthesise(perovskite(), spread_noise(), 1, size=48, seed=generator)
    again = sfin.synthesise(
        perovskite(), spread_noise(), 3, size=48, seed=np.random.default_rng(1)
    )
    joined = np.concatenate([first.noisy, second.noisy])
    np.testing.assert_array_equal(joined, again.noisy)
    assert (first.noisy[0] != first.noisy[1]).any()


def test_results_are_shown_in_a_line():
    pairs = sfin.synthesise(["Si_110", "NiO_001"], "haadf", 1, size=256)
    assert repr(pairs).startswith("<1 synthesised pair of 256 × 256 pixels, haadf: ")
    calibrated = sfin.calibrate(pairs.noisy[0], "haadf")
    assert "haadf, 256 × 256 pixels, 1 patch;" in repr(calibrated)
    smooth = replace(calibrated, warnings=("filtered",))
    assert "not to be trusted: filtered>" in repr(smooth)
    assert max(len(repr(each)) for each in (pairs, calibrated, smooth)) < 400


def test_noise_comes_from_files_calibrations_and_the_shelf():
    write_distribution("haadf.json", spread_noise())
    from_file = sfin.synthesise("Si_110", "haadf.json", 1, size=48)
    given = sfin.synthesise("Si_110", spread_noise(), 1, size=48)
    np.testing.assert_array_equal(from_file.noisy, given.noisy)
    for mode in ("haadf", "bf"):
        with_sfin = sfin.synthesise(perovskite(), mode, 1, size=48).noise
        assert with_sfin.mode == mode
        assert with_sfin.patches > 9
    # Two images of one name are two images.
    images = sfin.synthesise("Si_110", spread_noise(), 2).noisy
    calibrated = [sfin.calibrate(image, "haadf") for image in images]
    own = sfin.synthesise("Si_110", calibrated, 1, size=48).noise
    assert own.patches == 2
    assert own.minimum.scan_slope <= own.mean.scan_slope <= own.maximum.scan_slope


def test_file_that_names_the_other_mode_is_warned_of():
    image = Image(COUNTS.astype(np.float32), 0.1, "scan", {"title": "Sample_ABF"})
    with pytest.warns(UserWarning, match="taken as haadf") as caught:
        sfin.enhance(image, "haadf")
    # It points at the line that called.
    assert caught[0].filename == __file__


def test_file_of_several_frames_is_warned_of(folder):
    movie = np.stack([COUNTS, COUNTS[::-1]])
    np.save("movie.npy", movie)
    said = "movie.npy holds 2 frames: the first is taken; sfin.read_image"
    for call in (sfin.enhance, sfin.detect_atoms):
        with pytest.warns(UserWarning, match=said) as caught:
            first = call("movie.npy", "haadf")
        assert caught[0].filename == __file__
    small = CalibrationSettings(patch_size=64)
    with pytest.warns(UserWarning, match=said):
        sfin.calibrate("movie.npy", "haadf", settings=small)
    # Who names a frame knows that there are several.
    sfin.enhance(sfin.read_image("movie.npy", 1), "haadf")
    pd.testing.assert_frame_equal(first, sfin.detect_atoms(movie[0], "haadf"))


def test_mode_is_what_the_image_says_of_its_detector(folder):
    image = Image(COUNTS.astype(np.float32), 0.1, "scan", {"title": "Sample_HAADF"})
    unasked, asked = sfin.enhance(image), sfin.enhance(image, "haadf")
    np.testing.assert_array_equal(unasked.data, asked.data)
    with pytest.raises(InputError, match="No network for enhancement in bf"):
        sfin.enhance(replace(image, metadata={"title": "Sample_ABF"}))
    np.save("scan.npy", COUNTS)
    for call in (sfin.enhance, sfin.detect_atoms, sfin.calibrate):
        for given, name in ((COUNTS, "The array"), ("scan.npy", "scan.npy")):
            with pytest.raises(InputError, match=f"{name} does not say which detector"):
                call(given)


def both_modes():
    image = sfin.synthesise("Si_110", "haadf", 1).noisy[0]
    return [sfin.calibrate(image, mode) for mode in ("haadf", "bf")]


BAD = Image(COUNTS.astype(np.float32), -1.0, "scan")
MIXED = COUNTS.copy()
MIXED[3, 4] = np.nan


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sfin.enhance("absent.tif", "haadf"), "absent.tif does not exist"),
        (lambda: sfin.enhance(COUNTS, "HAADF"), "There is no mode 'HAADF'"),
        (lambda: sfin.enhance(COUNTS, "bf"), "No network for enhancement in bf"),
        (lambda: sfin.enhance(COUNTS, "bf", train("detection", "bf")), "detection"),
        (lambda: sfin.enhance(COUNTS, "haadf", weights="mine"), "No network mine"),
        (lambda: sfin.enhance(COUNTS[0], "haadf"), r"shape \(90,\)"),
        (lambda: sfin.enhance(MIXED, "haadf"), "NaN"),
        (lambda: sfin.enhance(COUNTS * 1j, "haadf"), "complex"),
        (lambda: sfin.enhance(None, "haadf"), r"shape \(\)"),
        (lambda: sfin.enhance([[1, 2], [3]], "haadf"), "rows and columns"),
        (lambda: sfin.enhance(COUNTS[:0], "haadf"), "without pixels"),
        (lambda: sfin.enhance(np.ones((40, 40)), "haadf"), "The array is constant"),
        (lambda: sfin.enhance(BAD, "haadf"), "pixels of -1 Å"),
        (lambda: sfin.enhance(COUNTS, "haadf", pixel_size=np.nan), "pixels of nan Å"),
        (lambda: sfin.detect_atoms(COUNTS, "haadf", threshold=2), "threshold 2 is no"),
        (lambda: sfin.calibrate(COUNTS, "haadf"), "smaller than a patch"),
        (
            lambda: sfin.calibrate("small.npy", "haadf"),
            "small.npy: The image is 70 × 90",
        ),
        (lambda: sfin.synthesise("Unobtainium"), "no structure 'Unobtainium' .*Si_110"),
        (lambda: sfin.synthesise("SrTiO3"), "give SrTiO3_001, SrTiO3_110.$"),
        (lambda: sfin.synthesise("gaas_111"), "give GaAs_110.$"),
        (lambda: sfin.synthesise("SrTiO_001"), "give .*SrTiO3_001"),
        (lambda: sfin.synthesise([]), "No structure is named"),
        (lambda: sfin.synthesise("Si_110", "absent.json"), "absent.json is no noise"),
        (lambda: sfin.synthesise("Si_110", []), "noise is that of 0 modes"),
        (lambda: sfin.synthesise("Si_110", both_modes()), "noise is that of 2 modes"),
        (lambda: sfin.synthesise("Si_110", number=0), "0 pairs"),
        (lambda: sfin.synthesise("Si_110", size=8), "8 × 8 pixels cannot"),
        (lambda: sfin.synthesise("Si_110", seed=-1), "seed is -1"),
        (lambda: sfin.synthesise("Si_110", split="own"), "no split 'own'"),
    ],
)
def test_mistakes_are_told_in_one_sentence(call, message):
    np.save("small.npy", COUNTS)
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
