"""What a run shows whose networks come with sfin."""

import json
from pathlib import Path

import pytest

from sfin.errors import InputError
from sfin.shipped_weights import shipped_epochs, shipped_methods, shipped_scale

METHODS = ["noisy", "fcn", "sfin"]
NETWORKS = ["fcn", "sfin", "atomsegnet"]
BOTH = ["sfin/haadf", "sfin/bf"]


def ship(root: Path, data: str, method: str, scale: str, epochs: int) -> None:
    folder = root / "enhancement" / data / method
    folder.mkdir(parents=True)
    settings = {"scale": scale, "training": {"epochs": epochs}}
    (folder / "settings.json").write_text(json.dumps(settings))


def test_networks_that_ship_for_all_data_are_kept(tmp_path: Path) -> None:
    ship(tmp_path, "sfin/haadf", "sfin", "hour", 36)
    ship(tmp_path, "sfin/haadf", "fcn", "paper", 500)
    ship(tmp_path, "sfin/bf", "sfin", "hour", 40)
    task = "enhancement"
    kept = shipped_methods(tmp_path, task, BOTH, METHODS, NETWORKS)
    assert kept == ["noisy", "sfin"]
    alone = shipped_methods(tmp_path, task, BOTH[:1], METHODS, NETWORKS)
    assert alone == METHODS
    assert shipped_methods(tmp_path, "detection", BOTH, METHODS, NETWORKS) == ["noisy"]
    assert shipped_scale(tmp_path) == "hour and paper"
    assert shipped_epochs(tmp_path, task, BOTH, NETWORKS) == {"sfin": "36/40"}


def test_run_on_networks_that_do_not_ship_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="set weights to trained"):
        shipped_scale(tmp_path)
