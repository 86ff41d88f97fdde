from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from test_lattice_fit import SHAPE, STRUCTURES, atoms_of, fitted

from sfin.lattice_match import sites_in_image
from sfin.pixel_loops import add_spots
from sfin.theory import register_theory
from sfin.theory_scores import lattice_precision, normalised, score_against_theory


@pytest.fixture(scope="module", params=["haadf", "bf"])
def known(request):
    mode = request.param
    name = "SrTiO3_001" if mode == "haadf" else "SrTiO3_110"
    fit = fitted(atoms_of(name, mode=mode, jitter=0.2), name, mode)
    return fit, register_theory(drawn(fit, 0.0), fit)


def drawn(fit, jitter, noise=0.0):
    """Draw the fitted crystal with every column displaced at random, in px."""
    generator = np.random.default_rng(1)
    columns, mode = STRUCTURES[fit.columns.structure], fit.mode
    image = np.zeros(SHAPE, np.float32)
    keys, sites = sites_in_image(fit.bent_placement, SHAPE, -20)
    kind = fit.visible[keys[:, 0]]
    places = sites + generator.normal(0, jitter, sites.shape) if jitter else sites
    spots = (*places.T, columns.amplitude[mode][kind], columns.sigma[mode][kind])
    spots = (*spots[:3], spots[3] * fit.placement.scale)
    add_spots(image, *(values.astype(np.float32) for values in spots))
    return 50 + 100 * image + generator.normal(0, noise, SHAPE)


def test_the_theoretical_image_itself_is_perfect_in_any_grey_levels(known):
    fit, theory = known
    score = score_against_theory(0.3 * theory.grey - 7, theory, fit)
    assert score.psnr > 60
    assert score.ssim > 0.999
    assert score.along_pm < 0.1
    assert score.across_pm < 0.1
    assert 0 <= normalised(theory).min() < 2
    assert normalised(theory).max() == 255


def test_noise_lowers_every_score_and_smoothing_raises_some(known):
    fit, theory = known
    clean, noisy = drawn(fit, 0.0), drawn(fit, 0.0, noise=25)
    scores = [
        score_against_theory(image, theory, fit)
        for image in (clean, gaussian_filter(noisy, 1), noisy)
    ]
    assert np.isfinite(scores[0].contrast_to_noise)
    for name in ("psnr", "ssim", "contrast_to_noise"):
        values = [getattr(score, name) for score in scores]
        assert values == sorted(values, reverse=True)


def test_spread_is_that_of_two_columns_displacements(known):
    fit, theory = known
    along, across, columns = lattice_precision(drawn(fit, 0.4), theory, fit)
    assert columns > 100
    assert along == pytest.approx(0.4 * np.sqrt(2), rel=0.2)
    assert across == pytest.approx(0.4 * np.sqrt(2), rel=0.2)


def test_drift_of_all_columns_together_is_no_imprecision(known):
    fit, theory = known
    moved = replace(theory, shift=theory.shift + 0.5)
    along, _, _ = lattice_precision(drawn(fit, 0.0), moved, fit)
    assert along < 0.1


def test_an_image_of_nothing_scores_without_a_warning(known):
    fit, theory = known
    score = score_against_theory(np.full(SHAPE, 9.0), theory, fit)
    assert score.psnr < 20
    assert np.isnan(score.contrast_to_noise)
