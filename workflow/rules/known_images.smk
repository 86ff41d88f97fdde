from sfin.errors import InputError
from sfin.sidecars import known_structures

try:
    # Of images whose structure the user names, beside them or in the list.
    KNOWN = {
        mode: known_structures(
            {name: Path(path) for name, path in IMAGES[mode].items()},
            PUBLIC_IMAGES,
            "results/real_images",
            [*DESCRIBED_STRUCTURES, *USER_STRUCTURES],
        )
        for mode in config["modes"]
    }
except InputError as error:
    raise WorkflowError(str(error))


LATTICES = [
    f"results/lattices/{mode}/{image}.csv" for mode in KNOWN for image in KNOWN[mode]
]


def known(wildcards):
    """Tell what is known of an image."""
    return KNOWN[wildcards.mode][wildcards.image]


def structure_of_image(wildcards):
    """Give the crystal of an image."""
    return f"results/structures/{known(wildcards).structure}.zarr"


def calibrated_images(wildcards):
    """List the calibrations of all images of a mode."""
    return collect(
        "results/calibration/{mode}/{image}.json",
        mode=wildcards.mode,
        image=IMAGES[wildcards.mode],
    )
