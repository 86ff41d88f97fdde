from types import SimpleNamespace

import numpy as np
import pytest
from samples import ROOT, perovskite, spread_noise, synthesis_settings

from sfin import finder_trials
from sfin.finder_trials import caption, try_finders
from sfin.optional_methods import installed
from sfin.positions import AtomPositions
from sfin.synthesis import synthesise_dataset

FINDERS = {
    "methods": ["laplacian"],
    "tuning_pairs": 1,
    "test_pairs": 2,
    "candidates": {"laplacian": {"scale": [0.8]}},
    "stress": {
        "noise_factors": [1],
        "atom_brightness": [50, 90],
        "spacing": [11, 16],
        "shares": {"periodic": 1.0},
    },
}
DETECTION = {
    "dots": {"minimum_amplitude": 0.1, "minimum_distance": 4},
    "threshold": 0.5,
    "match": {"radius": 0.6, "frame": 3},
}
SYNTHESIS = {
    "size": 96,
    "correlated": False,
    "noise_factor": (1, 1),
    "brightness_factor": (1, 1),
    "clean_scale": "normalised",
    "detection_sigma": 1.0,
    "detection_threshold": 0.05,
    "superresolution_narrowing": 0.5,
    "arrangement": {"shares": {"periodic": 1.0}},
    "noise": {},
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make a dataset and a structure, and a network that finds nothing."""
    for split in ("train", "test"):
        synthesise_dataset(
            tmp_path / f"{split}.zarr",
            split,
            [perovskite()],
            spread_noise(),
            2,
            synthesis_settings(96),
            {"scale": "test", "seed": 5},
            scheduler="threads",
        )
    perovskite().write(tmp_path / "perovskite.zarr")
    blind = AtomPositions(*np.zeros((4, 0)))
    monkeypatch.setattr(finder_trials, "open_detector", lambda *_: lambda image: blind)
    return SimpleNamespace(
        train=tmp_path / "train.zarr",
        test=tmp_path / "test.zarr",
        structures=[tmp_path / "perovskite.zarr"],
        weights="",
        confidence="",
        paper_values=ROOT / "resources/paper_values.csv",
    )


@pytest.mark.parametrize("level", ["own", "0.5"])
def test_everyone_sees_the_same_images(files, level):
    sections = {"finders": FINDERS, "detection": DETECTION, "synthesis": SYNTHESIS}
    scores, timing = try_finders("haadf", level, files, **sections, seed=5)
    assert scores["finder"].tolist() == ["laplacian", "sfin"]
    atoms = scores["matched"] + scores["missed"]
    assert atoms.nunique() == 1
    assert scores["f1"][0] > 0.5
    assert scores["recall"][1] == 0
    assert (scores["factor"] == (1 if level == "own" else 0.5)).all()
    assert (timing["cpu_seconds"] >= 0).all()


def test_caption_names_who_is_left_out():
    finders = FINDERS | {"methods": ["laplacian", "atomap"]}
    text = caption(finders, DETECTION, "test", 5)
    assert "50–90 grey levels" in text
    assert ("atomap is left out" in text) != installed("atomap")
