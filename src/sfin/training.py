"""Train a network on pairs of noisy and clean images (paper, section 4.1).

On a CPU the same seed, data, settings and number of threads make the same
weights, byte for byte, also when the training was interrupted and went on from
its checkpoint. A GPU sums in no fixed order, so there the last digits differ.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sfin.checkpoints import (
    fixed_threads,
    load_checkpoint,
    own_randomness,
    save_checkpoint,
)
from sfin.errors import InputError
from sfin.inference import enhance
from sfin.metrics import psnr, quantise
from sfin.networks.build import choose_device
from sfin.training_settings import TrainingSettings, learning_rate

# Steps done, steps in all, and how it goes: what `sfin.logs.Progress` takes.
Report = Callable[[int, int, str], None]
Images = NDArray[np.uint8]

# The held-out pairs are looked at this often in a training, and at its end.
VALIDATIONS = 20
REPORT_SECONDS = 2.0


@dataclass(frozen=True)
class Epoch:
    """One row of the history; losses and PSNR for grey levels 0–255.

    `validation_psnr` (dB) is not a number in epochs that were not validated.
    """

    epoch: int
    loss: float
    learning_rate: float
    images_per_second: float
    validation_psnr: float


def train(
    network: nn.Module,
    noisy: Images,
    target: Images,
    settings: TrainingSettings,
    seed: int,
    checkpoint: Path,
    fingerprint: str,
    validation: tuple[Images, Images] | None = None,
    report: Report | None = None,
) -> list[Epoch]:
    """Train a network in place; the weights after the last epoch are the result.

    Parameters
    ----------
    network
        Maps grey levels (n, 1, rows, columns) to the same.
    noisy, target
        Grey levels, uint8 (n, rows, columns): what goes in and what should come
        out. They stay on the device as they are.
    seed
        Of the order of the pairs, the crops, the flips, and dropout.
    checkpoint
        File from which an interrupted training goes on; the caller removes it
        when the weights are written.
    fingerprint
        Names the network and the images. A checkpoint with another fingerprint,
        seed or other settings is not used: the training starts anew and says so.
    validation
        Noisy and target images that are not among those trained on.
    report
        Takes the steps done, the steps in all, and a few words, every few seconds.

    Returns
    -------
    list of Epoch
        All epochs, also those before an interruption.

    Raises
    ------
    InputError
        If there are fewer pairs than a batch, images smaller than a crop, or if
        the training diverges.
    """
    count, *shape = noisy.shape
    steps = count // settings.batch_size
    if steps == 0 or min(shape) < (settings.crop_size or 1):
        raise InputError(
            f"{count} training pairs of {shape[0]} × {shape[1]} pixels do not fill a "
            f"batch of {settings.batch_size} with crops of {settings.crop_size}: make "
            "more or larger pairs, or lower batch_size or crop_size."
        )
    report = report or (lambda done, total, detail: None)
    fingerprint = f"{fingerprint} {seed} {settings}"
    total_steps = settings.epochs * steps
    device = choose_device(settings.device)
    network.to(device)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, betas=settings.betas
    )
    images = torch.tensor(noisy, device=device), torch.tensor(target, device=device)
    generator = torch.Generator().manual_seed(seed)
    history: list[Epoch] = []
    reported = saved = time.monotonic()
    with fixed_threads(settings.threads), own_randomness(seed, device):
        if checkpoint.exists():
            rows = load_checkpoint(
                checkpoint, fingerprint, network, optimiser, generator
            )
            history = [Epoch(**row) for row in rows or []]
            report(
                len(history) * steps,
                total_steps,
                f"goes on after epoch {len(history)}"
                if history
                else "starts anew: the checkpoint is of another training, or damaged",
            )
        for epoch in range(len(history), settings.epochs):
            started = time.monotonic()
            network.train()
            total = torch.zeros((), device=device)
            order = torch.randperm(count, generator=generator).to(device)
            for step in range(steps):
                chosen = order[step * settings.batch_size :][: settings.batch_size]
                inputs, wanted = _batch(images, chosen, settings, generator)
                rate = learning_rate(settings, epoch * steps + step, steps)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                with torch.autocast(
                    device.type, torch.bfloat16, settings.precision == "bfloat16"
                ):
                    output = network(inputs)
                loss = functional.l1_loss(output, wanted)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += loss.detach()
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    report(
                        epoch * steps + step + 1,
                        total_steps,
                        f"epoch {epoch + 1}, loss {loss.item():.2f} grey levels",
                    )
            mean = total.item() / steps
            if not math.isfinite(mean):
                raise InputError(
                    f"The training diverged in epoch {epoch + 1} (loss {mean}): lower "
                    f"learning_rate from {settings.learning_rate:g} or use float32."
                )
            speed = steps * settings.batch_size / (time.monotonic() - started)
            quality = math.nan
            if validation and _is_validated(epoch, settings.epochs):
                quality = _validate(network, *validation, settings)
            history.append(Epoch(epoch + 1, mean, rate, speed, quality))
            if time.monotonic() - saved >= settings.checkpoint_seconds:
                rows = [asdict(row) for row in history]
                save_checkpoint(
                    checkpoint, fingerprint, network, optimiser, generator, rows
                )
                saved = time.monotonic()
    report(total_steps, total_steps, f"loss {history[-1].loss:.2f} grey levels")
    network.eval()
    return history


def _batch(
    images: Sequence[Tensor],
    chosen: Tensor,
    settings: TrainingSettings,
    generator: torch.Generator,
) -> list[Tensor]:
    # The same crop and flip for the noisy and the target image of a pair, as the
    # pixel numbers to read along rows and columns: (batch, crop) each.
    positions = []
    for size in images[0].shape[1:]:
        crop = settings.crop_size or size
        start = torch.randint(size - crop + 1, (len(chosen), 1), generator=generator)
        position = start + torch.arange(crop)
        if settings.flips:
            flipped = torch.rand((len(chosen), 1), generator=generator) < 0.5
            position = torch.where(flipped, position.flip(1), position)
        positions.append(position.to(chosen.device))
    rows, columns = positions
    # (n, rows, columns) -> (batch, crop, crop) -> (batch, 1, crop, crop)
    index = chosen[:, None, None], rows[:, :, None], columns[:, None, :]
    return [image[index][:, None].float() for image in images]


def _is_validated(epoch: int, epochs: int) -> bool:
    return (epoch + 1) % max(epochs // VALIDATIONS, 1) == 0 or epoch + 1 == epochs


def _validate(
    network: nn.Module, noisy: Images, target: Images, settings: TrainingSettings
) -> float:
    # In tiles of the size that is trained on, as images are enhanced later.
    tile = settings.crop_size or min(noisy.shape[1:])
    values = [
        psnr(quantise(enhance(network, image, tile, device=settings.device)), wanted)
        for image, wanted in zip(noisy, target, strict=True)
    ]
    return float(np.mean(values))
