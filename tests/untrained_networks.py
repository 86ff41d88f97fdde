"""Networks that are trained on nothing, for tests of all that is around them."""

from pathlib import Path

import torch

from sfin.confidence import Confidence, write_confidence
from sfin.networks.build import build_network, save_weights

NETWORKS = {
    "enhancement": ("sfin", {"channels": 4, "pairs": 1}),
    "detection": ("fcn", {"width": 2}),
}


def train(task, mode, method=None, seed=1, dataset="sfin"):
    """Write an untrained network where a workflow would; give its folder's name."""
    usual, settings = NETWORKS[task]
    method = method or usual
    name = f"{task}/{dataset}/{mode}/{method}"
    metadata = {
        "method": method, "network": settings if method == usual else {"width": 2},
        "mode": mode, "image_size": 48, "scale": "test", "seed": seed,
        "dataset": dataset, "task": task, "noise_warnings": [],
    }  # fmt: skip
    torch.manual_seed(0)
    network = build_network(method, metadata["network"])
    folder = Path("results/models", name)
    save_weights(folder / "weights.safetensors", network, metadata)
    if task == "detection":
        confidence = Confidence((0.0, 1.0), (0.1, 0.9), 10, 0.6)
        write_confidence(folder / "confidence.json", confidence)
    return name
