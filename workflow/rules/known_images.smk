from sfin.errors import InputError
from sfin.sidecars import known_structures, movies

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
    # Frames of one area, by mode and the name that the user gives their movie.
    MOVIES = {
        mode: movies(
            {name: Path(path) for name, path in IMAGES[mode].items()},
            [*DESCRIBED_STRUCTURES, *USER_STRUCTURES],
        )
        for mode in config["modes"]
    }
except InputError as error:
    raise WorkflowError(str(error))


LATTICES = [
    f"results/lattices/{mode}/{image}.csv" for mode in KNOWN for image in KNOWN[mode]
]
# What one network makes of real images after training on each dataset.
COMPARISON = []
if TRAINED_ON != OWN_DATA:
    COMPARISON.append("results/figures/figure9.png")
    if KNOWN["haadf"]:
        COMPARISON.append("results/tables/training_data.csv")


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


def weights_of_methods(wildcards):
    """List the weights of all networks that enhance images of a mode."""
    return collect(
        "results/models/enhancement/sfin/{mode}/{method}/weights.safetensors",
        mode=wildcards.mode,
        method=TRAINED,
    )


def frames_of(wildcards):
    """List the frames of a movie."""
    frames = MOVIES[wildcards.mode][wildcards.movie]
    return [str(IMAGES[wildcards.mode][name]) for name in frames]


def pixel_size_of_movie(wildcards):
    """Give the first pixel size that is said of a frame of a movie, in Å."""
    sizes = [
        frame.pixel_size for frame in MOVIES[wildcards.mode][wildcards.movie].values()
    ]
    return next((size for size in sizes if size), None)
