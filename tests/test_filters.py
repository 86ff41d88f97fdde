from dataclasses import asdict

import numpy as np
import pytest
from scipy import signal

from sfin.errors import InputError
from sfin.filters import (
    FILTERS,
    Bilateral,
    FilterSettings,
    LocalWiener,
    absf,
    apply_filter,
    bilateral,
    filter_settings,
    wiener,
    wiener_local,
)
from sfin.spectra import FourierFilter, background_amplitude, power_spectrum

NOISE = 15.0


def lattice(rows=128, columns=128, spacing=16, width=3.0):
    """Atoms (σ in pixels) on a grid that fits the image, 40 to 190 grey levels."""
    row, column = np.mgrid[:rows, :columns]
    row = (row + spacing / 2) % spacing - spacing / 2
    column = (column + spacing / 2) % spacing - spacing / 2
    atoms = np.exp(-(row**2 + column**2) / (2 * width**2))
    return (40 + 150 * atoms).astype(np.float32)


def white_noise(shape, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0, NOISE, shape).astype(np.float32)


@pytest.mark.parametrize("method", FILTERS)
def test_noise_is_lowered_and_the_lattice_kept(method):
    clean = lattice(spacing=32, width=5.0)
    noisy = clean + white_noise(clean.shape)
    restored = apply_filter(method, noisy, FilterSettings())
    assert np.std(restored - clean) < 0.6 * NOISE
    assert np.corrcoef(restored.ravel(), clean.ravel())[0, 1] > 0.97
    # The strongest periodicity is still the lattice's.
    spectrum = power_spectrum(restored)
    strongest = np.unravel_index(np.argmax(spectrum), spectrum.shape)
    assert {abs(int(place) - 64) for place in strongest} == {0, 4}


@pytest.mark.parametrize("method", FILTERS)
def test_pure_noise_is_lowered(method):
    noise = 100 + white_noise((96, 96))
    restored = apply_filter(method, noise, FilterSettings())
    assert restored.std() < 0.7 * noise.std()
    assert restored.mean() == pytest.approx(noise.mean(), abs=0.5)


@pytest.mark.parametrize("method", FILTERS)
def test_a_constant_image_is_unchanged(method):
    flat = np.full((32, 48), 117.0, dtype=np.float32)
    restored = apply_filter(method, flat, FilterSettings())
    np.testing.assert_allclose(restored, flat, rtol=1e-5)


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("shape", [(31, 50), (64, 17), (5, 5), (100, 40)])
def test_any_rectangle(method, shape):
    image = 100 + white_noise(shape)
    before = image.copy()
    restored = apply_filter(method, image, FilterSettings())
    assert restored.shape == shape
    assert restored.dtype == np.float32
    assert np.isfinite(restored).all()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("function", [absf, wiener])
def test_fourier_filters_follow_a_circular_shift(function):
    # The taper is fixed to the image; without it, nothing marks a place.
    settings = FourierFilter(taper=0.0)
    noisy = lattice(96, 80) + white_noise((96, 80))
    shifted = np.roll(noisy, (7, -11), axis=(0, 1))
    expected = np.roll(function(noisy, settings), (7, -11), axis=(0, 1))
    np.testing.assert_allclose(function(shifted, settings), expected, atol=1e-3)


@pytest.mark.parametrize("function", [absf, wiener])
def test_fourier_filters_scale_with_the_image(function):
    noisy = lattice() + white_noise((128, 128))
    expected = 10 * function(noisy, FourierFilter()) + 50
    scaled = function(10 * noisy + 50, FourierFilter())
    np.testing.assert_allclose(scaled, expected, rtol=1e-4, atol=1e-2)


def test_absf_takes_more_away_than_wiener():
    """1 − B/|F| is below 1 − (B/|F|)² wherever either is positive."""
    noisy = lattice() + white_noise((128, 128))
    settings = FourierFilter(low_pass=0.0)
    assert absf(noisy, settings).std() < wiener(noisy, settings).std() < np.std(noisy)


@pytest.mark.parametrize("taper", [0.0, 0.4])
@pytest.mark.parametrize("shape", [(128, 128), (96, 200)])
def test_background_is_the_level_of_white_noise(taper, shape):
    """Also under a lattice, whose spots must not count; in rectangles too."""
    settings = FourierFilter(taper=taper)
    # A Rayleigh distribution of this median; the iteration then lowers it a bit.
    level = NOISE * np.sqrt(np.prod(shape)) * np.sqrt(np.log(2))
    for image in (white_noise(shape), lattice(*shape) + white_noise(shape)):
        background = background_amplitude(image, settings)
        assert background.shape == shape
        frequencies = np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")
        far = np.hypot(*frequencies) > 0.15
        ratio = background[far] / level
        assert ratio.mean() == pytest.approx(1.0, abs=0.1)
        assert ratio.std() < 0.1


def test_background_leaves_out_the_lattice_without_the_median_too():
    """Each ring's mean is lowered until what the spots add to it is gone."""
    settings = FourierFilter(taper=0.0, median_size=1)
    noise = white_noise((128, 128))
    alone = background_amplitude(noise, settings)
    together = background_amplitude(lattice() + noise, settings)
    spots = np.abs(np.fft.fft2(lattice())) > 10 * alone
    assert 4 <= spots.sum() < 100
    spots[0, 0] = False  # the mean is no spot
    assert (together / alone)[spots].max() < 1.5


def test_local_wiener_is_scipys_away_from_the_borders():
    noisy = lattice(64, 64) + white_noise((64, 64))
    ours = wiener_local(noisy, LocalWiener(window=5))
    # SciPy takes the borders for black, which changes its mean variance: give it.
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(noisy.astype(float), 2, mode="symmetric"), (5, 5)
    )
    variance = windows.var(axis=(2, 3)).mean()
    theirs = signal.wiener(noisy.astype(float), 5, noise=variance)
    np.testing.assert_allclose(ours[2:-2, 2:-2], theirs[2:-2, 2:-2], rtol=1e-4)


def test_bilateral_is_the_formula_at_one_pixel():
    image = lattice(32, 32) + white_noise((32, 32))
    settings = Bilateral(distance=1.5, difference=30.0)
    reach = 5
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    values = image[16 - reach : 17 + reach, 14 - reach : 15 + reach].astype(float)
    weight = np.exp(-(row**2 + column**2) / (2 * 1.5**2))
    weight = weight * np.exp(-((values - image[16, 14]) ** 2) / (2 * 30.0**2))
    expected = (weight * values).sum() / weight.sum()
    assert bilateral(image, settings)[16, 14] == pytest.approx(expected, rel=1e-4)


def test_bilateral_keeps_an_edge_that_a_blur_would_lose():
    edge = np.where(np.arange(40) < 20, 30.0, 220.0) * np.ones((40, 1))
    restored = bilateral(edge + white_noise((40, 40)) / 3, Bilateral())
    assert abs(restored[:, 19] - 30).max() < 5
    assert abs(restored[:, 20] - 220).max() < 5


def test_settings_of_the_configuration():
    settings = filter_settings({"absf": {"low_pass": 0.0}, "gaussian": {}})
    assert settings.absf == FourierFilter(low_pass=0.0)
    assert settings.wiener == FourierFilter()
    assert filter_settings(asdict(settings)) == settings
    with pytest.raises(InputError, match="no filter 'median'"):
        filter_settings({"median": {}})
    with pytest.raises(InputError, match="no setting 'cutoff'"):
        filter_settings({"absf": {"cutoff": 1}})
    with pytest.raises(InputError, match="no filter 'median'"):
        apply_filter("median", lattice(), settings)
