"""Folded networks give the answers of the trained ones."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sfin.networks.build import build_network
from sfin.networks.folding import fold

ROOT = Path(__file__).parents[1]
NETWORKS = {
    "sfin": {"channels": 8, "pairs": 2},
    "sfin_no_interaction": {"channels": 8, "pairs": 1, "input_scale": 255.0},
    "sfin_spatial": {"channels": 8, "pairs": 1},
    "atomsegnet": {"width": 4},
    "fcn": {"width": 4},
}


def trained(method):
    """Make a network whose normalisations have seen something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(method, NETWORKS[method])
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 2)
                nn.init.uniform_(module.bias, -1, 1)
                nn.init.uniform_(module.running_mean, -1, 1)
                nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def images(rows, columns, number=2):
    generator = torch.Generator().manual_seed(0)
    return 255 * torch.rand((number, 1, rows, columns), generator=generator)


def difference(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("method", NETWORKS)
@pytest.mark.parametrize("size", [(32, 32), (21, 34), (34, 21)])
def test_folding_changes_no_answer(method, size):
    network, image = trained(method), images(*size)
    with torch.inference_mode():
        wanted = network(image)
        assert difference(fold(network)(image), wanted) < 1e-5
        # The network is left as it was.
        assert torch.equal(network(image), wanted)


def test_the_order_of_sizes_does_not_matter():
    folded = fold(trained("sfin"))
    with torch.inference_mode():
        first = folded(images(24, 40))
        folded(images(40, 24))
        assert torch.equal(folded(images(24, 40)), first)


def test_normalisations_and_joined_convolutions_are_gone():
    folded = fold(trained("sfin"))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    convolutions = [m for m in folded.modules() if type(m).__name__.endswith("ution")]
    # First and last, and per block the joint one and two of the frequency branch.
    assert len(convolutions) == 2 + 4 * 3
    block = folded.blocks[0]
    assert block.joint.weight.shape == (8, 8, 3, 3)
    assert fold(trained("sfin_no_interaction")).blocks[0].joint.groups == 2


def test_bfloat16_is_close_but_not_equal():
    network, image = trained("sfin"), images(32, 32)
    with torch.inference_mode():
        wanted = network(image)
        off = difference(fold(network, torch.bfloat16)(image), wanted)
    assert 1e-4 < off < 3e-2


def test_what_has_nothing_to_fold_is_given_back():
    network = nn.Conv2d(1, 1, 3)
    assert fold(network) is network


def test_the_plain_network_of_the_benchmarks_is_the_same_network():
    path = ROOT / "benchmarks/plain_networks.py"
    spec = importlib.util.spec_from_file_location("plain_networks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network, plain = trained("sfin"), module.PlainSFIN(**NETWORKS["sfin"]).eval()
    plain.load_state_dict(network.state_dict())
    with torch.inference_mode():
        image = images(24, 36)
        assert difference(plain(image), network(image)) < 1e-5


def test_the_benchmark_ends_with_its_figures():
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks/inference.py", "--quick"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["ratio_float32"] > 0
    assert figures["mebibytes_tiled_default"] > 0
