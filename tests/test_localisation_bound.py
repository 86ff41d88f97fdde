"""The bound is reached by maximum likelihood on noise of our own, and not beaten."""

from dataclasses import replace

import numpy as np
import pytest
from samples import noise

from sfin.gaussian_fits import GaussianSpots
from sfin.localisation_bound import (
    BoundSettings,
    atoms_in_grey_levels,
    localisation_bound,
)
from sfin.noise import NoiseSettings, disturb, unit_spline
from sfin.noise_information import shape_information
from sfin.pixel_loops import sobel_magnitude

SIZE = 21
SETTINGS = NoiseSettings()
KNOWN = BoundSettings(unknown_sigma=False, background_nodes=0)


def spots(x, y, amplitude, sigma):
    return GaussianSpots(
        *(np.atleast_1d(np.asarray(v, dtype=float)) for v in (x, y, amplitude, sigma))
    )


def draw(atoms, size=SIZE, base=40.0):
    row, column = np.mgrid[:size, :size]
    image = np.full((size, size), base)
    for x, y, height, sigma in zip(
        atoms.x, atoms.y, atoms.amplitude, atoms.sigma, strict=True
    ):
        image += height * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))
    return image


def bound(atoms, parameters, settings=KNOWN, base=40.0, deviations=True):
    image = draw(atoms, base=base)
    found = localisation_bound(image, atoms, parameters, SETTINGS, settings)
    return found.any_method if deviations else found.least_squares


def covariances(image, parameters):
    """Covariance of each row, written out; λ is taken for that of normal noise."""
    gradient = sobel_magnitude(image.astype(np.float32)).astype(float)
    share = np.minimum(gradient / SETTINGS.scan_blend_gradient, 1)
    deviation = parameters.scan_slope * gradient + parameters.scan_intercept
    scale = deviation / np.hypot(share, 1 - share)
    spline = unit_spline(image.shape[1], SETTINGS.scan_knot_spacing).astype(float)
    pointwise = parameters.pointwise_slope * image + parameters.pointwise_intercept
    pointwise = pointwise**2 + (parameters.pointwise_slope * deviation) ** 2
    rows = []
    for u, w, v in zip(scale, share, pointwise, strict=True):
        both = np.outer(1 - w, 1 - w) + np.outer(w, w)
        rows.append(np.outer(u, u) * both * (spline.T @ spline) + np.diag(v))
    return np.array(rows)


def likelihood(values, image, parameters, sigma, weights=None):
    model = draw(spots(*values, sigma))
    rest = (image - model)[..., None]
    matrices = covariances(model, parameters) if weights is None else weights
    solved = np.linalg.solve(matrices, rest)
    _, logarithm = np.linalg.slogdet(matrices)
    return -0.5 * float((rest * solved).sum() + logarithm.sum())


def fit(image, start, parameters, sigma, information, weights=None):
    """Climb the likelihood by Fisher's scoring with slopes by differences."""
    values, step = np.array(start), np.array([1e-3, 1e-3, 1e-2])
    for _ in range(4):
        slope = [
            likelihood(values + d, image, parameters, sigma, weights)
            - likelihood(values - d, image, parameters, sigma, weights)
            for d in np.diag(step)
        ]
        values = values + np.linalg.solve(information, np.array(slope) / (2 * step))
    return values


def information(values, parameters, sigma, deviations):
    """Fisher's, by differences of image and covariance."""
    step = np.array([1e-3, 1e-3, 1e-2])
    models = [
        [draw(spots(*(np.array(values) + s * d), sigma)) for s in (1, -1)]
        for d in np.diag(step)
    ]
    inverse = np.linalg.inv(covariances(draw(spots(*values, sigma)), parameters))
    slopes = [(a - b) / (2 * h) for (a, b), h in zip(models, step, strict=True)]
    bends = [
        (covariances(a, parameters) - covariances(b, parameters)) / (2 * h)
        for (a, b), h in zip(models, step, strict=True)
    ]
    found = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            found[i, j] = np.einsum("ri,rij,rj", slopes[i], inverse, slopes[j])
            if deviations:
                product = inverse @ bends[i] @ inverse @ bends[j]
                found[i, j] += 0.5 * np.trace(product, axis1=1, axis2=2).sum()
    return found


@pytest.mark.parametrize("deviations", [True, False])
def test_bound_is_the_inverse_of_fishers_information(deviations):
    parameters = noise(pointwise_shape=0.14, scan_intercept=3.0)
    truth = (10.3, 9.8, 90.0)
    found = information(truth, parameters, 3.0, deviations)
    expected = np.sqrt(np.diag(np.linalg.inv(found))[:2].sum())
    result = bound(spots(*truth, 3.0), parameters, deviations=deviations)
    assert result == pytest.approx(expected, rel=3e-3)


@pytest.mark.parametrize("deviations", [True, False])
def test_maximum_likelihood_reaches_and_does_not_beat_it(deviations):
    parameters = noise(
        pointwise_shape=0.14, scan_intercept=3.0, scan_slope=0.05, pointwise_slope=0.04
    )
    truth = np.array([10.3, 9.8, 120.0])
    sigma, number = 2.5, 150
    exact = draw(spots(*truth, sigma))
    fisher = information(truth, parameters, sigma, deviations)
    # Without what lies in the deviations: least squares with the true weights.
    weights = None if deviations else covariances(exact, parameters)
    generator = np.random.default_rng(11)
    fits = np.array(
        [
            fit(
                disturb(exact.astype(np.float32), parameters, SETTINGS, generator),
                truth,
                parameters,
                sigma,
                fisher,
                weights,
            )
            for _ in range(number)
        ]
    )
    error = np.sqrt(((fits - truth)[:, :2] ** 2).sum(axis=1).mean())
    least = bound(spots(*truth, sigma), parameters, deviations=deviations)[0]
    # 300 squared errors: their root mean square is known to 4 %.
    assert 0.92 * least < error < 1.15 * least


def test_white_noise_has_the_textbook_bound():
    # One axis of a Gaussian in white noise: ∫ (∂μ/∂x)² = π A² / 2.
    quiet = noise(
        scan_slope=0.0,
        scan_intercept=0.0,
        pointwise_slope=0.0,
        pointwise_intercept=8.0,
        pointwise_shape=0.14,
    )
    result = bound(spots(10, 10, 100, 2.0), quiet)[0]
    one_axis = 8.0 / (100.0 * np.sqrt(np.pi / 2))
    assert result == pytest.approx(np.sqrt(2) * one_axis, rel=2e-3)


def test_shape_of_the_noise_counts_as_known_from_theory():
    # Logistic noise: 1/3 × π²/3.
    assert shape_information(0.0) == pytest.approx(np.pi**2 / 9, rel=1e-3)
    assert shape_information(0.14) == pytest.approx(1, abs=2e-3)
    assert shape_information(0.3) > shape_information(0.2) > 1
    assert np.isfinite(shape_information(0.9))


def test_what_is_not_known_beforehand_costs():
    atoms = spots([10, 16], [10, 10], [90, 60], [2.5, 2.5])
    least = bound(atoms, noise())
    more = bound(atoms, noise(), replace(KNOWN, unknown_sigma=True))
    most = bound(atoms, noise(), BoundSettings())
    assert (least < more).all()
    assert (more < most).all()
    alone = bound(spots(10, 10, 90, 2.5), noise())
    assert least[0] > alone[0]


def test_more_noise_fainter_atoms_and_scan_noise_cost():
    atoms = spots(10, 10, 90, 2.5)
    usual = bound(atoms, noise())[0]
    assert bound(atoms, noise(pointwise_intercept=22.0))[0] > 1.3 * usual
    assert bound(spots(10, 10, 45, 2.5), noise())[0] > 1.5 * usual

    # The pattern of the scan noise changes with the gradient: where it is strong it
    # tells where the flanks are, which only least squares do not see.
    usual = bound(atoms, noise(), deviations=False)[0]
    more = bound(atoms, noise(scan_intercept=15.0), deviations=False)[0]
    assert more > 1.1 * usual


def test_dark_atoms_are_as_good_as_bright_ones():
    flat = {"pointwise_slope": 0.0}
    bright = bound(spots(10, 10, 90, 2.5), noise(**flat))
    dark = bound(spots(10, 10, -90, 2.5), noise("bf", **flat), base=200.0)
    np.testing.assert_allclose(bright, dark, rtol=1e-6)


def test_image_without_atoms_has_no_bounds():
    empty = spots(*[np.zeros(0)] * 4)
    assert bound(empty, noise()).size == 0


def test_atoms_that_cannot_be_told_apart_stay_finite():
    result = bound(spots([10, 10], [10, 10], [90, 90], [2.5, 2.5]), noise())
    assert np.isfinite(result).all()
    assert (result > 5).all()


@pytest.mark.parametrize("height", [120.0, -120.0])
def test_heights_follow_from_the_clean_image(height):
    stored = {
        "x": np.array([20.0, 24.0, 40.0]),
        "y": np.array([20.0, 20.0, 40.0]),
        "brightness": np.array([1.0, 0.8, 0.5]),
        "sigma": np.full(3, 3.0),
    }
    relative = draw(spots(*stored.values()), 64, 0.0)
    clean = np.rint(255 * relative / relative.max()).astype(np.uint8)
    found = atoms_in_grey_levels(clean, stored, height)
    expected = height * stored["brightness"] / relative.max()
    np.testing.assert_allclose(found.amplitude, expected, rtol=5e-3)
