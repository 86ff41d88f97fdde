"""Train on several devices of one node: each takes a part of every batch.

The batch stays as large as the settings say, so that the result does not depend on
how many devices there are, but for the order of sums.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from sfin.errors import InputError


@dataclass(frozen=True)
class Group:
    """The processes that train together, and which of them this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process reports and writes files."""
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Choose the device of this process among those of a kind."""
        if device.type == "cuda" and self.size > 1:
            return torch.device("cuda", int(os.environ.get("LOCAL_RANK", self.rank)))
        return device

    def part(self, chosen: Tensor) -> Tensor:
        """Take this process's share of a batch.

        Raises
        ------
        InputError
            If the batch cannot be shared evenly.
        """
        if len(chosen) % self.size:
            raise InputError(
                f"A batch of {len(chosen)} cannot be shared by {self.size} devices: "
                "make batch_size a multiple of them."
            )
        return chosen[self.rank :: self.size]

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Let gradients, and statistics on GPUs, be those of the whole batch."""
        if self.size == 1:
            return network
        if device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
            return DistributedDataParallel(network, device_ids=[device])
        # There is no synchronised batch normalisation on a CPU.
        return DistributedDataParallel(network)

    def mean(self, value: Tensor) -> Tensor:
        """Average a number over the processes."""
        if self.size > 1:
            distributed.all_reduce(value)
            value = value / self.size
        return value

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()


def launch(processes: int, function: Callable[..., object], *arguments: Any) -> None:
    """Run a function in several processes at once, as torchrun does.

    Each finds the others with `joined_group`.

    Parameters
    ----------
    processes
        One per GPU, of this node.
    function, arguments
        What to run; all are pickled.
    """
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    configuration = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    elastic_launch(configuration, function)(*arguments)


def is_launched() -> bool:
    """Tell whether torchrun, or `launch`, has started this process."""
    return "WORLD_SIZE" in os.environ


def leads() -> bool:
    """Tell whether this process is the one that writes files."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined_group() -> Iterator[Group]:
    """Join the processes that torchrun has started; alone if it has not."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Group()
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Group(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
