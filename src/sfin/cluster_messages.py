"""What a user of Slurm is told: a wrong partition, a job that was too large."""

import re
import subprocess
from collections.abc import Iterable, Iterator

from sfin.errors import InputError

# How Slurm says that a job had too little of something, and what to raise.
# Without cgroups it only says FAILED when memory was too little, and why in its log.
MEMORY = ("OUT_OF_MEMORY", "exceeded memory limit", "oom_kill", "oom-kill")
TIME = ("TIMEOUT", "DUE TO TIME LIMIT")


def check_partitions(wanted: Iterable[str]) -> None:
    """Check that Slurm has the partitions that jobs are to be sent to.

    Parameters
    ----------
    wanted
        Names of partitions; several in one name, with commas, are alternatives.

    Raises
    ------
    InputError
        If there is no such partition.
    """
    command = ["sinfo", "--noheader", "--format=%R"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(
            f"Slurm does not answer here ({error}): run this where sinfo works, or "
            "without `--profile slurm`."
        ) from error
    if done.returncode:
        raise InputError(
            f"Slurm does not answer here: sinfo says {done.stderr.strip()!r}."
        )
    there = sorted(set(done.stdout.split()))
    for names in sorted(wanted):
        for name in names.split(","):
            if name not in there:
                raise InputError(
                    f"This cluster has no partition {name!r}: put one of "
                    f"{', '.join(there)} into profiles/slurm/profile.yaml."
                )


def advice(log: str) -> Iterator[str]:
    """Say what to change for jobs that failed for want of memory or time.

    Parameters
    ----------
    log
        What Snakemake printed, including the logs of failed jobs.

    Yields
    ------
    str
        One sentence for each rule.
    """
    told: set[tuple[str, str]] = set()
    # A failure begins with its rule and ends with the next.
    failures = re.split(r"^(?=.*\bError in (?:rule|group) )", log, flags=re.M)
    for failure in failures[1:]:
        # Of a group only the rules within it can be given more.
        rules = re.findall(r"\brule (\w+)", failure)
        for signs, lacked, argument in (
            (MEMORY, "memory", "mem_mb: 16000"),
            (TIME, "time", "runtime: 600"),
        ):
            for rule in dict.fromkeys(rules):
                if (rule, lacked) in told or not any(s in failure for s in signs):
                    continue
                told.add((rule, lacked))
                yield (
                    f"A job of {rule} ran out of {lacked} in all attempts: give it "
                    "more under set-resources in profiles/slurm/profile.yaml, such as "
                    f"{rule}: {{{argument}}}"
                )
