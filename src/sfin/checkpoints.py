"""What a training needs to be repeatable and to go on after an interruption."""

import io
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sfin.files import write_whole


class Stateful(Protocol):
    """Has a state that can be written and restored: a network, an optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Give the state."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Restore the state."""


class OutOfTime(Exception):
    """A training has reached its deadline; its checkpoint is written."""


@dataclass
class Progress:
    """How far a training has come.

    Attributes
    ----------
    step
        Steps done.
    loss
        Sum of the losses of the epoch that has begun.
    history
        Rows of the epochs that are finished.
    """

    step: int
    loss: float
    history: list[dict[str, Any]]


def remove_stale(checkpoint: Path) -> None:
    """Remove what lies beside a checkpoint for ever: that of other code, and halves.

    A half is what a training that was killed while it wrote has left.
    """
    for stale in checkpoint.parent.glob("checkpoint-*.pt*"):
        if stale != checkpoint:
            stale.unlink(missing_ok=True)


@contextmanager
def fixed_threads(number: int) -> Iterator[None]:
    """Compute with a fixed number of threads.

    The order of a sum, and so its last digit, depends on their number.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def fast_matrices(allowed: bool) -> Iterator[None]:
    """Let a GPU multiply with ten bits of mantissa (TF32), or forbid it.

    Fourier transforms are not touched by it.
    """
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators for a while, and restore them.

    The first weights and dropout are drawn from them.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def step_generator(seed: int, *place: int) -> torch.Generator:
    """Make the generator of a step, whatever was drawn before it.

    So a training that goes on in the middle of an epoch needs no state of any
    generator. Torch's global generators, which dropout draws from, are seeded too.

    Parameters
    ----------
    seed
        Of the training.
    place
        Tells this step from all others.
    """
    key = np.random.SeedSequence(seed, spawn_key=place)
    number = int(key.generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.manual_seed(number)
    return torch.Generator().manual_seed(number)


def save_checkpoint(
    path: Path, fingerprint: str, parts: Mapping[str, Stateful], progress: Progress
) -> None:
    """Write the whole state of a training after a step.

    Parameters
    ----------
    parts
        Network, optimiser and what else has a state, by name.
    """
    state = {
        "fingerprint": fingerprint,
        "progress": vars(progress),
        "parts": {name: part.state_dict() for name, part in parts.items()},
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(
    path: Path, fingerprint: str, parts: Mapping[str, Stateful]
) -> Progress | None:
    """Restore the state of a training.

    Returns
    -------
    Progress
        How far it had come; None, with nothing restored, if the file is damaged
        or of a training with another fingerprint or network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        progress = Progress(**state["progress"])
        saved = state["parts"]
        same = all(
            _shapes(saved[name]) == _shapes(part.state_dict())
            for name, part in parts.items()
            if isinstance(part, nn.Module)
        )
        if state["fingerprint"] != fingerprint or not same:
            return None
    except (EOFError, KeyError, OSError, RuntimeError, pickle.UnpicklingError):
        return None
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return progress


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in weights.items()}
