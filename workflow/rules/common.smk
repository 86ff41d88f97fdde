import os
from dataclasses import asdict
from pathlib import Path

from sfin.dependencies import source_files
from sfin.errors import InputError
from sfin.images import SUFFIXES, check_image_file
from sfin.settings import check_settings
from sfin.sources import read_sources
from sfin.structures import list_structures

SOURCES = "resources/real_images/sources.csv"
STRUCTURES = "resources/structures"
ENVIRONMENT = "../../envs/sfin.yaml"

# Jobs run the library that this workflow tracks, in whatever environment.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(workflow.basedir, "src")), os.environ.get("PYTHONPATH")])
)
# glibc gives large tensors back to the system after each use; keeping them
# makes training on a CPU more than twice as fast. Read when a process starts.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4294967296")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "17179869184")
# Idle threads sleep instead of spinning on cores that other jobs need.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def refuse(sentence):
    """Stop before any job runs, with one sentence."""
    raise WorkflowError(sentence)


def user_images(mode):
    """Find the images that a user dropped into the folder of a mode, by name."""
    images = {}
    for path in sorted(Path("resources/real_images", mode).glob("*")):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() not in SUFFIXES:
            refuse(
                f"{path} is not a microscopy image: use one of "
                f"{', '.join(SUFFIXES)}, or move the file elsewhere."
            )
        if path.stem in images:
            refuse(
                f"{path} and {images[path.stem]} share a name, which would mix up "
                "their results: rename one of them."
            )
        check_image_file(path)
        images[path.stem] = str(path)
    return images


def public_images():
    """Choose the rows of the list of public images that the config names."""
    rows = {row.name: row for row in read_sources(SOURCES)}
    unknown = sorted(set(config["images"]["public"]) - set(rows))
    if unknown:
        refuse(
            f"images.public names {unknown[0]!r}, which {SOURCES} does not list: "
            f"choose from {', '.join(rows)}."
        )
    return {
        name: rows[name]
        for name in config["images"]["public"]
        if rows[name].mode in config["modes"]
    }


def find_images():
    """Collect the real images of each mode: name -> file."""
    images = {}
    for mode in config["modes"]:
        images[mode] = user_images(mode)
        for name, row in PUBLIC_IMAGES.items():
            if row.mode == mode:
                images[mode].setdefault(
                    name, f"results/real_images/{mode}/{name}{row.suffix}"
                )
        if not images[mode]:
            refuse(
                f"There is no {mode} image: put at least one into "
                f"resources/real_images/{mode}/, name a public one under "
                f"images.public, or take {mode!r} out of modes."
            )
    return images


def check_structures():
    """Refuse structures that nobody described."""
    known = list_structures(Path(STRUCTURES))
    for name in config["structures"]:
        if name not in known:
            refuse(
                f"structures names {name!r}, which {STRUCTURES}/ does not describe: "
                f"choose from {', '.join(known)}, or add {STRUCTURES}/{name}.yaml."
            )


try:
    check_settings(config, Path(workflow.basedir, "config/schema.yaml"))
    PUBLIC_IMAGES = public_images()
    IMAGES = find_images()
    check_structures()
except InputError as error:
    refuse(str(error))

METHODS = config["methods"]
TRAINED = [method for method in METHODS if method in config["networks"]]
# What every table and figure says about how it was made.
PROVENANCE = {"scale": config["scale"], "seed": config["seed"]}
ENHANCED_IMAGES = [
    f"results/enhanced/{mode}/{image}.{suffix}"
    for mode in config["modes"]
    for image in IMAGES[mode]
    for suffix in ("tif", "png", "comparison.png")
]


wildcard_constraints:
    dataset="sfin",
    image=r"\w[^/]*",
    method="|".join(METHODS),
    mode="|".join(config["modes"]),
    split="train|test",
    structure="|".join(config["structures"]),
    task="enhancement",


def code(script):
    """List the script of a rule and the modules it runs, to track their content."""
    return source_files(f"workflow/scripts/{script}.py", "src")


def real_image(wildcards):
    """Find the file of a real image."""
    try:
        return IMAGES[wildcards.mode][wildcards.image]
    except KeyError:
        refuse(f"There is no {wildcards.mode} image named {wildcards.image!r}.")


def public_image(wildcards):
    """Give the row of a public image as a dictionary."""
    return asdict(PUBLIC_IMAGES[wildcards.image])


def pixel_size(wildcards):
    """Give the pixel size that the list of public images states, in Å."""
    row = PUBLIC_IMAGES.get(wildcards.image)
    return row.pixel_size if row else None


def calibrated_images(wildcards):
    """List the calibrations of all images of a mode."""
    return collect(
        "results/calibration/{mode}/{image}.json",
        mode=wildcards.mode,
        image=IMAGES[wildcards.mode],
    )


def weights(wildcards):
    """Give the weights of a trained method, none of a filter."""
    if wildcards.method not in TRAINED:
        return []
    return f"results/models/{{task}}/{{dataset}}/{{mode}}/{wildcards.method}/weights.safetensors"


def training_settings(wildcards):
    """Merge the settings of all trainings with those of one network."""
    own = config["networks"][wildcards.method].get("training", {})
    return config["training"] | own
