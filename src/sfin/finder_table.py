"""The table of finders of atoms, as readers see it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sfin.table_formats import NONE, Cell, Grid, write_grid

# By column: its heading, its digits, and whether the greatest or the least is best.
COLUMNS = {
    "precision": ("precision", 3, None),
    "recall": ("recall", 3, None),
    "f1": ("F1", 3, max),
    "merged": ("merged", 0, None),
    "split": ("split", 0, None),
    "rms_px": ("RMS (px)", 3, min),
    "bound_px": ("bound (px)", 3, None),
    "least_squares_bound_px": ("bound of least squares (px)", 3, None),
    "rms_pm": ("RMS (pm)", 1, None),
    "bound_pm": ("bound (pm)", 1, None),
    "cpu_seconds": ("CPU s", 2, None),
}
GROUPS = {
    "found": ("precision", "recall", "f1", "merged", "split"),
    "positions": (
        "rms_px",
        "bound_px",
        "least_squares_bound_px",
        "rms_pm",
        "bound_pm",
    ),
    "cost": ("cpu_seconds",),
}
# Images that finders are compared on.
KEYS = ["mode", "noise", "factor"]
NAMES = {"laplacian": "Laplacian of Gaussian + fit", "atomap": "Atomap"}


def write_finder_table(
    scores: Sequence[pd.DataFrame],
    timings: Sequence[pd.DataFrame],
    base_path: str | Path,
    caption: str,
) -> None:
    """Write what `sfin.finder_comparison` found as one table, best finders in bold.

    Parameters
    ----------
    scores, timings
        Of each mode and level of noise.
    base_path
        Path without suffix; the ``.csv`` has no times, and the same bytes each run.
    caption
        Where the data come from: scale, seed, radius of a match.
    """
    table = pd.concat(scores, ignore_index=True)
    times = pd.concat(timings, ignore_index=True)
    shown = table.merge(times, on=["finder", *KEYS], how="left")
    sentence = (
        " RMS and bound are those of the atoms that a finder found; the bound is that "
        "of Cramér and Rao for the noise model."
    )
    write_grid(table, finder_grid(shown), base_path, caption + sentence)


def finder_grid(table: pd.DataFrame) -> Grid:
    """Arrange finders under each mode and level of noise; the best stand out.

    Parameters
    ----------
    table
        Scores with a column ``cpu_seconds``.
    """
    rows = []
    for _, group in table.groupby(KEYS, sort=False):
        best = {
            name: choose(group[name].dropna().round(digits), default=None)
            for name, (_, digits, choose) in COLUMNS.items()
            if choose is not None
        }
        for _, row in group.iterrows():
            cells = [
                _cell(row[name], COLUMNS[name][1], best.get(name))
                for names in GROUPS.values()
                for name in names
            ]
            finder = NAMES.get(row["finder"], row["finder"])
            level = f"{row['factor']:g} × {row['noise']}"
            rows.append((f"{row['mode'].upper()}, {level}, {finder}", tuple(cells)))
    groups = tuple(
        (group, tuple(COLUMNS[name][0] for name in names))
        for group, names in GROUPS.items()
    )
    return Grid("images and finder", groups, tuple(rows))


def _cell(value: float, digits: int, best: float | None) -> Cell:
    if not np.isfinite(value):
        return Cell(NONE)
    return Cell(
        f"{value:.{digits}f}", best is not None and round(value, digits) == best
    )
