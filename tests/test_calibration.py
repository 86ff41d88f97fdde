import numpy as np
import pytest
from samples import noise
from scipy import stats

from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.image_quality import white_noise_ratio
from sfin.noise import NoiseSettings, add_noise
from sfin.noise_curves import deviation_curve, sobel_magnitude
from sfin.paper_estimator import estimate
from sfin.tukey_lambda import tukey_lambda_shape

SETTINGS = CalibrationSettings()


def lattice(spacing=32, sigma=6.0, size=256):
    """Make a square lattice of Gaussian atoms, 0 to 1."""
    pixel = np.arange(size)
    centres = np.arange(0, size + spacing, spacing)[:, None]
    rows = np.exp(-((pixel - centres) ** 2) / 2 / sigma**2).sum(axis=0)
    return (np.outer(rows, rows) / rows.max() ** 2).astype(np.float32)


def measured(parameters, mode="haadf", repeats=6):
    """Inject noise, calibrate, and average over a few images."""
    found = []
    for seed in range(repeats):
        image = add_noise(
            lattice(), parameters, NoiseSettings(), np.random.default_rng(seed)
        )
        found.append(list(vars(estimate(image, mode, SETTINGS)).values()))
    return dict(zip(vars(parameters), np.median(found, axis=0), strict=True))


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_injected_noise_is_recovered(mode):
    # The paper's estimator does not correct for what its blurs let through:
    # tolerances are its known errors on atoms of this size.
    injected = noise(mode)
    found = measured(injected, mode)
    middle = 110 if mode == "haadf" else 140
    pointwise = found["pointwise_slope"] * middle + found["pointwise_intercept"]
    assert pointwise == pytest.approx(0.07 * middle + 11, rel=0.12)
    assert found["scan_slope"] * 60 + found["scan_intercept"] == pytest.approx(
        0.1 * 60 + 4.7, rel=0.25
    )
    assert found["pointwise_shape"] == pytest.approx(0.2, abs=0.06)
    assert found["atom_brightness"] == pytest.approx(injected.atom_brightness, abs=40)
    assert found["background_brightness"] == pytest.approx(
        injected.background_brightness, abs=15
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("scan_slope", (0.0, 0.1, 0.2)),
        ("scan_intercept", (1.0, 5.0, 10.0)),
        ("pointwise_slope", (0.0, 0.07, 0.14)),
        ("pointwise_intercept", (3.0, 11.0, 20.0)),
        ("pointwise_shape", (-0.1, 0.15, 0.5)),
        ("atom_brightness", (60.0, 120.0, 180.0)),
        ("background_brightness", (10.0, 40.0, 80.0)),
    ],
)
def test_each_parameter_is_seen_to_grow(name, values):
    found = [measured(noise(**{name: value}), repeats=3)[name] for value in values]
    assert found[0] < found[1] < found[2]


def test_shifted_image_has_the_same_calibration(generator):
    image = add_noise(lattice(), noise(), NoiseSettings(), generator)
    wide = np.tile(image, (2, 2))
    first = calibrate(wide[:256, :256], "haadf", SETTINGS)[0].parameters
    second = calibrate(wide[5:261, 9:265], "haadf", SETTINGS)[0].parameters
    assert vars(second) == pytest.approx(vars(first), rel=0.2, abs=0.05)


def test_grey_offset_moves_only_the_background(generator):
    image = add_noise(lattice(), noise(), NoiseSettings(), generator)
    first = estimate(image, "haadf", SETTINGS)
    second = estimate(image + 10, "haadf", SETTINGS)
    assert second.background_brightness == pytest.approx(
        first.background_brightness + 10, abs=0.01
    )
    for name in ("atom_brightness", "scan_slope", "scan_intercept", "pointwise_slope"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=0.02)


def test_transposed_noise_is_not_taken_for_scan_noise(generator):
    atoms = lattice()
    quiet = noise(pointwise_intercept=1.0, pointwise_slope=0.0)
    image = add_noise(atoms, quiet, NoiseSettings(), generator)
    along = estimate(image, "haadf", SETTINGS)
    across = estimate(image.T, "haadf", SETTINGS)
    assert across.scan_intercept < along.scan_intercept


def test_every_whole_patch_is_calibrated(generator):
    image = add_noise(lattice(size=600), noise(), NoiseSettings(), generator)
    patches = calibrate(image[:520], "haadf", SETTINGS)
    assert [(p.row, p.column) for p in patches] == [
        (4, 44), (4, 300), (260, 44), (260, 300),
    ]  # fmt: skip


def test_small_image_is_refused():
    with pytest.raises(InputError, match="200 × 300 pixels, smaller than a patch"):
        calibrate(np.zeros((200, 300)), "haadf", SETTINGS)


def test_image_without_contrast_is_refused():
    with pytest.raises(InputError, match="too little contrast"):
        estimate(np.full((256, 256), 7.0), "haadf", SETTINGS)


def test_deviation_curve_is_that_of_each_bin(generator):
    variable = generator.uniform(0, 50, 200_000)
    residual = generator.normal(0, 2 + variable / 10)
    curve = deviation_curve(variable, residual, 1.0, 0.001)
    assert curve.fit() == pytest.approx((0.1, 2.0), rel=0.05)
    assert curve.count.sum() == variable.size
    inside = (variable >= 10) & (variable < 11)
    at = np.argmin(np.abs(curve.x - variable[inside].mean()))
    assert curve.y[at] == pytest.approx(residual[inside].std())


@pytest.mark.parametrize("shape", [-0.1, 0.01, 0.14, 0.27, 0.39, 0.8])
def test_shape_of_a_tukey_lambda_sample_is_found(shape):
    found = [
        tukey_lambda_shape(
            stats.tukeylambda.rvs(shape, size=5000, random_state=seed) * 7 + 3
        )
        for seed in range(8)
    ]
    assert np.mean(found) == pytest.approx(shape, abs=0.03)
    assert np.std(found) < 0.05


def test_sobel_agrees_with_the_forward_model(generator):
    from sfin.pixel_loops import sobel_magnitude as forward

    image = generator.random((64, 64)).astype(np.float32)
    assert sobel_magnitude(image.astype(np.float64)) == pytest.approx(
        forward(image), abs=1e-4
    )


def test_filtered_image_has_no_white_noise(generator):
    from scipy.ndimage import gaussian_filter

    image = add_noise(lattice(), noise(), NoiseSettings(), generator)
    assert white_noise_ratio(image) > 0.7
    assert white_noise_ratio(gaussian_filter(image, 1.0)) < 0.2
