"""Train the CycleGAN of Khan et al. (2023) on images that are not paired.

On a CPU the same seed, images, settings and number of threads make the same weights,
also when the training was interrupted and went on from its checkpoint.
"""

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.allocation import keep_freed_memory
from sfin.checkpoints import (
    Progress,
    Stateful,
    fast_matrices,
    fixed_threads,
    load_checkpoint,
    own_randomness,
    save_checkpoint,
    step_generator,
)
from sfin.cyclegan_images import PatchSource
from sfin.cyclegan_settings import CycleSettings, NetworkSettings
from sfin.errors import InputError
from sfin.networks.build import choose_device
from sfin.networks.cyclegan import Discriminator, Generator
from sfin.training import REPORT_SECONDS, Report

# Rows of the history of a training; those of a short one are its steps.
ROWS = 100
JUDGES = ("real_image", "real_spectrum", "simulated_image", "simulated_spectrum")
# What the history says of each step; `generators` is the sum that is made small.
LOSSES = (
    "generators",
    "adversarial_to_real",
    "adversarial_to_simulated",
    "cycle",
    "identity_real",
    "identity_simulated",
    *(f"discriminator_{name}" for name in JUDGES),
)
# Adam's smallest divisor in Keras; PyTorch's is a tenth of it.
EPSILON = 1e-7


class CycleGan(nn.Module):
    """Both generators and the four discriminators; weights by torch's generator."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.to_real = Generator(settings.width, settings.levels)
        self.to_simulated = Generator(settings.width, settings.levels)
        self.judges = nn.ModuleDict(
            {
                name: Discriminator(
                    settings.discriminator_width, fourier=name.endswith("spectrum")
                )
                for name in JUDGES
            }
        )


def train_cycle(
    networks: CycleGan,
    simulated: PatchSource,
    recorded: PatchSource,
    settings: CycleSettings,
    seed: int,
    checkpoint: Path,
    fingerprint: str,
    report: Report | None = None,
) -> list[dict[str, float]]:
    """Train the networks in place.

    Parameters
    ----------
    networks
        On the device of the sources.
    simulated, recorded
        Patches of both kinds; the former get Gaussian noise here.
    seed
        Of patches, noise and dropout.
    checkpoint
        File from which an interrupted training goes on; the caller removes it.
    fingerprint
        Names networks and images; a checkpoint of others is not used.
    report
        Takes the steps done, the steps in all, and a few words.

    Returns
    -------
    list of dict
        ``step``, ``learning_rate`` and the mean of each of `LOSSES` over the steps
        since the row before.

    Raises
    ------
    InputError
        If the training diverges.
    """
    keep_freed_memory()
    device = choose_device(settings.device)
    with (
        fixed_threads(settings.threads),
        own_randomness(seed, device),
        fast_matrices(settings.precision != "float32"),
    ):
        training = _Training(networks.to(device), settings, device)
        training.sources = simulated, recorded
        training.seed, training.checkpoint = seed, checkpoint
        training.fingerprint = f"{fingerprint} {seed} {settings}"
        return training.run(report or (lambda *_: None))


class _Sums:
    """Sums of the losses since the last row of the history."""

    def __init__(self, device: torch.device) -> None:
        self.values = torch.zeros(len(LOSSES), device=device)

    def state_dict(self) -> dict[str, Any]:
        return {"values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.values.copy_(state_dict["values"])


class _Training:
    """A training between two steps."""

    sources: tuple[PatchSource, PatchSource]
    seed: int
    checkpoint: Path
    fingerprint: str

    def __init__(
        self, networks: CycleGan, settings: CycleSettings, device: torch.device
    ) -> None:
        self.networks, self.settings = networks.train(), settings
        generators = (networks.to_real, networks.to_simulated)
        # Adam does not mind that both generators' losses are one sum: neither depends
        # on the other generator but through the cycle, which is in both.
        self.generators = self._adam(
            [*generators[0].parameters(), *generators[1].parameters()]
        )
        self.discriminators = self._adam([*networks.judges.parameters()])
        self.sums = _Sums(device)
        self.parts: dict[str, Stateful] = {
            "networks": networks,
            "generators": self.generators,
            "discriminators": self.discriminators,
            "sums": self.sums,
        }

    def _adam(self, weights: list[nn.Parameter]) -> torch.optim.Adam:
        return torch.optim.Adam(
            weights, betas=self.settings.betas, eps=EPSILON, fused=True
        )

    def run(self, report: Report) -> list[dict[str, float]]:
        """Do all steps that are left."""
        total = self.settings.steps
        progress = self._resume(total, report)
        rows = [-(-total * row // ROWS) for row in range(ROWS + 1)]
        reported = saved = time.monotonic()
        for step in range(progress.step, total):
            self.sums.values += self._step(step)
            progress.step = step + 1
            if progress.step in rows:
                before = max(row for row in rows if row <= step)
                progress.history.append(self._row(progress.step, before))
                self.sums.values.zero_()
            if time.monotonic() - reported > REPORT_SECONDS and progress.history:
                reported = time.monotonic()
                report(progress.step, total, _words(progress.history[-1]))
            if time.monotonic() - saved >= self.settings.checkpoint_seconds:
                self._save(progress)
                saved = time.monotonic()
        report(total, total, _words(progress.history[-1]))
        self.networks.eval()
        return progress.history

    def _resume(self, total: int, report: Report) -> Progress:
        if not self.checkpoint.exists():
            return Progress(0, 0.0, [])
        found = load_checkpoint(self.checkpoint, self.fingerprint, self.parts)
        if found:
            report(found.step, total, f"goes on after step {found.step}")
            return found
        report(0, total, "starts anew: the checkpoint is of another training")
        return Progress(0, 0.0, [])

    def _step(self, step: int) -> Tensor:
        generator = step_generator(self.seed, step)
        simulated, recorded = (source.batch(generator) for source in self.sources)
        noise = torch.randn(simulated.shape, generator=generator)
        simulated = simulated + self.settings.noise * noise.to(simulated.device)
        for optimiser in (self.generators, self.discriminators):
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = self.settings.rate(step)
        self.networks.judges.requires_grad_(False)
        losses, fakes = self._generate(simulated, recorded)
        losses[0].backward()  # type: ignore[no-untyped-call]
        self.networks.judges.requires_grad_(True)
        judged = self._judge(simulated, recorded, *(fake.detach() for fake in fakes))
        torch.stack(judged).sum().backward()  # type: ignore[no-untyped-call]
        self.generators.step()
        self.discriminators.step()
        return torch.stack([*losses, *judged]).detach()

    def _generate(
        self, simulated: Tensor, recorded: Tensor
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        networks, settings = self.networks, self.settings
        # Every image is normalised on its own, so two batches may go as one.
        to_real = networks.to_real(torch.cat([simulated, recorded]))
        to_simulated = networks.to_simulated(torch.cat([recorded, simulated]))
        fake_real, same_real = to_real.chunk(2)
        fake_simulated, same_simulated = to_simulated.chunk(2)
        cycle = (
            functional.l1_loss(networks.to_simulated(fake_real), simulated)
            + functional.l1_loss(networks.to_real(fake_simulated), recorded)
        ) / 2
        adversarial = [
            (1 - settings.fourier_share) * self._deceive(f"{kind}_image", fake)
            + settings.fourier_share * self._deceive(f"{kind}_spectrum", fake)
            for kind, fake in (("real", fake_real), ("simulated", fake_simulated))
        ]
        identity = [
            functional.mse_loss(same_real, recorded),
            functional.mse_loss(same_simulated, simulated),
        ]
        weights = 1 + settings.cycle_weight + settings.identity_weight
        total = (
            sum(adversarial, start=torch.zeros((), device=cycle.device))
            + settings.cycle_weight * cycle
            + settings.identity_weight * (identity[0] + identity[1])
        ) / weights
        return [total, *adversarial, cycle, *identity], (fake_real, fake_simulated)

    def _deceive(self, name: str, fake: Tensor) -> Tensor:
        judged = self.networks.judges[name](fake)
        return functional.mse_loss(judged, torch.ones_like(judged))

    def _judge(
        self,
        simulated: Tensor,
        recorded: Tensor,
        fake_real: Tensor,
        fake_simulated: Tensor,
    ) -> list[Tensor]:
        pairs = {
            "real": torch.cat([recorded, fake_real]),
            "simulated": torch.cat([simulated, fake_simulated]),
        }
        losses = []
        for name in JUDGES:
            genuine, made = self.networks.judges[name](pairs[name.split("_")[0]]).chunk(
                2
            )
            losses.append(
                functional.mse_loss(genuine, torch.ones_like(genuine)) / 2
                + functional.mse_loss(made, torch.zeros_like(made)) / 2
            )
        return losses

    def _row(self, step: int, before: int) -> dict[str, float]:
        means = (self.sums.values / (step - before)).tolist()
        self._check(means, step)
        rate = self.settings.rate(step - 1)
        return {"step": step, "learning_rate": rate} | dict(
            zip(LOSSES, means, strict=True)
        )

    def _check(self, values: list[float], step: int) -> None:
        if not all(map(math.isfinite, values)):
            raise InputError(
                f"The training of the GAN diverged before step {step}: lower "
                f"gan.training.learning_rate from {self.settings.learning_rate:g}."
            )

    def _save(self, progress: Progress) -> None:
        # A checkpoint of diverged networks would only diverge again.
        self._check(self.sums.values.tolist(), progress.step)
        save_checkpoint(self.checkpoint, self.fingerprint, self.parts, progress)


def _words(row: dict[str, float]) -> str:
    return (
        f"adversarial {row['adversarial_to_real']:.2f}, cycle {row['cycle']:.3f}, "
        f"identity {row['identity_real']:.3f}"
    )
