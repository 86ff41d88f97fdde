"""Training: it learns, it repeats, and it goes on where it stopped."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import sfin.models
import sfin.training
from sfin.checkpoints import remove_stale
from sfin.datasets import Pairs
from sfin.errors import InputError
from sfin.metrics import psnr
from sfin.models import train_method
from sfin.networks.build import build_network, load_network
from sfin.training import Epoch, train
from sfin.training_settings import TrainingSettings, learning_rate

SETTINGS = TrainingSettings(
    epochs=4,
    batch_size=2,
    crop_size=12,
    learning_rate=5e-3,
    schedule="one_cycle",
    flips=True,
    checkpoint_seconds=0,
    device="cpu",
)
TINY = {"channels": 4, "pairs": 1, "input_scale": 255.0}


def pairs(count: int = 5) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:16, :16]
    phase = rng.uniform(0, 2 * np.pi, (2, count, 1, 1))
    clean = 120 + 60 * np.sin(row / 2 + phase[0]) + 60 * np.sin(column / 2 + phase[1])
    noisy = clean / 2 + 40 + rng.normal(0, 15, clean.shape)
    return noisy.clip(0, 255).astype(np.uint8), clean.clip(0, 255).astype(np.uint8)


def network(method: str = "sfin") -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_network(method, TINY if method == "sfin" else {"width": 2})


def weights(trained: nn.Module) -> bytes:
    return b"".join(
        tensor.numpy().tobytes() for tensor in trained.state_dict().values()
    )


def run(
    checkpoint: Path,
    trained: nn.Module,
    settings: TrainingSettings = SETTINGS,
    **other: Any,
) -> list[Epoch]:
    arguments = {"seed": 7, "checkpoint": checkpoint, "fingerprint": "this", **other}
    return train(trained, *pairs(), settings, **arguments)


def test_loss_falls(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=12, crop_size=None)
    history = run(tmp_path / "checkpoint", network(), settings)
    assert history[-1].loss < 0.6 * history[0].loss
    assert [row.epoch for row in history] == list(range(1, 13))


@pytest.mark.parametrize("method", ["sfin", "fcn"])
def test_same_seed_same_bytes(method: str, tmp_path: Path) -> None:
    # The FCN drops features at random: its own draws must repeat too, whatever
    # was drawn from torch's global generator before.
    trained = [network(method) for _ in range(3)]
    for seed, one in zip((7, 7, 8), trained, strict=True):
        torch.rand(seed)
        run(tmp_path / str(len(list(tmp_path.iterdir()))), one, seed=seed)
    first, same, other = map(weights, trained)
    assert first == same
    assert first != other


def test_global_generator_and_threads_are_left_alone(tmp_path: Path) -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(tmp_path / "checkpoint", network("fcn"), replace(SETTINGS, epochs=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), before)


class Stopped(Exception):
    pass


@pytest.mark.parametrize(("method", "decay"), [("sfin", 0.9), ("fcn", 0.0)])
def test_interrupted_training_ends_alike(
    method: str, decay: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, ema_decay=decay)
    whole = network(method)
    complete = run(tmp_path / "whole", whole, settings)

    # Killed in the middle of the third epoch.
    calls = 0
    step = sfin.training._Training._step

    def stopping(*arguments: Any) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise Stopped
        return step(*arguments)

    monkeypatch.setattr(sfin.training._Training, "_step", stopping)
    with pytest.raises(Stopped):
        run(tmp_path / "part", network(method), settings)
    assert calls == 6

    resumed = network(method)
    said: list[str] = []
    history = run(
        tmp_path / "part",
        resumed,
        settings,
        report=lambda done, total, text: said.append(text),
    )
    assert calls == 6 + 3  # of the eight steps, five were done
    assert said[0] == "goes on after epoch 2, step 1"
    assert weights(resumed) == weights(whole)
    assert [row.loss for row in history] == [row.loss for row in complete]


@pytest.mark.parametrize(
    "damage", ["fingerprint", "network", "seed", "settings", "bytes"]
)
def test_foreign_or_damaged_checkpoint_is_not_used(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    run(
        path,
        network("fcn" if damage == "network" else "sfin"),
        replace(SETTINGS, epochs=6) if damage == "settings" else SETTINGS,
        seed=1 if damage == "seed" else 7,
        fingerprint="other" if damage == "fingerprint" else "this",
    )
    if damage == "bytes":
        path.write_bytes(path.read_bytes()[:1000])
    said: list[str] = []
    anew, expected = network(), network()
    run(path, anew, report=lambda done, total, text: said.append(text))
    run(tmp_path / "none", expected)
    assert said[0].startswith("starts anew")
    assert weights(anew) == weights(expected)


def test_no_checkpoint_before_its_time(tmp_path: Path) -> None:
    run(tmp_path / "checkpoint", network(), replace(SETTINGS, checkpoint_seconds=60))
    assert not list(tmp_path.iterdir())


def test_milestones_halve_after_their_epoch() -> None:
    settings = replace(
        SETTINGS, schedule="multi_step", milestones=(2, 3), learning_rate=1.0, epochs=5
    )
    rates = [learning_rate(settings, step, 10) for step in range(50)]
    assert rates == [1.0] * 20 + [0.5] * 10 + [0.25] * 20


def test_one_cycle_rises_and_falls() -> None:
    settings = replace(SETTINGS, epochs=10, learning_rate=1.0)
    rates = np.array([learning_rate(settings, step, 20) for step in range(200)])
    peak = int(rates.argmax())
    assert 15 < peak < 25
    assert rates.max() == pytest.approx(1.0, abs=0.01)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert 0 < rates.min() == rates[-1] < 0.01


class Recording(nn.Module):
    """Keeps what it was given, and learns nothing of use."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(image.detach().clone())
        return image * self.gain


def test_each_epoch_sees_each_pair_once_and_drops_the_rest(tmp_path: Path) -> None:
    # Five images of one grey level each, batches of two: four seen per epoch.
    images = np.repeat(np.arange(5, dtype=np.uint8), 256).reshape(5, 16, 16)
    recording = Recording()
    train(recording, images, images, SETTINGS, 0, tmp_path / "none", "this")
    levels = torch.stack([batch[:, 0, 0, 0] for batch in recording.seen])
    epochs = levels.reshape(SETTINGS.epochs, 4)
    assert all(len(epoch.unique()) == 4 for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) > 1
    assert recording.seen[0].shape == (2, 1, 12, 12)


def test_crops_and_flips_are_the_same_for_both_images(tmp_path: Path) -> None:
    # Input = target: a network that hands its input on has no loss, unless the
    # two were cut differently.
    images = np.arange(4 * 256).reshape(4, 16, 16).astype(np.uint8)
    recording = Recording()
    history = train(recording, images, images, SETTINGS, 0, tmp_path / "none", "this")
    assert history[0].loss == 0
    crops = torch.cat(recording.seen)[:, 0]
    # Values rise along rows unless flipped: both kinds must occur.
    assert {bool(crop[0, 1] > crop[0, 0]) for crop in crops} == {True, False}
    assert {bool(crop[1, 0] > crop[0, 0]) for crop in crops} == {True, False}


def test_validation_is_on_the_given_pairs(tmp_path: Path) -> None:
    noisy, clean = pairs()
    settings = replace(SETTINGS, learning_rate=1e-12)
    history = train(
        Recording(),
        noisy,
        clean,
        settings,
        0,
        tmp_path / "none",
        "this",
        (noisy[:2], clean[:2]),
    )
    expected = np.mean([psnr(noisy[i], clean[i]) for i in range(2)])
    # Grey levels are truncated after a gain that is 1 but for the last digit.
    assert history[-1].validation_psnr == pytest.approx(float(expected), abs=0.3)


def test_divergence_stops_the_training(tmp_path: Path) -> None:
    broken = Recording()
    with torch.no_grad():
        broken.gain.fill_(math.nan)
    with pytest.raises(InputError, match="lower learning_rate"):
        run(tmp_path / "checkpoint", broken)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"batch_size": 6}, {"crop_size": 17}])
def test_too_few_or_too_small_pairs(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5 training pairs of 16 × 16"):
        run(tmp_path / "checkpoint", network(), replace(SETTINGS, **change))


def test_settings_are_checked() -> None:
    section = {
        "epochs": 500,
        "batch_size": 8,
        "crop_size": None,
        "learning_rate": 2e-4,
        "schedule": "multi_step",
        "milestones": [250, 400, 450, 475],
    }
    assert TrainingSettings.from_mapping(section).milestones == (250, 400, 450, 475)
    with pytest.raises(InputError, match="no setting momentum"):
        TrainingSettings.from_mapping({**section, "momentum": 0.9})
    with pytest.raises(InputError, match="multi_step or one_cycle"):
        TrainingSettings.from_mapping({**section, "schedule": "cosine"})
    with pytest.raises(InputError, match="epochs above zero"):
        TrainingSettings.from_mapping({**section, "epochs": 0})


@pytest.mark.parametrize("task", ["enhancement", "detection"])
def test_train_method_writes_the_model(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy, clean = pairs()
    data = Pairs(noisy, clean, clean, 255 - clean, clean, {}, {})
    monkeypatch.setattr(sfin.models, "load_pairs", lambda path: data)
    targets = []

    def recording(*arguments: Any) -> list[Epoch]:
        targets.append(arguments[2])
        return train(*arguments)

    monkeypatch.setattr(sfin.models, "train", recording)
    settings = replace(SETTINGS, epochs=2, validation_pairs=1)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        train_method(
            tmp_path / "train.zarr",
            folder,
            {"method": "sfin", "task": task, "seed": 3, "scale": "test"},
            TINY,
            asdict(settings),
            "code",
        )
    names = {"weights.safetensors", "history.csv", "settings.json", "speed.csv"}
    assert {file.name for file in folders[0].iterdir()} == names
    # How fast it went is no result.
    for name in names - {"speed.csv"}:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    trained, metadata = load_network(folders[0] / "weights.safetensors")
    assert metadata == json.loads((folders[0] / "settings.json").read_text())
    assert metadata["task"] == task
    assert metadata["training"]["epochs"] == 2
    assert metadata["scale"] == "test"
    assert metadata["image_size"] == 12
    table = (folders[0] / "history.csv").read_text().splitlines()
    assert table[0] == "epoch,loss,learning_rate,validation_psnr"
    assert len(table) == 3
    # The last pair is held out.
    wanted = data.detection if task == "detection" else data.clean
    assert np.array_equal(targets[0], wanted[:4])
    assert trained(torch.tensor(noisy).float()[:, None]).isfinite().all()


def test_halves_and_checkpoints_of_other_code_are_removed(tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint-new.pt"
    names = ["checkpoint-new.pt", "checkpoint-old.pt", "checkpoint-new.pt.12.partial"]
    for name in [*names, "history.csv"]:
        (tmp_path / name).touch()
    remove_stale(kept)
    assert {path.name for path in tmp_path.iterdir()} == {kept.name, "history.csv"}
