from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from samples import perovskite, spots_image, spread_noise, synthesis_settings
from scipy.ndimage import shift as moved_by

from sfin.dataset_records import read_record
from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.gan_synthesis import synthesise_gan, translate
from sfin.networks.build import save_weights
from sfin.networks.cyclegan import Generator
from sfin.parameters import PARAMETER_NAMES
from sfin.registration import (
    atom_shift,
    complaint,
    image_shift,
    measure_pair,
    measure_registration,
    summarise_shifts,
    write_registration,
)
from sfin.synthesis import synthesise_dataset

METADATA = {
    "method": "cyclegan",
    "network": {"width": 2, "levels": 3},
    "settings": {"training": {"noise": 0.1}},
    "images": ["real"],
    "noise_warnings": [],
}
PROVENANCE = {"scale": "test", "seed": 3}


@pytest.fixture
def made(tmp_path):
    """Make a dataset, a network that has learnt nothing, and the dataset of both."""
    source = tmp_path / "sfin/haadf/test.zarr"
    source.parent.mkdir(parents=True)
    synthesise_dataset(
        *(source, "test", [perovskite()], spread_noise(), 4),
        *(synthesis_settings(128), PROVENANCE),
        scheduler="synchronous",
    )
    torch.manual_seed(0)
    save_weights(tmp_path / "weights.safetensors", Generator(2, 3), METADATA)
    return translated(tmp_path, "gan")


def translated(folder, name, seed=3):
    path = folder / name / "haadf/test.zarr"
    path.parent.mkdir(parents=True)
    synthesise_gan(
        *(path, folder / "sfin/haadf/test.zarr", folder / "weights.safetensors"),
        PROVENANCE | {"seed": seed},
    )
    return path


def files(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_labels_atoms_and_structures_are_those_of_the_source(made):
    source = made.parents[2] / "sfin/haadf/test.zarr"
    pairs, own = load_pairs(made), load_pairs(source)
    for name in ("clean", "detection", "superresolution"):
        assert (getattr(pairs, name) == getattr(own, name)).all()
    for name in ("structure", "arrangement", "pixel_size", "rotation"):
        np.testing.assert_array_equal(pairs.drawn[name], own.drawn[name])
    for atoms, wanted in zip(load_atoms(made), load_atoms(source), strict=True):
        for name, values in wanted.items():
            assert (atoms[name] == values).all()
    assert (pairs.noisy != own.noisy).mean() > 0.9
    assert pairs.noisy.dtype == np.uint8


def test_what_the_gan_does_not_know_is_left_out(made):
    pairs = load_pairs(made)
    assert not set(PARAMETER_NAMES) & set(pairs.drawn)
    assert pairs.noiseless.shape == (0, 128, 128)
    assert "noiseless" not in read_record(made).arrays
    attributes = pairs.attributes
    assert "calibration" not in attributes
    assert attributes["absent"] == ["noiseless"]
    assert attributes["origin"] == "translated"
    assert (attributes["scale"], attributes["seed"]) == ("test", 3)
    assert (attributes["mode"], attributes["split"]) == ("haadf", "test")


def test_same_seed_same_bytes(made):
    folder = made.parents[2]
    assert files(translated(folder, "again")) == files(made)
    other = load_pairs(translated(folder, "other", seed=4))
    assert (other.noisy != load_pairs(made).noisy).any()


def test_all_randomness_is_that_of_the_noise(generator):
    network = Generator(2, 3).eval()
    clean = generator.integers(0, 256, (32, 32), np.uint8)
    still = [translate(network, clean, 0.0, generator) for _ in range(2)]
    assert (still[0] == still[1]).all()
    noisy = [translate(network, clean, 0.5, generator) for _ in range(2)]
    assert (noisy[0] != noisy[1]).any()


def test_bright_field_and_odd_sizes_are_refused(made, tmp_path):
    source = tmp_path / "bf.zarr"
    synthesise_dataset(
        *(source, "test", [perovskite()], spread_noise("bf"), 1),
        *(synthesis_settings(64), PROVENANCE),
        scheduler="synchronous",
    )
    weights = made.parents[2] / "weights.safetensors"
    with pytest.raises(InputError, match="not HAADF"):
        synthesise_gan(tmp_path / "x.zarr", source, weights, PROVENANCE)
    network = Generator(2, 3).eval()
    with pytest.raises(InputError, match="multiples of 8"):
        translate(network, np.zeros((60, 60), np.uint8), 0.1, np.random.default_rng(0))
    assert not Path(tmp_path, "x.zarr").exists()


# --- registration -----------------------------------------------------------------


def lattice(size=128, spacing=12.0):
    x, y = np.meshgrid(np.arange(5, size, spacing), np.arange(5, size, spacing))
    return x.ravel(), y.ravel()


def pair(generator, x, y, shift, noise=20.0):
    """Draw a clean image, and a noisy one whose atoms lie elsewhere."""
    clean = spots_image(x, y, 128, 2.0)
    noisy = moved_by(clean, shift[::-1], order=3, mode="nearest") / 2 + 60
    noisy += noise * generator.standard_normal(clean.shape)
    return tuple(
        np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in (noisy, clean)
    )


@pytest.mark.parametrize("shift", [(0, 0), (0.4, -0.3), (1.7, 0.9), (-2.2, 1.1)])
@pytest.mark.parametrize("order", ["lattice", "random"])
def test_shift_is_measured_to_a_tenth_of_a_pixel(shift, order, generator):
    x, y = lattice()
    if order == "random":
        # Nowhere nearer than atoms are, or others' flanks pull.
        x, y = (place + generator.uniform(-2, 2, x.size) for place in (x, y))
    noisy, clean = pair(generator, x, y, shift)
    atoms = {"x": x, "y": y, "sigma": np.full(x.size, 2.0)}
    (found,) = measure_pair(0, noisy, clean, atoms, 128)
    assert (found.atoms_x, found.atoms_y) == pytest.approx(shift, abs=0.1)
    assert (found.image_x, found.image_y) == pytest.approx(shift, abs=0.15)


def test_inverted_contrast_is_no_registration(generator):
    x, y = lattice()
    noisy, clean = pair(generator, x, y, (0, 0))
    atoms = {"x": x, "y": y, "sigma": np.full(x.size, 2.0)}
    (found,) = measure_pair(0, 255 - noisy, clean, atoms, 128)
    assert found.correlation < -0.5
    assert np.hypot(found.atoms_x, found.atoms_y) > 2


def test_measures_take_plain_arrays():
    x, y = lattice()
    image = spots_image(x + 1.5, y, 128, 2.0)
    assert atom_shift(image, x, y) == pytest.approx((1.5, 0), abs=0.05)
    clean = spots_image(x, y, 128, 2.0)
    assert image_shift(image, clean) == pytest.approx((1.5, 0), abs=0.1)


def test_a_translation_that_moves_atoms_is_told(made, monkeypatch):
    source = made.parents[2] / "sfin/haadf/test.zarr"
    folder = made.parents[2]

    def moving(network, clean, noise, generator):
        return moved_by(clean, (0.0, 1.5), order=1)

    monkeypatch.setattr("sfin.gan_synthesis.translate", moving)
    wrong = translated(folder, "moved")
    table = measure_registration([wrong, source], 128)
    assert len(table) == 8
    summary = summarise_shifts(table).set_index("dataset")
    assert summary.loc["moved", "mean_x"] == pytest.approx(1.5, abs=0.3)
    assert summary.loc["moved", "median"] == pytest.approx(1.5, abs=0.3)
    assert summary.loc["moved", "image_median"] == pytest.approx(1.5, abs=0.3)
    assert summary.loc["moved", "beyond"] == 1
    assert summary.loc["sfin", "median"] < 0.4
    sentence = complaint(summary.reset_index(), "moved")
    assert "labels of moved are not registered" in sentence
    assert complaint(summary.reset_index(), "sfin") == ""
    write_registration(folder / "registration.csv", table)
    read = pd.read_csv(folder / "registration.csv")
    assert list(read["dataset"].unique()) == ["moved", "sfin"]


def test_what_cannot_be_compared_is_not_called_registered():
    table = pd.DataFrame(
        {
            "dataset": ["gan"],
            "split": ["test"],
            "image": [0],
            "image_x": [0.0],
            "image_y": [0.0],
            "atoms_x": [np.nan],
            "atoms_y": [np.nan],
            "correlation": [0.1],
        }
    )
    assert complaint(summarise_shifts(table), "gan")
