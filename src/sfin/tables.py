"""The paper's tables of PSNR and SSIM, measured here, beside what it prints."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sfin.errors import InputError
from sfin.evaluation import read_evaluation
from sfin.metrics import DATA_RANGE
from sfin.names import (
    DATASET_NAMES,
    METHOD_NAMES,
    PAPER_DATASETS,
    group_name,
    left_out,
    made_again,
    rank,
)
from sfin.table_formats import NONE, Cell, Grid, write_grid

Artifact = Literal["Table 1", "Table 5", "Table 6", "Table 7"]

# Columns in the paper's order.
GROUPS = (*((name, "haadf") for name in DATASET_NAMES), ("sfin", "bf"))

# What the paper calls our methods; its table 5 names a network after its parts.
_NETWORKS = {"atomsegnet": "AtomSegNet", "fcn": "FCN", "sfin": "SFIN"}
PAPER_METHODS: dict[Artifact, dict[str, str]] = {
    "Table 1": {"absf": "ABSF", "wiener": "Wiener"} | _NETWORKS,
    "Table 5": {
        "sfin_spatial": "SFIN spatial_only",
        "sfin_no_interaction": "SFIN spatial+frequency_no_interaction",
        "sfin": "SFIN spatial+frequency+interaction",
    },
    "Table 6": _NETWORKS,
    "Table 7": _NETWORKS,
}
# What the numbers of a task are filed under, after the name of the dataset.
PAPER_TASKS: dict[Artifact, str] = {
    "Table 6": " (detection)",
    "Table 7": " (super-resolution)",
}
PAPER_COLUMNS = {"paper_psnr": "PSNR", "paper_ssim": "SSIM"}


def table1(evaluations: Sequence[Path], paper_values: Path) -> pd.DataFrame:
    """Table 1 of the paper: enhancement by every method, on every dataset.

    See `comparison_table`.
    """
    return comparison_table(evaluations, paper_values, "Table 1")


def comparison_table(
    evaluations: Sequence[Path], paper_values: Path, artifact: Artifact
) -> pd.DataFrame:
    """Average evaluations over their images, beside the paper's values.

    Parameters
    ----------
    evaluations
        Files of `sfin.evaluation`, one per method, dataset and mode.
    paper_values
        CSV of the numbers that the paper prints.
    artifact
        Table of the paper to compare with.

    Returns
    -------
    DataFrame
        One row per evaluation: what was scored and where it comes from; the
        number of images; mean and standard deviation over the images of `psnr`
        (dB) and `ssim`; `psnr_pooled`, the PSNR of the squared error averaged
        over all images, unclipped and untruncated; `paper_psnr` and
        `paper_ssim`, missing where the paper prints none.

    Raises
    ------
    InputError
        If a file is no evaluation, if two are of the same method, dataset and
        mode, or if methods to be compared saw different test images.
    """
    rows = []
    for path in evaluations:
        origin, scores = read_evaluation(path)
        rows.append(
            asdict(origin)
            | {
                "images": len(scores),
                "psnr": scores["psnr"].mean(),
                "psnr_standard_deviation": _spread(scores["psnr"]),
                "ssim": scores["ssim"].mean(),
                "ssim_standard_deviation": _spread(scores["ssim"]),
                "psnr_pooled": _pooled(scores["squared_error"]),
            }
        )
    if not rows:
        raise InputError(f"{artifact} has no evaluation to show; give at least one.")
    table = pd.DataFrame(rows)
    _check_comparable(table, artifact)
    table = _order(table)
    printed = pd.read_csv(paper_values, dtype=str)
    printed = printed[printed["artifact"] == artifact]
    for column, metric in PAPER_COLUMNS.items():
        values = [
            _printed(printed, artifact, metric, row) for _, row in table.iterrows()
        ]
        table[column] = pd.Series(values, index=table.index, dtype=float)
    return table


def caption(
    table: pd.DataFrame, artifact: Artifact, version: str, lacking: Sequence[str] = ()
) -> str:
    """Say what a comparison shows, at which scale, on how many images.

    Parameters
    ----------
    table
        Made by `comparison_table`.
    artifact
        Table of the paper it corresponds to.
    version
        Version of this package.
    lacking
        Columns of the paper's that it has not, each with the reason.
    """
    groups = table.drop_duplicates(["dataset", "mode"])
    data = "; ".join(
        f"{group_name(str(group.dataset), str(group.mode))}: {group.images} test "
        f"images, scale {group.scale}, seed {group.seed}"
        for group in groups.itertuples()
    )
    scales = [str(scale) for scale in groups["scale"].unique()]
    warning = (
        f"Networks trained at scale {' and '.join(scales)} are not the paper's"
        if scales != ["paper"]
        else "Networks were trained here and are not the authors'"
    )
    return (
        f"{artifact}, task {table['task'].iloc[0]}. Mean ± standard deviation over "
        "the test images of PSNR (dB) and SSIM, images clipped and truncated to "
        f"8 bits. {data}; sfin {version}. {warning}; columns headed paper "
        "hold what the paper prints; bold: best of a column."
        f"{made_again(groups['dataset'])}{left_out(lacking)}"
    )


def write_table(table: pd.DataFrame, base_path: str | Path, text: str) -> None:
    """Write a comparison as ``.csv``, ``.md`` and ``.tex``.

    The CSV has one row per method, dataset and mode, with every digit. The others
    are laid out as in the paper: a row per method, columns per dataset and
    mode, the best value of a column bold.

    Parameters
    ----------
    table
        Made by `comparison_table`.
    base_path
        Path without suffix.
    text
        Caption.
    """
    write_grid(table, score_grid(table), base_path, text)


def score_grid(table: pd.DataFrame) -> Grid:
    """Lay a comparison out: a row per method, columns per dataset and mode."""
    groups = list(table.groupby(["dataset", "mode"], sort=False))
    # A column of dashes alone says nothing.
    printed = [group["paper_psnr"].notna().any() for _, group in groups]
    rows = []
    for method in sorted(table["method"].unique(), key=_method_rank):
        cells: list[Cell] = []
        for (_, group), has_paper in zip(groups, printed, strict=True):
            row = group[group["method"] == method]
            cells += _measured(row, group, "psnr", 2) + _measured(row, group, "ssim", 4)
            if has_paper:
                cells += [
                    Cell(_text(row["paper_psnr"], 2)),
                    Cell(_text(row["paper_ssim"], 4)),
                ]
        rows.append((METHOD_NAMES.get(method, method), tuple(cells)))
    columns = ("PSNR", "SSIM", "paper PSNR", "paper SSIM")
    headings = tuple(
        (group_name(*map(str, group)), columns if has_paper else columns[:2])
        for (group, _), has_paper in zip(groups, printed, strict=True)
    )
    return Grid("Method", headings, tuple(rows))


def _measured(
    row: pd.DataFrame, group: pd.DataFrame, metric: str, digits: int
) -> list[Cell]:
    text = _text(row[metric], digits)
    spread = _text(row[f"{metric}_standard_deviation"], digits)
    if spread != NONE:
        text = f"{text} ± {spread}"
    best = not row.empty and row[metric].iloc[0] == group[metric].max()
    return [Cell(text, bool(best))]


def _text(values: "pd.Series[float]", digits: int) -> str:
    """Round the one value there may be."""
    if values.empty or np.isnan(values.iloc[0]):
        return NONE
    return f"{values.iloc[0]:.{digits}f}".replace("inf", "∞")


def _spread(values: "pd.Series[float]") -> float:
    """Give the standard deviation; none of a single image or infinite values."""
    if len(values) < 2 or not np.isfinite(values).all():
        return float("nan")
    return float(values.std())


def _pooled(squared_errors: "pd.Series[float]") -> float:
    mean = float(squared_errors.mean())
    return float("inf") if mean == 0.0 else -10.0 * np.log10(mean / DATA_RANGE**2)


def _printed(
    printed: pd.DataFrame, artifact: Artifact, metric: str, row: pd.Series
) -> float:
    """Look up what the paper prints; NaN where it prints nothing."""
    task = PAPER_TASKS.get(artifact, "")
    value = printed.loc[
        (printed["metric"] == metric)
        & (printed["method"] == PAPER_METHODS[artifact].get(row["method"]))
        & (printed["dataset"] == PAPER_DATASETS.get(row["dataset"], "") + task)
        & (printed["mode"] == row["mode"].upper()),
        "value",
    ]
    return float(value.iloc[0]) if len(value) else float("nan")


def _check_comparable(table: pd.DataFrame, artifact: Artifact) -> None:
    if table["task"].nunique() > 1:
        raise InputError(
            f"{artifact} was given evaluations of several tasks "
            f"({', '.join(table['task'].unique())}); give those of one."
        )
    for (dataset, mode), group in table.groupby(["dataset", "mode"]):
        repeated = group.loc[group["method"].duplicated(), "method"]
        if len(repeated):
            raise InputError(
                f"{artifact} was given two evaluations of {repeated.iloc[0]} on "
                f"{dataset} {mode}; give one of each method."
            )
        for column in ("images", "scale", "seed"):
            if group[column].nunique() > 1:
                values = ", ".join(
                    f"{method} {value}"
                    for method, value in zip(
                        group["method"], group[column], strict=True
                    )
                )
                raise InputError(
                    f"{artifact} compares methods on {dataset} {mode} of different "
                    f"{column} ({values}); evaluate all of them again."
                )


def _order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort as the paper does: by dataset and mode, then from old methods to new."""
    groups = zip(table["dataset"], table["mode"], strict=True)
    ranks = pd.DataFrame(
        {
            "group": [rank(GROUPS, group) for group in groups],
            "dataset": table["dataset"],
            "method": [_method_rank(method) for method in table["method"]],
        }
    )
    order = ranks.sort_values(["group", "dataset", "method"]).index
    return table.loc[order].reset_index(drop=True)


def _method_rank(method: str) -> int:
    return rank(METHOD_NAMES, method)
