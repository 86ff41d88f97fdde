"""Deviation between mirror images, and the residual as a test of the output."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage
from torch import nn

from sfin.enhancement import enhance_file, open_image
from sfin.enhancement_check import check_enhancement, write_check
from sfin.errors import InputError
from sfin.figures.uncertainty import uncertainty_figure
from sfin.images import Image, write_image
from sfin.networks.build import build_network, save_weights
from sfin.residuals import ResidualSettings, find_atoms, residual
from sfin.uncertainty import UncertainImage, enhance_with_uncertainty

SETTINGS = ResidualSettings()


class Shift(nn.Module):
    """Adds `amount` per pixel to the right: no mirror symmetry along rows."""

    def __init__(self, amount):
        super().__init__()
        self.amount = amount

    def forward(self, image):
        return image + self.amount * torch.arange(image.shape[-1])


def lattice(spacing=16, sigma=3.0, size=128, missing=()):
    image = np.zeros((size, size), np.float32)
    for row in range(spacing // 2, size, spacing):
        for column in range(spacing // 2, size, spacing):
            if (row, column) not in missing:
                image[row, column] = 1
    return 2 * np.pi * sigma**2 * 200 * ndimage.gaussian_filter(image, sigma)


def noisy(clean, deviation=25.0):
    generator = np.random.default_rng(0)
    background = 40 + 20 * np.sin(np.arange(len(clean)) / len(clean) * 3)[:, None]
    return 0.6 * clean + background + generator.normal(0, deviation, clean.shape)


def test_a_symmetric_network_is_sure():
    image = lattice()
    found = enhance_with_uncertainty([nn.Identity()], image, 64)
    np.testing.assert_allclose(found.mean, image, atol=1e-3)
    assert found.deviation.max() < 1e-2
    assert found.answers == 4


def test_the_deviation_is_that_of_the_mirrored_answers():
    # Two of the four answers are mirrored along rows: a, a, b, b.
    found = enhance_with_uncertainty([Shift(1.0)], np.zeros((8, 8)), None)
    right = np.arange(8)
    expected = np.std([right, right, right[::-1], right[::-1]], axis=0, ddof=1)
    np.testing.assert_allclose(found.deviation, np.tile(expected, (8, 1)), atol=1e-5)
    np.testing.assert_allclose(found.mean, 3.5, atol=1e-5)


def test_an_ensemble_adds_its_disagreement():
    image = np.zeros((16, 16))
    one = enhance_with_uncertainty([Shift(1.0)], image, None)
    two = enhance_with_uncertainty([Shift(1.0), Shift(-9.0)], image, None)
    assert two.answers == 8
    assert two.deviation.mean() > one.deviation.mean()
    with pytest.raises(InputError, match="at least one"):
        enhance_with_uncertainty([], image)


def test_the_residual_of_the_truth_is_noise():
    clean = lattice()
    found = residual(noisy(clean), clean, SETTINGS)
    assert found.gain == pytest.approx(0.6, abs=0.02)
    assert found.deviation == pytest.approx(25, rel=0.05)
    assert found.background == pytest.approx(53, abs=5)
    assert abs(found.row_correlation) < 0.05
    assert abs(found.column_correlation) < 0.05
    assert found.spots > 10
    assert found.spot_power < 3 * found.spot_noise


def test_grey_scale_and_background_do_not_count():
    clean = lattice()
    image = noisy(clean)
    slope = np.linspace(0, 30, 128)
    found, other = (
        residual(grey, model, SETTINGS)
        for grey, model in ((image, clean), (image + slope, 3 * clean - 100))
    )
    middle = slice(40, -40)
    np.testing.assert_allclose(
        found.image[middle, middle], other.image[middle, middle], atol=0.5
    )


def test_lost_contrast_shows_at_the_lattice_spots():
    clean = lattice()
    # Every second atom was lost.
    kept = lattice(
        missing={(r, c) for r in range(8, 128, 16) for c in range(8, 128, 32)}
    )
    found = residual(noisy(clean), kept, SETTINGS)
    assert found.spot_power > 10 * found.spot_noise


def test_noise_along_the_fast_scan_is_seen_there():
    clean = lattice()
    stripes = np.random.default_rng(1).normal(0, 20, (128, 32)).repeat(4, axis=1)
    found = residual(clean + stripes, clean, SETTINGS)
    assert found.row_correlation > 0.5
    assert abs(found.column_correlation) < 0.15


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_an_invented_atom_has_no_support(mode):
    gone = {(56, 72), (104, 24)}
    real, claimed = lattice(missing=gone), lattice()
    image = noisy(real)
    if mode == "bf":
        image, claimed = 255 - image, 255 - claimed
    atoms = find_atoms(claimed, residual(image, claimed, SETTINGS), mode, SETTINGS)
    assert len(atoms.row) == 64
    doubtful = ~atoms.supported
    assert set(zip(atoms.row[doubtful], atoms.column[doubtful], strict=True)) == gone
    assert atoms.sigma == pytest.approx(3, rel=0.1)


def test_an_empty_image_has_no_atoms():
    image = np.zeros((64, 64), np.float32)
    atoms = find_atoms(image, residual(image, image, SETTINGS), "haadf", SETTINGS)
    assert len(atoms.row) == 0


def test_images_must_match():
    with pytest.raises(InputError, match="one shape"):
        residual(np.zeros((64, 64)), np.zeros((64, 32)), SETTINGS)


def test_a_check_is_written_whole(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        settings = {"channels": 4, "pairs": 1, "input_scale": 255.0}
        network = build_network("sfin", settings)
    metadata = {
        "method": "sfin", "network": settings, "mode": "haadf", "image_size": 48,
        "scale": "test", "seed": 1, "dataset": "sfin", "task": "enhancement",
    }  # fmt: skip
    save_weights(tmp_path / "weights.safetensors", network, metadata)
    counts = noisy(lattice(size=96)).astype(np.float32)
    write_image(tmp_path / "a.tif", Image(counts, 0.1, "a", {}))
    paths = [tmp_path / name for name in ("u.png", "r.csv", "a.csv")]
    files = tmp_path / "a.tif", tmp_path / "weights.safetensors"
    contents = []
    for _ in range(2):
        opened = open_image(*files, "haadf")
        check = check_enhancement(opened, "haadf")
        write_check(check, *paths)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    # One job enhances and checks: the first answer is the enhanced image.
    enhanced = enhance_file(*files, "haadf")[1]
    first = opened.in_counts(check.uncertain.first)
    assert np.array_equal(first.data, enhanced.data)
    statistics = pd.read_csv(paths[1])
    assert len(statistics) == 1
    assert "scale test" in statistics["network"][0]
    assert statistics["atoms"][0] == len(pd.read_csv(paths[2]))
    assert len(contents[0][0]) > 10_000


def test_picture_says_units():
    grey = noisy(lattice())
    uncertain = UncertainImage(grey, np.ones_like(grey), 4, grey)
    left = residual(grey, grey, SETTINGS)
    atoms = find_atoms(grey, left, "haadf", SETTINGS)
    figure = uncertainty_figure(grey, uncertain, left, atoms, "a", None, "")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles.count("grey levels") == 4
    for text in ("Background, mean (grey levels)", "Residual, deviation (grey levels)"):
        assert text in texts
    assert "20 px" in texts
    assert "0.2 px⁻¹" in texts
