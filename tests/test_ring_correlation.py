import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sfin.errors import InputError
from sfin.ring_correlation import correlation_of_halves, halves, ring_correlation


def noise(seed, shape=(256, 256)):
    return np.random.default_rng(seed).normal(size=shape)


def test_an_image_agrees_with_itself_and_noise_with_nothing():
    same = ring_correlation(noise(1), noise(1))
    np.testing.assert_allclose(same.correlation, 1)
    assert same.reach == pytest.approx(0.5, abs=0.02)
    reaches = [ring_correlation(noise(k), noise(k + 50)).reach for k in range(20)]
    assert max(reaches) < 0.1


@pytest.mark.parametrize("blur", [1.5, 3.0])
def test_reach_is_where_signal_falls_below_noise(blur):
    image = 100 * gaussian_filter(noise(1), blur, mode="wrap")
    found = ring_correlation(image + noise(2), image + noise(3)).reach
    # Power of signal over noise is 1/6 where the correlation is 1/7.
    expected = np.sqrt(np.log(6e4)) / (2 * np.pi * blur)
    assert found == pytest.approx(expected, rel=0.08)


def test_halves_share_no_row_and_keep_pixels_square():
    rows = np.arange(7)[:, None] * np.ones(9)
    even, odd = halves(rows)
    assert even.shape == odd.shape == (3, 4)
    np.testing.assert_allclose(even[:, 0], [0, 2, 4])
    np.testing.assert_allclose(odd[:, 0], [1, 3, 5])


def test_a_blur_reveals_nothing_new():
    image = 30 * gaussian_filter(noise(1), 3, mode="wrap") + noise(2)
    raw = correlation_of_halves(image, lambda half: half)
    blurred = correlation_of_halves(image, lambda half: gaussian_filter(half, 1))
    assert blurred.reach == pytest.approx(raw.reach, rel=0.15)


def test_images_of_two_shapes_are_refused():
    with pytest.raises(InputError, match="give two of one shape"):
        ring_correlation(noise(1), noise(1, (128, 256)))
