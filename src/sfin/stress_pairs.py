"""Test pairs that tell finders of atoms apart: faint atoms in strong noise.

At the noise of real images every method finds nearly every atom. The stress set has
several times that noise, and atoms of 50–90 grey levels, 11–16 px apart. It is drawn
by `sfin.synthesis` as all others are, with other settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree

from sfin.arrangements import Arrangement
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.pair_writing import SPLITS, Pair, Split
from sfin.parameters import (
    MODES,
    NOISE_NAMES,
    Mode,
    NoiseDistribution,
    NoiseParameters,
    multiply_noise,
)
from sfin.synthesis import SynthesisSettings, synthesise_pair


@dataclass(frozen=True)
class StressSettings:
    """What makes finding atoms hard.

    Attributes
    ----------
    noise_factors
        Factors on the standard deviation of scan and pointwise noise.
    atom_brightness
        Least and greatest brightness of the brightest atom of an image over its
        background, in grey levels; without sign.
    spacing
        Least and greatest distance between visible neighbours, in pixels.
    shares
        Share of each arrangement; only those that keep the spacing.
    """

    noise_factors: Sequence[float] = (0.5, 1.0, 1.5, 2.5)
    atom_brightness: tuple[float, float] = (50.0, 90.0)
    spacing: tuple[float, float] = (11.0, 16.0)
    shares: Mapping[Arrangement, float] = field(
        default_factory=lambda: {"periodic": 0.5, "defect": 0.5}
    )


def harder_noise(
    distribution: NoiseDistribution,
    factor: float,
    atom_brightness: tuple[float, float] | None = None,
) -> NoiseDistribution:
    """Multiply the noise of a distribution, and make its atoms fainter.

    Parameters
    ----------
    distribution
        As calibrated, or of the paper.
    factor
        On the standard deviations of scan and pointwise noise, at every grey level
        and gradient.
    atom_brightness
        Least and greatest brightness without sign, in grey levels; None leaves it
        as it is. All in between are equally likely as far as a normal distribution
        within this range can be.

    Raises
    ------
    InputError
        If the factor is not positive.
    """
    if not factor > 0:
        raise InputError(f"Noise cannot be multiplied by {factor}: give more than 0.")

    gains = np.array(
        [factor if n in NOISE_NAMES else 1.0 for n in vars(distribution.mean)]
    )
    covariance = np.array(distribution.covariance) * np.outer(gains, gains)
    mean, low, high = (
        multiply_noise(getattr(distribution, name), factor)
        for name in ("mean", "minimum", "maximum")
    )
    variance = multiply_noise(distribution.variance, factor**2)
    if atom_brightness is not None:
        sign = 1 if distribution.mode == "haadf" else -1
        ends = sorted(sign * value for value in atom_brightness)
        spread = float(np.ptp(ends)) ** 2 / 3
        mean = replace(mean, atom_brightness=float(np.mean(ends)))
        low, high = (
            replace(values, atom_brightness=float(end))
            for values, end in zip((low, high), ends, strict=True)
        )
        variance = replace(variance, atom_brightness=spread)
        # Its correlations are those of other brightnesses.
        covariance[0], covariance[:, 0] = 0, 0
        covariance[0, 0] = spread
    return replace(
        distribution,
        mean=mean,
        variance=variance,
        minimum=low,
        maximum=high,
        covariance=tuple(tuple(map(float, row)) for row in covariance),
    )


def fixed_noise(mode: Mode, noise: NoiseParameters, name: str) -> NoiseDistribution:
    """Make the distribution in which every image has the same noise.

    Parameters
    ----------
    mode
        Mode of the images.
    noise
        Such as the paper's Table 2.
    name
        Where it comes from.
    """
    nothing = NoiseParameters(*(0.0 for _ in vars(noise)))
    return NoiseDistribution(
        mode=mode,
        mean=noise,
        variance=nothing,
        minimum=noise,
        maximum=noise,
        covariance=((0.0,) * 7,) * 7,
        patches=1,
        images=(name,),
    )


def nearest_spacing(structure: ProjectedColumns, mode: Mode) -> float:
    """Give the least distance of two visible columns of a structure, in Å."""
    visible = structure.positions[structure.amplitude[mode] != 0]
    shifts = np.array([(i, j) for i in range(-2, 3) for j in range(-2, 3)])
    repeated = (visible[:, None] + shifts @ structure.lattice).reshape(-1, 2)
    distance, _ = cKDTree(repeated).query(visible, k=2)
    return float(distance[:, 1].min())


def stress_pairs(
    structures: Sequence[ProjectedColumns],
    distribution: NoiseDistribution,
    factor: float,
    number: int,
    settings: SynthesisSettings,
    stress: StressSettings,
    seed: int,
    split: Split = "test",
) -> list[Pair]:
    """Draw stress pairs of one mode and one level of noise.

    All levels show the same atoms, so that only the noise differs between them.

    Parameters
    ----------
    structures
        Rendered structures; drawn from with equal shares.
    distribution
        Noise, as calibrated or of the paper; see `fixed_noise`.
    factor
        On the noise; one of ``stress.noise_factors``.
    number
        How many pairs.
    settings
        Of the synthesis in all that is not changed here.
    stress
        What makes it hard.
    seed
        Of all pairs.
    split
        ``train``, to choose settings with, or ``test``; they share no random
        numbers, with each other or with `sfin.synthesis`' datasets.
    """
    mode = distribution.mode
    noise = harder_noise(distribution, factor, stress.atom_brightness)
    closest, farthest = stress.spacing
    pairs = []
    for index in range(number):
        # One more number than a dataset's pairs have: streams of their own.
        key = (MODES.index(mode), SPLITS.index(split), index, 1)
        sequence = np.random.SeedSequence(seed, spawn_key=key)
        generator = np.random.Generator(np.random.SFC64(sequence))
        structure = structures[int(generator.integers(len(structures)))]
        apart = nearest_spacing(structure, mode)
        arrangement = replace(
            settings.arrangement,
            shares=stress.shares,
            pixel_size=(apart / farthest, apart / closest),
        )
        # As given, whatever networks are trained on.
        changed = replace(
            settings,
            arrangement=arrangement,
            noise_factor=(1, 1),
            brightness_factor=(1, 1),
        )
        pairs.append(synthesise_pair([structure], noise, changed, generator))
    return pairs
