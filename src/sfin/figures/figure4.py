"""Figure 4: the arrangements of atoms in a dataset, noisy and clean."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.arrangements import Arrangement
from sfin.dataset_records import DatasetRecord, read_images, read_record
from sfin.figures.style import (
    add_panel,
    house_style,
    name_row,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
    write_figure,
)
from sfin.metrics import DATA_RANGE
from sfin.names import dataset_name
from sfin.parameters import distrust

GreyImage = NDArray[np.uint8]

# In the order of the paper's figure, and one that it lacks.
ORDER: tuple[Arrangement, ...] = (
    "periodic",
    "embedding",
    "defect",
    "random",
    "interface",
)


@dataclass(frozen=True)
class Example:
    """The first pair of an arrangement.

    Attributes
    ----------
    index
        Its number in the dataset.
    noisy, clean
        Grey levels (rows, columns).
    structure
        Structure whose columns it has.
    pixel_size
        In Å.
    """

    index: int
    noisy: GreyImage
    clean: GreyImage
    structure: str
    pixel_size: float


def figure4(stores: Sequence[str | Path], base_path: str | Path, version: str) -> str:
    """Draw figure 4 and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    stores
        Datasets, one per mode; paths that end in dataset/mode/split.zarr.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.

    Returns
    -------
    str
        The caption. The files hold it too.
    """
    records = [read_record(store) for store in stores]
    rows = [first_examples(record) for record in records]
    text = _caption(records, rows, version)
    names = [record.attributes["mode"].upper() for record in records]
    write_figure(base_path, draw(names, rows, text), text)
    return text


def first_examples(record: DatasetRecord) -> dict[str, Example]:
    """Take the first pair of each arrangement; those never drawn are left out."""
    examples = {}
    for arrangement in ORDER:
        found = np.flatnonzero(record.arrangements == arrangement)
        if not found.size:
            continue
        index = int(found[0])
        examples[str(arrangement)] = Example(
            index=index,
            noisy=read_images(record.path, "noisy", [index])[0],
            clean=read_images(record.path, "clean", [index])[0],
            structure=str(record.structures[index]),
            pixel_size=float(record.drawn["pixel_size"][index]),
        )
    return examples


def draw(
    names: Sequence[str], rows: Sequence[dict[str, Example]], caption: str
) -> Figure:
    """Draw two rows of panels per mode, noisy above clean, a column per arrangement.

    Parameters
    ----------
    names
        Name of each mode.
    rows
        Examples of each mode, by arrangement.
    caption
        Written small at the foot.
    """
    width, gap, left, top, label_height = 1.3, 0.04, 0.3, 0.25, 0.24
    total_width = left + len(ORDER) * (width + gap)
    lines, foot = wrap_caption(caption, total_width)
    step = 2 * width + gap + label_height
    total_height = top + len(rows) * step + foot
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        for row, (name, examples) in enumerate(zip(names, rows, strict=True)):
            for place, kind in enumerate(("noisy", "clean")):
                upper = top + row * step + place * (width + gap)
                name_row(figure, f"{name}, {kind}", upper + width / 2)
                for column, arrangement in enumerate(ORDER):
                    axes = add_panel(
                        figure, left + column * (width + gap), upper, width, width
                    )
                    if row == place == 0:
                        axes.set_title(str(arrangement).capitalize(), pad=4)
                    example = examples.get(arrangement)
                    if example is None:
                        axes.text(0.5, 0.5, "none drawn", ha="center", va="center")
                        continue
                    show_image(axes, getattr(example, kind), (0, DATA_RANGE))
                    if kind == "noisy":
                        scale_bar(axes, example.pixel_size)
                    else:
                        write_below(axes, _label(arrangement, example), 6.5)
        write_caption(figure, lines, left)
    return figure


def _label(arrangement: str, example: Example) -> str:
    """Name the structure; a random arrangement has only its brightness and size."""
    return f"as {example.structure}" if arrangement == "random" else example.structure


def _caption(
    records: Sequence[DatasetRecord],
    rows: Sequence[dict[str, Example]],
    version: str,
) -> str:
    shown = []
    doubts = []
    for record, examples in zip(records, rows, strict=True):
        attributes = record.attributes
        name = dataset_name(record.dataset)
        pairs = ", ".join(f"{key} {found.index}" for key, found in examples.items())
        shown.append(
            f"{name}, {attributes['mode'].upper()}, {attributes['split']}: pairs "
            f"{pairs} of {record.number}, scale {attributes['scale']}, seed "
            f"{attributes['seed']}"
        )
        warnings = attributes["calibration"].get("warnings", ())
        doubts.append(distrust(attributes["mode"], warnings))
    return (
        "Figure 4. Arrangements of atoms in the synthetic data: the first pair of each "
        "arrangement, noisy above clean, with the structure it is made of (of an "
        "interface, that of the first side). Grey levels 0–255 in all panels. "
        f"{'; '.join(shown)}; sfin {version}.{''.join(doubts)}"
    )
