"""Time a training step of each network, switch by switch, and choose the switches.

Run with ``python benchmarks/networks.py [--device auto] [--quick] [--seconds N]``.
`plain` is SFIN as one writes it first (`plain_networks.py`) with PyTorch's defaults;
all others run the step that trainings run, `sfin.training_step`, with the switches in
their name, on batches of 8 images of 256 × 256. Every variant starts from the same
weights, and one whose loss then differs by more than a twentieth is not chosen.
Variants run in a process beside this one: where a variant breaks it, another process
takes the rest. On a GPU times are between events of its stream. Floors are what the
arithmetic, and the bytes of convolutions and transforms alone, would take at the rates
measured here. The last line is a JSON object.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_networks import PlainSFIN
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from sfin.batches import FreshNoise
from sfin.data_parallel import Group
from sfin.inference import prepare
from sfin.networks.build import build_network, choose_device
from sfin.noise import NoiseSettings
from sfin.training import train
from sfin.training_settings import TrainingSettings
from sfin.training_step import TrainingStep

# In the order in which they run, as far as the time goes.
VARIANTS = {
    "sfin": [
        "plain",
        "plain fused",
        "float32",
        "tf32",
        "bfloat16",
        "bfloat16 lean",
        "bfloat16 channels_last",
        "bfloat16 lean channels_last",
        "tf32 lean",
        "bfloat16 lean cuda_graph",
        "bfloat16 lean compile",
        "bfloat16 lean compile cuda_graph",
        "tf32 lean cuda_graph",
        "tf32 lean compile cuda_graph",
        "bfloat16 compile cuda_graph",
        "bfloat16 lean channels_last cuda_graph",
        "bfloat16 lean channels_last compile cuda_graph",
    ],
    "fcn": [
        "bfloat16",
        "bfloat16 cuda_graph",
        "bfloat16 channels_last cuda_graph",
        "tf32 cuda_graph",
        "tf32 channels_last cuda_graph",
    ],
}
VARIANTS["atomsegnet"] = VARIANTS["fcn"]
ON_GPU = ("compile", "cuda_graph")
TOLERANCE = 0.05
BATCH, WARM_UP = 8, 6
CORE = ("convolution", "fft", "mm", "bmm", "addmm")
# What touches no memory although it makes a tensor.
FREE = ("_unsafe_view", "new_empty_strided", "empty_like", "detach")
INFERENCE_BATCH = 16


def settings(variant: str, device: torch.device, **other: Any) -> TrainingSettings:
    """Turn the name of a variant into settings of a training."""
    precision, *switches = variant.split()
    values: dict[str, Any] = {
        "epochs": 1,
        "batch_size": BATCH,
        "crop_size": None,
        "learning_rate": 2e-4,
        "schedule": "multi_step",
        "threads": torch.get_num_threads(),
        "device": device.type,
        "precision": precision,
        **dict.fromkeys(switches, True),
        **other,
    }
    return TrainingSettings(**values)


def network(method: str, pairs: int) -> nn.Module:
    """Make a network of the paper's size; of SFIN as many pairs as wanted."""
    torch.manual_seed(0)
    return build_network(method, {"pairs": pairs} if method == "sfin" else {})


def plain_step(
    pairs: int, device: torch.device, fused: bool
) -> Callable[[Tensor, Tensor], Tensor]:
    """Make a training step as one writes it first."""
    plain = PlainSFIN(pairs=pairs)
    plain.load_state_dict(network("sfin", pairs).state_dict())
    plain.to(device)
    optimiser = torch.optim.Adam(plain.parameters(), lr=2e-4, fused=fused)

    def step(inputs: Tensor, wanted: Tensor) -> Tensor:
        loss = functional.l1_loss(plain(inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def our_step(
    method: str, variant: str, pairs: int, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    """Make the step of our trainings."""
    chosen = settings(variant, device)
    layout = torch.channels_last if chosen.channels_last else None
    ours = network(method, pairs).to(device, memory_format=layout)
    step = TrainingStep(ours, chosen, device, Group())
    return lambda inputs, wanted: step(inputs, wanted, 2e-4)


def timed(work: Callable[[int], object], times: int, device: torch.device) -> float:
    """Give the median milliseconds of a piece of work that is done again and again."""
    if device.type != "cuda":
        spent = []
        for number in range(times):
            begun = time.process_time()
            work(number)
            spent.append(1e3 * (time.process_time() - begun))
        return statistics.median(spent)
    # One event between two pieces: gaps in which the GPU waits are in the time.
    events = [torch.cuda.Event(enable_timing=True) for _ in range(times + 1)]
    events[0].record()
    for number, event in enumerate(events[1:]):
        work(number)
        event.record()
    torch.cuda.synchronize()
    between = pairwise(events)
    return statistics.median(first.elapsed_time(second) for first, second in between)


def time_variant(
    method: str, variant: str, pairs: int, size: int, steps: int, device: torch.device
) -> dict[str, Any]:
    """Time one variant: milliseconds of a step, images a second, memory, last loss."""
    begun = time.monotonic()
    # What a plain program gets: convolutions in TF32, products of matrices not.
    plain = variant.startswith("plain")
    exact = variant.startswith("float32")
    torch.set_float32_matmul_precision("highest" if plain or exact else "high")
    torch.backends.cudnn.allow_tf32 = not exact
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    generator = torch.Generator().manual_seed(1)
    batches = [
        (torch.rand(2, BATCH, 1, size, size, generator=generator) * 255).to(device)
        for _ in range(3)
    ]
    if plain:
        step = plain_step(pairs, device, "fused" in variant)
    else:
        step = our_step(method, variant, pairs, device)
    losses = []

    def work(number: int) -> None:
        inputs, wanted = batches[number % len(batches)]
        losses.append(step(inputs, wanted).clone())

    for number in range(WARM_UP if device.type == "cuda" else 1):
        work(number)
    milliseconds = timed(work, steps, device)
    loss = float(torch.stack(losses[-3:]).mean())
    memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    return {
        "ms": round(milliseconds, 3),
        "images_per_second": round(1e3 * BATCH / milliseconds, 1),
        "memory_gib": round(memory / 2**30, 2),
        "loss": loss,
        "seconds": round(time.monotonic() - begun, 1),
    }


def ceilings(device: torch.device) -> dict[str, float]:
    """Measure how fast the device copies, and multiplies matrices in bfloat16."""
    on_gpu = device.type == "cuda"
    number = 2**28 if on_gpu else 2**22
    source = torch.rand(number, device=device)
    copy = torch.empty_like(source)
    edge = 8192 if on_gpu else 512
    matrix = torch.randn(edge, edge, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        copy.copy_(source)
        matrix @ matrix
    copying = timed(lambda _: copy.copy_(source), 10, device)
    product = timed(lambda _: matrix @ matrix, 10, device)
    return {
        "bytes_per_ms": 8 * number / copying,
        "flops_per_ms": 2 * edge**3 / product,
    }


class _Bytes(TorchDispatchMode):
    """Count what operations read and write, if each does so once."""

    def __init__(self) -> None:
        super().__init__()
        self.all = self.core = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        name = function.overloadpacket.__name__
        if function.namespace == "aten" and not (function.is_view or name in FREE):
            size = sum(map(_size, (arguments, result)))
            self.all += size
            if any(word in name for word in CORE):
                self.core += size
        return result


def _size(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, (tuple, list)):
        return sum(map(_size, value))
    return 0


def count(method: str, pairs: int, size: int) -> dict[str, float]:
    """Count the operations and the bytes of a step; nothing is computed."""
    one = PlainSFIN(pairs=pairs) if method == "plain" else network(method, pairs)
    flops, bytes_ = FlopCounterMode(display=False), _Bytes()
    with FakeTensorMode(allow_non_fake_inputs=True), flops, bytes_:
        images = torch.empty(BATCH, 1, size, size)
        functional.l1_loss(one(images), images).backward()
    return {
        "tflop": flops.get_total_flops() / 1e12,
        "gigabytes": bytes_.all / 1e9,
        "core_gigabytes": bytes_.core / 1e9,
    }


def time_inference(pairs: int, size: int, device: torch.device) -> dict[str, float]:
    """Time whole batches through SFIN: images a second."""
    ours = network("sfin", pairs).eval().to(device)
    plain = PlainSFIN(pairs=pairs)
    plain.load_state_dict(ours.state_dict())
    plain.to(device).eval()
    images = torch.rand(INFERENCE_BATCH, 1, size, size, device=device) * 255
    ready = {"plain": plain, "float32": prepare(ours, device.type).network}
    if device.type == "cuda":
        ready["bfloat16"] = prepare(ours, device.type, "bfloat16").network
    found = {}
    with torch.inference_mode():
        for name, one in ready.items():
            for _ in range(3 if device.type == "cuda" else 1):
                one(images)
            times = 20 if device.type == "cuda" else 2
            spent = timed(lambda _, one=one: one(images), times, device)
            found[name] = round(1e3 * INFERENCE_BATCH / spent, 1)
    return found


def time_loop(variant: str, pairs: int, size: int, device: torch.device) -> float:
    """Train as the recipe `fast` does, fresh noise and all: images a second."""
    number = 40 * BATCH if device.type == "cuda" else BATCH
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (number, size, size), np.uint8)
    noise = np.full(number, 0.1, np.float32)
    fresh = FreshNoise(images, noise, noise, noise, noise, noise, NoiseSettings())
    chosen = settings(
        variant,
        device,
        epochs=3,
        schedule="one_cycle",
        flips=True,
        fresh_noise=True,
        ema_decay=0.999,
        checkpoint_seconds=1e9,
    )
    history = train(
        network("sfin", pairs), images, images, chosen, 0, Path("none"), "", None, None,
        fresh,
    )  # fmt: skip
    return round(history[-1].images_per_second, 1)


def work_through(given: argparse.Namespace) -> None:
    """Do what was asked for on the command line, a line of JSON each."""
    device = choose_device(given.device)
    pairs, size, steps = given.pairs, given.size, given.steps
    for name in given.work.split(","):
        method, _, variant = name.partition(":")
        try:
            found: Any
            if method == "ceilings":
                found = ceilings(device)
            elif method == "count":
                found = count(variant, pairs, size)
            elif method == "inference":
                found = time_inference(pairs, size, device)
            elif method == "loop":
                found = time_loop(variant, pairs, size, device)
            else:
                found = time_variant(method, variant, pairs, size, steps, device)
        except Exception as error:
            found = {"error": repr(error)[:300]}
            print(json.dumps([name, found]), flush=True)
            # A failed recording may leave the device unusable for this process.
            raise SystemExit(0) from error
        print(json.dumps([name, found]), flush=True)


def results(
    names: list[str], given: argparse.Namespace, deadline: float
) -> Iterator[tuple[str, Any]]:
    """Run pieces of work in other processes, until the time is up."""
    numbers = [given.pairs, given.size, given.steps]
    options = ["--device", given.device]
    for option, number in zip(("--pairs", "--size", "--steps"), numbers, strict=True):
        options += [option, str(number)]
    while names and time.monotonic() < deadline:
        command = [sys.executable, __file__, *options, "--work", ",".join(names)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            late = threading.Timer(deadline - time.monotonic(), process.kill)
            late.start()
            before = len(names)
            for line in process.stdout or []:
                if line.startswith("["):
                    yield tuple(json.loads(line))
                    names = names[1:]
            late.cancel()
        if len(names) == before and time.monotonic() < deadline:
            yield names[0], {"error": "its process ended"}
            names = names[1:]
    for name in names:
        yield name, {"error": "no time left"}


def choose(found: dict[str, Any], reference: float) -> dict[str, dict[str, bool]]:
    """Give the fastest switches of each precision, of variants that agree."""
    chosen: dict[str, dict[str, bool]] = {}
    fastest: dict[str, float] = {}
    for variant, figures in found.items():
        precision, *switches = variant.split()
        if precision == "plain" or not _agrees(figures, reference):
            continue
        if figures["ms"] < fastest.get(precision, math.inf):
            fastest[precision] = figures["ms"]
            chosen[precision] = dict.fromkeys(switches, True)
    return chosen


def _agrees(figures: dict[str, Any], reference: float) -> bool:
    loss = figures.get("loss", math.nan)
    return bool(abs(loss - reference) <= TOLERANCE * abs(reference))


def main() -> None:
    """Run all variants and print what they take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--only", nargs="*", help="such as sfin:tf32")
    parser.add_argument("--work", help="for the processes that it starts itself")
    given = parser.parse_args()
    if given.quick:
        given.pairs, given.size, given.steps = 1, 32, 1
    if given.work:
        work_through(given)
        return
    deadline = time.monotonic() + given.seconds
    device = choose_device(given.device)
    report(given, device, deadline)


def report(given: argparse.Namespace, device: torch.device, deadline: float) -> None:
    """Measure, print a line each, and the JSON object last."""
    names = ["ceilings:"]
    for method, variants in VARIANTS.items():
        names += [f"{method}:{variant}" for variant in variants]
    if device.type != "cuda":
        names = [name for name in names if not any(word in name for word in ON_GPU)]
    if given.only:
        names = [name for name in names if name in ("ceilings:", *given.only)]
    # Those of the other networks are short; SFIN's last ones may have to be left out.
    names.sort(key=lambda name: name.startswith("sfin:") and "compile" in name)
    if not given.only:
        names.insert(names.index("sfin:bfloat16"), "inference:")
    names[1:1] = [f"count:{method}" for method in (*VARIANTS, "plain")]
    found: dict[str, dict[str, Any]] = {}
    for name, figures in results(names, given, deadline):
        method, _, variant = name.partition(":")
        found.setdefault(method, {})[variant] = figures
        print(f"{method:11}{variant:52}{json.dumps(figures)}", flush=True)
    rates, counted = found.pop("ceilings")[""], found.pop("count")
    inference = found.pop("inference", {}).get("")
    switches = {}
    for method, figures in found.items():
        first = "plain" if method == "sfin" else "bfloat16"
        reference = figures.get(first, {}).get("loss", math.nan)
        switches[method] = choose(figures, reference)
    loops = {}
    best = [
        f"loop:{' '.join([precision, *chosen])}"
        for precision, chosen in switches["sfin"].items()
        if precision == "bfloat16"
    ]
    # Compiled once more in its process: only if there is time.
    for name, figure in results(best, given, deadline + 60):
        loops[name.partition(":")[2]] = figure
    figures = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "pairs": given.pairs,
        "size": given.size,
        "ceilings": rates,
        "floors": {name: floors(one, rates) for name, one in counted.items()},
        "steps": found,
        "inference_images_per_second": inference,
        "loop_images_per_second": loops,
        "switches": switches,
        **_goals(found["sfin"]),
    }
    print(json.dumps(figures))


def floors(counted: dict[str, Any], rates: dict[str, Any]) -> dict[str, Any]:
    """Add to what a step counts the milliseconds that it must take.

    `core_ms`: only convolutions, products and transforms touch memory, all in two
    bytes a number. `eager_ms`: every operation does, in four.
    """
    if "error" in counted or "error" in rates:
        return counted
    return counted | {
        "arithmetic_ms": round(1e12 * counted["tflop"] / rates["flops_per_ms"], 3),
        "core_ms": round(5e8 * counted["core_gigabytes"] / rates["bytes_per_ms"], 3),
        "eager_ms": round(1e9 * counted["gigabytes"] / rates["bytes_per_ms"], 3),
    }


def _goals(sfin: dict[str, Any]) -> dict[str, float]:
    """Say how many times faster than `plain`, and how long the two recipes take."""
    ours = [
        one["ms"] for name, one in sfin.items() if "ms" in one and name[:5] != "plain"
    ]
    plain = sfin.get("plain", {}).get("ms")
    if not plain or not ours:
        return {}
    return {
        "ratio": round(plain / min(ours), 2),
        "minutes_of_62500_steps": round(62500 * min(ours) / 6e4, 2),
        "minutes_of_12500_steps": round(12500 * min(ours) / 6e4, 2),
    }


if __name__ == "__main__":
    main()
