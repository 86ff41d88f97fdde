"""From a method's name to its network, and weights to and from files."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from sfin.errors import InputError
from sfin.files import write_whole
from sfin.networks.registry import NETWORKS

# One entry of the header holds everything: the format does not promise an order
# among several, and the same weights must make the same bytes.
HEADER = "sfin"
# In the metadata of a file, and there alone: of its weights.
CHECKSUM = "sha256"


def build_network(method: str, settings: Mapping[str, Any]) -> nn.Module:
    """Make the untrained network of a method.

    Parameters
    ----------
    method
        A name in `sfin.networks.registry.NETWORKS`, such as ``sfin``.
    settings
        Its own: ``channels``, ``pairs`` and ``input_scale`` for the SFIN family,
        ``width`` for ``atomsegnet`` and ``fcn``. What is left out is as in the
        publications.

    Returns
    -------
    nn.Module
        Maps grey levels 0–255, float32 (n, 1, rows, columns), to the same. Its
        weights are drawn from torch's global generator.

    Raises
    ------
    InputError
        If the method is unknown or takes no such setting.
    """
    if method not in NETWORKS:
        raise InputError(
            f"There is no network {method}: choose one of {', '.join(NETWORKS)}."
        )
    network = NETWORKS[method]
    try:
        return network.make(**settings)
    except TypeError as error:
        raise InputError(
            f"The settings {dict(settings)} do not make a network {method}: give "
            f"{network.settings}."
        ) from error


def choose_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu`` or ``cuda`` into a device; ``auto`` prefers CUDA.

    Raises
    ------
    InputError
        If the name is another one, or ``cuda`` is asked for and absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"There is no device {name}: choose auto, cpu or cuda.")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("Device cuda was asked for and is absent: choose auto or cpu.")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def save_weights(path: Path, network: nn.Module, metadata: Mapping[str, Any]) -> None:
    """Write a network's weights and what is known about them to one file.

    The same weights and metadata make the same bytes; the file appears whole or
    not at all.

    Parameters
    ----------
    path
        A ``.safetensors`` file.
    network
        Made by `build_network`.
    metadata
        JSON values; ``method`` and ``network`` (its settings) are what
        `load_network` builds from, so they must be there.
    """
    missing = {"method", "network"} - metadata.keys()
    if missing:
        raise InputError(
            f"The metadata for {path} lack {', '.join(sorted(missing))}: give them, "
            "or the file could not be read back."
        )
    weights = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    sealed = {**metadata, CHECKSUM: checksum(weights)}
    header = {HEADER: json.dumps(sealed, sort_keys=True)}
    write_whole(path, safetensors.torch.save(weights, metadata=header))


def checksum(weights: Mapping[str, torch.Tensor]) -> str:
    """Give the SHA-256 of weights, by name, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {tuple(weights[name].shape)}".encode())
        digest.update(weights[name].numpy().tobytes())
    return digest.hexdigest()


def load_network(
    path: Path, build: Callable[[str, Mapping[str, Any]], nn.Module] = build_network
) -> tuple[nn.Module, dict[str, Any]]:
    """Read a network written by `save_weights`.

    Parameters
    ----------
    path
        A ``.safetensors`` file.
    build
        Makes the untrained network of a method with its settings.

    Returns
    -------
    nn.Module
        The network on the CPU, in evaluation mode.
    dict
        The metadata.

    Raises
    ------
    InputError
        If the file is missing, damaged, or not weights of this project.
    """
    if not path.is_file():
        raise InputError(f"There are no weights at {path}: train a network first.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no intact safetensors file: fetch or train it again."
        ) from error
    try:
        metadata = json.loads(header[HEADER])
        expected = metadata.pop(CHECKSUM)
        network = build(metadata["method"], metadata["network"])
        network.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} holds weights of another architecture than this version of sfin "
            "builds: use weights written by it."
        ) from error
    if checksum(weights) != expected:
        raise InputError(
            f"{path} holds other weights than were written to it: fetch or train it "
            "again."
        )
    return network.eval(), metadata
