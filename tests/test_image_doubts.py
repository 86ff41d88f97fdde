from dataclasses import replace

import numpy as np
import pytest
from samples import noise, perovskite, spread_noise

from sfin.arrangements import crystal
from sfin.image_doubts import doubts_sentence, find_doubts, noise_range
from sfin.images import Image, to_grey_levels
from sfin.labels import contrast
from sfin.noise import NoiseSettings, add_noise

TRAINED = noise_range(spread_noise().to_dict())


def doubts(*given):
    return doubts_sentence(find_doubts(*given))


@pytest.fixture
def atoms(generator):
    columns, _ = crystal(perovskite(), "haadf", 256, 0.12, 1.0, generator)
    return contrast(columns, 256)


def recorded(atoms, generator, **changes):
    image = add_noise(atoms, noise(**changes), NoiseSettings(), generator)
    return np.clip(to_grey_levels(image)[0], 0, 255)


def test_image_like_those_of_the_training_is_not_doubted(atoms, generator):
    grey = recorded(atoms, generator)
    # As the image was stretched, so was its noise.
    wide = {
        "minimum": TRAINED["minimum"],
        "maximum": TRAINED["maximum"] | {"pointwise_intercept": 30.0},
    }
    assert doubts(grey, "haadf", wide) == ""
    assert doubts(grey, "haadf", None) == ""


def test_other_noise_is_told(atoms, generator):
    quiet = spread_noise().to_dict()
    for name in ("minimum", "maximum"):
        for key in ("pointwise_intercept", "pointwise_slope", "scan_intercept"):
            quiet[name][key] /= 20
    text = doubts(recorded(atoms, generator), "haadf", noise_range(quiet))
    assert text.startswith(" Doubts about this image: its noise, ")
    assert "calibrate with images like this one" in text


def test_noise_alone_is_told_and_nothing_else(atoms, generator):
    grey = recorded(np.zeros_like(atoms), generator)
    text = doubts(grey, "haadf", TRAINED)
    assert "more than noise makes" in text
    assert ";" not in text


def test_turned_scan_is_told(atoms, generator):
    noisy = replace(noise(), scan_intercept=15.0)
    image = add_noise(atoms, noisy, NoiseSettings(), generator)
    grey = np.clip(to_grey_levels(image)[0], 0, 255)
    assert "fast scan" not in doubts(grey, "haadf", None)
    assert "rotate the image by 90°" in doubts(grey.T.copy(), "haadf", None)


def test_small_image_is_only_asked_for_atoms(atoms, generator):
    assert doubts(recorded(atoms, generator)[:100, :100], "haadf", TRAINED) == ""


def test_file_that_names_the_other_mode_is_told_first(atoms, generator):
    grey = recorded(np.zeros_like(atoms), generator)
    image = Image(grey, None, "scan", {"title": "Sample_ABF $x$"})
    other, empty = find_doubts(grey, "haadf", TRAINED, image)
    # Captions would draw what stands between dollars as a formula.
    assert other == "taken as haadf, although the file says 'Sample_ABF x'"
    assert "more than noise makes" in empty
    assert find_doubts(grey, "bf", TRAINED, image) == (empty,)


def test_range_that_nobody_wrote_down_is_none():
    assert noise_range({"warnings": []}) is None
