"""Pairs of noisy and clean images in a Zarr store: the contract of all datasets."""

import math
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from sfin.errors import InputError

IMAGES = ("noisy", "clean", "noiseless", "detection", "superresolution")
# What each task should make of the noisy images.
TARGETS = {
    "enhancement": "clean",
    "detection": "detection",
    "superresolution": "superresolution",
}
# Name of a structure or arrangement that nobody tells.
UNKNOWN = "unknown"
# What is stored of each atom.
ATOM: dict[str, type[np.number[Any]]] = {
    **dict.fromkeys(("x", "y", "brightness", "sigma"), np.float32),
    "species": np.int8,
}
# Pairs in one file of the store; a shard is written by one worker.
SHARD = 64
# Pairs that are compressed together: one by one takes twice as long to write.
CHUNK = 8


@dataclass(frozen=True)
class Pairs:
    """A dataset in memory.

    Attributes
    ----------
    noisy, clean, noiseless, detection, superresolution
        Grey levels, uint8, shape (n, rows, columns): the input; the enhanced
        image wanted, without background; the input before it got its noise, with
        its background; a dot on each atom; and the enhanced image with narrower
        atoms. What the attribute ``absent`` names is of shape (0, rows, columns).
    drawn
        What was drawn for each pair, by name, each of shape (n,).
    attributes
        Where the dataset comes from: seed, settings, calibration, version.
    """

    noisy: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    noiseless: NDArray[np.uint8]
    detection: NDArray[np.uint8]
    superresolution: NDArray[np.uint8]
    drawn: dict[str, NDArray[Any]]
    attributes: dict[str, Any]

    def target(self, task: str) -> NDArray[np.uint8]:
        """Give the images that a network should make of the noisy ones.

        Parameters
        ----------
        task
            ``enhancement``, ``detection`` or ``superresolution``.
        """
        images: NDArray[np.uint8] = getattr(self, target_name(task))
        return images


def target_name(task: str) -> str:
    """Name the array of a dataset that a task should make.

    Raises
    ------
    InputError
        If there is no such task.
    """
    if task not in TARGETS:
        raise InputError(
            f"There is no task {task!r}: choose from {', '.join(TARGETS)}."
        )
    return TARGETS[task]


def present_images(attributes: Mapping[str, Any]) -> list[str]:
    """Name the arrays of images of a dataset, by its attributes."""
    absent = attributes.get("absent", ())
    return [name for name in IMAGES if name not in absent]


def create_pairs(
    path: str | Path,
    number: int,
    size: int,
    drawn: Mapping[str, np.dtype[Any]],
    attributes: Mapping[str, Any],
) -> zarr.Group:
    """Create an empty store for `number` pairs of `size` × `size` pixels.

    Zarr format 3; 8 images per chunk, 64 per shard. `finish_pairs`
    makes it complete. There is no array for images that the attribute ``absent`` names.
    """
    group = zarr.create_group(path, overwrite=True, attributes=dict(attributes))
    shard = min(SHARD, math.ceil(number / CHUNK) * CHUNK)
    for name in present_images(attributes):
        group.create_array(
            name,
            shape=(number, size, size),
            shards=(shard, size, size),
            chunks=(CHUNK, size, size),
            dtype=np.uint8,
            compressors=BloscCodec(cname="zstd", clevel=1, shuffle="noshuffle"),
            dimension_names=("pair", "row", "column"),
        )
    for name, dtype in drawn.items():
        group.create_array(
            name,
            shape=(number,),
            chunks=(number,),
            dtype=dtype,
            dimension_names=("pair",),
        )
    return group


def write_atoms(
    group: zarr.Group, count: NDArray[np.int64], atoms: Mapping[str, NDArray[Any]]
) -> None:
    """Write the atoms of all pairs as a ragged table.

    The group ``atoms`` holds ``x``, ``y``, ``brightness``, ``sigma`` and ``species``
    of all atoms, one pair after the other, and ``first``, the number of the first atom
    of each pair and, last, of all atoms.

    Parameters
    ----------
    group
        An open store.
    count
        Atoms of each pair, shape (n,).
    atoms
        By name, the atoms of all pairs one after the other, shape (m,).
    """
    table = group.create_group("atoms")
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    for name, values in ({"first": first} | dict(atoms)).items():
        array = table.create_array(
            name,
            shape=values.shape,
            dtype=values.dtype,
            dimension_names=("boundary" if name == "first" else "atom",),
        )
        array[:] = values


def load_atoms(path: str | Path) -> list[dict[str, NDArray[Any]]]:
    """Read the atoms of each pair of a dataset.

    Returns
    -------
    list of dict
        ``x``, ``y``, ``sigma`` (pixels) and ``brightness`` (relative) of the
        atoms of each pair, float32, shape (m,); and ``species``, int8: the place
        among the attribute ``species`` of the dataset, -1 for an atom of none.

    Raises
    ------
    InputError
        If there is no dataset at `path` or it has no atoms.
    """
    try:
        group = zarr.open_group(zarr.storage.LocalStore(path), mode="r")["atoms"]
        assert isinstance(group, zarr.Group)
        columns = {name: np.asarray(array[...]) for name, array in group.arrays()}
        first, atoms = columns["first"], {name: columns[name] for name in ATOM}
    except (FileNotFoundError, KeyError) as error:
        raise InputError(
            f"{path} holds no atoms as this version of sfin writes them: make it again "
            "with `snakemake datasets`."
        ) from error
    return [
        {name: values[start:stop] for name, values in atoms.items()}
        for start, stop in pairwise(first)
    ]


def finish_pairs(partial: str | Path, path: str | Path) -> None:
    """Consolidate the metadata of a store and move it to its place.

    Until then the store has another name, so a killed job leaves none that
    looks finished.
    """
    with warnings.catch_warnings():
        # All readers we know of take it, and xarray is faster with it.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(zarr.storage.LocalStore(partial))
    shutil.rmtree(path, ignore_errors=True)
    Path(partial).rename(path)


def load_pairs(path: str | Path) -> Pairs:
    """Read a dataset into memory, once and in order.

    Random access to a sharded store is 60 to 280 times slower than to memory.

    Raises
    ------
    InputError
        If there is no finished dataset at `path`.
    """
    if not Path(path).is_dir():
        raise InputError(
            f"There is no dataset at {path}: give the path of one, seen from here, or "
            "make it with `snakemake datasets`."
        )
    try:
        group = zarr.open_consolidated(zarr.storage.LocalStore(path), mode="r")
        arrays = {name: np.asarray(array[...]) for name, array in group.arrays()}
        attributes = dict(group.attrs)
        images = {name: arrays.pop(name) for name in present_images(attributes)}
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path} is not a finished dataset: make it again with "
            "`snakemake datasets`."
        ) from error
    nothing = images["noisy"][:0]
    return Pairs(
        **{name: images.get(name, nothing) for name in IMAGES},
        drawn=arrays,
        attributes=attributes,
    )
