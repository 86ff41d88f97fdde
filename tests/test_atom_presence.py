import numpy as np
import pytest
from samples import SHARED, noise, perovskite

from sfin.arrangements import crystal
from sfin.atom_presence import evidence, has_atoms
from sfin.images import read_image, to_grey_levels
from sfin.labels import contrast
from sfin.noise import NoiseSettings, add_noise


def recorded(atoms, mode, generator):
    """Add noise and stretch, as an image file is."""
    image = add_noise(atoms, noise(mode), NoiseSettings(), generator)
    return np.clip(to_grey_levels(image)[0], 0, 255)


@pytest.mark.parametrize("mode", ["haadf", "bf"])
@pytest.mark.parametrize("size", [128, 256])
def test_noise_alone_is_told_from_atoms(mode, size, generator):
    for _ in range(4):
        columns, _ = crystal(perovskite(), mode, size, 0.12, 1.0, generator)
        atoms = contrast(columns, size)
        assert not has_atoms(recorded(np.zeros_like(atoms), mode, generator))
        assert has_atoms(recorded(atoms, mode, generator))


def test_evidence_grows_with_the_image(generator):
    columns, _ = crystal(perovskite(), "haadf", 256, 0.12, 1.0, generator)
    image = recorded(contrast(columns, 256), "haadf", generator)
    assert evidence(image) > 1.5 * evidence(image[:128, :128])


def test_flat_and_tiny_images_have_no_atoms(generator):
    assert not has_atoms(np.zeros((64, 64)))
    assert not has_atoms(generator.normal(size=(8, 8)))


@pytest.mark.skipif(not SHARED.exists(), reason="needs the images beside the project")
def test_every_real_image_has_atoms():
    paths = [*(SHARED / "real_images").glob("*/*.*")]
    assert len(paths) >= 16
    assert [p.name for p in paths if evidence(read_image(p).data) < 30] == []


def test_atoms_in_one_corner_of_a_large_image_are_enough():
    rows, columns = np.indices((300, 300))
    atoms = np.cos(rows * 2 * np.pi / 21) + np.cos(columns * 2 * np.pi / 21)
    image = np.random.default_rng(1).normal(100, 20, (2100, 2300)).astype(np.float32)
    assert not has_atoms(image)
    image[-300:, -300:] += 30 * atoms
    assert has_atoms(image)
