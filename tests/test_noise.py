import numpy as np
import pytest
from samples import noise
from scipy import stats

from sfin.noise import (
    NoiseSettings,
    add_noise,
    background,
    pointwise_noise,
    scan_noise,
)
from sfin.pixel_loops import sobel_magnitude
from sfin.tukey_lambda import tukey_lambda_deviation

SETTINGS = NoiseSettings()
FLAT = np.zeros((256, 256), np.float32)


@pytest.mark.parametrize("shape", [-0.3, -0.05, 0.0, 0.14, 0.21, 0.4, 1.0, 1.4])
def test_tukey_lambda_deviation_is_that_of_scipy(shape):
    expected = stats.tukeylambda.std(shape) if shape else np.pi / np.sqrt(3)
    assert tukey_lambda_deviation(shape) == pytest.approx(expected, rel=1e-4)


def test_no_variance_is_refused():
    with pytest.raises(ValueError, match=r"-0\.5"):
        tukey_lambda_deviation(-0.5)


@pytest.mark.parametrize("shape", [-0.1, 0.0, 0.2, 0.5])
def test_pointwise_noise_has_the_deviation_and_shape_asked_for(shape, generator):
    parameters = noise(pointwise_shape=shape)
    image = np.full((400, 400), 100, np.float32)
    drawn = pointwise_noise(image, parameters, generator)
    assert drawn.std() == pytest.approx(0.07 * 100 + 11, rel=0.02)
    # Another measure than the one calibration uses.
    scaled = drawn.ravel() / drawn.std() * tukey_lambda_deviation(shape)
    found = stats.kstest(scaled[::16], stats.tukeylambda(shape).cdf)
    assert found.pvalue > 0.001


def test_pointwise_noise_is_never_of_negative_deviation(generator):
    parameters = noise(pointwise_slope=-1.0, pointwise_intercept=5)
    image = np.full((64, 64), 100, np.float32)
    assert not pointwise_noise(image, parameters, generator).any()


@pytest.mark.parametrize("gradient", [0.0, 20.0, 40.0, 80.0, 200.0])
def test_scan_noise_grows_with_the_gradient(gradient, generator):
    drawn = scan_noise(FLAT + np.float32(gradient), noise(), SETTINGS, generator)
    assert drawn.std() == pytest.approx(0.1 * gradient + 4.7, rel=0.03)


def test_scan_noise_is_smooth_along_rows_and_independent_between_them(generator):
    drawn = scan_noise(FLAT, noise(), SETTINGS, generator)
    along = np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]
    across = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    assert along > 0.9
    assert abs(across) < 0.05


@pytest.mark.parametrize(("mode", "extreme"), [("haadf", np.min), ("bf", np.max)])
def test_background_starts_at_the_calibrated_brightness(mode, extreme, generator):
    parameters = noise(mode)
    image = background((200, 300), parameters, SETTINGS, generator)
    assert image.shape == (200, 300)
    assert extreme(image) == pytest.approx(parameters.background_brightness, abs=0.01)
    low, high = SETTINGS.background_range
    assert low <= np.ptp(image) <= high
    # Smooth: neighbours differ by far less than the whole range.
    assert np.abs(np.diff(image)).max() < np.ptp(image) / 15


def test_atoms_are_bright_in_haadf_and_dark_in_bf(generator):
    atoms = FLAT.copy()
    atoms[100:150, 100:150] = 1
    for mode, sign in (("haadf", 1), ("bf", -1)):
        image = add_noise(atoms, noise(mode), SETTINGS, generator)
        step = image[100:150, 100:150].mean() - image[:, :80].mean()
        assert step * sign == pytest.approx(140, abs=60)


def test_sobel_magnitude_of_a_ramp_is_eight_times_its_slope():
    ramp = np.tile(np.arange(32, dtype=np.float32) * 3, (20, 1))
    assert sobel_magnitude(ramp)[5:-5, 5:-5] == pytest.approx(24)


def test_same_seed_gives_the_same_bytes():
    images = [
        add_noise(FLAT, noise(), SETTINGS, np.random.default_rng(seed)).tobytes()
        for seed in (1, 1, 2)
    ]
    assert images[0] == images[1] != images[2]
