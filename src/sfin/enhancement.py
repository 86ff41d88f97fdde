"""Enhance an image file with a trained network, in the counts of the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sfin.errors import InputError
from sfin.figures.comparison import comparison_figure
from sfin.figures.style import write_figure
from sfin.images import Image, read_image, to_grey_levels, write_image
from sfin.inference import enhance, tile_size
from sfin.networks.build import load_network
from sfin.parameters import Mode, distrust


def enhance_file(
    path: str | Path,
    weights: str | Path,
    mode: Mode,
    pixel_size: float | None = None,
) -> tuple[Image, Image, str]:
    """Enhance an image file.

    Parameters
    ----------
    path
        File of any format `sfin.images.read_image` reads.
    weights
        Network trained for images of this mode.
    mode
        Mode of the image.
    pixel_size
        In Å, for files that do not say it themselves.

    Returns
    -------
    image, enhanced, note
        The image as read; the enhanced one, whose counts are those of the
        image, without its background; and which network made it.

    Raises
    ------
    InputError
        If the file cannot be read, or the network is for another mode.
    """
    network, metadata = load_network(Path(weights))
    if metadata["mode"] != mode:
        raise InputError(
            f"{weights} was trained on {metadata['mode']} images and {path} is "
            f"{mode}: give weights for {mode}."
        )
    image = read_image(path, pixel_size=pixel_size)
    grey, scale = to_grey_levels(image.data)
    # Training data are 8-bit images: nothing outside 0–255 was ever seen.
    enhanced = enhance(network, np.clip(grey, 0, 255), tile_size(metadata))
    note = (
        f"{metadata['method']} trained at scale {metadata['scale']}, seed "
        f"{metadata['seed']}, dataset {metadata['dataset']}"
    )
    note += distrust(mode, metadata.get("noise_warnings", ()))
    return image, replace(image, data=scale.to_counts(enhanced)), note


def write_enhanced(
    image: Image,
    enhanced: Image,
    note: str,
    tif: str | Path,
    png: str | Path,
    comparison: str | Path,
) -> None:
    """Write an enhanced image as data, as a picture, and beside its input."""
    write_image(tif, enhanced)
    write_image(png, enhanced)
    figure = comparison_figure(
        image.data, enhanced.data, image.name, image.pixel_size, note
    )
    write_figure(Path(comparison).with_suffix(""), figure, note, ["png"])
