"""From a method's name to its network, and weights to and from files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from sfin.errors import InputError
from sfin.files import write_whole
from sfin.networks.atomsegnet import AtomSegNet
from sfin.networks.fcn import FCN
from sfin.networks.sfin import SFIN

# One entry of the header holds everything: the format does not promise an order
# among several, and the same weights must make the same bytes.
HEADER = "sfin"


def build_network(method: str, settings: Mapping[str, Any]) -> nn.Module:
    """Make the untrained network of a method.

    Parameters
    ----------
    method
        ``sfin``, its two ablations ``sfin_no_interaction`` and ``sfin_spatial``
        (paper, table 5), ``atomsegnet`` or ``fcn``.
    settings
        ``channels``, ``pairs`` and ``input_scale`` for the SFIN family, ``width``
        for the other two; what is left out is as in the publications.

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
    try:
        match method:
            case "sfin":
                return SFIN(**settings)
            case "sfin_no_interaction":
                return SFIN(**settings, interaction=False)
            case "sfin_spatial":
                return SFIN(**settings, interaction=False, frequency=False)
            case "atomsegnet":
                return AtomSegNet(**settings)
            case "fcn":
                return FCN(**settings)
    except TypeError as error:
        raise InputError(
            f"The settings {dict(settings)} do not make a network {method}: give "
            "channels, pairs and input_scale for the SFIN family, width for the "
            "others."
        ) from error
    raise InputError(
        f"There is no network {method}: choose sfin, sfin_no_interaction, "
        "sfin_spatial, atomsegnet or fcn."
    )


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
    header = {HEADER: json.dumps(metadata, sort_keys=True)}
    write_whole(path, safetensors.torch.save(weights, metadata=header))


def load_network(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Read a network written by `save_weights`.

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
        network = build_network(metadata["method"], metadata["network"])
        network.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} holds weights of another architecture than this version of sfin "
            "builds: use weights written by it."
        ) from error
    return network.eval(), metadata
