"""How trainings went: loss, validation PSNR and learning rate over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from sfin import __version__
from sfin.errors import InputError
from sfin.figures.style import (
    COLOURS,
    house_style,
    wrap_caption,
    write_caption,
    write_figure,
)
from sfin.names import METHOD_NAMES, group_name

COLUMNS = ("epoch", "loss", "validation_psnr", "learning_rate")


def plot_learning(
    histories: Sequence[str | Path], origin: Mapping[str, Any], base_path: str | Path
) -> str:
    """Draw the trainings of one task, dataset and mode; write ``.png`` and ``.pdf``.

    Parameters
    ----------
    histories
        ``history.csv`` of each training; paths that end in method/history.csv.
    origin
        ``task``, ``dataset``, ``mode``, ``scale`` and ``seed`` of all of them.
    base_path
        Path without suffix.

    Returns
    -------
    str
        The caption. The files hold it too.
    """
    text = (
        f"How the networks were trained, task {origin['task']}, "
        f"{group_name(origin['dataset'], origin['mode'])}: mean absolute difference of "
        "each epoch; PSNR of training pairs held out; learning rate. "
        f"Scale {origin['scale']}, seed {origin['seed']}; sfin {__version__}."
    )
    named = {Path(path).parent.name: Path(path) for path in histories}
    write_figure(base_path, learning_curves(named, text), text)
    return text


def learning_curves(histories: Mapping[str, Path], caption: str = "") -> Figure:
    """Draw loss, PSNR of held-out images and learning rate of several trainings.

    Parameters
    ----------
    histories
        ``history.csv`` of each training, by method.
    caption
        Where the trainings come from: scale, data, seed. Written small at the
        foot.

    Raises
    ------
    InputError
        If there is no history, or a file is none.
    """
    if not histories:
        raise InputError("There is no training to draw; give at least one history.")
    width = 7.6
    lines, foot = wrap_caption(caption, width)
    height = 2.6 + foot
    with house_style():
        figure = Figure(figsize=(width, height))
        panels = figure.subplots(1, 3)
        figure.subplots_adjust(
            0.07, (foot + 0.42) / height, 0.99, 1 - 0.1 / height, wspace=0.32
        )
        for place, (method, path) in enumerate(histories.items()):
            history = read_history(path)
            look = {
                "color": COLOURS[place % len(COLOURS)],
                "marker": "." if len(history) < 30 else "",
                "linewidth": 1.2,
                "label": METHOD_NAMES.get(method, method),
            }
            validated = history.dropna(subset=["validation_psnr"])
            for axes, name in zip(panels, COLUMNS[1:], strict=True):
                shown = validated if name == "validation_psnr" else history
                axes.plot(shown["epoch"], shown[name], **look)
        loss, quality, rate = panels
        for axes in (loss, rate):
            axes.set_yscale("log")
        # Plain numbers: losses span a decade or two.
        loss.yaxis.set_major_formatter(LogFormatter())
        loss.yaxis.set_minor_formatter(LogFormatter())
        loss.set_ylabel("Training loss (grey levels)")
        quality.set_ylabel("Validation PSNR (dB)")
        rate.set_ylabel("Learning rate")
        if all(len(line.get_xdata()) == 0 for line in quality.lines):
            quality.set(xticks=[], yticks=[])
            quality.text(
                0.5,
                0.5,
                "no pairs held out",
                ha="center",
                va="center",
                transform=quality.transAxes,
            )
        else:
            quality.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in (loss, rate):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in panels:
            axes.set_xlabel("Epoch")
            axes.grid(alpha=0.25, linewidth=0.5)
        loss.legend()
        write_caption(figure, lines, 0.1)
    return figure


def read_history(path: str | Path) -> pd.DataFrame:
    """Read a training's history: `COLUMNS`, a row per epoch.

    Raises
    ------
    InputError
        If the file is missing or lacks a column.
    """
    try:
        history = pd.read_csv(path)
        return history[list(COLUMNS)].astype(float)
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no history of a training; train the network again."
        ) from error
