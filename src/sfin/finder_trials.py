"""What finders of atoms are tried on: a dataset, and its stress set."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin import __version__
from sfin.closure import read_paper_noise
from sfin.columns import read_columns
from sfin.detection import open_detector
from sfin.detection_settings import DetectionSettings
from sfin.finder_comparison import (
    ComparisonSettings,
    TrialImages,
    classical_finders,
    compare_finders,
    stored_pairs,
)
from sfin.optional_methods import installed, left_out
from sfin.pair_writing import Pair, Split
from sfin.parameters import Mode
from sfin.peak_finders import Positions
from sfin.stress_pairs import StressSettings, fixed_noise, stress_pairs
from sfin.synthesis import SynthesisSettings

# The level of noise that is the dataset's own; others are factors on Table 2's.
OWN = "own"


def try_finders(
    mode: Mode,
    level: str,
    files: Any,
    finders: Mapping[str, Any],
    detection: Mapping[str, Any],
    synthesis: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let classical finders and the network find the atoms of the same images.

    Classical finders whose packages are not installed are left out.

    Parameters
    ----------
    mode
        Of all images.
    level
        ``own``: images of the dataset. Otherwise a factor on the noise of the paper's
        Table 2: stress images, drawn here.
    files
        With the attributes ``train`` and ``test``, stores of the dataset;
        ``structures``; ``weights`` and ``confidence`` of the network; and
        ``paper_values``, the CSV of the paper's numbers.
    finders, detection, synthesis
        Sections of the config.
    seed
        Of the stress images.

    Returns
    -------
    scores, timing
        As from `sfin.finder_comparison.compare_finders`.
    """
    matching = DetectionSettings.from_mapping(detection)
    settings = ComparisonSettings(
        match=matching.match, candidates=finders["candidates"]
    )
    drawing = SynthesisSettings.from_dict(dict(synthesis))
    tuning, test = (
        _pairs(mode, level, split, finders, files, drawing, seed)
        for split in ("train", "test")
    )
    noise = "calibrated" if level == OWN else "stress, Table 2"
    trial = TrialImages(noise, 1.0 if level == OWN else float(level), mode, test)
    present = [method for method in finders["methods"] if installed(method)]
    everyone, chosen = classical_finders(present, mode, tuning, settings)
    print(chosen)
    detector = open_detector(files.weights, files.confidence, matching)

    def network(image: NDArray[np.floating]) -> Positions:
        found = detector(image)
        return found.x, found.y

    return compare_finders(
        {**everyone, "sfin": network}, trial, drawing.noise, settings
    )


def _pairs(
    mode: Mode,
    level: str,
    split: Split,
    finders: Mapping[str, Any],
    files: Any,
    drawing: SynthesisSettings,
    seed: int,
) -> list[Pair]:
    number = finders["tuning_pairs" if split == "train" else "test_pairs"]
    if level == OWN:
        return stored_pairs(getattr(files, split), number)
    noise = read_paper_noise(files.paper_values, mode).noise
    return stress_pairs(
        [read_columns(path) for path in files.structures],
        fixed_noise(mode, noise, "Table 2"),
        float(level),
        number,
        drawing,
        StressSettings(**finders["stress"]),
        seed,
        split,
    )


def caption(
    finders: Mapping[str, Any], detection: Mapping[str, Any], scale: str, seed: int
) -> str:
    """Say what the table of finders shows; sections of the config, scale and seed."""
    absent = [left_out(name) for name in finders["methods"] if not installed(name)]
    match = DetectionSettings.from_mapping(detection).match
    stress = StressSettings(**finders["stress"])
    brightness, spacing = (
        "–".join(f"{end:g}" for end in ends)
        for ends in (stress.atom_brightness, stress.spacing)
    )
    return (
        f"Atoms found by classical finders and by SFIN, trained at scale {scale}, seed "
        f"{seed}, sfin {__version__}. Settings of classical "
        "finders were chosen on training pairs of the same images' kind. Stress: atoms "
        f"of {brightness} grey levels, {spacing} pixels apart, with the noise of the "
        "paper's Table 2 times a factor; SFIN was trained on none of them. A detection "
        f"is an atom within {match.radius} Å; {match.frame:g} pixels at the edges do "
        "not count." + "".join(f" {sentence}." for sentence in absent)
    )
