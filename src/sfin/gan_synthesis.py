"""Make the dataset `gan`: clean images that the CycleGAN made look recorded.

What of it is published and what is inferred stands in docs/gan.md.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sfin import __version__
from sfin.cyclegan_images import HALF, simulated_values
from sfin.cyclegan_models import load_translator
from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.networks.cyclegan import Generator
from sfin.pair_writing import SPLITS, Pair, own_generator, write_dataset
from sfin.parameters import PARAMETER_NAMES
from sfin.pixel_loops import to_bytes

# Of the random numbers, beside those of the other datasets.
STREAM = 200
# The GAN draws a background and noise at once.
NOTHING = np.empty((0, 0), np.uint8)


def translate(
    network: Generator,
    clean: NDArray[np.uint8],
    noise: float,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Make a clean image look recorded.

    Parameters
    ----------
    network
        In evaluation mode, so without dropout.
    clean
        Grey levels (rows, columns), both multiples of what the network halves.
    noise
        Standard deviation of the noise it was trained with, in values -1 to 1.
    generator
        Of that noise.

    Returns
    -------
    array
        Grey levels of the same shape.
    """
    values = simulated_values(clean)
    values += np.float32(noise) * generator.standard_normal(clean.shape, np.float32)
    with torch.inference_mode():
        made = network(torch.from_numpy(values)[None, None])[0, 0].numpy()
    return to_bytes((made + 1) * np.float32(HALF))


def synthesise_gan(
    path: Path,
    source: Path,
    weights: Path,
    provenance: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the dataset `gan` of one split as a Zarr store.

    Parameters
    ----------
    path
        Store to write.
    source
        Dataset of the same split, made from calibrated noise. Clean images, labels,
        atoms, structures, pixel sizes and rotations are its; its noisy images and
        drawn noise are not.
    weights
        Of the CycleGAN.
    provenance
        ``seed`` and ``scale`` of the run; kept with the dataset.
    progress
        Called with the pairs that are done and their number.

    Raises
    ------
    InputError
        If the images have a size that the network cannot halve.
    """
    network, metadata = load_translator(weights)
    pairs, atoms = load_pairs(source), load_atoms(source)
    if pairs.attributes["mode"] != "haadf":
        raise InputError(
            f"{source} is not HAADF, which alone the GAN translates: give HAADF."
        )
    number, size = pairs.clean.shape[:2]
    noise = float(metadata["settings"]["training"]["noise"])
    # Nobody knows these of an image that a network has made.
    kept = {
        name: values
        for name, values in pairs.drawn.items()
        if name not in PARAMETER_NAMES
    }
    split = pairs.attributes["split"]
    stream = (STREAM, SPLITS.index(split))
    seed = int(provenance["seed"])
    attributes = {
        **provenance,
        "version": __version__,
        "origin": "translated",
        "absent": ["noiseless"],
        "split": split,
        "settings": metadata["settings"] | {"size": size},
        "recorded_images": metadata["images"],
        "noise_warnings": metadata["noise_warnings"],
        **{
            name: pairs.attributes[name]
            for name in ("mode", "arrangements", "structures", "species")
        },
    }

    def draw(index: int) -> Pair:
        generator = own_generator(seed, *stream, index)
        noisy = translate(network, pairs.clean[index], noise, generator)
        return Pair(
            noisy=noisy,
            clean=pairs.clean[index],
            noiseless=NOTHING,
            detection=pairs.detection[index],
            superresolution=pairs.superresolution[index],
            atoms=atoms[index],
            drawn={name: values[index] for name, values in kept.items()},
        )

    write_dataset(
        *(path, number, size, {name: values.dtype for name, values in kept.items()}),
        *(attributes, draw, progress),
        # The network is as fast in one process, and the bytes are those of one.
        scheduler="synchronous",
    )
