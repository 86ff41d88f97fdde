"""Train the CycleGAN on a dataset and the user's images, and keep its translator."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sfin import __version__
from sfin.checkpoints import own_randomness, remove_stale
from sfin.cyclegan_images import PatchSource, read_recorded, simulated_values
from sfin.cyclegan_settings import GanSettings, check_sizes
from sfin.cyclegan_training import LOSSES, CycleGan, train_cycle
from sfin.datasets import load_pairs
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.networks.build import choose_device, load_network, save_weights
from sfin.networks.cyclegan import Generator
from sfin.training import Report

METHOD = "cyclegan"


def train_gan(
    pairs: Path,
    patches: Path,
    files: Sequence[Path],
    output: Path,
    settings: GanSettings,
    provenance: Mapping[str, Any],
    code: str,
    report: Report | None = None,
) -> None:
    """Train, and write the generator that makes simulated images look recorded.

    ``weights.safetensors``, ``history.csv`` and ``settings.json`` appear in the folder
    `output`; with the same seed each has the same bytes. A later run of the same
    training goes on from the checkpoint beside them, which is removed at the end.

    Parameters
    ----------
    pairs
        Dataset whose clean images are the simulated ones; nothing else of it is seen.
    patches
        Table of the calibrated patches of real HAADF images.
    files
        Of all real HAADF images.
    output
        Folder to write to.
    settings
        Of networks and training.
    provenance
        ``seed`` and ``scale``.
    code
        Names the version of the code; another one starts anew.
    report
        As for `sfin.cyclegan_training.train_cycle`.

    Raises
    ------
    InputError
        If sizes do not fit, no image is large enough, or the training diverges.
    """
    training, seed = settings.training, int(provenance["seed"])
    clean = load_pairs(pairs).clean
    check_sizes(settings, clean.shape[1])
    recorded = read_recorded(patches, files, training.patch_size)
    print(f"Recorded images: {', '.join(recorded.images)}.", flush=True)
    if recorded.left_out:
        print(f"Smaller than a patch: {', '.join(recorded.left_out)}.", flush=True)
    metadata = {
        **provenance,
        "version": __version__,
        "method": METHOD,
        "network": {"width": settings.network.width, "levels": settings.network.levels},
        "settings": asdict(settings),
        "images": list(recorded.images),
        "noise_warnings": list(recorded.warnings),
    }
    checkpoint = output / f"checkpoint-{code}.pt"
    remove_stale(checkpoint)
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    digest.update(clean.tobytes())
    for image in recorded.images.values():
        digest.update(image.tobytes())
    device = choose_device(training.device)
    with own_randomness(seed, torch.device("cpu")):
        networks = CycleGan(settings.network)
    history = train_cycle(
        networks,
        PatchSource(list(simulated_values(clean)), training, device),
        PatchSource(list(recorded.images.values()), training, device, training.stride),
        *(training, seed, checkpoint, digest.hexdigest(), report),
    )
    save_weights(output / "weights.safetensors", networks.to_real, metadata)
    table = io.StringIO()
    columns = ("step", "learning_rate", *LOSSES)
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_whole(output / "history.csv", table.getvalue())
    text = json.dumps(metadata, indent=2, sort_keys=True) + "\n"
    write_whole(output / "settings.json", text)
    checkpoint.unlink(missing_ok=True)


def load_translator(path: Path) -> tuple[Generator, dict[str, Any]]:
    """Read the generator that `train_gan` has written, and what is known about it.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another network.
    """
    network, metadata = load_network(path, build_translator)
    assert isinstance(network, Generator)
    return network, metadata


def build_translator(method: str, settings: Mapping[str, Any]) -> Generator:
    """Make an untrained generator, as `sfin.networks.build.build_network` does."""
    if method != METHOD:
        raise InputError(f"{method} does not translate images: give a {METHOD}.")
    return Generator(**settings)
