"""One step of a training: network, loss, gradients, and the new weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.data_parallel import Group
from sfin.networks.sfin import SFIN, make_lean
from sfin.training_settings import TrainingSettings

Work = Callable[[Tensor, Tensor], Tensor]
# Steps done one kernel after the other before they are recorded: libraries choose
# their algorithms in the first ones, and compiled parts are compiled.
UNRECORDED_STEPS = 3


class TrainingStep:
    """What is done with each batch.

    Attributes
    ----------
    optimiser
        Adam, whose state belongs to that of the training.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        device: torch.device,
        group: Group,
    ) -> None:
        self.settings, self.device = settings, device
        recorded = settings.cuda_graph and device.type == "cuda"
        if settings.lean:
            make_lean(network)
        if settings.compile:
            compile_parts(network)
        self.network = network
        self.runner: Callable[[Tensor], Tensor] = group.wrap(network, device)
        # A recorded step finds its learning rate on the device.
        self.rate: float | Tensor = settings.learning_rate
        if recorded:
            self.rate = torch.tensor(settings.learning_rate, device=device)
        self.optimiser = torch.optim.Adam(
            network.parameters(),
            lr=self.rate,
            betas=settings.betas,
            fused=True,
            capturable=recorded,
        )
        self.work: Work = RecordedWork(self._work) if recorded else self._work

    def __call__(self, inputs: Tensor, wanted: Tensor, rate: float) -> Tensor:
        """Learn from a batch (n, 1, rows, columns); give the loss.

        The loss may be written over by the next call.
        """
        if isinstance(self.rate, Tensor):
            self.rate.fill_(rate)
        else:
            self.rate = rate
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        if self.settings.channels_last:
            inputs = inputs.to(memory_format=torch.channels_last)
        self.network.train()
        return self.work(inputs, wanted)

    def _work(self, inputs: Tensor, wanted: Tensor) -> Tensor:
        narrow = self.settings.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, narrow):
            output = self.runner(inputs)
        loss = functional.l1_loss(output, wanted)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.detach()


class RecordedWork:
    """Work on a GPU whose kernels are recorded once and then started all together.

    A step of SFIN has more than a thousand kernels, and starting each takes several
    microseconds.

    Parameters
    ----------
    work
        Does the same with every batch of tensors, and waits for nothing.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.given: tuple[Tensor, Tensor]
        self.result: Tensor

    def __call__(self, inputs: Tensor, wanted: Tensor) -> Tensor:
        """Do the work; the result is written over by the next call."""
        if self.done < UNRECORDED_STEPS:
            self.done += 1
            return self._beside(inputs, wanted)
        if self.graph is None:
            self._record(inputs, wanted)
        for place, tensor in zip(self.given, (inputs, wanted), strict=True):
            place.copy_(tensor)
        assert self.graph is not None
        self.graph.replay()
        return self.result

    def _beside(self, inputs: Tensor, wanted: Tensor) -> Tensor:
        # What is going to be recorded must have run on a stream of its own before.
        own = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        usual = torch.cuda.current_stream()
        own.wait_stream(usual)
        with torch.cuda.stream(own):
            result = self.work(inputs, wanted)
        usual.wait_stream(own)
        return result

    def _record(self, inputs: Tensor, wanted: Tensor) -> None:
        self.given = inputs.clone(), wanted.clone()
        self.graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        # Nothing is computed while it is recorded.
        with torch.cuda.graph(self.graph):
            self.result = self.work(*self.given)


def compile_parts(network: nn.Module) -> None:
    """Let ``torch.compile`` rewrite a network, in place.

    Of SFIN one of its residual pairs, which are all alike: that takes a small part
    of the time of the whole network.
    """
    parts = network.pairs if isinstance(network, SFIN) else [network]
    for part in parts:
        part.compile()
