import numpy as np
import pytest

from sfin.atom_matching import match_atoms
from sfin.atom_scale import estimate_separation, estimate_sigma
from sfin.errors import InputError
from sfin.gaussian_fits import FitSettings, GaussianSpots, fit_gaussians
from sfin.optional_methods import installed
from sfin.peak_finders import (
    FINDERS,
    LaplacianFinder,
    TrueAtoms,
    find_by_laplacian,
    finder,
    tune_finder,
)
from sfin.pixel_loops import add_spots

SIZE = 128
AVAILABLE = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(not installed(name), reason=f"{name} not installed"),
    )
    for name in FINDERS
]


def lattice(spacing=13.3):
    steps = np.arange(9, SIZE - 8, spacing)
    x, y = np.meshgrid(steps, steps + 0.4)
    inside = y.ravel() < SIZE - 8
    return x.ravel()[inside], y.ravel()[inside]


def image(x, y, mode="haadf", noise=6.0, sigma=2.5, height=100.0):
    grey = np.full((SIZE, SIZE), 40.0, np.float32)
    n = np.size(x)
    columns = (x, y, np.full(n, height), np.full(n, sigma))
    add_spots(grey, *(np.asarray(v, dtype=np.float32) for v in columns))
    grey += np.random.default_rng(3).normal(0, noise, grey.shape).astype(np.float32)
    return grey if mode == "haadf" else 255 - grey


def score(found, x, y):
    return match_atoms(found, (x, y), 3.0).counts


@pytest.mark.parametrize("mode", ["haadf", "bf"])
@pytest.mark.parametrize("method", AVAILABLE)
def test_finders_find_a_lattice_to_a_fraction_of_a_pixel(method, mode):
    x, y = lattice()
    counts = score(finder(method, mode, {})(image(x, y, mode)), x, y)
    assert counts.f1 == 1
    # The bound is 0.07 px.
    assert counts.rms_error < 0.12


@pytest.mark.parametrize("method", AVAILABLE)
def test_one_atom_is_found(method):
    place = ([60.3], [64.8])
    counts = score(finder(method, "haadf", {})(image(*place, noise=2.0)), *place)
    assert counts.recall == 1


def test_noise_has_hardly_any_atoms_and_a_flat_image_none():
    settings = LaplacianFinder(noise_threshold=5.0)
    none = np.zeros(0)
    assert find_by_laplacian(image(none, none), "haadf", settings).x.size <= 2
    flat = np.full((64, 64), 90, np.float32)
    assert find_by_laplacian(flat, "bf", settings).x.size == 0


def test_close_atoms_do_not_draw_each_other():
    x, y = np.array([60.0, 66.5]), np.array([64.0, 64.0])
    exact = image(x, y, noise=0.0) - 40
    start = GaussianSpots(x + 0.8, y - 0.5, np.full(2, 70.0), np.full(2, 2.2))
    fit = fit_gaussians(exact, start, FitSettings(turns=40))
    np.testing.assert_allclose(fit.x, x, atol=0.02)
    np.testing.assert_allclose(fit.y, y, atol=0.02)
    np.testing.assert_allclose(fit.amplitude, 100, rtol=0.02)
    np.testing.assert_allclose(fit.sigma, 2.5, rtol=0.02)


def test_fit_of_an_atom_at_the_corner_and_of_none():
    corner = image([1.2], [126.1], noise=0.0)
    start = GaussianSpots(*(np.array([v]) for v in (1.0, 126.0, 90.0, 2.5)))
    fit = fit_gaussians(corner, start, FitSettings(turns=30))
    np.testing.assert_allclose([fit.x[0], fit.y[0]], [1.2, 126.1], atol=0.05)
    nothing = GaussianSpots(*(np.zeros(0) for _ in range(4)))
    assert fit_gaussians(corner, nothing, FitSettings()).x.size == 0


def test_fit_that_runs_away_stays_where_it_was():
    far = image([40.0], [40.0], noise=0.0)
    start = GaussianSpots(*(np.array([v]) for v in (46.0, 40.0, 50.0, 2.5)))
    fit = fit_gaussians(far, start, FitSettings(farthest=0.5, turns=40))
    assert (fit.x[0], fit.y[0]) == (46.0, 40.0)


@pytest.mark.parametrize("sigma", [2.0, 3.0])
def test_scale_is_estimated_in_the_image(sigma):
    spacing = 5 * sigma
    grey = image(*lattice(spacing), sigma=sigma, noise=15.0)
    assert estimate_sigma(grey) == pytest.approx(sigma, rel=0.3)
    assert estimate_separation(grey) == pytest.approx(spacing, rel=0.1)


def test_settings_are_chosen_that_find_the_atoms():
    x, y = lattice()
    truth = [TrueAtoms(image(x, y, noise=30.0), x, y, radius=3.0)]
    candidates = {
        "scale,noise_threshold": [[0.8, 4.0], [3.0, 1000.0]],
        "fit.reach": [0.5, 1.75],
    }
    chosen = tune_finder("laplacian", "haadf", truth, candidates)
    assert chosen == {"scale": 0.8, "noise_threshold": 3.0, "fit.reach": 1.75}
    found = finder("laplacian", "haadf", chosen)(truth[0].image)
    counts = truth[0].match(found).counts
    assert counts.f1 > 0.95


@pytest.mark.parametrize(
    ("method", "values", "words"),
    [
        ("watershed", {}, "no finder 'watershed'"),
        ("laplacian", {"width": 1}, "no setting 'width'"),
        ("laplacian", {"fit.width": 1}, "no setting 'width'"),
    ],
)
def test_unknown_finders_and_settings_are_refused(method, values, words):
    with pytest.raises(InputError, match=words):
        finder(method, "haadf", values)


def test_atomap_that_is_absent_is_named(monkeypatch):
    monkeypatch.setattr("sfin.optional_methods.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"sfin\[peers\]"):
        finder("atomap", "haadf", {})


@pytest.mark.parametrize("method", AVAILABLE)
def test_all_atoms_lie_in_the_image(method):
    x, y = lattice()
    found = finder(method, "haadf", {})(image(x - 8, y - 8, noise=60.0))
    for place in found:
        assert place.size > 10
        assert (place >= -0.5).all()
        assert (place < SIZE - 0.5).all()
