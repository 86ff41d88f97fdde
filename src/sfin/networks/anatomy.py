"""What a network does with an image, recorded while it does it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# Functions that are part of an architecture and no modules, by torch's names.
FUNCTIONS = {
    "fft_rfft2": "rfft2",
    "fft_ifft": "ifft",
    "fft_irfft": "irfft",
    "fft_irfft2": "irfft2",
    "matmul": "matmul",
    "relu": "relu",
    "cat": "cat",
}


@dataclass(frozen=True)
class Step:
    """A module or function that was called.

    Attributes
    ----------
    inside
        Path of the module that called it, "" for the network itself.
    name
        Of a module, its name in there; of a function, one of `FUNCTIONS`.
    shape
        Of its first output, without the number of images.
    parameters
        Trainable ones of a module, with those of all its parts.
    """

    inside: str
    name: str
    shape: tuple[int, ...]
    parameters: int

    @property
    def path(self) -> str:
        """Path of a module."""
        return f"{self.inside}.{self.name}".lstrip(".")


def record(network: nn.Module, rows: int, columns: int) -> list[Step]:
    """Pass a dark image through a network and record each step, as it ends.

    Parameters
    ----------
    network
        Maps (n, 1, rows, columns) to the same; left as it is.
    rows, columns
        Size of the image in pixels.

    Returns
    -------
    list of Step
        Modules, after their parts, and functions.
    """
    recorder = _Recorder()
    handles = []
    for path, module in network.named_modules():
        handles.append(module.register_forward_pre_hook(recorder.enter(path)))
        handles.append(module.register_forward_hook(recorder.leave(path)))
    trained = network.training
    try:
        device = next(network.parameters()).device
        with recorder, torch.no_grad():
            network.eval()(torch.zeros(1, 1, rows, columns, device=device))
    finally:
        network.train(trained)
        for handle in handles:
            handle.remove()
    return recorder.steps


def steps_inside(steps: Iterable[Step], path: str) -> list[Step]:
    """Choose the steps that one module took itself."""
    return [step for step in steps if step.inside == path]


class _Recorder(TorchFunctionMode):
    """Knows in which module the forward pass is, and notes what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.steps: list[Step] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        name = FUNCTIONS.get(getattr(func, "__name__", ""))
        if name is not None and self.open:
            self.steps.append(Step(self.open[-1], name, tuple(output.shape[1:]), 0))
        return output

    def enter(self, path: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any) -> None:
            self.open.append(path)

        return note

    def leave(self, path: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            self.open.pop()
            if not path:
                return
            first = output if isinstance(output, Tensor) else output[0]
            # A list of modules is never called: its number stays in the name.
            inside = self.open[-1]
            name = path.removeprefix(inside).lstrip(".")
            count = sum(weight.numel() for weight in module.parameters())
            self.steps.append(Step(inside, name, tuple(first.shape[1:]), count))

        return note
