"""What a network costs: its parameters, and its products per image."""

import copy

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from sfin.networks.sfin import FrequencyConvolution


def parameter_count(network: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(weight.numel() for weight in network.parameters())


def multiply_accumulates(
    network: nn.Module, rows: int = 256, columns: int = 256
) -> int:
    """Count the multiply-accumulate operations of all convolutions on one image.

    As publications count: Fourier transforms, normalisations and interpolations
    are left out (about 1 % in SFIN). Nothing is computed, shapes suffice.

    Parameters
    ----------
    network
        Maps (n, 1, rows, columns) to the same.
    rows, columns
        Size of the image in pixels.
    """
    network = copy.deepcopy(network).eval()
    counter = FlopCounterMode(display=False)
    with FakeTensorMode(allow_non_fake_inputs=True), counter, torch.no_grad():
        network(torch.empty(1, 1, rows, columns))
    # The two coordinates of a frequency are channels in the publication, and a
    # bias of the same value here: their products are not among those counted.
    coordinates = sum(
        2 * len(module.mixing.weight) * rows * (columns // 2 + 1)
        for module in network.modules()
        if isinstance(module, FrequencyConvolution)
    )
    return counter.get_total_flops() // 2 + coordinates
