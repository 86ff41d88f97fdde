"""Compare finders of atoms: what they find, how far off, and how far off they must be.

Every finder, classical or a network, is a function from the noisy image to x and y. It
sees the same images at the same levels of noise, and beside its error stands the
Cramér–Rao bound of the atoms that it found.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sfin.atom_matching import MatchCounts, total
from sfin.datasets import IMAGES, load_atoms, load_pairs
from sfin.detection_settings import MatchSettings
from sfin.localisation_bound import (
    BoundSettings,
    atoms_in_grey_levels,
    localisation_bound,
)
from sfin.noise import NoiseSettings
from sfin.pair_writing import Pair
from sfin.parameters import PARAMETER_NAMES, Mode, NoiseParameters
from sfin.peak_finders import Finder, TrueAtoms, finder, tune_finder

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ComparisonSettings:
    """How finders are compared.

    Attributes
    ----------
    match
        When a detection is an atom.
    bound
        What is taken for unknown in the bound.
    candidates
        By classical finder and setting, the values to choose from on training pairs
        (see `sfin.peak_finders.tune_finder`).
    """

    match: MatchSettings = field(default_factory=MatchSettings)
    bound: BoundSettings = field(default_factory=BoundSettings)
    candidates: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "ComparisonSettings":
        """Build from nested dictionaries, as they stand in the config."""
        nested = {
            "match": MatchSettings(**entries.get("match", {})),
            "bound": BoundSettings(**entries.get("bound", {})),
        }
        return cls(**{**entries, **nested})


@dataclass(frozen=True)
class TrialImages:
    """Test images of one mode and one level of noise.

    Attributes
    ----------
    noise
        Where the noise comes from: ``calibrated``, ``Table 2``.
    factor
        On that noise.
    mode
        Of all the images.
    pairs
        The images, with their atoms and what was drawn for each.
    """

    noise: str
    factor: float
    mode: Mode
    pairs: Sequence[Pair]


def stored_pairs(path: str | Path, number: int | None = None) -> list[Pair]:
    """Read the pairs of a dataset one by one, the first `number` or all.

    Raises
    ------
    InputError
        If there is no finished dataset at `path`.
    """
    images = load_pairs(path)
    return [
        Pair(
            **{name: getattr(images, name)[index] for name in IMAGES},
            atoms=atoms,
            drawn={name: float(v[index]) for name, v in images.drawn.items()},
        )
        for index, atoms in enumerate(load_atoms(path)[:number])
    ]


def classical_finders(
    methods: Sequence[str],
    mode: Mode,
    training: Sequence[Pair],
    settings: ComparisonSettings,
) -> tuple[dict[str, Finder], dict[str, dict[str, Any]]]:
    """Make classical finders with the settings that do best on training pairs.

    Parameters
    ----------
    methods
        Of `sfin.peak_finders.FINDERS`.
    mode
        Whether atoms are bright or dark.
    training
        Pairs with the noise of the test images; never test images.
    settings
        What to choose from.

    Returns
    -------
    finders, values
        By method: the finder, and the settings chosen.
    """
    images = [_truth(pair, settings) for pair in training]
    values = {
        method: tune_finder(method, mode, images, settings.candidates.get(method, {}))
        for method in methods
    }
    return {name: finder(name, mode, chosen) for name, chosen in values.items()}, values


def compare_finders(
    finders: Mapping[str, Finder],
    test: TrialImages,
    noise: NoiseSettings,
    settings: ComparisonSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score finders on the same images.

    Parameters
    ----------
    finders
        By name.
    test
        Images of one mode and one level of noise.
    noise
        Of the synthesis, for the bound.
    settings
        Radius of a match, frame, bound.

    Returns
    -------
    scores
        One row per finder, pooled over the atoms of all images: ``precision``,
        ``recall``, ``f1``; the counts; ``rms_px`` and ``rms_pm``, ``bias_x_px``,
        ``bias_y_px``; of the same atoms ``bound_px``, ``bound_pm``, and
        ``least_squares_bound_px``, without what the deviations of the noise tell. A
        bound above that of a guess within the match radius counts as such.
    timing
        Processor time per image in seconds, on one thread: a measurement, the only
        thing that differs from run to run.
    """
    truths = [_truth(pair, settings) for pair in test.pairs]
    bounds = [pair_bounds(pair, test.mode, noise, settings) for pair in test.pairs]
    origin = {"noise": test.noise, "factor": test.factor, "mode": test.mode}
    scores, timing = [], []
    for name, find in finders.items():
        row, seconds = _score(find, test.pairs, truths, bounds)
        scores.append({"finder": name, **origin, **row})
        timing.append({"finder": name, **origin, "cpu_seconds": seconds})
    return pd.DataFrame(scores), pd.DataFrame(timing)


def pair_bounds(
    pair: Pair, mode: Mode, noise: NoiseSettings, settings: ComparisonSettings
) -> FloatArray:
    """Bound the error of each atom of a pair, by any method and by least squares.

    A bound above the error of a guess anywhere within the match radius is that error:
    what is farther off is no match.

    Returns
    -------
    array
        Root mean square distances in pixels, shape (2, n).
    """
    parameters = NoiseParameters(*(pair.drawn[name] for name in PARAMETER_NAMES))
    clean = pair.clean if mode == "haadf" else 255 - pair.clean
    atoms = atoms_in_grey_levels(clean, pair.atoms, parameters.atom_brightness)
    with threadpool_limits(1):
        found = localisation_bound(
            pair.noiseless, atoms, parameters, noise, settings.bound
        )
    guess = settings.match.radius / pair.drawn["pixel_size"] / np.sqrt(2)
    bounds: FloatArray = np.minimum([found.any_method, found.least_squares], guess)
    return bounds


def _truth(pair: Pair, settings: ComparisonSettings) -> TrueAtoms:
    return TrueAtoms(
        image=pair.noisy.astype(np.float32),
        x=pair.atoms["x"].astype(np.float64),
        y=pair.atoms["y"].astype(np.float64),
        radius=settings.match.radius / pair.drawn["pixel_size"],
        frame=settings.match.frame,
    )


def _score(
    find: Finder,
    pairs: Sequence[Pair],
    truths: Sequence[TrueAtoms],
    bounds: Sequence[FloatArray],
) -> tuple[dict[str, Any], float]:
    counts: list[MatchCounts] = []
    squares = np.zeros((2, 3))
    seconds = 0.0
    with threadpool_limits(1):
        # What the first call sets up is not counted.
        find(truths[0].image)
        for pair, truth, bound in zip(pairs, truths, bounds, strict=True):
            start = time.process_time()
            found = find(truth.image)
            seconds += time.process_time() - start
            matching = truth.match(found)
            counts.append(matching.counts)
            atoms = matching.true[matching.counted]
            error = [matching.counts.squared_error, *(bound[:, atoms] ** 2).sum(axis=1)]
            # Å to pm.
            scales = np.array([1.0, (100 * pair.drawn["pixel_size"]) ** 2])
            squares += np.outer(scales, error)
    pooled = total(counts)
    means = np.sqrt(squares / pooled.matched) if pooled.matched else squares * np.nan
    row = {
        "images": len(pairs),
        "precision": pooled.precision,
        "recall": pooled.recall,
        "f1": pooled.f1,
        "matched": pooled.matched,
        "missed": pooled.missed,
        "invented": pooled.invented,
        "merged": pooled.merged,
        "split": pooled.split,
        "rms_px": means[0, 0],
        "rms_pm": means[1, 0],
        "bias_x_px": pooled.bias[0],
        "bias_y_px": pooled.bias[1],
        "bound_px": means[0, 1],
        "bound_pm": means[1, 1],
        "least_squares_bound_px": means[0, 2],
    }
    return row, seconds / len(pairs)
