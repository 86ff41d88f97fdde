"""Workers for dask, of this machine or jobs of Slurm, and what they have done."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.config
from dask.base import compute
from dask.callbacks import Callback

from sfin.errors import InputError

SCHEDULERS = ("processes", "threads", "distributed", "slurm")


@dataclass(frozen=True)
class SlurmWorkers:
    """Workers that are Slurm jobs of one CPU each.

    Attributes
    ----------
    workers
        How many; a lost one is replaced.
    memory
        Of each, such as ``2GB``.
    runtime
        Of each, in minutes; longer than the work, for they are not renewed.
    patience
        Minutes to wait in the queue for the first of them.
    partition, account
        Where to; Slurm's defaults if None.
    logs
        Folder for what they print.
    """

    workers: int = 4
    memory: str = "2GB"
    runtime: int = 60
    patience: int = 30
    partition: str | None = None
    account: str | None = None
    logs: str = "logs/slurm/workers"


@contextmanager
def dask_workers(
    scheduler: str,
    workers: int,
    cluster: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = print,
) -> Iterator[dict[str, Any]]:
    """Have workers while the body runs.

    Parameters
    ----------
    scheduler
        ``processes`` or ``threads`` of this machine, by dask itself;
        ``distributed``: processes of this machine, by `dask.distributed`;
        ``slurm``: jobs of Slurm.
    workers
        How many on this machine.
    cluster
        Fields of `SlurmWorkers`, for ``slurm`` alone.
    report
        Takes a sentence when the workers are there.

    Yields
    ------
    dict
        ``scheduler`` and ``workers`` for dask's `compute`; both None where a
        cluster is in force, which dask then uses.

    Raises
    ------
    InputError
        If there is no such scheduler, or no Slurm job starts in time.
    """
    if scheduler not in SCHEDULERS:
        raise InputError(
            f"There are no workers {scheduler!r}: choose from {', '.join(SCHEDULERS)}."
        )
    if scheduler in ("processes", "threads"):
        yield {"scheduler": scheduler, "workers": workers}
        return
    # Imports half a second of network code, which no local run needs.
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if scheduler == "distributed":
            # A process of one thread each: drawing holds the interpreter.
            local = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            )
            stack.enter_context(stack.enter_context(local).get_client())
        else:
            settings = SlurmWorkers(**(cluster or {}))
            started = stack.enter_context(_slurm_cluster(settings))
            client = stack.enter_context(Client(started))  # type: ignore[no-untyped-call]
            _await_worker(client, settings)
            report(f"{settings.workers} Slurm jobs of synthesis asked for")
        yield {"scheduler": None, "workers": None}


def compute_all(
    tasks: Sequence[Any],
    finished: Callable[[], None],
    scheduler: str | None = None,
    workers: int | None = None,
) -> list[Any]:
    """Compute tasks, and say when each is done.

    Parameters
    ----------
    tasks
        Of `dask.delayed`.
    finished
        Called after each task, in whatever order they end.
    scheduler, workers
        As `dask_workers` gives them: a scheduler of dask, None for the one in
        force, and how many threads or processes it may use.

    Returns
    -------
    list
        The results, in the order of the tasks.
    """
    if scheduler is None and dask.config.get("scheduler", None) == "dask.distributed":
        from distributed import as_completed, default_client

        futures = default_client().compute(list(tasks))  # type: ignore[no-untyped-call]
        results = {}
        for future in as_completed(futures):  # type: ignore[no-untyped-call]
            results[future.key] = future.result()
            finished()
        return [results[future.key] for future in futures]
    with Callback(posttask=lambda *_: finished()):  # type: ignore[no-untyped-call]
        found = compute(  # type: ignore[no-untyped-call]
            *tasks, scheduler=scheduler, num_workers=workers, chunksize=1
        )
    return list(found)


def _slurm_cluster(settings: SlurmWorkers) -> Any:
    from dask_jobqueue.slurm import SLURMCluster

    Path(settings.logs).mkdir(parents=True, exist_ok=True)
    hours, minutes = divmod(settings.runtime, 60)
    cluster = SLURMCluster(
        queue=settings.partition,
        account=settings.account,
        cores=1,
        processes=1,
        memory=settings.memory,
        walltime=f"{hours:02d}:{minutes:02d}:00",
        python=sys.executable,
        log_directory=settings.logs,
        # The library that this process runs, wherever a worker starts.
        job_script_prologue=[f"export PYTHONPATH='{os.pathsep.join(sys.path)}'"],
        death_timeout=120,
        scheduler_options={"dashboard_address": None},
    )
    # Not scale(): that replaces no worker that its cluster lost.
    cluster.adapt(minimum=settings.workers, maximum=settings.workers)
    return cluster


def _await_worker(client: Any, settings: SlurmWorkers) -> None:
    try:
        client.wait_for_workers(1, timeout=60 * settings.patience)
    except TimeoutError as error:
        raise InputError(
            f"No worker started in {settings.patience} minutes: look at squeue and "
            f"{settings.logs}/, ask for less under synthesis.cluster, or set "
            "synthesis.scheduler to processes."
        ) from error
