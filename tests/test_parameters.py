import numpy as np
import pytest
from samples import noise, spread_noise

from sfin.errors import InputError
from sfin.parameters import (
    PARAMETER_NAMES,
    NoiseParameters,
    distrust,
    read_distribution,
    summarise,
    write_distribution,
)


def test_summary_is_mean_and_variance_over_all_patches():
    patches = {"a": [noise(scan_slope=0.1), noise(scan_slope=0.3)], "b": [noise()]}
    summary = summarise("haadf", patches)
    assert summary.mean.scan_slope == pytest.approx(np.mean([0.1, 0.3, 0.1]))
    assert summary.variance.scan_slope == pytest.approx(np.var([0.1, 0.3, 0.1], ddof=1))
    assert summary.variance.atom_brightness == 0
    assert (summary.minimum.scan_slope, summary.maximum.scan_slope) == (0.1, 0.3)
    assert (summary.patches, summary.images) == (3, ("a", "b"))


def test_one_patch_has_no_variance(generator):
    summary = summarise("bf", {"a": [noise("bf")]})
    assert summary.draw(generator) == noise("bf")


def test_no_patch_is_refused():
    with pytest.raises(InputError, match="resources/real_images/bf"):
        summarise("bf", {"a": []})


def test_distribution_round_trip(tmp_path):
    write_distribution(tmp_path / "bf.json", spread_noise("bf"))
    assert read_distribution(tmp_path / "bf.json") == spread_noise("bf")


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_draws_follow_the_distribution_and_stay_in_its_range(mode, generator):
    distribution = spread_noise(mode)
    draws = [vars(distribution.draw(generator)) for _ in range(2000)]
    for name in PARAMETER_NAMES:
        values = np.array([draw[name] for draw in draws])
        low, high = (
            getattr(bound, name)
            for bound in (distribution.minimum, distribution.maximum)
        )
        assert low <= values.min() < values.max() <= high
        spread = np.sqrt(getattr(distribution.variance, name))
        assert values.mean() == pytest.approx(
            getattr(distribution.mean, name), abs=spread / 10
        )
        # Two deviations on either side: the spread of a normal distribution that
        # is cut there is 0.88 of the whole one's, and nothing piles up.
        assert values.std() == pytest.approx(0.88 * spread, rel=0.05)
        assert (values == low).sum() + (values == high).sum() <= 1


def test_same_seed_draws_the_same():
    first, second = (spread_noise().draw(np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert first != spread_noise().draw(np.random.default_rng(4))
    assert isinstance(first, NoiseParameters)


def test_correlated_draws_vary_together(generator):
    patches = [
        noise(scan_slope=0.1 + step / 100, scan_intercept=5 - step)
        for step in np.linspace(-1, 1, 20)
    ]
    summary = summarise("haadf", {"a": patches})
    assert np.array(summary.covariance).shape == (7, 7)
    together, apart = (
        np.array(
            [
                (draw.scan_slope, draw.scan_intercept)
                for draw in (summary.draw(generator, how) for _ in range(300))
            ]
        )
        for how in (True, False)
    )
    assert np.corrcoef(together.T)[0, 1] < -0.9
    assert abs(np.corrcoef(apart.T)[0, 1]) < 0.2


def test_doubt_is_said_only_where_there_is_some():
    assert distrust("bf", ()) == ""
    assert distrust("bf", ["other noise (a)"]) == " BF rests on other noise (a)."
