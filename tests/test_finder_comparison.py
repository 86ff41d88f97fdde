from dataclasses import replace

import numpy as np
import pytest
from samples import noise, perovskite, spread_noise

from sfin.arrangements import ARRANGEMENTS
from sfin.errors import InputError
from sfin.finder_comparison import (
    ComparisonSettings,
    TrialImages,
    classical_finders,
    compare_finders,
    stored_pairs,
)
from sfin.parameters import NOISE_NAMES, PARAMETER_NAMES
from sfin.stress_pairs import (
    StressSettings,
    fixed_noise,
    harder_noise,
    nearest_spacing,
    stress_pairs,
)
from sfin.synthesis import SynthesisSettings, synthesise_dataset

SETTINGS = SynthesisSettings.from_dict(
    {
        "size": 96,
        "clean_scale": "normalised",
        "correlated": False,
        "noise_factor": (1, 1),
        "brightness_factor": (1, 1),
        "detection_sigma": 1.0,
        "detection_threshold": 0.05,
        "superresolution_narrowing": 0.5,
        "arrangement": {"shares": dict.fromkeys(ARRANGEMENTS, 1.0)},
        "noise": {},
    }
)
STRESS = StressSettings()


def draw(factor=2.5, mode="haadf", number=2, split="test", seed=3):
    distribution = fixed_noise(mode, noise(mode), "Table 2")
    structures = [perovskite()]
    return stress_pairs(
        structures, distribution, factor, number, SETTINGS, STRESS, seed, split
    )


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_stress_pairs_are_faint_noisy_and_spaced(mode):
    spacing = nearest_spacing(perovskite(), mode)
    assert spacing == pytest.approx(3.905 / (np.sqrt(2) if mode == "haadf" else 2))
    sign = 1 if mode == "haadf" else -1
    for pair in draw(mode=mode, number=5):
        assert 50 <= sign * pair.drawn["atom_brightness"] <= 90
        assert 11 <= spacing / pair.drawn["pixel_size"] <= 16
        for name in NOISE_NAMES:
            assert pair.drawn[name] == pytest.approx(2.5 * getattr(noise(mode), name))
        assert pair.drawn["pointwise_shape"] == noise(mode).pointwise_shape
        assert pair.drawn["pixel_size"] > 0


def test_all_levels_show_the_same_atoms_and_splits_do_not():
    quiet, loud, again = draw(0.5), draw(2.5), draw(2.5)
    for first, second, third in zip(quiet, loud, again, strict=True):
        np.testing.assert_array_equal(first.atoms["x"], second.atoms["x"])
        np.testing.assert_array_equal(second.noisy, third.noisy)
        off = [pair.noisy.astype(float) - pair.noiseless for pair in (first, second)]
        assert off[1].std() > 3 * off[0].std()
    other = draw(split="train")[0]
    assert not np.array_equal(other.atoms["x"][:5], loud[0].atoms["x"][:5])


def test_harder_noise_scales_draws_and_keeps_the_rest():
    usual = spread_noise("bf")
    harder = harder_noise(usual, 2.0)
    draws = [
        d.draw(np.random.default_rng(4), correlated)
        for d in (usual, harder)
        for correlated in (False, True)
    ]
    for first, second in zip(draws[:2], draws[2:], strict=True):
        for name in PARAMETER_NAMES:
            factor = 2.0 if name in NOISE_NAMES else 1.0
            value = factor * getattr(first, name)
            assert getattr(second, name) == pytest.approx(value)
    with pytest.raises(InputError, match="multiplied"):
        harder_noise(usual, 0.0)


def test_faint_atoms_stay_in_their_range_with_correlations_too():
    faint = harder_noise(spread_noise("bf"), 1.0, (50, 90))
    generator = np.random.default_rng(0)
    drawn = [faint.draw(generator, True).atom_brightness for _ in range(50)]
    assert min(drawn) >= -90
    assert max(drawn) <= -50
    assert np.std(drawn) > 5


def perfect(pairs, shift=0.0):
    """Make a finder that knows the answers, with an error of its own."""
    answers = {p.noisy.astype(np.float32).tobytes(): p.atoms for p in pairs}

    def find(image):
        atoms = answers[image.tobytes()]
        return atoms["x"] + shift, atoms["y"]

    return find


def test_table_has_a_row_per_finder_and_tells_them_apart():
    pairs = draw(1.0)
    finders = {
        "perfect": perfect(pairs),
        "shifted": perfect(pairs, 0.5),
        "blind": lambda image: (np.zeros(0), np.zeros(0)),
    }
    test = TrialImages("Table 2", 1.0, "haadf", pairs)
    scores, timing = compare_finders(
        finders, test, SETTINGS.noise, ComparisonSettings()
    )
    table = scores.set_index("finder")
    assert list(table["f1"]) == [1, 1, 0]
    assert table.loc["perfect", "rms_px"] == 0
    assert table.loc["shifted", "rms_px"] == pytest.approx(0.5)
    assert table.loc["shifted", "bias_x_px"] == pytest.approx(0.5)
    sizes = [100 * pair.drawn["pixel_size"] for pair in pairs]
    assert 0.5 * min(sizes) <= table.loc["shifted", "rms_pm"] <= 0.5 * max(sizes)
    # The same atoms were found: the same bound; and whoever sees less has a larger.
    assert table.loc["perfect", "bound_px"] == table.loc["shifted", "bound_px"]
    assert (
        table.loc["perfect", "bound_px"]
        < table.loc["perfect", "least_squares_bound_px"]
    )
    assert np.isnan(table.loc["blind", ["rms_px", "bound_px"]].to_numpy(float)).all()
    assert (timing["cpu_seconds"] >= 0).all()
    assert list(scores["noise"].unique()) == ["Table 2"]


def test_bound_grows_with_the_noise():
    bounds = []
    for factor in (0.5, 1.5):
        pairs = draw(factor, number=1)
        test = TrialImages("Table 2", factor, "haadf", pairs)
        scores, _ = compare_finders(
            {"perfect": perfect(pairs)}, test, SETTINGS.noise, ComparisonSettings()
        )
        bounds.append(scores["least_squares_bound_px"][0])
    assert bounds[1] > 1.5 * bounds[0]


def test_classical_finders_are_tuned_on_training_pairs():
    candidates = {"laplacian": {"noise_threshold": [1000.0, 3.0]}}
    settings = replace(ComparisonSettings(), candidates=candidates)
    training = draw(0.5, "bf", split="train")
    finders, values = classical_finders(["laplacian"], "bf", training, settings)
    assert values == {"laplacian": {"noise_threshold": 3.0}}
    test = TrialImages("Table 2", 0.5, "bf", draw(0.5, "bf"))
    scores, _ = compare_finders(finders, test, SETTINGS.noise, settings)
    assert scores["f1"][0] > 0.9


def test_pairs_of_a_dataset_are_as_they_were_drawn(tmp_path):
    synthesise_dataset(
        tmp_path / "test.zarr",
        "test",
        [perovskite()],
        spread_noise(),
        3,
        SETTINGS,
        {"scale": "test", "seed": 5},
        scheduler="threads",
    )
    pairs = stored_pairs(tmp_path / "test.zarr", 2)
    assert len(pairs) == 2
    test = TrialImages("calibrated", 1.0, "haadf", pairs)
    scores, _ = compare_finders(
        {"perfect": perfect(pairs)}, test, SETTINGS.noise, ComparisonSettings()
    )
    assert scores["f1"][0] == 1
    assert 0 < scores["bound_px"][0] < 3
