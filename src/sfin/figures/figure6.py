"""Figures 6 and 11: every method side by side on a test image of each dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from sfin.dataset_records import read_images, read_record
from sfin.datasets import target_name
from sfin.evaluation import Origin, read_evaluation, restorer
from sfin.figures.style import (
    add_panel,
    frame,
    house_style,
    mark_region,
    name_row,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
    write_figure,
)
from sfin.filters import FilterSettings
from sfin.metrics import DATA_RANGE, psnr, quantise, ssim
from sfin.names import METHOD_NAMES, group_name, left_out, made_again
from sfin.parameters import distrust

GreyImage = NDArray[np.uint8]
# By task: number of the figure, what methods do, and the title of the last column.
FIGURES = {
    "enhancement": ("6", "Test images restored by every method", "Clean"),
    "superresolution": ("11", "Atoms made narrower by every method", "Wanted"),
}


@dataclass(frozen=True)
class Source:
    """What a row of the figure is made from.

    Attributes
    ----------
    pairs
        Store of the test images.
    evaluation
        Evaluation on them, by the method that chooses the image shown: the one
        whose PSNR by this method is the median.
    weights
        Weights of the networks, by method.
    """

    pairs: Path
    evaluation: Path
    weights: Mapping[str, Path]


@dataclass(frozen=True)
class Comparison:
    """One row of the figure: a test image as every method restores it.

    Attributes
    ----------
    name
        Dataset and mode.
    restored
        Grey levels (rows, columns) by each method.
    clean
        Grey levels (rows, columns) wanted.
    """

    name: str
    restored: Mapping[str, GreyImage]
    clean: GreyImage


def gather_sources(
    pairs: Sequence[str], evaluations: Sequence[str], weights: Sequence[str]
) -> list[Source]:
    """Put together what belongs to each row of the figure.

    Parameters
    ----------
    pairs, evaluations
        As for `Source`, one of each per row.
    weights
        Paths that end in dataset/mode/method/weights.safetensors.
    """
    sources = []
    for store, evaluation in zip(pairs, evaluations, strict=True):
        origin, _ = read_evaluation(evaluation)
        row = (origin.dataset, origin.mode)
        models = [path for path in map(Path, weights) if path.parts[-4:-2] == row]
        named = {path.parent.name: path for path in models}
        sources.append(Source(Path(store), Path(evaluation), named))
    return sources


def figure6(
    sources: Sequence[Source],
    methods: Sequence[str],
    settings: FilterSettings,
    base_path: str | Path,
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Draw figure 6, or 11 by super-resolution, and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    sources
        One per row.
    methods
        One per column; the clean image comes after them.
    settings
        Of the filters.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.
    lacking
        Rows of the paper's that it has not, each with the reason.

    Returns
    -------
    str
        The caption: rule, images, scale and seed. The files hold it too.

    Raises
    ------
    InputError
        If an evaluation is none, or a network's weights are missing.
    """
    comparisons = []
    origins = []
    chosen = []
    doubts = []
    for source in sources:
        origin, scores = read_evaluation(source.evaluation)
        number = median_image(scores)
        comparisons.append(compare(source, origin, number, methods, settings))
        origins.append(origin)
        name = group_name(origin.dataset, origin.mode)
        record = read_record(source.pairs)
        calibration = record.attributes.get("calibration", {})
        doubts.append(distrust(origin.mode, calibration.get("warnings", ())))
        chosen.append(f"{name}: index {number} of {len(scores)} images")
    text = _caption(origins, chosen, version) + left_out(lacking) + "".join(doubts)
    write_figure(base_path, draw(comparisons, text, FIGURES[origins[0].task][2]), text)
    return text


def median_image(scores: pd.DataFrame) -> int:
    """Choose the image of median PSNR, the lower one of an even number."""
    order = scores.sort_values(["psnr", "image"], kind="stable")["image"]
    return int(order.iloc[(len(order) - 1) // 2])


def compare(
    source: Source,
    origin: Origin,
    number: int,
    methods: Sequence[str],
    settings: FilterSettings,
) -> Comparison:
    """Restore one test image by every method."""
    noisy = read_images(source.pairs, "noisy", [number]).astype(np.float32)
    restored = {}
    for method in methods:
        restore = restorer(method, source.weights.get(method), settings)
        restored[method] = quantise(restore(noisy)[0])
    clean = read_images(source.pairs, target_name(origin.task), [number])[0]
    return Comparison(group_name(origin.dataset, origin.mode), restored, clean)


def busiest_region(clean: GreyImage) -> tuple[slice, slice]:
    """Find the square, a quarter of the image wide, where it varies most.

    A place to enlarge that nobody picked by hand, and never empty vacuum.
    """
    side = max(min(clean.shape) // 4, 1)
    grey = clean.astype(np.float64)
    # Filtered this way, the window of pixel (i, j) starts at (i, j).
    corner = -(side // 2)
    mean, square = (
        ndimage.uniform_filter(values, side, origin=corner)
        for values in (grey, grey**2)
    )
    inside = np.s_[: clean.shape[0] - side + 1, : clean.shape[1] - side + 1]
    variance = (square - mean**2)[inside]
    row, column = np.unravel_index(np.argmax(variance), variance.shape)
    return slice(int(row), int(row) + side), slice(int(column), int(column) + side)


def draw(
    comparisons: Sequence[Comparison], caption: str, wanted: str = "Clean"
) -> Figure:
    """Draw one row per comparison: images, below them the enlarged region.

    Parameters
    ----------
    comparisons
        Rows; all by the same methods.
    caption
        Written small at the foot.
    wanted
        Title of the last column.
    """
    width, gap, left, top, scores_height, row_gap = 1.3, 0.04, 0.3, 0.28, 0.2, 0.12
    methods = list(comparisons[0].restored)
    total_width = left + (len(methods) + 1) * (width + gap)
    lines, foot = wrap_caption(caption, total_width)
    heights = [
        width * item.clean.shape[0] / item.clean.shape[1] for item in comparisons
    ]
    row_heights = [height + width + gap + scores_height + row_gap for height in heights]
    with house_style():
        figure = Figure(figsize=(total_width, top + sum(row_heights) + foot))
        for row, item in enumerate(comparisons):
            row_top = top + sum(row_heights[:row])
            region = busiest_region(item.clean)
            name_row(figure, item.name, row_top + (heights[row] + width) / 2)
            for column, method in enumerate([*methods, None]):
                image = item.clean if method is None else item.restored[method]
                panel_left = left + column * (width + gap)
                axes = add_panel(figure, panel_left, row_top, width, heights[row])
                show_image(axes, image, (0, DATA_RANGE))
                mark_region(axes, region)
                if row == 0:
                    title = wanted if method is None else METHOD_NAMES[method]
                    axes.set_title(title, pad=4)
                crop_top = row_top + heights[row] + gap
                enlarged = add_panel(figure, panel_left, crop_top, width, width)
                show_image(enlarged, image[region], (0, DATA_RANGE))
                frame(enlarged)
                if column == 0:
                    scale_bar(axes, None)
                    scale_bar(enlarged, None)
                write_below(enlarged, _scores(item, method))
        write_caption(figure, lines, left)
    return figure


def _scores(item: Comparison, method: str | None) -> str:
    if method is None:
        return "PSNR (dB) / SSIM"
    image = item.restored[method]
    decibel = f"{psnr(image, item.clean):.2f}".replace("inf", "∞")
    return f"{decibel} / {ssim(image, item.clean):.4f}"


def _caption(origins: Sequence[Origin], chosen: Sequence[str], version: str) -> str:
    scales = " and ".join(dict.fromkeys(origin.scale for origin in origins))
    seeds = ", ".join(dict.fromkeys(str(origin.seed) for origin in origins))
    choosers = ", ".join(dict.fromkeys(METHOD_NAMES[o.method] for o in origins))
    owner = "the authors'" if scales == "paper" else "the paper's"
    number, does, wanted = FIGURES[origins[0].task]
    return (
        f"Figure {number}. {does}. Shown is the image whose PSNR by {choosers} is the "
        f"median ({'; '.join(chosen)}); red, enlarged: where its {wanted.lower()} "
        "image varies most. Grey levels 0–255 in all panels. Below: PSNR (dB) / SSIM "
        f"of this image, clipped and truncated to 8 bits. Scale {scales}, seed "
        f"{seeds}, sfin {version}; these networks are not {owner}."
        f"{made_again(origin.dataset for origin in origins)}"
    )
