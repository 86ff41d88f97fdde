import os
from dataclasses import asdict
from pathlib import Path

from sfin.collection import public_images, real_images
from sfin.cyclegan_settings import GanSettings, check_sizes
from sfin.dependencies import digest, source_files
from sfin.errors import InputError
from sfin.networks.registry import check_networks
from sfin.rendering_settings import read_settings
from sfin.settings import check_scale, check_settings
from sfin.shipped_weights import shipped_scale
from sfin.structures import check_structures, list_structures
from sfin.user_structures import check_user_structures

SOURCES = "resources/real_images/sources.csv"
STRUCTURES = "resources/structures"
SHIPPED_COLUMNS = f"{STRUCTURES}/columns.json"
SHIPPED_WEIGHTS = "resources/weights"
ENVIRONMENT = "../../envs/sfin.yaml"

# Jobs run the library that this workflow tracks, in whatever environment. Idle
# threads sleep instead of spinning on cores that other jobs need. Intel's MKL sums in
# one order, wherever in memory its numbers lie and however many threads it has. All
# are read when a process starts.
os.environ.update(
    PYTHONPATH=str(Path("src").resolve()),
    OMP_WAIT_POLICY="passive",
    MKL_CBWR="AUTO,STRICT",
)


try:
    check_settings(config, "config/schema.yaml")
    check_networks(config)
    SCALE = config["scale"]
    # Data of this scale, but networks of another.
    if config["weights"] == "shipped":
        SCALE += f" with shipped networks of scale {shipped_scale(SHIPPED_WEIGHTS)}"
    check_scale("results", SCALE)
    read_settings(config["rendering"])
    USER_STRUCTURES = config["user_structures"]
    check_structures(config["structures"], Path(STRUCTURES), USER_STRUCTURES)
    if config["columns"] == "shipped":
        # Imports zarr, which no other run needs while it is parsed.
        from sfin.shipped_columns import check_shipped

        check_shipped(config["structures"], SHIPPED_COLUMNS)
    check_user_structures(USER_STRUCTURES, config["structures"])
    if config["temimagenet"]["download"]:
        from sfin.temimagenet_reader import check_download

        check_download(config["temimagenet"]["download"])
    if config["gan"]["use"]:
        gan = GanSettings.from_dict(config["gan"])
        check_sizes(gan, config["synthesis"]["settings"]["size"])
    DESCRIBED_STRUCTURES = list_structures(Path(STRUCTURES))
    PUBLIC_IMAGES = public_images(SOURCES, config["images"]["public"], config["modes"])
    IMAGES = images_of_run(
        lambda: real_images(
            "resources/real_images",
            config["modes"],
            PUBLIC_IMAGES,
            "results/real_images",
        )
    )
except InputError as error:
    # One sentence before any job runs.
    raise WorkflowError(str(error))


# What trainings wait for goes before them: else those of one mode, minutes each, hold
# the cores that the data of the other mode need.
FIRST = 1
# What every table and figure says about how it was made.
PROVENANCE = {"scale": SCALE, "seed": config["seed"]}
ENHANCED_IMAGES = [
    f"results/enhanced/{mode}/{image}.{suffix}"
    for mode in config["modes"]
    for image in IMAGES[mode]
    for suffix in ("tif", "png", "comparison.png", "uncertainty.png", "trust.png")
]
CALIBRATION_PICTURES = [
    f"results/calibration/{mode}/{image}.png"
    for mode in config["modes"]
    for image in IMAGES[mode]
]
# Figure 3 shows a HAADF image, as the paper's does, where there is one.
FIGURE3_MODE = "haadf" if "haadf" in config["modes"] else config["modes"][0]


wildcard_constraints:
    dataset="sfin|temimagenet|temimagenet_published|gan",
    # Not the names of pictures made of an image, which would be tried as images.
    image=r"\w[^/]*(?<!\.comparison)(?<!\.uncertainty)(?<!\.trust)(?<!\.parts)",
    method="|".join([*config["methods"], *config["networks"], *config["filters"]]),
    mode="|".join(config["modes"]),
    split="train|test|validation",
    structure="|".join([*DESCRIBED_STRUCTURES, *USER_STRUCTURES]),
    task="enhancement|detection|superresolution",


def code(script):
    """List the script of a rule and the modules it runs, to track their content."""
    return source_files(f"workflow/scripts/{script}.py", "src")


def code_digest(script):
    """Say in one word what `code` lists, for rules that have a job for each image.

    As many inputs for each of 10,000 images would take Snakemake half a minute.
    """
    return digest(code(script))


def real_image(wildcards):
    """Find the file of a real image."""
    return str(IMAGES[wildcards.mode][wildcards.image])


def public_image(wildcards):
    """Give the row of a public image as a dictionary."""
    return asdict(PUBLIC_IMAGES[wildcards.image])


def pixel_size(wildcards):
    """Give the pixel size that the list of public images states, in Å."""
    row = PUBLIC_IMAGES.get(wildcards.image)
    return row.pixel_size if row else None
