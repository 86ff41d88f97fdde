"""Enhance an image file with a trained network, in the counts of the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sfin.errors import InputError
from sfin.figures.comparison import comparison_figure
from sfin.figures.style import write_figure
from sfin.image_doubts import doubts_sentence, find_doubts
from sfin.images import GreyScale, Image, read_image, to_grey_levels, write_image
from sfin.inference import Prepared, enhance, tile_size
from sfin.networks.build import load_network
from sfin.parameters import Mode, distrust
from sfin.training_range import trained_noise

# Stands in every file of an enhanced image.
CAVEAT = (
    "Background removed and contrast of the atoms stretched: intensities are not for "
    "quantification."
)


@dataclass(frozen=True)
class OpenedImage:
    """An image and the network that is to enhance it.

    Attributes
    ----------
    image
        As read.
    grey
        Its grey levels, within 0–255: training data are 8-bit images, and nothing
        else was ever seen.
    scale
        From grey levels to the counts of the image.
    network
        As from `sfin.networks.build.load_network` or `sfin.inference.prepare`.
    tile
        Side of the images that it was trained on, pixels.
    note
        Which network it is, and what speaks against trusting it with this image.
    trained
        Noise that it was trained on, as from `sfin.training_range.trained_noise`; None
        if nobody wrote it down.
    doubts
        What of the note speaks against trusting it with this image, one by one.
    """

    image: Image
    grey: NDArray[np.float32]
    scale: GreyScale
    network: nn.Module | Prepared
    tile: int
    note: str
    trained: Mapping[str, Any] | None = None
    doubts: tuple[str, ...] = ()

    def in_counts(self, answer: NDArray[np.float32]) -> Image:
        """Make an image in the counts of the file of an answer in grey levels."""
        return self._noted(self.scale.to_counts(answer), self.note)

    def in_grey_levels(self, answer: NDArray[np.float32]) -> Image:
        """Make an image of an answer in grey levels, and note the way to counts."""
        way = f"{self.scale.offset:.9g} + {self.scale.gain:.9g} × grey level"
        return self._noted(answer, f"{self.note} Counts of the input: {way}.")

    def _noted(self, data: NDArray[np.float32], note: str) -> Image:
        metadata = {**self.image.metadata, "note": f"{note} {CAVEAT}"}
        return replace(self.image, data=data, metadata=metadata)


def open_image(
    path: str | Path,
    weights: str | Path,
    mode: Mode,
    pixel_size: float | None = None,
) -> OpenedImage:
    """Read an image file and the network for its mode.

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

    Raises
    ------
    InputError
        If a file cannot be read, or the network is for another mode.
    """
    network, metadata = load_network(Path(weights))
    if metadata["mode"] != mode:
        raise InputError(
            f"{weights} was trained on {metadata['mode']} images and {path} is "
            f"{mode}: give weights for {mode}."
        )
    return pair(read_image(path, pixel_size=pixel_size), network, metadata)


def pair(
    image: Image, network: nn.Module | Prepared, metadata: Mapping[str, Any]
) -> OpenedImage:
    """Put an image beside the network for its mode; for many images, load it once.

    Parameters
    ----------
    image
        As read.
    network, metadata
        As from `sfin.networks.build.load_network`; the network best prepared by
        `sfin.inference.prepare`.

    Raises
    ------
    InputError
        If the image has no contrast.
    """
    grey, scale = to_grey_levels(image.data)
    grey = np.clip(grey, 0, 255)
    trained = trained_noise(metadata)
    found = find_doubts(grey, metadata["mode"], trained, image)
    return OpenedImage(
        *(image, grey, scale, network, tile_size(metadata)),
        note=network_note(metadata) + doubts_sentence(found),
        trained=trained,
        doubts=found,
    )


def network_note(metadata: Mapping[str, Any]) -> str:
    """Say in a sentence or two which network it is, and whether to trust its noise."""
    return (
        f"{metadata['method']} trained for {metadata['task']} at scale "
        f"{metadata['scale']}, seed {metadata['seed']}, dataset {metadata['dataset']}."
    ) + distrust(metadata["mode"], metadata.get("noise_warnings", ()))


def enhance_file(
    path: str | Path,
    weights: str | Path,
    mode: Mode,
    pixel_size: float | None = None,
) -> tuple[Image, Image, str]:
    """Enhance an image file.

    Parameters
    ----------
    path, weights, mode, pixel_size
        As for `open_image`.

    Returns
    -------
    image, enhanced, note
        The image as read; the enhanced one, whose counts are those of the
        image, without its background; and which network made it.

    Raises
    ------
    InputError
        For the reasons of `open_image`.
    """
    opened = open_image(path, weights, mode, pixel_size)
    enhanced = enhance(opened.network, opened.grey, opened.tile)
    return opened.image, opened.in_counts(enhanced), opened.note


def write_enhanced(
    image: Image,
    enhanced: Image,
    note: str,
    data: Sequence[str | Path],
    png: str | Path,
    comparison: str | Path,
    grey_levels: Image | None = None,
) -> None:
    """Write an enhanced image as data, as a picture, and beside its input.

    Parameters
    ----------
    image, enhanced
        In counts, the latter as from `OpenedImage.in_counts`.
    note
        Which network made it.
    data
        Files for the enhanced image, of any format that `write_image` writes.
    png, comparison
        Files of the two pictures.
    grey_levels
        What the data are to hold in place of counts, in 8 bits, as from
        `OpenedImage.in_grey_levels`.
    """
    for path in data:
        write_image(path, grey_levels or enhanced, eight_bit=grey_levels is not None)
    write_image(png, enhanced)
    figure = comparison_figure(
        image.data, enhanced.data, image.name, image.pixel_size, note
    )
    write_figure(Path(comparison).with_suffix(""), figure, note, ["png"])
