"""Time the synthesis of a dataset on workers that are Slurm jobs.

    eval "$(python tests/slurm_cluster.py start /tmp/slurm-test)"
    PYTHONPATH=src python benchmarks/synthesis_on_slurm.py 10000 1 2
    python tests/slurm_cluster.py stop /tmp/slurm-test

Takes the structures and the calibration of a finished run in results/. Prints
seconds, also of the workers' CPU, for each number of workers; and checks that the
images of all are the same.
"""

import hashlib
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml
from distributed import default_client

from sfin.clusters import dask_workers
from sfin.columns import read_columns
from sfin.datasets import load_pairs
from sfin.parameters import read_distribution
from sfin.synthesis import SynthesisSettings, synthesise_dataset


def main(number: int, counts: list[int]) -> None:
    """Synthesise `number` pairs with each of the numbers of workers."""
    config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
    settings = SynthesisSettings.from_dict(config["synthesis"]["settings"])
    structures = [
        read_columns(path) for path in sorted(Path("results/structures").glob("*.zarr"))
    ]
    distribution = read_distribution("results/calibration/haadf.json")
    print("workers  wait (s)  work (s)  pairs/s  CPU of workers, of coordinator (s)")
    for workers in counts:
        with tempfile.TemporaryDirectory(dir="results") as folder:
            asked = time.monotonic()
            cluster = {"workers": workers, "memory": "3GB", "runtime": 30}
            pool = dask_workers("slurm", 1, cluster, report=lambda sentence: None)
            with pool as arguments:
                started, used = time.monotonic(), _own_seconds()
                store = Path(folder, "train.zarr")
                synthesise_dataset(
                    store,
                    "train",
                    structures,
                    distribution,
                    number,
                    settings,
                    {"seed": 1, "scale": "benchmark"},
                    **arguments,
                )
                seconds, own = time.monotonic() - started, _own_seconds() - used
                each = default_client().run(time.process_time)
            digest = hashlib.sha256(load_pairs(store).noisy.tobytes()).hexdigest()
            shutil.rmtree(store)
        print(
            f"{workers:7d} {started - asked:9.1f} {seconds:9.1f} "
            f"{number / seconds:8.0f} {sorted(map(round, each.values()))} {own:.1f} "
            f"noisy images {digest[:12]}",
            flush=True,
        )


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(count) for count in sys.argv[2:]])
