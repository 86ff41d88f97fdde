"""How close synthetic images are to real ones: Tables 2 and 3 of the paper."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from sfin.calibrated_samples import REAL, Sample
from sfin.names import PAPER_DATASETS
from sfin.parameters import PARAMETER_NAMES
from sfin.similarity import BINS, EPSILON, compare

Artifact = Literal["Table 2", "Table 3"]

# What the paper calls what is compared.
PAPER_SAMPLES = PAPER_DATASETS | {REAL: "Real"}
# What the paper's values of each parameter are filed under.
PAPER_PARAMETERS: dict[Artifact, dict[str, str]] = {
    "Table 2": {
        "atom_brightness": "atom_brightness",
        "background_brightness": "background",
        "scan_slope": "scan_k",
        "scan_intercept": "scan_b",
        "pointwise_slope": "pointwise_k",
        "pointwise_intercept": "pointwise_b",
        "pointwise_shape": "pointwise_lambda",
    }
}
PAPER_PARAMETERS["Table 3"] = PAPER_PARAMETERS["Table 2"] | {
    "background_brightness": "background_brightness"
}
# Of these the paper prints the extremes over the images, of the others the mean.
EXTREMES = ("atom_brightness", "background_brightness")


def table2(samples: Sequence[Sample], paper_values: str | Path) -> pd.DataFrame:
    """Table 2 of the paper: the noise of each dataset beside that of real images.

    Parameters
    ----------
    samples
        Of `sfin.calibrated_samples.read_samples`.
    paper_values
        CSV of the numbers that the paper prints.

    Returns
    -------
    DataFrame
        A row per mode, dataset and quantity: minimum and maximum over the
        patches of atom and background brightness, means of the other
        parameters. `value` is signed and `printed` is as in the paper, which
        drops the sign of the atom brightness of BF; `difference` and
        `relative_difference` from the real images are those of `printed`.
        `paper` is what the paper prints, missing where it prints nothing.
        Values are missing where nothing could be calibrated.
    """
    printed = _PaperValues(paper_values, "Table 2")
    real = {sample.mode: sample for sample in samples if sample.dataset == REAL}
    rows = []
    for sample in samples:
        for parameter in PARAMETER_NAMES:
            statistics = ("min", "max") if parameter in EXTREMES else ("mean",)
            for statistic in statistics:
                value, goal = (
                    float(source.values[parameter].agg(statistic))
                    for source in (sample, real[sample.mode])
                )
                shown, shown_goal = value, goal
                if sample.mode == "bf" and parameter == "atom_brightness":
                    shown, shown_goal = abs(value), abs(goal)
                difference = shown - shown_goal
                if sample.dataset == REAL:
                    difference = float("nan")
                suffix = "" if statistic == "mean" else f"_{statistic}"
                rows.append(
                    {
                        "mode": sample.mode,
                        "dataset": sample.dataset,
                        "parameter": parameter,
                        "statistic": statistic,
                        "value": value,
                        "printed": shown,
                        "difference": difference,
                        "relative_difference": (
                            difference / abs(goal) if goal else float("nan")
                        ),
                        "paper": printed.find(sample, parameter, suffix),
                        **_origin(sample),
                    }
                )
    return pd.DataFrame(rows)


def table3(
    samples: Sequence[Sample],
    paper_values: str | Path,
    bins: int = BINS,
    epsilon: float = EPSILON,
) -> pd.DataFrame:
    """Table 3 of the paper: how alike the distributions of each parameter are.

    Parameters
    ----------
    samples
        Of `sfin.calibrated_samples.read_samples`.
    paper_values
        CSV of the numbers that the paper prints.
    bins, epsilon
        Of the histograms (see `sfin.similarity.compare`).

    Returns
    -------
    DataFrame
        A row per mode, dataset and parameter: the measures of
        `sfin.similarity.Similarity`, with their `reason` where they are
        missing; `paper_kl_divergence` and `paper_r_squared`, missing where the
        paper prints nothing; `bins`, `epsilon` and the numbers of patches.
    """
    printed = _PaperValues(paper_values, "Table 3")
    real = {sample.mode: sample for sample in samples if sample.dataset == REAL}
    rows = []
    for sample in samples:
        if sample.dataset == REAL:
            continue
        for parameter in PARAMETER_NAMES:
            goal, values = (
                source.values[parameter].to_numpy(np.float64)
                for source in (real[sample.mode], sample)
            )
            rows.append(
                {
                    "mode": sample.mode,
                    "dataset": sample.dataset,
                    "parameter": parameter,
                    **asdict(compare(goal, values, bins, epsilon)),
                    "paper_kl_divergence": printed.find(sample, parameter, "_KLD"),
                    "paper_r_squared": printed.find(sample, parameter, "_R2"),
                    "bins": bins,
                    "epsilon": epsilon,
                    "real_patches": len(goal),
                    "real_images": real[sample.mode].images,
                    **_origin(sample),
                }
            )
    return pd.DataFrame(rows)


class _PaperValues:
    """What one table of the paper prints."""

    def __init__(self, path: str | Path, artifact: Artifact) -> None:
        table = pd.read_csv(path, dtype=str)
        table = table[table["artifact"] == artifact]
        keys = zip(table["mode"], table["dataset"], table["metric"], strict=True)
        self._values = dict(zip(keys, table["value"].astype(float), strict=True))
        self._names = PAPER_PARAMETERS[artifact]

    def find(self, sample: Sample, parameter: str, suffix: str) -> float:
        """Look up a value; NaN where the paper prints none."""
        dataset = PAPER_SAMPLES.get(sample.dataset, "")
        key = (sample.mode.upper(), dataset, self._names[parameter] + suffix)
        return float(self._values.get(key, float("nan")))


def _origin(sample: Sample) -> dict[str, Any]:
    return {
        "patches": len(sample.values),
        "images": sample.images,
        "left_out": sample.left_out,
        "estimator": sample.estimator,
        "patch_size": sample.patch_size,
        "scale": sample.scale,
        "seed": sample.seed,
    }
