"""Time inference against a plain implementation of the same network.

Run with ``python benchmarks/inference.py [--quick] [--device cuda]``. SFIN at the
paper's size (64 channels, 16 blocks) with random weights, the same in both; the plain
one is in `plain_networks`. All candidates in turn, one thread, medians: CPU seconds,
or milliseconds of GPU events. Large images run with one of the eight pairs of blocks,
because time grows with their number and memory does not. The memory of each is that
of a process of its own. The last line is a JSON object.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from plain_networks import PlainSFIN

from sfin.inference import Prepared, enhance, prepare
from sfin.networks.sfin import SFIN

Image = NDArray[np.float32]
Candidates = Mapping[str, Callable[[], Image]]
# Of glibc's mallopt: sizes from which memory is given back to the system.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3


def networks(channels: int, pairs: int) -> tuple[SFIN, PlainSFIN]:
    """Make both, with the same weights and settled normalisations."""
    torch.manual_seed(0)
    ours = SFIN(channels, pairs).eval()
    for module in ours.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)  # type: ignore[arg-type]
            for tensor in (module.bias, module.running_mean):
                nn.init.uniform_(tensor, -0.5, 0.5)  # type: ignore[arg-type]
    theirs = PlainSFIN(channels, pairs).eval()
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def plain(network: PlainSFIN, device: str) -> Prepared:
    """Let a plain network answer to numpy images like ours."""
    return Prepared(network.to(device), torch.device(device), autocast=False)


def picture(size: int) -> Image:
    """Make a lattice with noise."""
    wave = np.cos(np.arange(size) * 2 * np.pi / 14)
    noise = np.random.default_rng(0).normal(0, 20, (size, size))
    return np.clip(100 + 40 * (wave[:, None] + wave) + noise, 0, 255).astype(np.float32)


def seconds(call: Callable[[], Image], device: str) -> float:
    """Time one call: of the GPU between two events, or of the CPU."""
    if device == "cpu":
        started = time.process_time()
        call()
        return time.process_time() - started
    events = [
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        for _ in range(2)
    ]
    events[0].record()
    call()
    events[1].record()
    torch.cuda.synchronize()
    return float(events[0].elapsed_time(events[1])) / 1e3


def interleaved(candidates: Candidates, rounds: int, device: str) -> dict[str, float]:
    """Time candidates in turn, the order reversed every other round: medians."""
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()  # pays for compilation and caches
    for number in range(rounds):
        for name in list(candidates)[:: 1 if number % 2 else -1]:
            spent[name].append(seconds(candidates[name], device))
    return {name: median(times) for name, times in spent.items()}


def error(found: Image, wanted: Image) -> float:
    """Relative L2 difference."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def keep_freed_memory() -> None:
    """Keep freed memory: the plain ones, whose tensors are larger, gain most."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, 2**30)
        library.mallopt(TRIM_THRESHOLD, 2**31 - 1)


def tiled_candidates(
    ours: SFIN, theirs: PlainSFIN, image: Image, tile: int, device: str
) -> dict[str, Callable[[], Image]]:
    """Make the ways to enhance a large image; tiles touch, overlap or half overlap."""
    whole, fast = plain(theirs, device), prepare(ours, device)
    found: dict[str, Callable[[], Image]] = {
        "plain, whole": lambda: whole(image[None])[0]
    }
    for name, overlap in (("touching", 0), ("default", None), ("half", tile // 2)):
        found[f"tiled, {name}"] = partial(enhance, fast, image, tile, overlap)
    return found


def peak_resident() -> float:
    """Read the most memory this process ever held, MiB.

    The figure of ``getrusage`` begins with that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def peak_memory(arguments: list[str], name: str) -> float:
    """Run one candidate in a process of its own: MiB above that before it."""
    command = [sys.executable, __file__, *arguments, "--memory", name]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(printed.stdout)


def main() -> None:
    """Print the tables and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small network, once")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--compiled", action="store_true", help="also torch.compile")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = options.device
    channels, pairs, rounds = (8, 1, 1) if options.quick else (64, 8, 7)
    size, large = (64, 160) if options.quick else (256, 2048)
    torch.set_num_threads(1)

    if options.memory:
        ways = tiled_candidates(*networks(channels, 1), picture(large), size, device)
        before = peak_resident()
        ways[options.memory]()
        print(peak_resident() - before)
        return

    keep_freed_memory()
    image = picture(size)
    ours, theirs = networks(channels, pairs)
    reference = plain(theirs, device)
    forms = {"plain": reference}
    for precision in ("float32", "bfloat16"):
        for compiled in (False, True) if options.compiled else (False,):
            name = f"{precision}, compiled" if compiled else precision
            forms[name] = prepare(ours, device, precision, compiled)
    calls = {name: partial(form, image[None]) for name, form in forms.items()}
    wanted = calls["plain"]()
    times = interleaved(calls, rounds, device)
    figures: dict[str, float] = {}
    print(f"{size} × {size}, {device}, medians of {rounds}")
    print(f"{'':20}{'ms':>9}{'ratio':>8}{'relative error':>16}")
    for name, spent in times.items():
        ratio, off = times["plain"] / spent, error(calls[name](), wanted)
        print(f"{name:20}{1e3 * spent:9.1f}{ratio:8.2f}{off:16.1e}")
        figures[f"ratio_{name}".replace(", ", "_")] = round(ratio, 2)

    ways = tiled_candidates(*networks(channels, 1), picture(large), size, device)
    times = interleaved(ways, 1 if options.quick else 3, device)
    arguments = [word for word in sys.argv[1:] if word != "--compiled"]
    print(f"\n{large} × {large}, one of {pairs} pairs of blocks")
    print(f"{'':24}{'s':>8}{'ratio':>8}{'MiB':>8}")
    for name, spent in times.items():
        ratio, memory = times["plain, whole"] / spent, peak_memory(arguments, name)
        print(f"{name:24}{spent:8.2f}{ratio:8.2f}{memory:8.0f}")
        key = name.replace(", ", "_").replace(" ", "_")
        figures[f"ratio_{key}"] = round(ratio, 2)
        figures[f"mebibytes_{key}"] = round(memory)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
