import numpy as np
import pytest
from scipy import signal

from sfin.errors import InputError
from sfin.metrics import mean_squared_error, psnr, quantise, ssim


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :56]
    clean = 120 + 90 * np.sin(rows / 3) * np.cos(columns / 4)
    return clean + generator.normal(0, 20, clean.shape), clean


def test_quantise_clips_and_truncates():
    grey = np.array([[-3.0, 0.99, 1.0], [254.999, 255.0, 400.0]])
    assert quantise(grey).tolist() == [[0, 0, 1], [254, 255, 255]]
    assert quantise(grey).dtype == np.uint8


def test_quantise_refuses_what_is_no_number():
    with pytest.raises(InputError, match="not numbers"):
        quantise(np.array([[1.0, np.nan]]))


def test_psnr_of_a_constant_offset():
    clean = np.full((20, 20), 100, dtype=np.uint8)
    noisy = clean + np.uint8(10)
    assert psnr(noisy, clean) == pytest.approx(20 * np.log10(255 / 10))


def test_psnr_does_not_wrap_around_in_8_bits():
    black, white = np.zeros((20, 20), np.uint8), np.full((20, 20), 255, np.uint8)
    assert psnr(black, white) == psnr(white, black) == pytest.approx(0.0)


def test_identical_images(pair):
    _, clean = pair
    assert psnr(clean, clean) == np.inf
    assert mean_squared_error(clean, clean) == 0.0
    assert ssim(clean, clean) == pytest.approx(1.0)


def test_truncation_costs_what_the_notes_say():
    generator = np.random.default_rng(1)
    clean = generator.integers(60, 200, (256, 256)).astype(np.uint8)
    restored = clean + generator.normal(0, 255 * 10 ** (-38.5 / 20), clean.shape)
    assert psnr(restored, clean) == pytest.approx(38.5, abs=0.1)
    loss = psnr(restored, clean) - psnr(quantise(restored), clean)
    assert loss == pytest.approx(0.16, abs=0.05)


def test_ssim_is_the_formula(pair):
    """Against the definition, with an explicit 11 × 11 window."""
    noisy, clean = pair
    axis = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(axis, axis) / axis.sum() ** 2

    def local(values):
        return signal.convolve2d(values, window, mode="valid")

    x, y = local(noisy), local(clean)
    xx, yy = local(noisy**2) - x**2, local(clean**2) - y**2
    xy = local(noisy * clean) - x * y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * x * y + c1) * (2 * xy + c2)
    expected /= (x**2 + y**2 + c1) * (xx + yy + c2)
    assert ssim(noisy, clean) == pytest.approx(expected.mean(), abs=1e-9)


def test_ssim_invariants(pair):
    noisy, clean = pair
    value = ssim(noisy, clean)
    assert -1 <= value < 1
    assert ssim(clean, noisy) == pytest.approx(value)
    assert ssim(noisy[::-1], clean[::-1]) == pytest.approx(value)
    assert ssim(noisy.T, clean.T) == pytest.approx(value)
    assert ssim(clean + (noisy - clean) * 2, clean) < value


def test_metrics_refuse_what_cannot_be_compared():
    with pytest.raises(InputError, match="cannot be compared"):
        psnr(np.zeros((4, 4)), np.zeros((4, 5)))
    with pytest.raises(InputError, match="cannot be compared"):
        ssim(np.zeros((1, 20, 20)), np.zeros((1, 20, 20)))
    with pytest.raises(InputError, match="too small"):
        ssim(np.zeros((10, 30)), np.zeros((10, 30)))
