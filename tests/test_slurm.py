"""The workflow on a real Slurm of one node: `make test-slurm`."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from slurm_cluster import SlurmUnavailable, start, stop
from test_workflow import RUN, TEST, Project, add_images, copy_project, record

from sfin.cluster_messages import advice

pytestmark = pytest.mark.slurm

# Without accounting, which would need a database, the plugin must ask squeue. The
# first look at jobs comes after 5 s, for these take no longer.
SLURM = [
    *("--profile", "slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "5"),
    *TEST,
]
CALIBRATION = "results/calibration/haadf.json"
WEIGHTS = "results/models/enhancement/sfin/haadf/fcn/weights.safetensors"
TRAINING_LOG = "logs/train_network/enhancement/sfin/haadf/fcn.log"


class SlurmProject(Project):
    def start(self, *arguments):
        """Start snakemake on Slurm, and let it run."""
        return subprocess.Popen(
            self.command(*arguments, *SLURM),
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def on_slurm(self, *arguments, succeeds=True):
        """Run snakemake on Slurm and return what it prints."""
        return self.finish(self.start(*arguments), succeeds)

    def finish(self, process, succeeds=True):
        """Wait for snakemake, which a fault of ours may hang, and read its output."""
        try:
            output, _ = process.communicate(timeout=900)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            pytest.fail(f"snakemake hangs:\n{output[-3000:]}")
        assert (process.returncode == 0) == succeeds, output[-6000:]
        return output

    def train_for(self, epochs):
        """Let a training take longer than a fault of ours needs to arrive."""
        (self.folder / "config/own_images.yaml").write_text(
            "images: {public: []}\n"
            f"networks: {{fcn: {{training: {{epochs: {epochs}}}}}}}\n"
        )

    def start_training(self):
        """Start that training, and wait until steps of it have been kept."""
        run = self.start(WEIGHTS)
        folder = (self.folder / WEIGHTS).parent
        kept = set()

        def kept_several():
            kept.update(path.stat().st_mtime for path in folder.glob("checkpoint-*.pt"))
            return len(kept) > 2

        wait_until(kept_several, run)
        return run

    def training_log(self):
        return (self.folder / TRAINING_LOG).read_text()

    def results(self):
        """Read the bytes of what was made, less what tells how fast it was made."""
        found = super().results()
        return {name: found[name] for name in found if not name.endswith("speed.csv")}


def slurm(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def wait_until(condition, process, seconds=240):
    """Wait until something happened in a run."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        if process.poll() is not None:
            pytest.fail(f"the run ended too early:\n{process.communicate()[0][-3000:]}")
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"nothing in {seconds} s:\n{process.communicate()[0][-3000:]}")


def running_jobs():
    return slurm("squeue", "-h", "-t", "running", "-o", "%A").split()


def wait_for_no_job(seconds=30):
    """Wait until Slurm has ended what was cancelled."""
    end = time.monotonic() + seconds
    while running_jobs() and time.monotonic() < end:
        time.sleep(0.5)
    assert running_jobs() == []


def new_project(folder):
    """Make a project with images and nothing done."""
    copy_project(folder)
    add_images(folder)
    return SlurmProject(folder)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a cluster, and let all of this process use it."""
    folder = tmp_path_factory.mktemp("slurm")
    try:
        environment = start(folder)
    except SlurmUnavailable as error:
        pytest.skip(str(error))
    patch = pytest.MonkeyPatch()
    for name, value in environment.items():
        patch.setenv(name, value)
    # Slurm takes what sbatch inherits into the jobs: one thread each, as on a cluster.
    yield folder
    patch.undo()
    stop(folder)


@pytest.fixture(scope="module")
def finished(cluster, tmp_path_factory):
    """Run the whole workflow once on Slurm, and meanwhile on this machine."""
    project, local = (
        new_project(tmp_path_factory.mktemp(name)) for name in ("finished", "local")
    )
    # Half of the time on Slurm is waiting for it.
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(local.snakemake, *RUN)
        project.output = project.on_slurm()
        beside.result()
    project.local = local
    return project


@pytest.fixture(scope="module")
def trained(cluster, tmp_path_factory):
    """Train one network, on this machine."""
    project = new_project(tmp_path_factory.mktemp("trained"))
    project.snakemake(WEIGHTS, *RUN)
    return project


@pytest.fixture
def changed(trained, tmp_path):
    """Copy the project with one network, to change something in it."""
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    return SlurmProject(tmp_path)


@pytest.fixture
def fresh(cluster, tmp_path):
    """Copy the project with nothing done."""
    copy_project(tmp_path)
    for mode in ("haadf", "bf"):
        record(tmp_path / f"resources/real_images/{mode}/recorded.tif", mode, 1)
    return SlurmProject(tmp_path)


def differing_pixels(first, second):
    """Say which share of the pixels of two pictures is not the same."""
    pictures = [Image.open(io.BytesIO(file)) for file in (first, second)]
    pixels = [np.asarray(picture.convert("RGB")) for picture in pictures]
    assert pixels[0].shape == pixels[1].shape
    return float((pixels[0] != pixels[1]).any(axis=-1).mean())


def test_results_are_those_of_a_local_run(finished):
    expected, found = finished.local.results(), finished.results()
    assert found.keys() == expected.keys()
    unequal = {name for name in found if found[name] != expected[name]}
    pictures = {name for name in unequal if name.endswith(".png")}
    drawn = pictures | {name.removesuffix("png") + "pdf" for name in pictures}
    assert unequal <= drawn
    # A network's grey level may fall on the other side of a whole number where a
    # processor rounds as it likes: a pixel here and there, seen once on one machine.
    shares = {name: differing_pixels(expected[name], found[name]) for name in pictures}
    assert {name: share for name, share in shares.items() if share > 1e-3} == {}
    assert finished.planned() == {}


def test_trainings_had_a_gpu_and_calibrations_shared_a_job(finished):
    columns = "Partition:10,tres-per-job:20,Comment:90"
    jobs = slurm("squeue", "-h", "-t", "all", "-O", columns).splitlines()
    trainings = [job.split() for job in jobs if "train_network" in job]
    assert len(trainings) >= 6
    assert all(job[:2] == ["gpu", "gres:gpu:1"] for job in trainings)
    others = [job for job in jobs if "train_network" not in job]
    assert not [job for job in others if not job.startswith("cpu ")]
    submitted = re.findall(r"logs/slurm/(\w+)/", finished.output)
    assert len([name for name in submitted if "calibrate_image" in name]) == 1


def kill_training(project):
    """Kill the process that trains, as the system does when it runs out of memory."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = process.joinpath("cmdline").read_bytes()
            folder = process.joinpath("cwd").readlink()
        except OSError:
            continue
        if b"train_network.py" in words and folder == project.folder:
            os.kill(int(process.name), signal.SIGKILL)


def cancel_training(project):
    (job,) = running_jobs()
    slurm("scancel", job)


@pytest.mark.parametrize(
    ("end", "status"), [(cancel_training, "CANCELLED"), (kill_training, "FAILED")]
)
def test_ended_training_goes_on_in_the_retry(changed, tmp_path_factory, end, status):
    changed.train_for(epochs=60)
    undisturbed = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(changed.folder, undisturbed, dirs_exist_ok=True)
    run = changed.start_training()
    end(changed)
    output = changed.finish(run)
    assert f"SLURM status is: '{status}'" in output
    assert "Trying to restart job" in output
    assert "goes on after epoch" in changed.training_log()
    Project(undisturbed).snakemake(WEIGHTS, *RUN)
    expected = (undisturbed / WEIGHTS).read_bytes()
    assert (changed.folder / WEIGHTS).read_bytes() == expected


def test_job_over_its_memory_gets_more_in_the_retry(changed):
    changed.edit(
        "workflow/rules/calibration.smk",
        'mem=growing("1GB")',
        'mem=growing("150MB")',
    )
    (changed.folder / CALIBRATION).unlink()
    output = changed.on_slurm(CALIBRATION)
    assert "Trying to restart job" in output
    (log,) = (changed.folder / "logs/slurm").rglob("*.log")
    assert "exceeded memory limit" in log.read_text()
    assert (changed.folder / CALIBRATION).exists()
    granted = slurm("squeue", "-h", "-t", "all", "-o", "%m|%T|%k").splitlines()
    states = [job.split("|")[:2] for job in granted if "summarise_calibration" in job]
    assert ["150M", "FAILED"] in states
    assert {("300M", "COMPLETED"), ("600M", "COMPLETED")} & {*map(tuple, states)}


def test_training_over_its_time_goes_on_with_more(changed):
    # A minute is the least that Slurm has; four attempts are fifteen.
    changed.edit("workflow/rules/training.smk", 'growing("24h")', 'growing("1m")')
    changed.train_for(epochs=1000)
    output = changed.on_slurm(WEIGHTS, "--retries", "3")
    assert "SLURM status is: 'TIMEOUT'" in output
    assert "Trying to restart job" in output
    assert "goes on after epoch" in changed.training_log()
    assert any("train_network ran out of time" in told for told in advice(output))
    granted = slurm("squeue", "-h", "-t", "all", "-o", "%l|%T|%k").splitlines()
    limits = [job.split("|")[:2] for job in granted if "train_network" in job]
    assert ["1:00", "TIMEOUT"] in limits
    completed = [limit for limit, state in limits if state == "COMPLETED"]
    assert {"2:00", "4:00", "8:00"} & {*completed}


def test_job_that_never_fits_says_what_to_change(changed):
    (changed.folder / CALIBRATION).unlink()
    output = changed.on_slurm(
        CALIBRATION,
        *("--set-resources", "summarise_calibration:mem_mb=60", "--retries", "1"),
        succeeds=False,
    )
    assert "Error in rule summarise_calibration" in output
    assert "logs/summarise_calibration/haadf.log" in output
    assert "A job of summarise_calibration ran out of memory" in output
    assert "profiles/slurm/profile.yaml, such as summarise_calibration: {mem" in output
    assert not (changed.folder / CALIBRATION).exists()


def test_partition_that_does_not_exist_is_refused_before_any_job(fresh):
    fresh.edit(
        "profiles/slurm/profile.yaml", "slurm_partition: gpu", "slurm_partition: a100"
    )
    before = slurm("squeue", "-h", "-t", "all", "-o", "%A")
    output = fresh.on_slurm(succeeds=False)
    assert "This cluster has no partition 'a100': put one of cpu, gpu into" in output
    assert "Traceback" not in output
    assert slurm("squeue", "-h", "-t", "all", "-o", "%A") == before


def test_twenty_images_are_calibrated_in_a_job(fresh):
    images = fresh.folder / "resources/real_images/bf"
    for number in range(39):
        os.link(images / "recorded.tif", images / f"more_{number}.tif")
    output = fresh.snakemake("calibration", "--dry-run", *SLURM)
    # 41 images with the one of the other mode.
    assert output.count("rule calibrate_image:") == 41
    assert output.count("Group job calibration ") == 3


def test_drained_node_is_waited_for(changed):
    (changed.folder / CALIBRATION).unlink()
    node = ("scontrol", "update", "NodeName=localhost")
    slurm(*node, "State=DRAIN", "Reason=test")
    try:
        run = changed.start(CALIBRATION)
        reason = ("squeue", "-h", "-t", "pending", "-o", "%R")
        waiting = wait_until(lambda: "DRAINED" in slurm(*reason).upper(), run)
    finally:
        slurm(*node, "State=RESUME")
    assert waiting
    changed.finish(run)
    assert (changed.folder / CALIBRATION).exists()


def test_interrupted_run_leaves_no_job_and_goes_on(changed):
    changed.train_for(epochs=60)
    run = changed.start_training()
    run.send_signal(signal.SIGINT)
    changed.finish(run, succeeds=False)
    wait_for_no_job()
    changed.on_slurm(WEIGHTS)
    assert "goes on after epoch" in changed.training_log()


def test_killed_snakemake_leaves_its_job_and_a_lock(changed):
    changed.train_for(epochs=60)
    run = changed.start_training()
    run.kill()
    run.communicate()
    assert len(running_jobs()) == 1
    assert "Directory cannot be locked" in changed.on_slurm(WEIGHTS, succeeds=False)
    slurm("scancel", *running_jobs())
    wait_for_no_job()
    changed.snakemake("--unlock", *TEST)
    changed.on_slurm(WEIGHTS)
    assert "goes on after epoch" in changed.training_log()


def test_images_added_while_a_run_is_on_are_taken_by_the_next(fresh):
    run = fresh.start("calibration")
    wait_until(running_jobs, run)
    for seed in (2, 3):
        record(fresh.folder / f"resources/real_images/bf/late_{seed}.tif", "bf", seed)
    fresh.finish(run)
    assert not (fresh.folder / "results/calibration/bf/late_2.json").exists()
    planned = fresh.planned("calibration")
    assert planned["calibrate_image"] == 2
    assert planned["summarise_calibration"] == 1


def test_synthesis_on_workers_of_slurm_makes_the_same_bytes(trained, changed):
    (changed.folder / "config/own_images.yaml").write_text(
        "images: {public: []}\n"
        "synthesis: {scheduler: slurm, cluster: {workers: 2, memory: 1GB}}\n"
    )
    store = "results/datasets/sfin/haadf/train.zarr"
    shutil.rmtree(changed.folder / store)
    changed.on_slurm(store)
    expected = trained.results()
    found = changed.results()
    names = [name for name in expected if name.startswith("datasets/sfin/haadf/train")]
    assert len(names) > 5
    assert [name for name in names if found[name] != expected[name]] == []
    logs = list((changed.folder / "logs/slurm/workers").glob("*.out"))
    assert len(logs) == 2


def test_script_starts_and_stops_a_cluster_from_a_shell(tmp_path):
    script = os.path.join(os.path.dirname(__file__), "slurm_cluster.py")
    try:
        start(tmp_path)
    except SlurmUnavailable as error:
        pytest.skip(str(error))
    assert "idle" in subprocess.check_output(
        ["sinfo", "-h", "-o", "%T"],
        env=os.environ | {"SLURM_CONF": str(tmp_path / "slurm.conf")},
        text=True,
    )
    subprocess.run([sys.executable, script, "stop", str(tmp_path)], check=True)
    assert not list(tmp_path.glob("*.pid"))
