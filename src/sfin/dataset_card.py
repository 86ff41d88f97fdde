"""A card that says what a dataset holds and where it comes from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.dataset_records import DatasetRecord
from sfin.documents import Section, TextTable, markdown_document, web_document
from sfin.files import write_whole
from sfin.names import group_name, made_again
from sfin.parameters import PARAMETER_NAMES
from sfin.table_formats import NONE

BARS = "▁▂▃▄▅▆▇█"
BINS = 16
STATISTICS = ("mean", "sd", "min", "max")
UNITS = {
    "pixel_size": "pixel size (Å)",
    "rotation": "rotation (°)",
    "field_of_view": "field of view (Å)",
    "second_rotation": "second rotation (°)",
}


def write_card(record: DatasetRecord, markdown: str | Path, page: str | Path) -> None:
    """Write the card of a dataset as Markdown and as HTML.

    Parameters
    ----------
    record
        Of `sfin.dataset_records.read_record`.
    markdown, page
        Files to write.
    """
    attributes = record.attributes
    title = f"{group_name(record.dataset, attributes['mode'])}, {attributes['split']}"
    sections = card(record)
    write_whole(markdown, markdown_document(title, sections))
    write_whole(page, web_document(title, sections))


def card(record: DatasetRecord) -> list[Section]:
    """Describe a dataset: counts, drawn parameters, calibration, settings, arrays.

    Of datasets that follow no calibration, what it would say is left out.
    """
    calibrated = "calibration" in record.attributes
    counted = "Images by arrangement and structure."
    if "second_structure" in record.drawn:
        counted += (
            " A random arrangement has only the brightness and size of the columns of "
            "its structure; an interface may have a second structure (last column), or "
            "vacuum, on its other side."
        )
    drawn = "Drawn: over the images of this dataset."
    if calibrated:
        drawn += (
            " Calibrated: over the patches of real images; draws are kept within their "
            "extremes. Grey levels are 8-bit; k is the slope, b the intercept of a "
            "standard deviation of noise."
        )
    drawn += f" The histogram has {BINS} bins from the least to the greatest value."
    settings = tuple(_flatten(record.attributes.get("settings", {})))
    return [
        _overview(record),
        Section("What was drawn", (counted,), count_table(record)),
        Section("Share of the arrangements", (), _share_table(record)),
        Section("Parameters of the images", (drawn,), parameter_table(record)),
        *([_calibration(record)] if calibrated else []),
        Section(
            "Settings",
            ("As they stand in the config.",),
            TextTable(("setting", "value"), settings),
        ),
        _arrays(record),
    ]


def counts(record: DatasetRecord) -> pd.DataFrame:
    """Count the images of each structure (rows) and arrangement (columns)."""
    table = pd.crosstab(record.structures, record.arrangements)
    return table.reindex(
        index=record.attributes["structures"],
        columns=record.attributes["arrangements"],
        fill_value=0,
    )


def count_table(record: DatasetRecord) -> TextTable:
    """Write `counts` with its sums, and how often a structure was the second one."""
    table = counts(record)
    rows = [
        (str(name), *map(str, row), str(row.sum()))
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    sums = table.sum()
    rows.append(("all", *map(str, sums), str(sums.sum())))
    heads = ("structure", *map(str, table.columns), "all")
    if "second_structure" in record.drawn:
        second = [
            int(np.count_nonzero(record.second_structures == name))
            for name in table.index
        ]
        ends = map(str, [*second, sum(second)])
        rows = [(*row, end) for row, end in zip(rows, ends, strict=True)]
        heads = (*heads, "as second structure")
    return TextTable(heads, tuple(rows))


def parameter_table(record: DatasetRecord) -> TextTable:
    """Describe what was drawn, beside what was calibrated; a row per parameter."""
    calibration = record.attributes.get("calibration")
    rows = []
    noise = [name for name in PARAMETER_NAMES if name in record.drawn]
    for name in (*noise, *sorted(_others(record))):
        values = record.drawn[name].astype(np.float64)
        # Images without a crystal, or a second one, have no rotation of it.
        values = values[np.isfinite(values)]
        texts = [*map(_number, (values.mean(), values.std()))]
        texts += [*map(_number, (values.min(), values.max()))]
        if calibration and name in PARAMETER_NAMES:
            texts += [
                _number(calibration["mean"][name]),
                _number(calibration["variance"][name] ** 0.5),
                _number(calibration["minimum"][name]),
                _number(calibration["maximum"][name]),
            ]
        elif calibration:
            texts += [NONE] * len(STATISTICS)
        label = UNITS.get(name, name.replace("_", " "))
        rows.append((label, *texts, histogram(values)))
    sources = ("drawn", "calibrated") if calibration else ("drawn",)
    heads = [f"{source} {name}" for source in sources for name in STATISTICS]
    return TextTable(("parameter", *heads, "histogram"), tuple(rows))


def histogram(values: NDArray[np.float64]) -> str:
    """Draw a histogram as a line of bars; an empty bin is a dot."""
    number, _ = np.histogram(values, BINS)
    levels = np.ceil(number / number.max() * len(BARS)).astype(int)
    return "".join(BARS[level - 1] if level else "·" for level in levels)


def _others(record: DatasetRecord) -> set[str]:
    """Name what else was drawn and is a continuous quantity."""
    floats = {
        name
        for name, values in record.drawn.items()
        if values.dtype.kind == "f" and np.isfinite(values).any()
    }
    return floats - set(PARAMETER_NAMES)


def _overview(record: DatasetRecord) -> Section:
    attributes = record.attributes
    _, rows, columns = record.arrays["noisy"][0]
    warnings = attributes.get("calibration", {}).get("warnings", ())
    doubt: tuple[str, ...] = ()
    if warnings:
        doubt = (f"It rests on {'; '.join(warnings)}.",)
    facts = {
        "pairs": str(record.number),
        "image": f"{rows} × {columns} pixels, 8-bit grey levels",
        "mode": attributes["mode"].upper(),
        "split": attributes["split"],
        "scale": attributes["scale"],
        "seed": str(attributes["seed"]),
        "sfin": attributes["version"],
    }
    if "origin" in attributes:
        facts["origin"] = attributes["origin"]
    text = "Noisy STEM images with the clean images and labels that belong to them"
    if "calibration" in attributes:
        text += ", synthesised with the calibrated noise of real images"
    about = made_again([record.dataset])
    table = TextTable(("", ""), tuple(facts.items()))
    return Section("", (f"{text}.{about}", *doubt), table)


def _share_table(record: DatasetRecord) -> TextTable:
    settings = record.attributes.get("settings", {})
    asked = settings.get("arrangement", {}).get("shares")
    rows = []
    for name in record.attributes["arrangements"]:
        drawn = int(np.count_nonzero(record.arrangements == name))
        share = NONE
        if asked:
            share = f"{asked.get(name, 0) / sum(asked.values()):.1%}"
        rows.append((name, str(drawn), f"{drawn / record.number:.1%}", share))
    columns = ("arrangement", "images", "share", "share asked for")
    return TextTable(columns, tuple(rows))


def _calibration(record: DatasetRecord) -> Section:
    calibration = record.attributes["calibration"]
    drawn = (
        "with their measured correlations"
        if record.attributes["settings"].get("correlated")
        else "each on its own"
    )
    warnings = calibration.get("warnings", ())
    text = (
        f"Calibrated on {calibration['patches']} patches of "
        f"{len(calibration['images'])} real images: "
        f"{', '.join(calibration['images'])}. Parameters were drawn {drawn}.",
        f"Warnings: {'; '.join(warnings) if warnings else 'none'}.",
    )
    return Section("Real images behind the noise", text)


def _arrays(record: DatasetRecord) -> Section:
    rows = [
        (name, " × ".join(map(str, shape)), kind, ", ".join(dimensions))
        for name, (shape, kind, dimensions) in record.arrays.items()
    ]
    return Section(
        "Arrays",
        ("A Zarr store of format 3, which xarray reads too.",),
        TextTable(("array", "shape", "type", "dimensions"), tuple(rows)),
        "from sfin.datasets import load_pairs\n\n"
        f'pairs = load_pairs("{record.path.as_posix()}")\n'
        "pairs.noisy, pairs.clean, pairs.drawn, pairs.attributes",
    )


def _flatten(entries: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in entries.items():
        if isinstance(value, Mapping):
            rows += _flatten(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}"
