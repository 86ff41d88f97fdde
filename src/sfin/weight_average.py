"""An exponential moving average of a network's weights, beside its training."""

import copy
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows the weights of a network on its device, and never waits for it.

    `torch.optim.swa_utils.AveragedModel` makes a GPU wait twice a step, and starts
    three kernels for each counter of a batch normalisation.

    Parameters
    ----------
    network
        What is trained.
    memory
        Of the average, 0 to 1.

    Attributes
    ----------
    network
        Has the averaged weights. The statistics of its normalisations are averaged
        too; whole numbers are the last ones.
    """

    def __init__(self, network: nn.Module, memory: float) -> None:
        self.network, self.memory = copy.deepcopy(network), memory
        means, values = (_tensors(one) for one in (self.network, network))
        pairs = list(zip(means, values, strict=True))
        real = [pair for pair in pairs if pair[0].is_floating_point()]
        whole = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._real = [mean for mean, _ in real], [value for _, value in real]
        self._whole = [mean for mean, _ in whole], [value for _, value in whole]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0.

        The memory is short at first, or the average would remember the untrained
        weights.
        """
        memory = min(self.memory, (1 + step) / (10 + step)) if step else 0.0
        means, values = self._real
        torch._foreach_lerp_(means, values, 1 - memory)
        means, values = self._whole
        if means:
            torch._foreach_copy_(means, values)

    def state_dict(self) -> dict[str, Any]:
        """Give the averaged weights."""
        return self.network.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the averaged weights, where they are."""
        self.network.load_state_dict(state_dict)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in network.state_dict().values()]
