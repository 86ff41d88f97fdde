"""Read a download of the published TEMImageNet: a folder per kind of image.

The kinds are named as their authors named them, and hold PNG files with the same
five-digit names. What is taken of which folder stands in `FOLDERS`. The atoms are
left out: their list (``position``) has neither brightness, size nor species, and
nobody has written which of its columns counts rows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin import __version__
from sfin.datasets import IMAGES, UNKNOWN
from sfin.errors import InputError
from sfin.images import read_image
from sfin.pair_writing import SPLITS, Pair, Split, own_generator, write_dataset

# Folder of each array of a dataset.
FOLDERS = {
    "noisy": "image",
    "clean": "noBackgroundnoNoise",
    "noiseless": "noNoise",
    "detection": "gaussianMask",
    "superresolution": "noNoiseNoBackgroundSuperresolution",
}
# Optional: the first number of each file is the field of view in Å.
PARAMETERS = "params"
# Of the random numbers, beside the modes of our own data.
STREAM = 101


@dataclass(frozen=True)
class DownloadSettings:
    """How the published images belong together.

    Attributes
    ----------
    group_size
        Neighbouring images of one structure under one imaging condition: the same
        columns, turned, shifted and with other noise.
    groups_per_field_of_view
        After so many groups they begin again with the next field of view. Groups at
        the same place show the same, and stay together.
    group_edge
        Images left out at both ends of each group, because a few groups have an
        image more or less than the others.
    test_share, validation_share
        Of the groups; the rest trains.
    """

    group_size: int = 63
    groups_per_field_of_view: int = 57
    group_edge: int = 2
    test_share: float = 0.1
    validation_share: float = 0.1


def check_download(folder: str | Path) -> None:
    """Refuse a folder that lacks a kind of image.

    Raises
    ------
    InputError
        For the first kind that is missing.
    """
    for kind in FOLDERS.values():
        if not Path(folder, kind).is_dir():
            raise InputError(
                f"temimagenet.download names {folder}, which has no folder {kind}: "
                "give the folder of a whole TEMImageNet, or null to synthesise it."
            )


def find_images(folder: str | Path) -> list[str]:
    """List the names of the images that are there in every kind, in order.

    Raises
    ------
    InputError
        If the folder or one of its kinds is missing, or they share no image.
    """
    check_download(folder)
    found = []
    for kind in FOLDERS.values():
        names = (path.name for path in Path(folder, kind).iterdir())
        found.append({name[:5] for name in names if re.fullmatch(r"\d{5}\.png", name)})
    shared = sorted(set.intersection(*found))
    if not shared:
        raise InputError(
            f"The folders in {folder} share no image such as 00001.png: download all "
            f"of {', '.join(FOLDERS.values())} again."
        )
    return shared


def group_of(name: str, settings: DownloadSettings) -> int | None:
    """Give the number of an image's group; None where that is not sure."""
    group, place = divmod(int(name) - 1, settings.group_size)
    if not settings.group_edge <= place < settings.group_size - settings.group_edge:
        return None
    return group % settings.groups_per_field_of_view


def split_images(
    names: list[str], settings: DownloadSettings, seed: int
) -> dict[Split, list[str]]:
    """Share the images among the splits, whole groups at a time.

    Parameters
    ----------
    names
        Of all images.
    settings
        Says what a group is.
    seed
        Decides which groups are tested on, and the order of the images.

    Returns
    -------
    dict
        Images of each split in random order.

    Raises
    ------
    InputError
        If there are fewer than three groups.
    """
    groups: dict[int, list[str]] = {}
    for name in names:
        group = group_of(name, settings)
        if group is not None:
            groups.setdefault(group, []).append(name)
    if len(groups) < len(SPLITS):
        raise InputError(
            f"The TEMImageNet download has images of {len(groups)} groups, too few to "
            "train and test on different ones: download all of it."
        )
    generator = own_generator(seed, STREAM)
    order = generator.permutation(sorted(groups)).tolist()
    tested = max(1, round(settings.test_share * len(order)))
    validated = max(1, round(settings.validation_share * len(order)))
    parts: dict[Split, list[int]] = {
        "test": order[:tested],
        "validation": order[tested : tested + validated],
        "train": order[tested + validated :],
    }
    return {
        split: generator.permutation(
            sorted(name for group in parts[split] for name in groups[group])
        ).tolist()
        for split in SPLITS
    }


def read_pair(folder: str | Path, name: str, size: int) -> Pair:
    """Read the images of one name, and cut their middle to `size` × `size` pixels.

    Raises
    ------
    InputError
        If an image is smaller, or not 8-bit grey.
    """
    paths = {array: Path(folder, FOLDERS[array], f"{name}.png") for array in IMAGES}
    images = {array: read_image(path).data for array, path in paths.items()}
    parameters = Path(folder, PARAMETERS, f"{name}.txt")
    field_of_view = np.nan
    if parameters.is_file():
        field_of_view = float(parameters.read_text(encoding="utf-8").split()[0])
    return Pair(
        **{array: _middle(images[array], size, paths[array]) for array in IMAGES},
        atoms={},
        drawn={
            "image": int(name),
            "pixel_size": field_of_view / images["noisy"].shape[1],
            "structure": 0,
            "arrangement": 0,
        },
    )


def read_temimagenet(
    folder: str | Path,
    path: str | Path,
    split: Split,
    number: int,
    size: int,
    settings: DownloadSettings,
    provenance: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Turn a download into a dataset, without its atoms.

    Parameters
    ----------
    folder
        Of the download.
    path, number, size, progress, workers, scheduler
        As for `sfin.pair_writing.write_dataset`.
    split
        ``train``, ``test`` or ``validation``; they share no group of images.
    settings
        Says what a group is.
    provenance
        ``seed`` and ``scale`` of the run; kept with the dataset.

    Raises
    ------
    InputError
        If it is no such download, or has fewer images than wanted.
    """
    names = split_images(find_images(folder), settings, int(provenance["seed"]))[split]
    if len(names) < number:
        raise InputError(
            f"{folder} has {len(names)} images for the split {split}, fewer than the "
            f"{number} asked for: lower synthesis.number.{split}, or download all of "
            "TEMImageNet."
        )
    types: dict[str, np.dtype[Any]] = {
        "image": np.dtype(np.int32),
        "pixel_size": np.dtype(np.float32),
        "structure": np.dtype(np.int16),
        "arrangement": np.dtype(np.uint8),
    }
    attributes = {
        **provenance,
        "version": __version__,
        "origin": "published",
        "absent": ["atoms"],
        "mode": "haadf",
        "split": split,
        "settings": asdict(settings) | {"size": size},
        "structures": [UNKNOWN],
        "arrangements": [UNKNOWN],
    }
    write_dataset(
        *(path, number, size, types, attributes),
        lambda index: read_pair(folder, names[index], size),
        *(progress, workers, scheduler),
    )


def _middle(image: NDArray[np.float32], size: int, path: Path) -> NDArray[np.uint8]:
    rows, columns = image.shape
    if min(rows, columns) < size:
        raise InputError(
            f"{path} has {rows} × {columns} pixels, fewer than the {size} of "
            "synthesis.settings.size: lower that."
        )
    if image.min() < 0 or image.max() > 255:
        raise InputError(
            f"{path} is no 8-bit image: download it again, as TEMImageNet has it."
        )
    top, left = (rows - size) // 2, (columns - size) // 2
    middle = np.rint(image[top : top + size, left : left + size])
    return middle.astype(np.uint8)
