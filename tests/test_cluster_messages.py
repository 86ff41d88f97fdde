import pytest

from sfin.cluster_messages import advice, check_partitions
from sfin.errors import InputError

FAILED = """\
Error in rule {rule}:
    message: SLURM-job '7' failed, SLURM status is: '{status}'.
    log: logs/{rule}/haadf.log
Logfile logs/slurm/rule_{rule}/7.log:
{log}
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Put a sinfo that knows two partitions on the PATH."""
    sinfo = tmp_path / "sinfo"
    sinfo.write_text("#!/bin/sh\nprintf 'cpu\\ngpu\\ngpu\\n'\n")
    sinfo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return sinfo


def test_partitions_that_exist_pass(slurm):
    check_partitions({"cpu", "gpu", "cpu,gpu"})


@pytest.mark.parametrize("wanted", ["a100", "cpu,a100"])
def test_partition_that_does_not_exist_is_named(slurm, wanted):
    with pytest.raises(InputError, match=r"no partition 'a100': put one of cpu, gpu"):
        check_partitions({"cpu", wanted})


def test_slurm_that_does_not_answer_is_told(slurm, monkeypatch):
    slurm.write_text("#!/bin/sh\necho 'no controller' >&2; exit 1\n")
    with pytest.raises(InputError, match="sinfo says 'no controller'"):
        check_partitions({"cpu"})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="Slurm does not answer here"):
        check_partitions({"cpu"})


@pytest.mark.parametrize(
    ("status", "log", "lacked", "argument"),
    [
        ("OUT_OF_MEMORY", "", "memory", "mem_mb"),
        ("FAILED", "slurmstepd: error: exceeded memory limit", "memory", "mem_mb"),
        ("TIMEOUT", "CANCELLED DUE TO TIME LIMIT", "time", "runtime"),
    ],
)
def test_what_was_short_is_named_once(status, log, lacked, argument):
    text = FAILED.format(rule="table1", status=status, log=log)
    (sentence,) = advice("Error in rule table2:\n    message: a bug\n" + text * 3)
    assert f"table1 ran out of {lacked}" in sentence
    assert f"table1: {{{argument}: " in sentence


def test_other_failures_have_no_advice():
    text = FAILED.format(rule="table1", status="FAILED", log="ValueError: bug")
    assert list(advice(text)) == []
