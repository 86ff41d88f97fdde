import json
import re
import sys
from pathlib import Path

from sfin.cluster_messages import advice, check_partitions
from sfin.errors import InputError
from sfin.settings import mark_scale

# What a run found at its start. Its jobs read the workflow anew, an hour or a day
# later, and must not find images that nobody has calibrated.
IMAGES_OF_RUN = Path(".snakemake/images_of_run.json")


def growing(amount):
    """Give a rule an amount such as 2GB or 30m, twice as much at each retry."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", amount).groups()
    return lambda wildcards, attempt: f"{int(number) * 2 ** (attempt - 1)}{unit}"


def images_of_run(find):
    """Find the images, or take those that the run of this job has found."""
    if workflow.is_main_process or not IMAGES_OF_RUN.exists():
        return find()
    return json.loads(IMAGES_OF_RUN.read_text(encoding="utf-8"))


def keep_images_of_run(images):
    """Keep the images for the jobs of this run."""
    paths = {
        mode: {name: str(path) for name, path in found.items()}
        for mode, found in images.items()
    }
    IMAGES_OF_RUN.write_text(json.dumps(paths), encoding="utf-8")


def check_cluster():
    """Refuse a run on Slurm whose partitions do not exist, before it submits jobs."""
    if workflow.executor_plugin.name != "slurm":
        return
    jobs = [job for job in workflow.dag.needrun_jobs() if not job.is_local]
    partitions = {job.resources.get("slurm_partition") for job in jobs}
    try:
        check_partitions({str(name) for name in partitions if name})
    except InputError as error:
        raise WorkflowError(str(error))


onstart:
    check_cluster()
    keep_images_of_run(IMAGES)
    mark_scale("results", SCALE)


onerror:
    # The logs that Snakemake keeps of this run: one, in a list.
    for path in log:
        for sentence in advice(Path(path).read_text(errors="replace")):
            print(sentence, file=sys.stderr)
