"""Make pairs of noisy and clean images from calibrated noise (section 3.3)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sfin import __version__
from sfin.arrangements import (
    ARRANGEMENTS,
    ArrangementSettings,
    Scene,
    draw_scene,
    species_names,
)
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.labels import contrast, detection_label, visible_atoms
from sfin.noise import NoiseSettings, disturb, noiseless_image
from sfin.pair_writing import SPLITS, Pair, Split, own_generator, write_dataset
from sfin.parameters import (
    MODES,
    PARAMETER_NAMES,
    Mode,
    NoiseDistribution,
    NoiseParameters,
    multiply_noise,
)
from sfin.pixel_loops import to_bytes

# In place of the number of a second structure where there is none.
NO_STRUCTURE = -1
# Settings that make networks know other microscopes than the calibrated ones.
FACTORS = ("noise_factor", "brightness_factor")


@dataclass(frozen=True)
class SynthesisSettings:
    """One dataset of one mode.

    Attributes
    ----------
    size
        Edge of the images, in pixels.
    correlated
        Whether the noise parameters are drawn with their correlations.
    noise_factor
        Least and greatest factor on the noise of an image, drawn so that doubling and
        halving are equally likely: (1, 1) is the noise as calibrated.
    brightness_factor
        Least and greatest factor on the brightness of an image's atoms over their
        background, drawn likewise: fainter atoms than the calibrated ones. The
        background moves by a random part of what the atoms lose.
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
    noise_factor: tuple[float, float]
    brightness_factor: tuple[float, float]
    clean_scale: Literal["normalised", "atom_brightness"]
    detection_sigma: float
    detection_threshold: float
    superresolution_narrowing: float
    arrangement: ArrangementSettings
    noise: NoiseSettings

    def __post_init__(self) -> None:
        """Refuse factors that no number lies between."""
        for name in FACTORS:
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(
                    f"synthesis.settings.{name} is [{low}, {high}]: give the least "
                    "factor first, above 0, and then the greatest."
                )

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "SynthesisSettings":
        """Build from nested dictionaries, as they stand in the config."""
        nested = {
            "arrangement": ArrangementSettings(**entries["arrangement"]),
            "noise": NoiseSettings(**entries["noise"]),
            **{name: tuple(entries[name]) for name in FACTORS},
        }
        return cls(**{**entries, **nested})


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
    parameters = _widen(parameters, settings, generator)
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


def pair_generator(
    seed: int, mode: Mode, split: Split, index: int
) -> np.random.Generator:
    """Make the generator that a pair of a dataset is drawn with, by its number."""
    return own_generator(seed, MODES.index(mode), SPLITS.index(split), index)


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
    progress, workers, scheduler
        As for `sfin.pair_writing.write_dataset`.
    """
    seed = int(provenance["seed"])
    continuous = (*PARAMETER_NAMES, "pixel_size", "rotation", "second_rotation")
    types: dict[str, np.dtype[Any]] = {
        **dict.fromkeys(continuous, np.dtype(np.float32)),
        "arrangement": np.dtype(np.uint8),
        "structure": np.dtype(np.int16),
        "second_structure": np.dtype(np.int16),
    }
    attributes = {
        **provenance,
        "version": __version__,
        "mode": distribution.mode,
        "split": split,
        "settings": asdict(settings),
        "calibration": distribution.to_dict(),
        "arrangements": list(ARRANGEMENTS),
        "structures": [structure.structure for structure in structures],
        "species": species_names(structures),
    }

    def draw(index: int) -> Pair:
        generator = pair_generator(seed, distribution.mode, split, index)
        return synthesise_pair(structures, distribution, settings, generator)

    write_dataset(
        *(path, number, settings.size, types, attributes, draw),
        *(progress, workers, scheduler),
    )


def _widen(
    parameters: NoiseParameters,
    settings: SynthesisSettings,
    generator: np.random.Generator,
) -> NoiseParameters:
    # A factor that is fixed at 1 draws nothing.
    if settings.noise_factor != (1, 1):
        factor = _between(settings.noise_factor, generator)
        parameters = multiply_noise(parameters, factor)
    if settings.brightness_factor != (1, 1):
        brightness = parameters.atom_brightness
        lost = (1 - _between(settings.brightness_factor, generator)) * brightness
        parameters = replace(
            parameters,
            atom_brightness=brightness - lost,
            background_brightness=parameters.background_brightness
            + generator.uniform() * lost,
        )
    return parameters


def _between(ends: tuple[float, float], generator: np.random.Generator) -> float:
    return float(np.exp(generator.uniform(*np.log(ends))))


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
