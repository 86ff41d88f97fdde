"""Try one method for invented and lost atoms, at several levels of noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfin.columns import read_columns
from sfin.detection_settings import MatchSettings
from sfin.evaluation import restorer
from sfin.filters import filter_settings
from sfin.invention_images import Kind, trial_images
from sfin.invention_peaks import PeakSettings
from sfin.inventions import Example, judge_method, method_scale
from sfin.parameters import Mode, read_distribution
from sfin.shipped_columns import read_table
from sfin.stress_pairs import harder_noise
from sfin.synthesis import SynthesisSettings


@dataclass(frozen=True)
class InventionSettings:
    """What methods are tried on.

    Attributes
    ----------
    number
        Images of each kind.
    size
        Edge of the images, in pixels.
    noise_factors
        On the calibrated standard deviations of scan and pointwise noise; the atoms
        are the same at all.
    test_images
        Images of the test set that a method's height of atoms is measured on.
    unseen
        Structures of the shipped table; those that networks are trained on are left
        out.
    peaks
        What counts as an atom.
    """

    number: Mapping[Kind, int]
    size: int
    noise_factors: Sequence[float]
    test_images: int
    unseen: Sequence[str]
    peaks: PeakSettings

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "InventionSettings":
        """Take them from the section ``inventions`` of the config."""
        return cls(**{**settings, "peaks": PeakSettings(**settings["peaks"])})


@dataclass(frozen=True)
class TrialFiles:
    """What a trial reads.

    Attributes
    ----------
    structures
        Stores of the structures that networks are trained on.
    columns
        The shipped table of columns.
    distribution, pairs
        Noise of the run, and its test images.
    weights
        Of the network; None for a filter and for ``noisy``.
    """

    structures: Sequence[str]
    columns: str
    distribution: str
    pairs: str
    weights: str | None


def try_method(
    method: str,
    mode: Mode,
    files: TrialFiles,
    inventions: Mapping[str, Any],
    synthesis: Mapping[str, Any],
    filters: Mapping[str, Any],
    match: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> tuple[pd.DataFrame, list[Example]]:
    """Count what a method invents and loses, image by image.

    Parameters
    ----------
    method, mode
        What is tried.
    files
        What is read.
    inventions, synthesis, filters, match
        Sections ``inventions``, ``synthesis/settings``, ``filters`` and
        ``detection/match`` of the config.
    provenance
        ``scale`` and ``seed``.

    Returns
    -------
    DataFrame
        Of `sfin.inventions.judge_method`, at all levels of noise.
    list
        One example of each defect and level of noise.
    """
    settings = InventionSettings.from_mapping(inventions)
    same = MatchSettings(**match)
    structures = [read_columns(path) for path in files.structures]
    trained = {structure.structure for structure in structures}
    table = read_table(files.columns)
    unseen = [table[name] for name in settings.unseen if name not in trained]
    drawn = SynthesisSettings.from_dict({**synthesis, "size": settings.size})
    weights = Path(files.weights) if files.weights else None
    restore = restorer(method, weights, filter_settings(filters))
    scale = method_scale(
        *(restore, files.pairs, settings.test_images, mode, settings.peaks, same)
    )
    noise = read_distribution(files.distribution)
    tables, examples = [], []
    for factor in settings.noise_factors:
        images = trial_images(
            *(structures, unseen, harder_noise(noise, factor), settings.number),
            *(drawn, settings.peaks, same, int(provenance["seed"])),
        )
        rows, shown = judge_method(restore, images, mode, scale, settings.peaks)
        names = {**provenance, "mode": mode, "method": method, "factor": factor}
        tables.append(rows.assign(**names)[[*names, *rows.columns]])
        examples += [
            Example(**{**vars(example), "factor": factor}) for example in shown
        ]
    return pd.concat(tables, ignore_index=True), examples


def share_with_interval(
    hits: Sequence[float], numbers: Sequence[float]
) -> tuple[int, int, float, float]:
    """Pool images: how many of how many, and within what the share is likely to lie.

    The 95 % interval of Wilson (1927). Atoms of an image are not independent: where
    images differ by more than chance, the interval is as wide as that of so many fewer
    atoms (design effect; Korn and Graubard 1998).

    Parameters
    ----------
    hits, numbers
        Of each image.

    Returns
    -------
    hits, number
        Of all images.
    low, high
        Shares; not a number where there is nothing to count.
    """
    hit, number = np.asarray(hits, np.float64), np.asarray(numbers, np.float64)
    total, of = float(hit.sum()), float(number.sum())
    if not of:
        return int(total), 0, np.nan, np.nan
    share, images = total / of, hit.size
    chance = share * (1 - share) / of
    effect = 1.0
    if images > 1 and chance > 0:
        spread = ((hit - share * number) ** 2).sum() / of**2
        effect = max(1.0, float(spread) * images / (images - 1) / chance)
    effective, z = of / effect, 1.96
    middle = share + z**2 / (2 * effective)
    half = z * np.sqrt(share * (1 - share) / effective + z**2 / (4 * effective**2))
    low, high = ((middle + s * half) / (1 + z**2 / effective) for s in (-1, 1))
    # Rounding leaves less than nothing.
    return int(total), int(of), max(float(low), 0.0), min(float(high), 1.0)
