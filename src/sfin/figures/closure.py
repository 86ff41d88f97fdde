"""How well each estimator finds noise that was injected."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sfin.closure import GOALS, errors
from sfin.figures.style import house_style, write_figure
from sfin.parameters import MODES

COLOURS = {"paper": "tab:red", "debiased": "tab:blue"}
NAMES = {
    "pointwise_deviation": "Pointwise SD, mid grey (relative)",
    "scan_deviation": "Scan SD, mid gradient (relative)",
    "pointwise_shape": "Shape λ (absolute)",
    "atom_brightness": "Atom brightness (of range)",
    "background_brightness": "Background (of range)",
}


def plot_closure(rows: pd.DataFrame, base_path: str | Path, note: str) -> None:
    """Draw the errors of both estimators against the level of the noise.

    Parameters
    ----------
    rows
        As from `sfin.closure.close_loop`, both modes.
    base_path
        Path without suffix.
    note
        Where the rows come from; part of the caption.
    """
    with house_style():
        figure = Figure(figsize=(14, 6.2), layout="constrained")
        grid = figure.subplots(len(MODES), len(NAMES), squeeze=False, sharex=True)
        for line, mode in zip(grid, MODES, strict=True):
            for axes, (quantity, name) in zip(line, NAMES.items(), strict=True):
                for estimator, colour in COLOURS.items():
                    chosen = rows[
                        (rows["mode"] == mode)
                        & (rows["estimator"] == estimator)
                        & (rows["patches"] == 1)
                    ]
                    error = errors(chosen, quantity).abs()
                    by_level = error.groupby(chosen["level"])
                    middle = by_level.median()
                    low, high = (by_level.quantile(q) for q in (0.25, 0.75))
                    axes.fill_between(
                        middle.index, low, high, color=colour, alpha=0.2, lw=0
                    )
                    axes.plot(middle, "o-", color=colour, label=estimator)
                axes.axhline(GOALS[quantity], color="black", ls="--", lw=1)
                axes.set(xscale="log", yscale="log")
                axes.set_title(f"{mode.upper()}: {name}", fontsize=8)
                axes.set_xticks(np.unique(rows["level"]), np.unique(rows["level"]))
                axes.minorticks_off()
            line[0].set_ylabel("Error (median, quartiles)")
        for axes in grid[-1]:
            axes.set_xlabel("Noise, relative to Table 2")
        grid[0, 0].legend(frameon=False)
        figure.suptitle(
            f"Injected noise and what is found; dashed: the goal. {note}", fontsize=9
        )
    write_figure(base_path, figure, note)
