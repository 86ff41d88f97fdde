"""Time the making and reading of datasets: scaling, memory, batches from memory.

Run with ``python benchmarks/datasets.py [--quick]`` on an otherwise idle machine:
wall time is what counts here. Every dataset is made by a process of its own, from
the columns that ship. The last line is a JSON object.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# What the workflow sets; read when a process starts.
os.environ.update(
    MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="17179869184"
)

import torch
from synthesis import NOISE, SETTINGS

from sfin.batches import PairSource
from sfin.datasets import load_pairs
from sfin.shipped_columns import read_table
from sfin.synthesis import synthesise_dataset
from sfin.training_settings import TrainingSettings

TABLE = Path(__file__).parents[1] / "resources" / "structures" / "columns.json"
STRUCTURES = ("SrTiO3_001", "Si_110", "MoS2_001")


def make(path: str, number: str, workers: str) -> None:
    """Make a dataset and print seconds and peak memory (MiB), of all processes."""
    structures = [read_table(TABLE)[name] for name in STRUCTURES]
    started = time.perf_counter()
    synthesise_dataset(
        path,
        "train",
        structures,
        NOISE,
        int(number),
        SETTINGS,
        {"seed": 1, "scale": "benchmark"},
        workers=int(workers),
        scheduler="processes" if int(workers) > 1 else "synchronous",
    )
    seconds = time.perf_counter() - started
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps([seconds, own, children]))


def made(path: Path, number: int, workers: int) -> tuple[float, float]:
    """Make a dataset in a new process: seconds and peak memory of its largest one."""
    command = [sys.executable, __file__, "make", str(path), str(number), str(workers)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, own, children = json.loads(output.splitlines()[-1])
    return seconds, max(own, children)


def pairs_per_second(path: Path, batches: int) -> float:
    """Read shuffled batches of 8 whole pairs from memory, on one core."""
    torch.set_num_threads(1)
    pairs = load_pairs(path)
    settings = TrainingSettings(1, 8, None, 1e-3, "one_cycle")
    source = PairSource(pairs.noisy, pairs.clean, settings, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    started = time.perf_counter()
    for _ in range(batches):
        chosen = torch.randint(len(pairs.noisy), (8,), generator=generator)
        source.batch(chosen, generator)
    return batches * 8 / (time.perf_counter() - started)


def main(quick: bool) -> None:
    """Print the figures."""
    few, many = (64, 128) if quick else (1000, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zarr")
        one, _ = made(path, many // 5, 1)
        two, _ = made(path, many // 5, 2)
        _, small = made(path, few, 2)
        speed = pairs_per_second(path, 20 if quick else 500)
        _, large = made(path, many, 2)
    figures = {
        "pairs_per_second_one_process": round(many / 5 / one),
        "pairs_per_second_two_processes": round(many / 5 / two),
        "two_against_one": round(one / two, 2),
        f"peak_mib_{few}": round(small),
        f"peak_mib_{many}": round(large),
        "pairs_per_second_read": round(speed),
    }
    for name, value in figures.items():
        print(f"{name:34}{value:10}")
    print(json.dumps(figures))


if __name__ == "__main__":
    if "make" in sys.argv:
        make(*sys.argv[2:])
    else:
        main("--quick" in sys.argv)
