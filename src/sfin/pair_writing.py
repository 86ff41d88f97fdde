"""Write a dataset pair by pair: the same bytes whatever the workers, and how many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import zarr
from dask.delayed import delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sfin.clusters import compute_all
from sfin.datasets import (
    ATOM,
    SHARD,
    create_pairs,
    finish_pairs,
    present_images,
    write_atoms,
)

Split = Literal["train", "test", "validation"]
# Streams of randomness that never meet: one per dataset, mode, split and pair.
SPLITS: tuple[Split, ...] = ("train", "test", "validation")


@dataclass(frozen=True)
class Pair:
    """One noisy image, its labels (uint8 grey levels) and what was drawn.

    Attributes
    ----------
    noisy, clean, noiseless, detection, superresolution
        As `sfin.datasets.Pairs` has them, of shape (rows, columns); what the attribute
        ``absent`` of the dataset names is not written.
    atoms
        By the names of `sfin.datasets.ATOM`, the visible atoms; empty where nobody
        knows them.
    drawn
        By name, what was drawn for this pair.
    """

    noisy: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    noiseless: NDArray[np.uint8]
    detection: NDArray[np.uint8]
    superresolution: NDArray[np.uint8]
    atoms: dict[str, NDArray[Any]]
    drawn: dict[str, float]


def own_generator(seed: int, *stream: int) -> np.random.Generator:
    """Make the generator of one pair, which shares no numbers with any other's.

    Parameters
    ----------
    seed
        Of the whole dataset.
    stream
        Numbers that name the dataset, its split and the pair.
    """
    key = np.random.SeedSequence(seed, spawn_key=stream)
    # The fastest of the generators that numpy has.
    return np.random.Generator(np.random.SFC64(key))


def write_dataset(
    path: str | Path,
    number: int,
    size: int,
    types: Mapping[str, np.dtype[Any]],
    attributes: Mapping[str, Any],
    draw: Callable[[int], Pair],
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Write a dataset of `number` pairs as a Zarr store.

    Parameters
    ----------
    path
        Store to write; see `sfin.datasets` for its arrays.
    number, size
        How many pairs, and the edge of their images in pixels.
    types
        By name, the type of what is drawn for each pair.
    attributes
        Where the dataset comes from; kept with it.
    draw
        Makes the pair of that number, from nothing but the number.
    progress
        Called with the pairs that are done and their number.
    workers
        How many of dask's threads or processes to use; its choice if None.
    scheduler
        ``processes``, ``threads``, or another scheduler of dask; None is the one in
        force, such as that of a `dask.distributed.Client`. Processes take a second
        to start, and then two do twice what one does; two threads, which wait for
        the interpreter, 1.4 times.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    group = create_pairs(partial, number, size, types, attributes)
    shards = [range(number)[i : i + SHARD] for i in range(0, number, SHARD)]
    tasks = [delayed(_write_shard)(partial, shard, draw) for shard in shards]
    done = count(1)

    def finished() -> None:
        if progress:
            progress(round(next(done) / len(shards) * number), number)

    with threadpool_limits(1):
        drawn = compute_all(tasks, finished, scheduler, workers)
    table = {
        name: np.concatenate([shard.pop(name) for shard in drawn])
        for name in list(drawn[0])
    }
    for name in types:
        array = cast("zarr.Array[Any]", group[name])
        array[:] = table[name]
    if "count" in table:
        write_atoms(group, table["count"], {name: table[name] for name in ATOM})
    finish_pairs(partial, path)


def _write_shard(
    path: Path, indices: range, draw: Callable[[int], Pair]
) -> dict[str, NDArray[Any]]:
    """Draw the pairs of one shard and write their images to the open store.

    What is not an image comes back: what was drawn for each pair and, where they are
    known, the number of its atoms, and the atoms of all pairs, one pair after the
    other.
    """
    # One BLAS thread: sums in a fixed order, and no threads beside dask's.
    with threadpool_limits(1):
        pairs = [draw(index) for index in indices]
    group = zarr.open_group(path, mode="r+")
    for name in present_images(group.attrs):
        array = cast("zarr.Array[Any]", group[name])
        images = np.stack([getattr(pair, name) for pair in pairs])
        array[indices.start : indices.stop] = images
    drawn = {
        name: np.array([pair.drawn[name] for pair in pairs]) for name in pairs[0].drawn
    }
    if not all(pair.atoms for pair in pairs):
        return drawn
    atoms = {
        name: np.concatenate([pair.atoms[name] for pair in pairs]) for name in ATOM
    }
    return drawn | atoms | {"count": np.array([len(pair.atoms["x"]) for pair in pairs])}
