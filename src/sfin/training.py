"""Train a network on pairs of noisy and clean images (paper, section 4.1).

On a CPU the same seed, data, settings and number of threads make the same
weights, byte for byte, also when the training was interrupted and went on from
its checkpoint. A GPU sums in no fixed order, so there the last digits differ.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfin.allocation import keep_freed_memory
from sfin.batches import FreshNoise, PairSource
from sfin.checkpoints import (
    OutOfTime,
    Progress,
    Stateful,
    fast_matrices,
    fixed_threads,
    load_checkpoint,
    own_randomness,
    save_checkpoint,
    step_generator,
)
from sfin.data_parallel import Group, joined_group
from sfin.errors import InputError
from sfin.inference import enhance
from sfin.metrics import psnr, quantise
from sfin.networks.build import choose_device
from sfin.training_settings import TrainingSettings, learning_rate
from sfin.training_step import TrainingStep
from sfin.weight_average import WeightAverage

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
    fresh: FreshNoise | None = None,
    deadline: float = math.inf,
) -> list[Epoch]:
    """Train a network in place; the weights after the last step are the result.

    Processes that torchrun has started train together, see `sfin.data_parallel`.

    Parameters
    ----------
    network
        Maps grey levels (n, 1, rows, columns) to the same.
    noisy, target
        Grey levels, uint8 (n, rows, columns): what goes in and what should come
        out. They stay on the device as they are.
    seed
        Of the order of the pairs, the crops, the flips, fresh noise and dropout.
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
    fresh
        What noise is drawn anew from, if the settings want that.
    deadline
        Reading of `time.monotonic` at which to write a checkpoint and stop.

    Returns
    -------
    list of Epoch
        All epochs, also those before an interruption.

    Raises
    ------
    InputError
        If there are fewer pairs than a batch, images smaller than a crop, or if
        the training diverges.
    OutOfTime
        If the deadline comes before the last step is done.
    """
    count, *shape = noisy.shape
    steps = count // settings.batch_size
    if steps == 0 or min(shape) < (settings.crop_size or 1):
        raise InputError(
            f"{count} training pairs of {shape[0]} × {shape[1]} pixels do not fill a "
            f"batch of {settings.batch_size} with crops of {settings.crop_size}: make "
            "more or larger pairs, or lower batch_size or crop_size."
        )
    keep_freed_memory()
    with joined_group() as group, fixed_threads(settings.threads):
        device = group.device(choose_device(settings.device))
        with (
            own_randomness(seed, device),
            fast_matrices(settings.precision != "float32"),
        ):
            training = _Training(network, settings, steps, seed, device, group)
            training.source = PairSource(
                noisy, target, settings, device, fresh if settings.fresh_noise else None
            )
            training.validation = validation
            training.report = report if report and group.leads else lambda *_: None
            training.checkpoint, training.deadline = checkpoint, deadline
            training.fingerprint = f"{fingerprint} {seed} {settings}"
            return training.run(count)


class _Training:
    """A training between two steps."""

    source: PairSource
    validation: tuple[Images, Images] | None
    report: Report
    checkpoint: Path
    deadline: float
    fingerprint: str

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        steps: int,
        seed: int,
        device: torch.device,
        group: Group,
    ) -> None:
        self.settings, self.steps, self.seed = settings, steps, seed
        self.device, self.group = device, group
        layout = torch.channels_last if settings.channels_last else None
        # The annotations of torch leave out that a layout may be given alone.
        self.network = network.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.averaged: WeightAverage | None = None
        if settings.ema_decay:
            self.averaged = WeightAverage(network, settings.ema_decay)
        self.step = TrainingStep(network, settings, device, group)
        optimiser = self.step.optimiser
        parts: dict[str, Stateful] = {"network": network, "optimiser": optimiser}
        self.parts = parts | ({"averaged": self.averaged} if self.averaged else {})

    def run(self, count: int) -> list[Epoch]:
        """Do all steps that are left, with `count` pairs."""
        total_steps = self.settings.epochs * self.steps
        progress = self._resume(total_steps)
        loss = torch.tensor(progress.loss, device=self.device)
        reported = saved = started = time.monotonic()
        first = progress.step
        for step in range(progress.step, total_steps):
            epoch, place = divmod(step, self.steps)
            if place == 0:
                loss, started, first = torch.zeros_like(loss), time.monotonic(), step
            loss += self._step(count, epoch, place)
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                text = f"epoch {epoch + 1}, loss {loss.item() / (place + 1):.2f}"
                self.report(step + 1, total_steps, f"{text} grey levels")
            if place + 1 == self.steps:
                done = (step + 1 - first) * self.settings.batch_size
                speed = done / (time.monotonic() - started)
                row = self._finish_epoch(epoch, loss, speed)
                progress.history.append(asdict(row))
            late = time.monotonic() >= self.deadline and step + 1 < total_steps
            if late or time.monotonic() - saved >= self.settings.checkpoint_seconds:
                progress.step, progress.loss = step + 1, loss.item()
                self._save(progress)
                saved = time.monotonic()
            if late:
                raise OutOfTime(f"{step + 1} of {total_steps} steps are done")
        if self.averaged:
            self.network.load_state_dict(self.averaged.state_dict())
        history = [Epoch(**row) for row in progress.history]
        self.report(
            total_steps, total_steps, f"loss {history[-1].loss:.2f} grey levels"
        )
        self.network.eval()
        return history

    def _resume(self, total_steps: int) -> Progress:
        fresh = Progress(0, 0.0, [])
        if not self.checkpoint.exists():
            return fresh
        found = load_checkpoint(self.checkpoint, self.fingerprint, self.parts)
        self.group.wait()
        if found:
            epoch, place = divmod(found.step, self.steps)
            text = f"goes on after epoch {epoch}" + (f", step {place}" if place else "")
            self.report(found.step, total_steps, text)
            return found
        text = "starts anew: the checkpoint is of another training, or damaged"
        self.report(0, total_steps, text)
        return fresh

    def _step(self, count: int, epoch: int, place: int) -> Tensor:
        size = self.settings.batch_size
        order = torch.randperm(count, generator=step_generator(self.seed, epoch))
        chosen = self.group.part(order[place * size :][:size])
        generator = step_generator(self.seed, epoch, place, self.group.rank)
        inputs, wanted = self.source.batch(chosen, generator)
        done = epoch * self.steps + place
        loss = self.step(inputs, wanted, self._rate(done))
        if self.averaged:
            self.averaged.update(done)
        return loss

    def _rate(self, done: int) -> float:
        return learning_rate(self.settings, done, self.steps)

    def _finish_epoch(self, epoch: int, loss: Tensor, speed: float) -> Epoch:
        mean = self.group.mean(loss / self.steps).item()
        self._check(mean, epoch)
        quality = math.nan
        if self.validation and _is_validated(epoch, self.settings.epochs):
            network = self.averaged.network if self.averaged else self.network
            quality = _validate(network, *self.validation, self.settings)
        rate = self._rate((epoch + 1) * self.steps - 1)
        return Epoch(epoch + 1, mean, rate, speed, quality)

    def _check(self, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"The training diverged in epoch {epoch + 1} (loss {loss}): lower "
                f"learning_rate from {self.settings.learning_rate:g} or use float32."
            )

    def _save(self, progress: Progress) -> None:
        # A checkpoint of a diverged network would only diverge again.
        self._check(progress.loss, (progress.step - 1) // self.steps)
        if self.group.leads:
            save_checkpoint(self.checkpoint, self.fingerprint, self.parts, progress)


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
