"""Time a training step of SFIN against a plain implementation, switch by switch.

Run with ``python benchmarks/training.py [--quick] [--pairs N]``. Both are networks of
64 channels with the same weights, at batch 8 of 256 × 256. `plain` is what one writes
first: separate convolutions, float32, Adam, the allocator as the system has it. Each
variant runs in a process of its own, in turn, several times over; on a CPU it is CPU
seconds that count (user and system, of one thread), on a GPU the time between events,
and there `plain` gets the TF32 convolutions that PyTorch has by default.
The last line is a JSON object of medians and ratios.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from plain_networks import PlainSFIN
from torch.nn import functional

from sfin.allocation import keep_freed_memory
from sfin.networks.sfin import SFIN

VARIANTS = {
    "plain": {},
    "sfin float32": {"ours": True},
    "+ kept memory": {"ours": True, "keep": True},
    "+ bfloat16": {"ours": True, "keep": True, "autocast": True},
    "+ channels last": {
        "ours": True,
        "keep": True,
        "autocast": True,
        "channels_last": True,
    },
    "+ compiled": {"ours": True, "keep": True, "autocast": True, "compile": True},
}
# Compiling takes minutes on a CPU, and gains nothing there.
SLOW_ON_CPU = ("+ compiled",)


def run(variant: str, pairs: int, size: int, steps: int) -> None:
    """Do steps of one variant and print the seconds of each."""
    chosen = VARIANTS[variant]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    if chosen.get("keep"):
        keep_freed_memory()
    torch.manual_seed(0)
    network = SFIN(pairs=pairs)
    if not chosen.get("ours"):
        plain = PlainSFIN(pairs=pairs)
        plain.load_state_dict(network.state_dict())
        network = plain
    else:
        torch.set_float32_matmul_precision("high")
    network.to(device)
    layout = torch.channels_last if chosen.get("channels_last") else None
    if layout:
        network.to(memory_format=layout)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=1e-3, fused=bool(chosen.get("ours"))
    )
    runner = torch.compile(network) if chosen.get("compile") else network
    images = torch.rand(8, 1, size, size, device=device) * 255
    seconds, losses = [], []
    for _ in range(steps + 1):
        started = _clock(device)
        with torch.autocast(device.type, torch.bfloat16, chosen.get("autocast", False)):
            output = runner(images)
        loss = functional.l1_loss(output, images)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(_clock(device) - started)
        losses.append(loss.item())
    print(json.dumps({"seconds": seconds[1:], "losses": losses}))


def _clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(pairs: int, size: int, steps: int, rounds: int) -> None:
    """Run all variants in turn and print what they take."""
    gpu = torch.cuda.is_available()
    names = [name for name in VARIANTS if gpu or name not in SLOW_ON_CPU]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    losses: dict[str, list[float]] = {}
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else reversed(names):
            command = [sys.executable, __file__, "run", name]
            numbers = map(str, (pairs, size, steps))
            environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
            environment["PYTHONPATH"] += f":{os.environ.get('PYTHONPATH', '')}"
            output = subprocess.run(
                [*command, *numbers],
                check=True,
                capture_output=True,
                text=True,
                env=environment,
            ).stdout
            found = json.loads(output.splitlines()[-1])
            seconds[name] += found["seconds"]
            losses[name] = found["losses"]
    figures = {}
    print(f"{'':18}{'seconds':>10}{'ratio':>8}{'last loss':>12}")
    for name in names:
        median = sorted(seconds[name])[len(seconds[name]) // 2]
        plain = sorted(seconds["plain"])[len(seconds["plain"]) // 2]
        print(f"{name:18}{median:10.3f}{plain / median:8.2f}{losses[name][-1]:12.3f}")
        figures[name] = {"seconds": round(median, 4), "ratio": round(plain / median, 2)}
    print(json.dumps({"pairs": pairs, "size": size, "gpu": gpu, **figures}))


if __name__ == "__main__":
    if "run" in sys.argv:
        name, *numbers = sys.argv[2:]
        run(name, *map(int, numbers))
    elif "--quick" in sys.argv:
        main(pairs=1, size=64, steps=1, rounds=1)
    elif torch.cuda.is_available():
        main(pairs=8, size=256, steps=30, rounds=3)
    else:
        # An eighth of the network: its blocks are all alike.
        main(pairs=1, size=256, steps=2, rounds=3)
