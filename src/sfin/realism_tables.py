"""Tables 2 and 3 as readers see them: captions, layouts, files."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sfin.calibrated_samples import REAL, Sample
from sfin.names import DATASET_NAMES, PAPER_DATASETS, left_out, made_again, rank
from sfin.table_formats import NONE, Cell, Grid, write_grid

NAMES = DATASET_NAMES | {REAL: "Real images"}
PARAMETER_LABELS = {
    "atom_brightness": "atom brightness",
    "background_brightness": "background brightness",
    "scan_slope": "scan noise, k",
    "scan_intercept": "scan noise, b",
    "pointwise_slope": "pointwise noise, k",
    "pointwise_intercept": "pointwise noise, b",
    "pointwise_shape": "pointwise noise, λ",
}


def caption2(
    samples: Sequence[Sample], version: str, lacking: Sequence[str] = ()
) -> str:
    """Say what Table 2 shows, of which images.

    Parameters
    ----------
    samples
        Those that it was made from.
    version
        Version of this package.
    lacking
        Rows of the paper's that it has not, each with the reason.
    """
    return (
        "Table 2. Noise of synthetic and of real images, in 8-bit grey levels, by "
        f"the same calibration{_estimator(samples)}: minimum and maximum over the "
        "patches of atom and background brightness (more patches reach further), means "
        "of the others (k slope, b intercept). Difference: from the real images here, "
        "in % of their value; of λ, absolute. As in the paper, the atom brightness of "
        "BF, which is negative, stands without its sign; its extremes are those of "
        f"the signed values. {_data(samples)} sfin {version}. {_paper(samples)}"
        f"{left_out(lacking)}"
    )


def caption3(
    samples: Sequence[Sample],
    table: pd.DataFrame,
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Say what Table 3 shows, of which images, with which bins.

    Parameters
    ----------
    samples, table
        What it was made from, and the table.
    version, lacking
        As for `caption2`.
    """
    bins, epsilon = table["bins"].iloc[0], table["epsilon"].iloc[0]
    return (
        "Table 3. How alike the noise parameters of synthetic and real images are, "
        f"by the same calibration{_estimator(samples)}. KLD: Kullback–Leibler "
        f"divergence (real ‖ synthetic) of histograms of {bins} bins over the joint "
        f"range, natural logarithm, ε = {epsilon:g}; R²: between the two histograms. "
        "The paper does not state its bins; few real patches leave bins empty, each "
        "of which costs the KLD about ln(1/ε)/n. W: Wasserstein distance in standard "
        f"deviations of the real values, free of bins. {_data(samples)} sfin "
        f"{version}. {_paper(samples)}{_missing(table)}{left_out(lacking)}"
    )


def write_table2(table: pd.DataFrame, base_path: str | Path, text: str) -> None:
    """Write Table 2 as ``.csv`` (long form, every digit), ``.md``, ``.tex``, ``.html``.

    The layout is the paper's on its side: a row per quantity, columns per
    dataset. Bold is what is closest to the real images, of several datasets.

    Parameters
    ----------
    table
        Made by `sfin.realism.table2`.
    base_path
        Path without suffix.
    text
        Caption.
    """
    datasets = list(dict.fromkeys(table.sort_values("mode")["dataset"]))
    datasets = sorted(
        datasets, key=lambda name: (name == REAL, rank(DATASET_NAMES, name))
    )
    groups = tuple((NAMES.get(name, name), _columns2(name)) for name in datasets)
    rows = []
    for (mode, parameter, statistic), group in table.groupby(
        ["mode", "parameter", "statistic"], sort=False
    ):
        label = f"{str(mode).upper()} {PARAMETER_LABELS[str(parameter)]}"
        label += "" if statistic == "mean" else f", {statistic}"
        cells: list[Cell] = []
        for name in datasets:
            cells += _cells2(group[group["dataset"] == name], group, name)
        rows.append((label, tuple(cells)))
    write_grid(table, Grid("Quantity", groups, tuple(rows)), base_path, text)


def write_table3(table: pd.DataFrame, base_path: str | Path, text: str) -> None:
    """Write Table 3 as ``.csv`` (long form, every digit), ``.md``, ``.tex``, ``.html``.

    Parameters are those of `write_table2`; bold is the best of several datasets.
    """
    datasets = sorted(table["dataset"].unique(), key=partial(rank, DATASET_NAMES))
    measures = {"kl_divergence": "KLD", "r_squared": "R²", "wasserstein": "W"}
    columns = ("KLD", "R²", "W", "paper KLD", "paper R²")
    rows = []
    for (mode, parameter), group in table.groupby(["mode", "parameter"], sort=False):
        cells: list[Cell] = []
        for name in datasets:
            row = group[group["dataset"] == name]
            for measure in measures:
                score = group[measure] * (-1 if measure == "r_squared" else 1)
                cells.append(_cell(row, measure, score, group))
            cells += [
                Cell(_text(_value(row, f"paper_{measure}")))
                for measure in ("kl_divergence", "r_squared")
            ]
        label = f"{str(mode).upper()} {PARAMETER_LABELS[str(parameter)]}"
        rows.append((label, tuple(cells)))
    groups = tuple((NAMES.get(name, name), columns) for name in datasets)
    write_grid(table, Grid("Parameter", groups, tuple(rows)), base_path, text)


def _columns2(dataset: str) -> tuple[str, ...]:
    paper = PAPER_DATASETS.get(dataset, "")
    if dataset == REAL:
        return ("here", "paper Real (GT)")
    return ("here", "difference", f"paper {paper}" if paper else "paper")


def _cells2(row: pd.DataFrame, group: pd.DataFrame, dataset: str) -> list[Cell]:
    paper = Cell(_text(_value(row, "paper")))
    # Slopes of BF are thousandths.
    digits = 3 if group["parameter"].iloc[0].endswith("_slope") else 2
    if dataset == REAL:
        return [Cell(_text(_value(row, "printed"), digits)), paper]
    if row.empty or row["parameter"].iloc[0] == "pointwise_shape":
        difference = _text(_value(row, "difference"), sign="+")
    else:
        difference = _percent(_value(row, "relative_difference"))
    here = _cell(row, "printed", group["difference"].abs(), group, digits)
    return [here, Cell(difference), paper]


def _cell(
    row: pd.DataFrame,
    column: str,
    score: "pd.Series[float]",
    group: pd.DataFrame,
    digits: int = 2,
) -> Cell:
    """Write a value, bold if its score is the lowest of at least two datasets."""
    rivals = score[group["dataset"] != REAL].dropna()
    best = not row.empty and len(rivals) > 1 and score[row.index[0]] == rivals.min()
    return Cell(_text(_value(row, column), digits), bool(best))


def _value(row: pd.DataFrame, column: str) -> float:
    return float("nan") if row.empty else float(row[column].iloc[0])


def _text(value: float, digits: int = 2, sign: str = "") -> str:
    if np.isnan(value):
        return NONE
    # Zero has no sign.
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"


def _percent(share: float) -> str:
    return NONE if np.isnan(share) else f"{round(100 * share, 1) + 0.0:+.1f} %"


def _estimator(samples: Sequence[Sample]) -> str:
    names = {sample.estimator for sample in samples} - {""}
    return f" ({names.pop()} estimator)" if names else ""


def _paper(samples: Sequence[Sample]) -> str:
    text = "Columns headed paper hold what the paper prints, of its own images"
    if any(sample.estimator == "debiased" for sample in samples):
        text += ", by its own estimator, which leaves uncorrected what its blurs do"
    return f"{text}.{made_again(sample.dataset for sample in samples)}"


def _data(samples: Sequence[Sample]) -> str:
    text = " ".join(f"{describe(sample)}." for sample in samples)
    if any(sample.dataset == "sfin" for sample in samples):
        text += (
            " SFIN data are drawn from the mean and spread of the very real patches "
            "that they are compared with."
        )
    return text


def describe(sample: Sample) -> str:
    """Say of which and how many images a sample is, and what was left out."""
    name = f"{NAMES.get(sample.dataset, sample.dataset)}, {sample.mode.upper()}"
    everything = sample.images + sample.left_out
    text = f"{name}: {_count(len(sample.values), 'patch', 'patches')} of "
    if sample.dataset == REAL:
        text += _count(sample.images, "image", "images")
        if sample.shipped:
            text += " that come with sfin, for no image of this run is raw"
        elif sample.left_out:
            text += f" ({sample.left_out} of {everything} left out, with warnings)"
        if sample.warnings:
            text += f", not to be trusted ({'; '.join(sample.warnings)})"
        return text
    text += f"{sample.images} images"
    if sample.left_out:
        text += f" ({sample.left_out} of {everything} could not be calibrated)"
    if sample.patch_size != sample.real_patch_size:
        text += (
            f", patches of {sample.patch_size} × {sample.patch_size} pixels, real ones "
            f"of {sample.real_patch_size} × {sample.real_patch_size}"
        )
    return f"{text}, scale {sample.scale}, seed {sample.seed}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _missing(table: pd.DataFrame) -> str:
    """Say why values are missing, once for all parameters that share the reason."""
    found = table[table["reason"] != ""]
    reasons = []
    for (mode, dataset, reason), group in found.groupby(
        ["mode", "dataset", "reason"], sort=False
    ):
        names = ", ".join(PARAMETER_LABELS[name] for name in group["parameter"])
        whole = len(group) == len(PARAMETER_LABELS)
        names = "all parameters" if whole else names
        name = f"{NAMES.get(str(dataset), dataset)}, {str(mode).upper()}"
        reasons.append(f"{name}, {names} ({reason})")
    return f" Missing ({NONE}): {'; '.join(reasons)}." if reasons else ""
