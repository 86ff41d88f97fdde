"""A real Slurm of one node for tests, with a partition of CPUs and one of GPUs.

    eval "$(python tests/slurm_cluster.py start DIRECTORY)"
    snakemake --profile slurm --slurm-status-command squeue
    python tests/slurm_cluster.py stop DIRECTORY

Debian's daemons are installed if root asks for it. Everything else lies in
DIRECTORY: key, sockets, configuration, logs, jobs. Nothing of a Slurm that the
machine may have is read or touched, and several of these run beside each other.
"""

import argparse
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# The program that tells whether a Debian package is installed.
PACKAGES = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
}
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct")
DAEMONS = ("slurmd", "slurmctld", "munged")
# Slurm wants a character device for each GPU and does not ask what it is.
DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
# Daemons live where the PATH of a user often does not lead.
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
WAIT = 60.0  # seconds that a daemon may take to answer

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CredType=cred/munge
SlurmctldPort={port}
SlurmdPort={node_port}
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldLogFile={directory}/slurmctld.log
SlurmdLogFile={directory}/slurmd.log
PlugStackConfig={directory}/plugstack.conf
MailProg=/bin/true
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
# Without cgroups, which containers do not let us make.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
# The node may claim more than the machine has.
SlurmdParameters=config_overrides
KillWait=5
# A job that no node could ever run is refused, not queued for ever.
EnforcePartLimits=ALL
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# Without cgroups memory is polled, once a second, and a job over it is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=5
# squeue shows jobs that ended this many seconds ago.
MinJobAge=86400
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} \
Gres=gpu:{gpus} State=UNKNOWN
PartitionName=cpu Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=localhost MaxTime=INFINITE State=UP
"""


class SlurmUnavailable(Exception):
    """There is no Slurm to be had here; says why."""


def install() -> None:
    """Install the daemons and clients that are missing, with apt-get as root."""
    missing = [
        package
        for program, package in PACKAGES.items()
        if not shutil.which(program, path=SYSTEM_PATH)
    ]
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SlurmUnavailable(
            f"Slurm is not installed and needs root and apt-get: install {names}."
        )
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    for words in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(
            [*command, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SlurmUnavailable(
            f"apt-get could not install {names}: {done.stderr.strip()[-300:]}"
        )


def start(
    directory: Path, cpus: int = 8, memory: int = 200_000, gpus: int = 2
) -> dict[str, str]:
    """Start a cluster, and give the environment that leads to it.

    Parameters
    ----------
    directory
        New or empty, or that of a cluster that was stopped.
    cpus, memory, gpus
        What the node claims to have; memory in MiB. More than there is lets jobs
        run that ask for much and use little.

    Raises
    ------
    SlurmUnavailable
        If Slurm cannot be installed or does not start.
    """
    install()
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    if (directory / "slurm.conf").exists():
        stop(directory)
    _configure(directory, cpus, memory, gpus)
    environment = {
        "SLURM_CONF": f"{directory}/slurm.conf",
        "PATH": f"{directory}/bin:{os.environ['PATH']}:{SYSTEM_PATH}",
    }
    try:
        _launch(
            directory,
            *("munged", "--force", "--origin=127.0.0.1"),
            f"--socket={directory}/munge.socket",
            f"--key-file={directory}/munge.key",
            f"--pid-file={directory}/munged.pid",
            f"--log-file={directory}/munged.log",
            f"--seed-file={directory}/munge.seed",
        )
        _await(directory, "munge", "-n", "-S", f"{directory}/munge.socket")
        _launch(directory, "slurmctld", "-c", "-f", f"{directory}/slurm.conf")
        _await(directory, "scontrol", "ping", says="is UP")
        _launch(directory, "slurmd", "-f", f"{directory}/slurm.conf")
        _await(directory, "sinfo", "-h", "-p", "gpu", "-o", "%T", says="idle")
    except SlurmUnavailable:
        stop(directory)
        raise
    return environment


def stop(directory: Path) -> None:
    """Cancel all jobs of a cluster and end its daemons; its logs stay."""
    directory = directory.resolve()
    if _process(directory, "slurmctld"):
        _client(directory, "scancel", "--user", str(os.geteuid()))
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if not _client(directory, "squeue", "-h").stdout.strip():
                break
            time.sleep(0.2)
    for daemon in DAEMONS:
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 15
            while (found := _process(directory, daemon)) and time.monotonic() < end:
                os.kill(found, number)
                time.sleep(0.2)
        (directory / f"{daemon}.pid").unlink(missing_ok=True)


def _configure(directory: Path, cpus: int, memory: int, gpus: int) -> None:
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    for name in ("state", "spool", "bin"):
        (directory / name).mkdir(exist_ok=True)
    text = CONFIGURATION.format(
        user=user,
        directory=directory,
        port=_free_port(),
        node_port=_free_port(),
        cpus=cpus,
        memory=memory,
        gpus=gpus,
    )
    (directory / "slurm.conf").write_text(text, encoding="utf-8")
    devices = "".join(f"Name=gpu File={device}\n" for device in DEVICES[:gpus])
    (directory / "gres.conf").write_text(devices, encoding="utf-8")
    # slurmd asks for this file also where nothing uses it.
    (directory / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n", encoding="utf-8")
    (directory / "plugstack.conf").touch()
    key = directory / "munge.key"
    key.unlink(missing_ok=True)
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    # Inside a job the plugin takes SLURM_CONF out of the environment of srun, which
    # would then look for the cluster that the machine may have.
    for client in CLIENTS:
        script = directory / "bin" / client
        configuration = shlex.quote(f"{directory}/slurm.conf")
        program = shutil.which(client, path=SYSTEM_PATH)
        script.write_text(
            f'#!/bin/sh\nSLURM_CONF={configuration} exec {program} "$@"\n',
            encoding="utf-8",
        )
        script.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _launch(directory: Path, daemon: str, *arguments: str) -> None:
    log = directory / f"{daemon}.out"
    with log.open("wb") as output:
        done = subprocess.run(
            [_program(daemon), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise SlurmUnavailable(f"{daemon} does not start: {_last_words(log)}")


def _await(directory: Path, client: str, *arguments: str, says: str = "") -> None:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        done = _client(directory, client, *arguments)
        if done.returncode == 0 and says in done.stdout:
            return
        time.sleep(0.2)
    logs = "; ".join(_last_words(log) for log in sorted(directory.glob("*.log")))
    raise SlurmUnavailable(f"Slurm does not start ({client} fails): {logs}")


def _client(
    directory: Path, client: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_program(client), *arguments],
        env=os.environ | {"SLURM_CONF": f"{directory}/slurm.conf"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
    )


def _process(directory: Path, daemon: str) -> int | None:
    """Find a daemon of this cluster, and no other process of the same number."""
    try:
        number = int((directory / f"{daemon}.pid").read_text(encoding="utf-8"))
        process = Path("/proc", str(number))
        command = process.joinpath("cmdline").read_bytes().split(b"\0")
        state = process.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, ValueError):
        return None
    ours = any(str(directory).encode() in word for word in command)
    is_daemon = command[0].endswith(daemon.encode())
    return number if ours and is_daemon and state != "Z" else None


def _program(name: str) -> str:
    return shutil.which(name, path=SYSTEM_PATH) or name


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{log.name}: {lines[-1]}" if lines else f"{log.name} is empty"


def main() -> None:
    """Start or stop a cluster from a shell."""
    parser = argparse.ArgumentParser(description="A one-node Slurm for tests.")
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--cpus", type=int, default=8, help="that the node claims")
    arguments = parser.parse_args()
    if arguments.action == "stop":
        stop(arguments.directory)
        return
    try:
        environment = start(arguments.directory, arguments.cpus)
    except SlurmUnavailable as error:
        # Evaluated by a shell: fails there too.
        print("false")
        sys.exit(f"Error: {error}")
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
