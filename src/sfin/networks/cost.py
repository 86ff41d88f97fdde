"""What a network costs: its parameters, and its products per image."""

import copy
from bisect import bisect

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from sfin.networks.sfin import SFIN, FrequencyConvolution


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


def matched_channels(full: SFIN) -> int:
    """Find how wide the spatial-only network must be to have SFIN's capacity.

    The ablations of the paper's table 5 differ in capacity: its spatial-only
    network has 299,201 parameters, SFIN 960,193. With the depth of SFIN and 116
    channels in the place of 64 it has 976,605, the nearest that an even number of
    channels allows.

    Parameters
    ----------
    full
        The network to match.

    Returns
    -------
    int
        Even number of channels; the smaller one where two are as near.
    """
    depth, wanted = len(full.pairs), parameter_count(full)

    def parameters(half: int) -> int:
        with torch.device("meta"):
            return parameter_count(SFIN(2 * half, depth, False, False))

    # The first with too many; four times the channels always have.
    above = bisect(range(1, 2 * full.head.out_channels), wanted, key=parameters) + 1
    nearest = min((above - 1, above), key=lambda half: abs(parameters(half) - wanted))
    return 2 * nearest
