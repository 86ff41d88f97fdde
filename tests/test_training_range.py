from dataclasses import replace

import pytest
from samples import noise, spread_noise

from sfin.image_doubts import noise_range
from sfin.parameters import multiply_noise
from sfin.training_range import (
    noise_deviation,
    range_sentence,
    trained_noise,
    trained_range,
)


def metadata(mode="haadf", **factors):
    """Metadata of weights, with factors as the training writes them."""
    return {"noise": noise_range(spread_noise(mode).to_dict()), "data": factors}


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_calibrated_noise_is_inside(mode):
    trained = trained_noise(
        metadata(mode, noise_factor=[1, 1], brightness_factor=[1, 1])
    )
    text = range_sentence(noise(mode), trained)
    assert "lies inside" in text
    assert f"{noise_deviation(noise(mode)):.1f} grey levels" in text
    assert "do not say" not in text


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_other_noise_is_outside_unless_the_training_was_wider(factor):
    measured = multiply_noise(noise(), factor)
    narrow = trained_noise(metadata())
    wide = trained_noise(
        metadata(noise_factor=[0.25, 3.2], brightness_factor=[0.4, 1.0])
    )
    assert "OUTSIDE" in range_sentence(measured, narrow)
    assert "lies inside" in range_sentence(measured, wide)


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_fainter_atoms_are_outside_unless_the_training_had_them(mode):
    faint = replace(noise(mode), atom_brightness=0.4 * noise(mode).atom_brightness)
    assert "OUTSIDE" in range_sentence(faint, trained_noise(metadata(mode)))
    trained = trained_noise(metadata(mode, brightness_factor=[0.35, 1.0]))
    assert "lies inside" in range_sentence(faint, trained)


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_range_holds_all_that_synthesis_draws(mode, generator):
    factors = {"noise_factor": (0.3, 2.2), "brightness_factor": (0.35, 1.0)}
    ranges = trained_range(trained_noise(metadata(mode, **factors))).parameters
    for _ in range(50):
        drawn = spread_noise(mode).draw(generator)
        drawn = multiply_noise(drawn, generator.uniform(0.3, 2.2))
        lost = (1 - generator.uniform(0.35, 1)) * drawn.atom_brightness
        drawn = replace(
            drawn,
            atom_brightness=drawn.atom_brightness - lost,
            background_brightness=drawn.background_brightness
            + generator.uniform() * lost,
        )
        for name, (low, high) in ranges.items():
            assert low - 1e-9 <= getattr(drawn, name) <= high + 1e-9, name


def test_what_nobody_wrote_down_is_said():
    old = range_sentence(noise(), trained_noise(metadata()))
    assert "lies inside" in old
    assert "do not say by what factors" in old
    assert "do not say what noise" in range_sentence(noise(), trained_noise({}))
    assert "cannot be measured" in range_sentence(None, trained_noise(metadata()))


def test_image_that_was_calibrated_is_inside_by_construction():
    trained = trained_noise(metadata(calibrated_on=["first", "second"]))
    assert "by construction" in range_sentence(noise(), trained, "second")
    assert "by construction" not in range_sentence(noise(), trained, "third")
    assert "by construction" not in range_sentence(noise(), trained)
    other = multiply_noise(noise(), 5)
    assert "by construction" not in range_sentence(other, trained, "second")
    assert "by construction" not in range_sentence(noise(), None, "second")
