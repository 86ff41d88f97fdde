"""Train a method on a dataset, and keep the model: weights, history, settings."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sfin import __version__
from sfin.batches import fresh_noise
from sfin.checkpoints import own_randomness, remove_stale
from sfin.data_parallel import is_launched, launch, leads
from sfin.datasets import Pairs, load_pairs
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.image_doubts import noise_range
from sfin.networks.build import build_network, save_weights
from sfin.synthesis import FACTORS
from sfin.training import Epoch, Report, train
from sfin.training_settings import TrainingSettings


def train_method(
    pairs: Path,
    output: Path,
    origin: Mapping[str, Any],
    network_settings: Mapping[str, Any],
    training_settings: Mapping[str, Any],
    code: str,
    report: Report | None = None,
    deadline: float = math.inf,
    images: str | None = None,
) -> None:
    """Train one method on one dataset and write the model's three files.

    ``weights.safetensors``, ``history.csv`` and ``settings.json`` appear in the
    folder `output`; with the same seed each has the same bytes, so the images per
    second of each epoch are in a file of their own, ``speed.csv``. The checkpoint
    beside them is removed at the end; a later run of the same training goes on
    from it.

    Parameters
    ----------
    pairs
        A dataset as `sfin.datasets` writes it.
    output
        Folder to write to.
    origin
        ``method``, ``task``, ``dataset``, ``mode``, ``scale`` and ``seed``; kept
        with the weights. The task decides what is learnt: `sfin.datasets.Pairs.target`.
    network_settings
        As for `sfin.networks.build.build_network`.
    training_settings
        Fields of `TrainingSettings`.
    code
        Names the version of the code; another one starts anew.
    report, deadline
        As for `train`; a deadline only on one device.
    images
        Names the images of the dataset, where a training may go on that began with
        others whose last digit differs, such as those that another processor made.
        By default it is their bytes.

    Raises
    ------
    InputError
        If several devices are given a deadline.
    OutOfTime
        As `train` does.
    """
    settings = TrainingSettings.from_mapping(training_settings)
    if settings.devices > 1 and deadline < math.inf:
        raise InputError(
            "A training on several devices has no deadline: set devices 1."
        )
    if settings.devices > 1 and not is_launched():
        launch(
            settings.devices,
            train_method,
            *(pairs, output, origin, network_settings, training_settings, code, report),
        )
        return
    method, seed = str(origin["method"]), int(origin["seed"])
    data = load_pairs(pairs)
    target = data.target(origin["task"])
    metadata = {
        **origin,
        "version": __version__,
        "network": dict(network_settings),
        "training": asdict(settings),
        "noise_warnings": data.attributes.get("calibration", {}).get("warnings", []),
        "noise": noise_range(data.attributes.get("calibration", {})),
        "data": _described(data),
        "image_size": settings.crop_size or data.noisy.shape[1],
    }
    # Not one of the workflow's outputs: those are deleted when a job is killed.
    checkpoint = output / f"checkpoint-{code}.pt"
    if leads():
        remove_stale(checkpoint)
    with own_randomness(seed, torch.device("cpu")):
        network = build_network(method, network_settings)
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    content = data.noisy.tobytes() + target.tobytes()
    digest.update(images.encode() if images else content)
    held = len(target) - settings.validation_pairs
    history = train(
        network,
        data.noisy[:held],
        target[:held],
        settings,
        seed,
        checkpoint,
        digest.hexdigest(),
        (data.noisy[held:], target[held:]) if settings.validation_pairs else None,
        report,
        fresh_noise(data).first(held) if settings.fresh_noise else None,
        deadline,
    )
    if not leads():
        return
    save_weights(output / "weights.safetensors", network, metadata)
    columns = ("loss", "learning_rate", "validation_psnr")
    write_whole(output / "history.csv", _table(history, *columns))
    write_whole(output / "speed.csv", _table(history, "images_per_second"))
    text = json.dumps(metadata, indent=2, sort_keys=True) + "\n"
    write_whole(output / "settings.json", text)
    checkpoint.unlink(missing_ok=True)


def _described(data: Pairs) -> dict[str, Any]:
    """Say what is worth knowing of the images once they are gone."""
    attributes = data.attributes
    settings = attributes.get("settings", {})
    factors = {name: list(settings[name]) for name in FACTORS if name in settings}
    return {
        "pairs": len(data.noisy),
        "structures": list(attributes.get("structures", ())),
        "calibrated_on": list(attributes.get("calibration", {}).get("images", ())),
        **factors,
    }


def _table(history: Sequence[Epoch], *columns: str) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(
        table, ("epoch", *columns), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for row in history:
        values = asdict(row).items()
        shown = {name: "" if math.isnan(value) else value for name, value in values}
        writer.writerow(shown)
    return table.getvalue()
