"""What a training needs to be repeatable and to go on after an interruption."""

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sfin.files import write_whole


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
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators for a while, and restore them.

    The first weights and dropout are drawn from them.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def save_checkpoint(
    path: Path,
    fingerprint: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    history: Sequence[dict[str, Any]],
) -> None:
    """Write the whole state of a training after an epoch."""
    state = {
        "fingerprint": fingerprint,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "generator": generator.get_state(),
        "global_generator": torch.get_rng_state(),
        "cuda_generator": torch.cuda.get_rng_state() if _on_cuda(network) else None,
        "history": list(history),
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(
    path: Path,
    fingerprint: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
) -> list[dict[str, Any]] | None:
    """Restore the state of a training.

    Returns
    -------
    list of dict
        The history so far; None, with nothing restored, if the file is damaged
        or of a training with another fingerprint or network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        history: list[dict[str, Any]] = state["history"]
        same_network = _shapes(state["network"]) == _shapes(network.state_dict())
        if state["fingerprint"] != fingerprint or not same_network:
            return None
    except (EOFError, KeyError, OSError, RuntimeError, pickle.UnpicklingError):
        return None
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["global_generator"])
    if state["cuda_generator"] is not None and _on_cuda(network):
        torch.cuda.set_rng_state(state["cuda_generator"])
    return history


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in weights.items()}


def _on_cuda(network: nn.Module) -> bool:
    return next(network.parameters()).is_cuda
