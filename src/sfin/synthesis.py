"""Make pairs of noisy and clean images from calibrated noise (section 3.3)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import zarr
from dask.delayed import delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sfin import __version__
from sfin.arrangements import (
    ARRANGEMENTS,
    ArrangementSettings,
    Scene,
    draw_scene,
    species_names,
)
from sfin.clusters import compute_all
from sfin.columns import ProjectedColumns
from sfin.datasets import ATOM, IMAGES, SHARD, create_pairs, finish_pairs, write_atoms
from sfin.labels import contrast, detection_label, visible_atoms
from sfin.noise import NoiseSettings, disturb, noiseless_image
from sfin.parameters import MODES, PARAMETER_NAMES, NoiseDistribution
from sfin.pixel_loops import to_bytes

Float32Array = NDArray[np.float32]
Split = Literal["train", "test", "validation"]
# Streams of randomness that never meet: one per mode, split and pair.
SPLITS: tuple[Split, ...] = ("train", "test", "validation")
# In place of the number of a second structure where there is none.
NO_STRUCTURE = -1


@dataclass(frozen=True)
class SynthesisSettings:
    """One dataset of one mode.

    Attributes
    ----------
    size
        Edge of the images, in pixels.
    correlated
        Whether the noise parameters are drawn with their correlations.
    clean_scale
        ``normalised``: the extreme atom of each clean image is 255 in HAADF
        (0 in BF); ``atom_brightness``: it keeps the brightness it has in the
        noisy image.
    detection_sigma
        Standard deviation of the dots in the detection label, in pixels.
    detection_threshold
        Relative brightness below which a column has no dot.
    superresolution_narrowing
        Factor on the size of the atoms in the super-resolution label.
    arrangement, noise
        How atoms are arranged, and what the calibrated noise leaves open.
    """

    size: int
    correlated: bool
    clean_scale: Literal["normalised", "atom_brightness"]
    detection_sigma: float
    detection_threshold: float
    superresolution_narrowing: float
    arrangement: ArrangementSettings
    noise: NoiseSettings

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "SynthesisSettings":
        """Build from nested dictionaries, as they stand in the config."""
        nested = {
            "arrangement": ArrangementSettings(**entries["arrangement"]),
            "noise": NoiseSettings(**entries["noise"]),
        }
        return cls(**{**entries, **nested})


@dataclass(frozen=True)
class Pair:
    """One noisy image, its labels (uint8 grey levels) and what was drawn."""

    noisy: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    noiseless: NDArray[np.uint8]
    detection: NDArray[np.uint8]
    superresolution: NDArray[np.uint8]
    atoms: dict[str, NDArray[Any]]
    drawn: dict[str, float]


def synthesise_pair(
    structures: Sequence[ProjectedColumns],
    distribution: NoiseDistribution,
    settings: SynthesisSettings,
    generator: np.random.Generator,
) -> Pair:
    """Draw one pair.

    Grey levels are rounded to the nearest integer and clipped to 0–255, in the
    noisy image as in the labels.
    """
    mode, size = distribution.mode, settings.size
    scene = draw_scene(structures, mode, size, settings.arrangement, generator)
    parameters = distribution.draw(generator, settings.correlated)
    atoms = contrast(scene.columns, size)
    noiseless = noiseless_image(atoms, parameters, settings.noise, generator)
    noisy = disturb(noiseless, parameters, settings.noise, generator)
    height = (
        255.0
        if settings.clean_scale == "normalised"
        else abs(parameters.atom_brightness)
    )
    narrowed = replace(
        scene.columns, sigma=scene.columns.sigma * settings.superresolution_narrowing
    )
    narrow = height * contrast(narrowed, size)
    clean = height * atoms if mode == "haadf" else 255 - height * atoms
    names = [structure.structure for structure in structures]
    threshold = settings.detection_threshold
    return Pair(
        noisy=to_bytes(noisy),
        clean=to_bytes(clean),
        noiseless=to_bytes(noiseless),
        detection=detection_label(
            scene.columns, size, threshold, settings.detection_sigma
        ),
        superresolution=to_bytes(narrow if mode == "haadf" else 255 - narrow),
        atoms=visible_atoms(scene.columns, size, threshold),
        drawn=asdict(parameters) | _codes(scene, names),
    )


def synthesise_dataset(
    path: str | Path,
    split: Split,
    structures: Sequence[ProjectedColumns],
    distribution: NoiseDistribution,
    number: int,
    settings: SynthesisSettings,
    provenance: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Write a dataset of `number` pairs as a Zarr store.

    Each pair has a generator of its own, so the bytes do not depend on how
    many workers there are, nor of which kind.

    Parameters
    ----------
    path
        Store to write; see `sfin.datasets` for its arrays.
    split
        ``train``, ``test`` or ``validation``; they share no random numbers.
    structures, distribution
        What to draw from.
    number
        How many pairs.
    settings
        How to draw.
    provenance
        ``seed`` and ``scale`` of the whole dataset; kept with it.
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
    seed = int(provenance["seed"])
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    continuous = (*PARAMETER_NAMES, "pixel_size", "rotation", "second_rotation")
    types: dict[str, np.dtype[Any]] = {
        **dict.fromkeys(continuous, np.dtype(np.float32)),
        "arrangement": np.dtype(np.uint8),
        "structure": np.dtype(np.int16),
        "second_structure": np.dtype(np.int16),
    }
    group = create_pairs(
        partial,
        number,
        settings.size,
        types,
        {
            **provenance,
            "version": __version__,
            "mode": distribution.mode,
            "split": split,
            "settings": asdict(settings),
            "calibration": distribution.to_dict(),
            "arrangements": list(ARRANGEMENTS),
            "structures": [structure.structure for structure in structures],
            "species": species_names(structures),
        },
    )
    stream = (MODES.index(distribution.mode), SPLITS.index(split))

    def draw(index: int) -> Pair:
        key = np.random.SeedSequence(seed, spawn_key=(*stream, index))
        # The fastest of the generators that numpy has.
        generator = np.random.Generator(np.random.SFC64(key))
        return synthesise_pair(structures, distribution, settings, generator)

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
        for name in (*types, *ATOM, "count")
    }
    for name in types:
        array = cast("zarr.Array[Any]", group[name])
        array[:] = table[name]
    write_atoms(group, table["count"], {name: table[name] for name in ATOM})
    finish_pairs(partial, path)


def _write_shard(
    path: Path, indices: range, draw: Callable[[int], Pair]
) -> dict[str, NDArray[Any]]:
    """Draw the pairs of one shard and write their images to the open store.

    What is not an image comes back: what was drawn for each pair, the number of
    its atoms, and the atoms of all pairs, one pair after the other.
    """
    # One BLAS thread: sums in a fixed order, and no threads beside dask's.
    with threadpool_limits(1):
        pairs = [draw(index) for index in indices]
    group = zarr.open_group(path, mode="r+")
    for name in IMAGES:
        array = cast("zarr.Array[Any]", group[name])
        images = np.stack([getattr(pair, name) for pair in pairs])
        array[indices.start : indices.stop] = images
    drawn = {
        name: np.array([pair.drawn[name] for pair in pairs]) for name in pairs[0].drawn
    }
    atoms = {
        name: np.concatenate([pair.atoms[name] for pair in pairs]) for name in ATOM
    }
    return drawn | atoms | {"count": np.array([len(pair.atoms["x"]) for pair in pairs])}


def _codes(scene: Scene, structures: Sequence[str]) -> dict[str, float]:
    codes = [structures.index(name) for name in scene.structures]
    return {
        "arrangement": ARRANGEMENTS.index(scene.arrangement),
        "structure": codes[0],
        "second_structure": codes[1] if len(codes) > 1 else NO_STRUCTURE,
        "rotation": scene.rotations[0] if scene.rotations else np.nan,
        "second_rotation": scene.rotations[1] if len(codes) > 1 else np.nan,
        "pixel_size": scene.pixel_size,
    }
