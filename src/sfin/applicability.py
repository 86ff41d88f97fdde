"""Table 4 of the paper: the situations that each dataset applies to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.arrangements import ArrangementSettings
from sfin.dataset_records import DatasetRecord
from sfin.datasets import UNKNOWN
from sfin.errors import InputError
from sfin.names import (
    DATASET_NAMES,
    PAPER_DATASETS,
    dataset_name,
    group_name,
    left_out,
    made_again,
    rank,
)
from sfin.parameters import distrust
from sfin.table_formats import NONE, Cell, Grid, write_grid

HERE, PAPER = "here", "paper"
# The paper's columns, in its order, in three groups of our own.
GROUPS = {
    "Image deformation": {
        "random_scale": "Random Scale",
        "random_rotation": "Random Rotation",
    },
    "Atomic arrangement": {
        "atomic_defects": "Atomic Defects",
        "ion_embeddings": "Ion Embeddings",
        "interfaces": "Interfaces",
        "pattern_number": "Pattern Number",
    },
    "Shooting mode": {"bf_mode": "BF Mode"},
}
SITUATIONS = {key: name for names in GROUPS.values() for key, name in names.items()}
# Datasets in the paper's table, by our names.
COMPARED = ("gan", "temimagenet", "sfin")
SIGNS = {"yes": "✓", "no": "✗", "continuous": "Continuous", "discrete": "Discrete"}
SIGNS |= {UNKNOWN: "?"}

Finding = tuple[str, str]


def table4(records: Sequence[DatasetRecord], paper_values: str | Path) -> pd.DataFrame:
    """Table 4 of the paper: the situations that each dataset applies to.

    A dataset at hand applies to a situation if its settings allow it and it was drawn
    at least once, in any of its stores.

    Parameters
    ----------
    records
        Stores of all datasets, modes and splits.
    paper_values
        CSV of what the paper prints.

    Returns
    -------
    DataFrame
        A row per dataset and situation: `source` is ``here`` for a dataset at
        hand and ``paper`` for what the paper claims, which follows it; `value` is
        ``yes``, ``no``, ``continuous``, ``discrete``, a number, or ``unknown`` where
        the dataset does not say; `evidence` says what it follows from; `paper`
        repeats the paper's value beside ours. `pairs`, `scale` and `seed` say what
        was looked at.

    Raises
    ------
    InputError
        If there is no store, or its settings are those of another version.
    """
    if not records:
        raise InputError("Table 4 has no dataset to show; give at least one store.")
    printed = pd.read_csv(paper_values, dtype=str)
    printed = printed[printed["artifact"] == "Table 4"]
    claims = {(row.dataset, row.metric): str(row.value) for row in printed.itertuples()}
    rows: list[tuple[object, ...]] = []
    found = sorted({record.dataset for record in records}, key=_place)
    # What the paper prints stands below what was found, or, of a dataset that is not
    # at hand, where that would be.
    wanted = {PAPER_DATASETS.get(dataset) for dataset in found}
    absent = [name for name in COMPARED if PAPER_DATASETS[name] not in wanted]
    for dataset in sorted([*found, *absent], key=_place):
        name = PAPER_DATASETS.get(dataset, "")
        stores = [record for record in records if record.dataset == dataset]
        if stores:
            origin = (
                sum(store.number for store in stores),
                stores[0].attributes["scale"],
                stores[0].attributes["seed"],
            )
            for situation, (value, evidence) in findings(stores).items():
                claim = claims.get((name, situation), "")
                rows.append((dataset, HERE, situation, value, evidence, claim, *origin))
        for situation in SITUATIONS:
            if (name, situation) in claims:
                claim = claims[name, situation]
                rows.append(
                    (dataset, PAPER, situation, claim, "printed", claim, "", "", "")
                )
    columns = ["dataset", "source", "situation", "value", "evidence", "paper"]
    return pd.DataFrame(rows, columns=[*columns, "pairs", "scale", "seed"])


def findings(stores: Sequence[DatasetRecord]) -> dict[str, Finding]:
    """Find out which situations the stores of one dataset hold, and the evidence."""
    settings = [own for own in map(_settings, stores) if own is not None]
    kinds = np.concatenate([store.arrangements for store in stores])
    names = np.concatenate([store.structures for store in stores])
    number = len(names)
    # A random arrangement has no pattern.
    patterns = len(np.unique(names[kinds != "random"]))
    offered = len({name for s in stores for name in s.attributes["structures"]})
    bright = sum(s.number for s in stores if s.attributes["mode"] == "bf")
    silent = (UNKNOWN, f"nothing says it of {number} images")

    def arranged(kind: str, amounts: Sequence[float] = ()) -> Finding:
        if UNKNOWN in kinds:
            return silent
        count = int(np.count_nonzero(kinds == kind))
        evidence = f"{count} of {number} images drawn"
        if amounts and max(amounts) <= 0:
            return "no", f"{evidence}, with nothing changed in them"
        return ("yes" if count else "no"), evidence

    sizes, angles = _drawn(stores, "pixel_size"), _drawn(stores, "rotation")
    scale = silent
    # Every image has a pixel size, but an image without a crystal no rotation.
    if sizes is not None and sizes.size:
        value, evidence = variation(sizes)
        span = f"{sizes.min():.3g}–{sizes.max():.3g} Å per pixel"
        scale = value, f"{evidence}, {span}"
    return {
        "random_scale": scale,
        "random_rotation": silent if angles is None else variation(angles),
        "atomic_defects": arranged("defect", [s.defect_share for s in settings]),
        "ion_embeddings": arranged("embedding", [s.embedding_share for s in settings]),
        "interfaces": arranged("interface"),
        "pattern_number": silent
        if UNKNOWN in names
        else (str(patterns), f"{patterns} of {offered} structures drawn"),
        "bf_mode": ("yes" if bright else "no", f"{bright} images"),
    }


def variation(values: NDArray[np.generic]) -> Finding:
    """Tell continuous from discrete values: those repeat, continuous ones do not."""
    distinct = len(np.unique(values))
    evidence = f"{distinct} values among {len(values)}"
    if distinct < 2:
        return "no", evidence
    return ("discrete" if 2 * distinct <= len(values) else "continuous"), evidence


def caption4(
    records: Sequence[DatasetRecord],
    table: pd.DataFrame,
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Say what Table 4 shows, of which images, and where it is not the paper's.

    Parameters
    ----------
    records, table
        What it was made from, and the table.
    version
        Version of this package.
    lacking
        Datasets of the paper's that it has not, each with the reason.
    """
    data = "; ".join(
        f"{group_name(record.dataset, record.attributes['mode'])} "
        f"{record.attributes['split']}: {record.number} pairs"
        for record in records
    )
    origins = dict.fromkeys(
        f"scale {record.attributes['scale']}, seed {record.attributes['seed']}"
        for record in records
    )
    doubts = dict.fromkeys(
        distrust(
            record.attributes["mode"],
            record.attributes.get("calibration", {}).get("warnings", ()),
        )
        for record in records
    )
    return (
        "Table 4. Situations that the datasets apply to. Rows headed here follow from "
        "the stored settings of a dataset and from what was drawn with them: a "
        "situation counts if the settings allow it and at least one image has it; "
        "scale and rotation are continuous if their values do not repeat; patterns are "
        "the structures drawn. Rows headed paper hold what the paper prints, which "
        f"nothing here has checked. {data}; {' and '.join(origins)}, sfin {version}."
        f"{_departures(table)}{made_again(record.dataset for record in records)}"
        f"{left_out(lacking)}{''.join(doubts)}"
    )


def write_table4(table: pd.DataFrame, base_path: str | Path, text: str) -> None:
    """Write Table 4 as ``.csv`` (long form, evidence), ``.md``, ``.tex``, ``.html``.

    Parameters
    ----------
    table
        Made by `table4`.
    base_path
        Path without suffix.
    text
        Caption.
    """
    rows = []
    for (dataset, source), group in table.groupby(["dataset", "source"], sort=False):
        values = dict(zip(group["situation"], group["value"], strict=True))
        cells = tuple(Cell(_shown(values.get(key, NONE))) for key in SITUATIONS)
        name = (
            f"{dataset_name(str(dataset))}, {HERE}"
            if source == HERE
            else f"{PAPER_DATASETS[str(dataset)]}, {PAPER}"
        )
        rows.append((name, cells))
    groups = tuple((name, tuple(keys.values())) for name, keys in GROUPS.items())
    write_grid(table, Grid("Dataset", groups, tuple(rows)), base_path, text)


def _settings(store: DatasetRecord) -> ArrangementSettings | None:
    """Read how atoms were arranged; None of datasets that have no such settings."""
    entries = store.attributes.get("settings", {}).get("arrangement")
    try:
        return None if entries is None else ArrangementSettings(**entries)
    except TypeError as error:
        raise InputError(
            f"{store.path} was made with settings that this version does not know: "
            "make it again with `snakemake datasets`."
        ) from error


def _drawn(stores: Sequence[DatasetRecord], name: str) -> NDArray[Any] | None:
    """Gather the known values of what was drawn; None if a store does not say it."""
    if any(name not in store.drawn for store in stores):
        return None
    values = np.concatenate([store.drawn[name] for store in stores])
    known: NDArray[Any] = values[np.isfinite(values)]
    return known


def _place(dataset: str) -> int:
    return rank(DATASET_NAMES, dataset)


def _departures(table: pd.DataFrame) -> str:
    """Name the cells in which a dataset at hand is not as the paper says."""
    here = table[(table["source"] == HERE) & (table["paper"] != "")]
    differing = here[here["value"] != here["paper"]]
    parts = []
    for dataset, group in differing.groupby("dataset", sort=False):
        cells = [
            f"{SITUATIONS[row['situation']]} ({_shown(row['value'])} here, "
            f"{_shown(row['paper'])} there; {row['evidence']})"
            for row in group.to_dict("records")
        ]
        parts.append(f"{dataset_name(str(dataset))}: {', '.join(cells)}")
    return f" Unlike the paper's: {'; '.join(parts)}." if parts else ""


def _shown(value: str) -> str:
    return SIGNS.get(value, value)
