import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sfin.background_removal import BackgroundRemoval, remove_background
from sfin.bm3d_filter import BM3D, bm3d, noise_spectrum
from sfin.errors import InputError
from sfin.filters import FilterSettings
from sfin.metrics import psnr, quantise
from sfin.optional_methods import installed, left_out, require
from sfin.pretrained_peer import PretrainedPeer, tk_r_em
from sfin.rivals import ExtendedSettings, combinations, rival, tune

SIZE = 96


def atoms(sigma=3.0, spacing=16):
    pixel = np.arange(SIZE)
    places = np.arange(0, SIZE + spacing, spacing)[:, None]
    line = np.exp(-((pixel - places) ** 2) / (2 * sigma**2)).sum(axis=0)
    image = np.outer(line, line)
    return (image / image.max()).astype(np.float32)


def slope():
    down, right = np.mgrid[:SIZE, :SIZE] / SIZE
    return (30 + 40 * down + 30 * np.sin(2 * right)).astype(np.float32)


def turned(image, mode):
    return image if mode == "haadf" else 255 - image


def row_noise(generator, deviation=8.0):
    white = generator.normal(size=(SIZE, SIZE))
    rows = gaussian_filter(white, (0, 4))
    return (deviation * rows / rows.std()).astype(np.float32)


class Made:
    """Pairs as far as tuning looks at them."""

    def __init__(self, mode="haadf", number=2):
        generator = np.random.default_rng(4)
        bright = 120 * atoms() + slope()
        noisy = [
            bright + row_noise(generator) + generator.normal(0, 15, bright.shape)
            for _ in range(number)
        ]
        self.noisy = quantise(turned(np.array(noisy), mode))
        self.noiseless = quantise(np.array([turned(bright, mode)] * number))
        self.clean = quantise(np.array([turned(255 * atoms(), mode)] * number))


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_top_hat_turns_noiseless_images_into_clean_ones(mode):
    images = Made(mode)
    noiseless = images.noiseless[0].astype(np.float32)
    flat = remove_background(noiseless, images.noisy[0], mode, BackgroundRemoval())
    before = psnr(images.noiseless[0], images.clean[0])
    assert psnr(quantise(flat), images.clean[0]) > max(30, before + 12)


def test_top_hat_does_not_care_for_gain_and_offset():
    images = Made()
    image = images.noiseless[0].astype(np.float32)
    flat, again = (
        remove_background(grey, images.noisy[0], "haadf", BackgroundRemoval())
        for grey in (image, 0.5 * image + 60)
    )
    np.testing.assert_allclose(flat, again, atol=1e-2)


def test_bf_is_haadf_turned_over():
    generator = np.random.default_rng(0)
    image = (120 * atoms() + slope() + generator.normal(0, 5, (SIZE, SIZE))).astype(
        np.float32
    )
    haadf = remove_background(image, image, "haadf", BackgroundRemoval())
    bf = remove_background(255 - image, 255 - image, "bf", BackgroundRemoval())
    np.testing.assert_allclose(bf, 255 - haadf, atol=1e-2)


def test_flat_image_stays_finite():
    flat = np.full((SIZE, SIZE), 90, np.float32)
    assert np.isfinite(remove_background(flat, flat, "bf", BackgroundRemoval())).all()


def test_noise_spectrum_has_the_variance_and_not_the_atoms():
    generator = np.random.default_rng(1)
    noise = row_noise(generator, 6.0) + generator.normal(0, 10, (SIZE, SIZE))
    spectrum = noise_spectrum(120 * atoms() + slope() + noise)
    assert spectrum.mean() == pytest.approx(noise.var(), rel=0.15)
    # Scan noise is smooth along the rows.
    assert spectrum[0] > 3 * spectrum[SIZE // 2]
    assert spectrum[SIZE // 2] == pytest.approx(100, rel=0.35)


needs_bm3d = pytest.mark.skipif(not installed("bm3d"), reason="bm3d not installed")


@needs_bm3d
def test_bm3d_denoises_better_than_a_blur_and_repeats_itself():
    images = Made()
    noisy = images.noisy[0].astype(np.float32)
    restored = bm3d(noisy, BM3D(step=8))
    quality = psnr(quantise(restored), images.noiseless[0])
    blurred = max(
        psnr(quantise(gaussian_filter(noisy, width)), images.noiseless[0])
        for width in (0.7, 1, 1.5, 2)
    )
    assert quality > blurred + 1
    assert restored.dtype == np.float32
    np.testing.assert_array_equal(bm3d(noisy, BM3D(step=8)), restored)


@needs_bm3d
def test_bm3d_leaves_flat_images_and_refuses_tiny_ones():
    flat = np.full((SIZE, SIZE), 50, np.float32)
    np.testing.assert_allclose(bm3d(flat, BM3D()), flat)
    with pytest.raises(InputError, match="at least 8"):
        bm3d(flat[:5], BM3D())


def test_best_settings_are_found_on_the_pairs():
    settings = ExtendedSettings(
        candidates={"gaussian": {"deviation": [0.1, 1.5, 9.0]}},
        background_removal={"size": [0.5, 5.0], "darkest": [1.0, 60.0]},
    )
    kept, removed = tune("gaussian", "haadf", Made(), FilterSettings(), settings)
    assert kept.values == removed.values == {"deviation": 1.5}
    assert kept.restore is removed.restore
    assert kept.removal is None
    assert removed.removal == BackgroundRemoval(size=5.0, darkest=1.0)


def test_combinations_of_nothing_is_the_default():
    assert combinations({}) == [{}]
    assert len(combinations({"a": [1, 2], "b": [3, 4, 5]})) == 6


@pytest.mark.parametrize(
    ("method", "values", "words"),
    [
        ("gaussian", {"width": 3}, "no setting 'width'"),
        ("bm3d", {"sigma": 3}, "no setting 'sigma'"),
        ("median", {}, "no rival 'median'"),
    ],
)
def test_unknown_methods_and_settings_are_refused(method, values, words):
    with pytest.raises(InputError, match=words):
        rival(method, values, FilterSettings())


def test_absent_packages_are_named(monkeypatch):
    monkeypatch.setattr("sfin.optional_methods.find_spec", lambda name: None)
    assert not installed("tk_r_em")
    assert installed("gaussian")
    assert "sfin[peers]" in left_out("tk_r_em")
    with pytest.raises(InputError, match="tk_r_em and tensorflow are not installed"):
        require("tk_r_em")


def test_only_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(
        "sfin.optional_methods.find_spec",
        lambda name: None if name == "atomap" else name,
    )
    assert not installed("atomap")
    assert left_out("atomap").startswith(
        "atomap is left out because atomap is not installed here (pip install "
    )
    assert installed("tk_r_em")


@pytest.mark.skipif(not installed("tk_r_em"), reason="tk_r_em not installed")
def test_pretrained_peer_denoises_any_size():
    noisy = Made().noisy[0].astype(np.float32)[:95, :93]
    restored = tk_r_em(noisy, PretrainedPeer())
    truth = Made().noiseless[0][:95, :93]
    assert psnr(quantise(restored), truth) > psnr(quantise(noisy), truth) + 3
