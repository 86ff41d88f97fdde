"""How trainings went: loss and validation PSNR over the epochs."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from sfin.errors import InputError
from sfin.figures.style import COLOURS, house_style
from sfin.tables import METHOD_NAMES


def learning_curves(histories: Mapping[str, Path], note: str = "") -> Figure:
    """Draw the loss, and the PSNR of held-out images, of several trainings.

    Parameters
    ----------
    histories
        ``history.csv`` of each training, by method.
    note
        Where the trainings come from: scale, data, seed. Written small at the
        foot.

    Raises
    ------
    InputError
        If there is no history, or a file is none.
    """
    if not histories:
        raise InputError("There is no training to draw; give at least one history.")
    with house_style():
        figure = Figure(figsize=(7.0, 2.9))
        loss, quality = figure.subplots(1, 2)
        figure.subplots_adjust(0.09, 0.24, 0.98, 0.94, wspace=0.25)
        for place, (method, path) in enumerate(histories.items()):
            history = read_history(path)
            look = {
                "color": COLOURS[place % len(COLOURS)],
                "marker": "." if len(history) < 30 else "",
                "linewidth": 1.2,
            }
            name = METHOD_NAMES.get(method, method)
            loss.plot(history["epoch"], history["loss"], label=name, **look)
            validated = history.dropna(subset=["validation_psnr"])
            quality.plot(validated["epoch"], validated["validation_psnr"], **look)
        loss.set_yscale("log")
        # Plain numbers: losses span a decade or two.
        loss.yaxis.set_major_formatter(LogFormatter())
        loss.yaxis.set_minor_formatter(LogFormatter())
        loss.set_ylabel("Training loss (grey levels)")
        quality.set_ylabel("Validation PSNR (dB)")
        for axes in (loss, quality):
            axes.set_xlabel("Epoch")
            axes.grid(alpha=0.25, linewidth=0.5)
        loss.legend()
        figure.text(0.09, 0.03, note, fontsize=6.5)
    return figure


def read_history(path: str | Path) -> pd.DataFrame:
    """Read a training's history: columns `epoch`, `loss` and `validation_psnr`.

    Raises
    ------
    InputError
        If the file is missing or lacks a column.
    """
    try:
        history = pd.read_csv(path)
        return history[["epoch", "loss", "validation_psnr"]].astype(float)
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no history of a training; train the network again."
        ) from error
