"""Read the weights that authors released, as weights of this project.

    python -m sfin.networks.released ours_enhance_tem_500.pth sfin_haadf.safetensors

The authors of SFIN publish PyTorch checkpoints, a dictionary whose entry
``model_state_dict`` holds the weights under names that start with ``module.``;
those of AtomSegNet publish the bare weights of their ``unet_sigmoid``. Only the
names are translated, the numbers stay as they are.
"""

import argparse
import hashlib
import pickle
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from sfin.errors import InputError
from sfin.networks.build import build_network, save_weights
from sfin.parameters import Mode

Released = Literal["sfin", "atomsegnet"]

# Their name of a layer, and ours. SFIN: l is local, g is global (Chi et al. 2020).
_BLOCK = {
    "ffc.convl2l": "spatial",
    "ffc.convl2g": "spatial_to_frequency",
    "ffc.convg2l": "frequency_to_spatial",
    "ffc.convg2g.conv1": "frequency.entry",
    "ffc.convg2g.fu.conv_layer": "frequency.mixing",
    "ffc.convg2g.fu.bn": "frequency.norm",
    "ffc.convg2g.conv2": "frequency.exit",
    "bn_l": "spatial_norm",
    "bn_g": "frequency_norm",
}
_HALVES = {"conv1": "first", "conv2": "second"}
# AtomSegNet: the first of two convolutions at a level is number 1, the second 2.
_LEVELS = {
    "1": "fine",
    "2": "middle",
    "4": "coarse",
    "7": "rise_to_middle.convolutions",
    "9": "rise_to_fine.convolutions",
}
_ATOMSEGNET = {
    "upconv4": "rise_to_middle.narrow.0",
    "bn4": "rise_to_middle.narrow.1",
    "bn4_out": "rise_to_middle.norm",
    "upconv7": "rise_to_fine.narrow.0",
    "bn7": "rise_to_fine.narrow.1",
    "bn7_out": "rise_to_fine.norm",
    "conv9_3": "output",
    "bn9": "output_norm",
}
_UNUSED = "bn9_3"  # declared by AtomSegNet, never called
_COUNTER = ".num_batches_tracked"  # absent from old checkpoints, of no effect


def convert_released(
    checkpoint: str | Path,
    weights: str | Path,
    method: Released = "sfin",
    mode: Mode = "haadf",
    task: str = "enhancement",
) -> None:
    """Write a released checkpoint as weights that `load_network` reads.

    Width and depth are read off the checkpoint. The file is never executed:
    tensors are all that is taken from it.

    Parameters
    ----------
    checkpoint
        A ``.pth`` file of the authors.
    weights
        A ``.safetensors`` file to write.
    method
        ``sfin``, or ``atomsegnet`` for ``unet_sigmoid``.
    mode, task
        What the authors trained it for; the file does not say.

    Raises
    ------
    InputError
        If the file is no checkpoint, or one of another network.
    """
    if method not in get_args(Released):
        raise InputError(
            f"There is no released {method} to convert: choose "
            f"{' or '.join(get_args(Released))}."
        )
    path = Path(checkpoint)
    released = read_checkpoint(path)
    try:
        translate = _sfin_name if method == "sfin" else _atomsegnet_name
        renamed = {
            translate(name): tensor
            for name, tensor in released.items()
            if not name.startswith(_UNUSED + ".")
        }
        settings = _settings(method, renamed)
        network = build_network(method, settings)
        for name, counter in network.state_dict().items():
            if name.endswith(_COUNTER):
                renamed.setdefault(name, counter)
        network.load_state_dict(renamed)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} does not hold the released weights of {method}: give the file of "
            "its authors, and its method."
        ) from error
    metadata = {
        "method": method,
        "network": settings,
        "mode": mode,
        "task": task,
        "dataset": "authors'",
        "scale": "released",
        "seed": "unknown",
        "image_size": 256,  # what both were trained on, in pixels
        "released_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    save_weights(Path(weights), network, metadata)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the weights of a ``.pth`` file, without a parallel module's prefix.

    Raises
    ------
    InputError
        If there is no such file, or it holds no weights.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}: give the checkpoint to convert.")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(
            f"{path} is no PyTorch checkpoint of plain weights: fetch it again."
        ) from error
    if isinstance(content, Mapping):
        content = content.get("model_state_dict", content)
    if not isinstance(content, Mapping) or not all(
        isinstance(tensor, Tensor) for tensor in content.values()
    ):
        raise InputError(
            f"{path} holds no weights by name, nor a model_state_dict of them: give "
            "the authors' checkpoint."
        )
    return {str(name).removeprefix("module."): content[name] for name in content}


def _sfin_name(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    if layer in ("head_conv", "tail_conv"):
        return f"{layer.removesuffix('_conv')}.{kind}"
    _, pair, half, part = layer.split(".", 3)  # body.3.conv1.ffc.convl2l
    return f"pairs.{pair}.{_HALVES[half]}.{_BLOCK[part]}.{kind}"


def _atomsegnet_name(name: str) -> str:
    layer, _, kind = name.rpartition(".")
    found = re.fullmatch(r"(conv|bn)(\d)_([12])", layer)
    if found is None:
        return f"{_ATOMSEGNET[layer]}.{kind}"
    # Convolution, normalisation, ReLU, convolution, normalisation, ReLU.
    place = 3 * (int(found[3]) - 1) + (found[1] == "bn")
    return f"{_LEVELS[found[2]]}.{place}.{kind}"


def _settings(method: Released, weights: Mapping[str, Tensor]) -> dict[str, int]:
    """Read width and depth off the weights."""
    if method == "atomsegnet":
        return {"width": len(weights["output.weight"][0])}
    pairs = {name.split(".")[1] for name in weights if name.startswith("pairs.")}
    return {"channels": len(weights["head.weight"]), "pairs": len(pairs)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert a checkpoint from the command line; the exit status is 1 on error."""
    parser = argparse.ArgumentParser(
        prog="python -m sfin.networks.released",
        description="Convert a released checkpoint into weights of this project.",
    )
    parser.add_argument("checkpoint", type=Path, help="the authors' .pth file")
    parser.add_argument("weights", type=Path, help=".safetensors file to write")
    parser.add_argument("--method", choices=get_args(Released), default="sfin")
    parser.add_argument("--mode", choices=get_args(Mode), default="haadf")
    given = parser.parse_args(arguments)
    try:
        convert_released(given.checkpoint, given.weights, given.method, given.mode)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
