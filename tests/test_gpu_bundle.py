"""Training in pieces on a bare machine: rehearsed here, on the processor."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import sfin.models
from sfin import column_loops, pixel_loops
from sfin.calibrated_images import read_shipped
from sfin.calibration_summary import summarise_images
from sfin.parameters import MODES
from sfin.shipped_columns import read_table
from sfin.synthesis import SynthesisSettings, synthesise_dataset

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "gpu"
TINY = {
    "structures": ["Si_110"],
    "synthesis": {"number": {"train": 10, "test": 2}, "settings": {"size": 32}},
    "training": {"batch_size": 4, "threads": 1},
    "networks": {
        "sfin": {
            "network": {"channels": 4, "pairs": 1},
            "training": {"epochs": 2, "threads": 1, "batch_size": 4},
        }
    },
}


def script(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path = FOLDER) -> Any:
    monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location(f"gpu_{name}", folder / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = script(monkeypatch, "state")
    monkeypatch.setattr(module, "PART", 3 * 2**19)
    return module


def model(folder: Path, size: int, finished: bool) -> None:
    folder.mkdir(parents=True)
    content = np.random.default_rng(size).bytes(size)
    (folder / ("weights.safetensors" if finished else "checkpoint-gpu.pt")).write_bytes(
        content
    )
    if finished:
        (folder / "scores.csv").write_text("psnr,ssim\n20,0.5\n30,0.75\n")


def test_what_travels_comes_back(state: Any, tmp_path: Path) -> None:
    home, travels, out = tmp_path / "home", tmp_path / "state", tmp_path / "out"
    out.mkdir()
    model(travels / "fast" / "first", 10_000, finished=True)
    model(travels / "fast" / "second", 4_000_000, finished=False)
    assert state.pack(travels, out)["left_out"] == []
    parts = sorted(path.name for path in out.iterdir())
    assert parts == ["state.00", "state.01", "state.02", "state.json"]
    assert all((out / part).stat().st_size <= state.PART for part in parts)

    (finished,) = state.receive(out, home)
    weights = "weights.safetensors"
    expected = (travels / "fast" / "first" / weights).read_bytes()
    assert (finished / weights).read_bytes() == expected
    assert state.scores_of(finished) == "psnr 25.0000, ssim 0.6250"
    # What is finished need not travel again; it is only marked.
    first, second = home / "state" / "fast" / "first", home / "state" / "fast/second"
    assert [path.name for path in first.iterdir()] == [state.FINISHED]
    assert (second / "checkpoint-gpu.pt").stat().st_size == 4_000_000
    # A smaller state leaves no part of a larger one behind.
    state.pack(home / "state" / "fast" / "first", out)
    assert len(list(out.iterdir())) == 2


def test_what_is_too_large_is_left_out_and_named(state: Any, tmp_path: Path) -> None:
    travels, out = tmp_path / "state", tmp_path / "out"
    out.mkdir()
    model(travels / "small", 1000, finished=True)
    model(travels / "large", 6_000_000, finished=False)
    assert state.pack(travels, out)["left_out"] == ["large/checkpoint-gpu.pt"]
    assert state.receive(out, tmp_path / "home")


def test_damaged_parts_are_refused(state: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    model(tmp_path / "state" / "one", 1000, finished=True)
    state.pack(tmp_path / "state", out)
    (out / "state.00").write_bytes((out / "state.00").read_bytes()[:-1])
    with pytest.raises(SystemExit, match=r"state\.00 is damaged"):
        state.receive(out, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_numpy_stands_in_for_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = script(monkeypatch, "numba", FOLDER / "without_numba")
    rng = np.random.default_rng(0)
    image, calm, rough = rng.normal(100, 30, (3, 24, 20)).astype(np.float32)
    spots = rng.uniform(2, 18, (4, 9)).astype(np.float32)
    drawn = [image.copy(), image.copy()]
    numba.add_spots(drawn[0], *spots)
    pixel_loops.add_spots(drawn[1], *spots)
    assert not np.array_equal(drawn[0], image)
    np.testing.assert_allclose(*drawn, rtol=1e-4)
    numbers = map(np.float32, (0.1, 2.0, 80.0))
    slope, intercept, blend = numbers
    for name, arguments in {
        "sobel_magnitude": (image,),
        "blend_scan_noise": (image, calm, rough, slope, intercept, blend),
        "scale_by_level": (image, calm, slope, intercept),
    }.items():
        found, expected = (
            getattr(module, name)(*arguments) for module in (numba, pixel_loops)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    grey = image * 2 - 50
    assert np.array_equal(numba.to_bytes(grey), pixel_loops.to_bytes(grey))
    places = rng.uniform(0, 10, (60, 2))
    kept = numba.apart(places, 1.0, 5)
    assert np.array_equal(kept, column_loops.apart(places, 1.0, 5))
    assert 5 < kept.sum() < 60
    # What it has no version of runs as it is.
    assert numba.njit(cache=True)(len)("abc") == 3


def shipped_noise(mode: Any) -> Any:
    records = read_shipped(ROOT / "resources" / "calibration" / f"{mode}.json")
    return summarise_images(mode, records)


@pytest.mark.parametrize("mode", MODES)
def test_calibration_that_ships_can_be_trusted(mode: Any) -> None:
    noise = shipped_noise(mode)
    assert noise.mode == mode
    assert not noise.warnings
    assert noise.patches >= 10
    assert (noise.mean.atom_brightness > 0) == (mode == "haadf")


def test_plan_names_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    run = script(monkeypatch, "run")
    plan = yaml.safe_load((FOLDER / "plan.yaml").read_text())
    names = [run.entry_name(entry) for entry in plan["work"]]
    assert len(set(names)) == len(names)
    for entry in plan["work"]:
        if "benchmark" in entry:
            assert (ROOT / "benchmarks" / f"{entry['benchmark']}.py").is_file()
            continue
        config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
        for path in plan["recipes"][entry["recipe"]]:
            config = run.merged(config, yaml.safe_load((ROOT / path).read_text()))
        assert entry["method"] in config["networks"]
        assert config["scale"] == "paper"
        settings = config["training"] | config["networks"][entry["method"]]["training"]
        assert settings["epochs"] == (100 if entry["recipe"] == "fast" else 500)
        assert settings["checkpoint_seconds"] == 120
        assert config["synthesis"]["number"]["train"] == 1000
    assert config["networks"]["atomsegnet"]["training"]["crop_size"] is None


@pytest.fixture
def piece(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Give a function that runs one piece with so many seconds, and its state."""
    run = script(monkeypatch, "run")
    # Begin whatever the time, and make datasets without other processes.
    monkeypatch.setattr(run, "LEAST", -1e9)
    monkeypatch.setattr(run.Model, "_pairs", lambda self, split: made(split))
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    plan = {
        "recipes": {
            "fast": [
                "config/paper.yaml",
                "config/fast.yaml",
                str(tmp_path / "tiny.yaml"),
            ]
        },
        "switches": {"lean": True},
        "work": [{"recipe": "fast", "method": "sfin", "mode": "haadf"}],
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))

    def made(split: Any) -> Path:
        path = tmp_path / f"{split}.zarr"
        if not path.exists():
            config = run.merged(
                yaml.safe_load((ROOT / "config" / "config.yaml").read_text()), TINY
            )
            synthesise_dataset(
                path,
                split,
                [read_table(ROOT / "resources/structures/columns.json")["Si_110"]],
                shipped_noise("haadf"),
                TINY["synthesis"]["number"][split],  # type: ignore[index]
                SynthesisSettings.from_dict(config["synthesis"]["settings"]),
                {"seed": 1, "scale": "test"},
                scheduler="synchronous",
            )
        return path

    def work(state: Path, seconds: float) -> Any:
        minutes = (time.monotonic() - run.STARTED + run.RESERVE + seconds) / 60
        given = run.argparse.Namespace(
            plan=tmp_path / "plan.yaml", state=state, device="cpu", minutes=minutes
        )
        one = run.Piece(given)
        one.run()
        return one

    work.run = run  # type: ignore[attr-defined]
    return work


def test_pieces_end_as_one_run(piece: Any, tmp_path: Path) -> None:
    name = "fast/enhancement/sfin/haadf/sfin"
    (weights, scores) = ("weights.safetensors", "scores.csv")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert "psnr" in piece(whole, 1000).done[name]
    # Each has time for one of the four steps.
    for _ in range(3):
        assert "of 4 steps are done" in piece(parts, 0).done[name]
        assert not (parts / name / weights).exists()
    assert "psnr" in piece(parts, 1000).done[name]
    for file in (weights, scores, "history.csv"):
        assert (parts / name / file).read_bytes() == (whole / name / file).read_bytes()
    assert json.loads((parts / name / "switches.json").read_text()) == {"lean": True}
    assert not list((parts / name).glob("*.pt"))
    # Nothing is left to do.
    assert piece(parts, 1000).done == {}


def test_failure_is_told_and_the_next_entry_begins(piece: Any, tmp_path: Path) -> None:
    plan = yaml.safe_load((tmp_path / "plan.yaml").read_text())
    wrong = {"recipe": "fast", "method": "sfin", "mode": "haadf", "task": "magic"}
    plan["work"].insert(0, wrong)
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    done = piece(tmp_path / "state", 1000).done
    assert "no task 'magic'" in done["fast/magic/sfin/haadf/sfin"]
    assert "psnr" in done["fast/enhancement/sfin/haadf/sfin"]
    text = (tmp_path / "state/fast/magic/sfin/haadf/sfin/error.txt").read_text()
    assert text.startswith("Traceback")


def test_switch_that_breaks_a_training_is_left_out(
    piece: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    restarts: list[float] = []

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("cannot be recorded")

    monkeypatch.setattr(sfin.models, "train_method", broken)
    run = piece.run
    monkeypatch.setattr(run, "restart", restarts.append)
    piece(tmp_path / "state", 100)
    (seconds,) = restarts
    assert 50 < seconds < 100 + run.RESERVE + 1
    switches = tmp_path / "state/fast/enhancement/sfin/haadf/sfin/switches.json"
    assert switches.read_text() == "{}\n"


def test_a_warm_machine_goes_on_from_its_own_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = script(monkeypatch, "run")
    carried, warm = tmp_path / "carried", tmp_path / "warm"
    run.resume(carried, warm)
    assert (carried / run.COUNTER).read_text() == "1\n"
    warm.mkdir()
    (warm / run.COUNTER).write_text("1\n")
    (warm / "newer").touch()
    run.resume(carried, warm)
    assert not (carried / "newer").exists()
    (warm / run.COUNTER).write_text("3\n")
    run.resume(carried, warm)
    assert (carried / "newer").exists()
    assert (carried / run.COUNTER).read_text() == "4\n"


def test_missing_packages_are_named(tmp_path: Path) -> None:
    # Without its site-packages this Python is as bare as one can be.
    code = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import pathlib, run; "
    code += f"run.provide(pathlib.Path({str(tmp_path)!r}))"
    command = [sys.executable, "-I", "-S", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 1
    assert "This machine lacks zarr" in found.stderr
    assert "make gpu-bundle" in found.stderr


def test_networks_benchmark_chooses_switches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    networks = script(monkeypatch, "networks", ROOT / "benchmarks")
    found = {
        "plain": {"ms": 9.0, "loss": 10.0},
        "tf32": {"ms": 5.0, "loss": 10.1},
        "bfloat16 lean": {"ms": 3.0, "loss": 9.9},
        "bfloat16 cuda_graph": {"ms": 1.0, "loss": 20.0},
        "bfloat16 compile": {"error": "none"},
        "bfloat16 lean compile": {"ms": 1.0, "loss": float("nan")},
    }
    chosen = networks.choose(found, 10.0)
    assert chosen == {"tf32": {}, "bfloat16": {"lean": True}}


def test_networks_benchmark_ends_with_its_figures() -> None:
    command = [sys.executable, ROOT / "benchmarks" / "networks.py"]
    output = subprocess.run(
        [*command, "--quick", "--device", "cpu", "--only", "sfin:plain", "sfin:tf32"],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
    ).stdout
    figures = json.loads(output.splitlines()[-1])
    assert set(figures["steps"]["sfin"]) == {"plain", "tf32"}
    assert figures["switches"] == {"sfin": {"tf32": {}}}
    assert figures["ratio"] > 0
    assert figures["floors"]["sfin"]["core_ms"] > 0
