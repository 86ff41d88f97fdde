"""A network that ships says what it is, and is found where sfin is installed."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sfin.model_card import card_text, write_model_card
from sfin.model_files import SHIPPED, choose_weights, find_models
from sfin.networks.build import build_network, load_network, save_weights
from sfin.parameters import MODES

ROOT = Path(__file__).parents[1]
METADATA = {
    "method": "fcn",
    "task": "detection",
    "dataset": "sfin",
    "mode": "bf",
    "scale": "hour",
    "seed": 7,
    "version": "1",
    "image_size": 96,
    "network": {"width": 4},
    "noise_warnings": ["filtered images"],
    "training": {"epochs": 3, "batch_size": 8, "fresh_noise": True},
    "data": {
        "pairs": 40,
        "structures": ["Si_110"],
        "calibrated_on": ["frame"],
        "noise_factor": [0.5, 2.0],
    },
}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    network = build_network("fcn", METADATA["network"])
    save_weights(folder / "weights.safetensors", network, METADATA)
    (folder / "settings.json").write_text(json.dumps(METADATA))
    (folder / "history.csv").write_text("epoch,loss\n1,2\n")
    scores = {"psnr": [20.0, 30.0], "ssim": [0.5, 0.75]}
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
    found = {
        "matched": [8, 10],
        "missed": [2, 0],
        "invented": [0, 2],
        "squared_error_pm": [800.0, 1000.0],
    }
    pd.DataFrame(found).to_csv(folder / "localisation.csv", index=False)
    return folder


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    path = ROOT / "benchmarks" / "gpu" / "ship.py"
    spec = importlib.util.spec_from_file_location("gpu_ship", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "weights")
    return module


def test_shipped_model_is_found_and_its_card_counts(
    trained: Path, ship: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = ship.ship(trained)
    assert home == tmp_path / "weights" / "detection" / "sfin" / "bf" / "fcn"
    monkeypatch.setattr("sfin.model_files.SHIPPED", tmp_path / "weights")
    monkeypatch.chdir(tmp_path)
    weights = choose_weights("detection", "bf")
    assert weights.parent == home
    load_network(weights)
    card = (home / "card.md").read_text(encoding="utf-8")
    # 18 of 20 atoms found, two invented; 1800 pm² over 18 atoms.
    for text in ("F1 | 0.9000", "10.0 pm", "25.00 dB", "0.5 to 2", "hour", "filtered"):
        assert text in card


def test_unfinished_model_does_not_ship(trained: Path, ship: Any) -> None:
    (trained / "scores.csv").unlink()
    with pytest.raises(SystemExit, match=r"no scores\.csv"):
        ship.ship(trained)


def test_card_without_scores_claims_none(trained: Path) -> None:
    (trained / "localisation.csv").unlink()
    write_model_card(trained)
    assert "## Scores" not in (trained / "card.md").read_text(encoding="utf-8")


def test_models_that_ship_are_intact_and_their_cards_are_theirs() -> None:
    shipped = [m for m in find_models() if m.path.is_relative_to(SHIPPED)]
    assert {model.name for model in shipped} >= {
        f"{task}/sfin/{mode}/sfin"
        for task in ("detection", "enhancement")
        for mode in MODES
    }
    for model in shipped:
        _, known = load_network(model.path)
        place = "/".join(known[key] for key in ("task", "dataset", "mode", "method"))
        assert model.name == place
        assert model.score is not None
        kept = (model.path.parent / "card.md").read_text(encoding="utf-8")
        assert card_text(model.path.parent) == kept
