"""How to train: the settings, and the learning rate that follows from them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sfin.errors import InputError

Schedule = Literal["multi_step", "one_cycle"]
Precision = Literal["float32", "tf32", "bfloat16"]

# Share of a one-cycle training in which the learning rate rises to its peak.
WARM_UP = 0.1


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. The loss is the mean absolute difference (L1), always.

    Attributes
    ----------
    epochs
        Passes over the training pairs.
    batch_size
        Pairs per step; those left over at the end of an epoch are dropped.
    crop_size
        Side in pixels of the square cut at random from each pair, None for the
        whole image.
    learning_rate
        Adam's step: at the start (``multi_step``) or at the peak (``one_cycle``).
    schedule
        ``multi_step`` multiplies the learning rate by `decay` after each of
        `milestones`; ``one_cycle`` raises it to its peak in the first tenth of
        all steps and lowers it to zero along a cosine.
    milestones, decay
        Finished epochs, and the factor; unused by ``one_cycle``.
    betas
        Adam's two memories.
    flips
        Whether pairs are mirrored at random, along rows and along columns.
        There are no rotations: they would turn the fast scan direction.
    fresh_noise
        Whether each pair gets new noise, of the parameters it was made with, every
        time it is seen. Only for data made from calibrated noise.
    ema_decay
        Memory of the exponential moving average of the weights, which is then the
        result; 0 for the last weights. It starts short and grows to this.
    precision
        Of convolutions: ``tf32`` has 10 bits of mantissa where the GPU knows it,
        ``bfloat16`` 8 bits. Fourier transforms and sums stay in float32.
    channels_last, compile, lean, cuda_graph
        Memory layout, `torch.compile`, SFIN's blocks with fewer and larger operations
        (`sfin.networks.sfin.make_lean`), and steps that a GPU records and repeats: of
        no effect on the result but for rounding; ``benchmarks/networks.py`` says where
        they pay.
    validation_pairs
        Pairs taken from the end of the training set for the learning curve.
    checkpoint_seconds
        Seconds of work that an interruption may cost.
    threads
        CPU threads; part of what fixes the bytes of the weights.
    device
        ``auto``, ``cpu`` or ``cuda``.
    devices
        GPUs of the node that share each batch, each with a process of its own.
    """

    epochs: int
    batch_size: int
    crop_size: int | None
    learning_rate: float
    schedule: Schedule
    milestones: tuple[int, ...] = ()
    decay: float = 0.5
    betas: tuple[float, float] = (0.9, 0.999)
    flips: bool = False
    fresh_noise: bool = False
    ema_decay: float = 0.0
    precision: Precision = "float32"
    channels_last: bool = False
    compile: bool = False
    lean: bool = False
    cuda_graph: bool = False
    validation_pairs: int = 0
    checkpoint_seconds: float = 60.0
    threads: int = 1
    device: str = "auto"
    devices: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot be followed."""
        for name in ("epochs", "batch_size", "learning_rate", "threads", "devices"):
            if getattr(self, name) <= 0:
                raise InputError(f"Training needs {name} above zero: raise it.")
        if self.cuda_graph and self.devices > 1:
            raise InputError(
                "Steps of several GPUs cannot be recorded: set cuda_graph to false, or "
                "devices to 1."
            )
        for name, kind in (("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in get_args(kind):
                raise InputError(
                    f"There is no training {name} {getattr(self, name)}: choose "
                    f"{' or '.join(get_args(kind))}."
                )

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "TrainingSettings":
        """Read a section of the configuration, whose lists become tuples."""
        unknown = settings.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise InputError(
                f"Training has no setting {', '.join(sorted(unknown))}: remove it."
            )
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in settings.items()
        }
        return cls(**values)


def learning_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """Learning rate of a step, counted from 0, with `steps` steps per epoch."""
    if settings.schedule == "multi_step":
        passed = sum(step // steps >= epoch for epoch in settings.milestones)
        return settings.learning_rate * settings.decay**passed
    progress = (step + 1) / (settings.epochs * steps + 1)
    if progress < WARM_UP:
        return settings.learning_rate * progress / WARM_UP
    fall = (progress - WARM_UP) / (1 - WARM_UP)
    return settings.learning_rate * (1 + math.cos(math.pi * fall)) / 2


def budget(epochs: Mapping[str, int | str]) -> str:
    """Say how long networks were trained that a table compares.

    Parameters
    ----------
    epochs
        By method.
    """
    parts = ", ".join(f"{method} {number}" for method, number in epochs.items())
    return f" Epochs of training: {parts}." if parts else ""
