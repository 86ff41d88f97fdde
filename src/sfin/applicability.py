"""Table 4 of the paper: the situations that each dataset applies to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.arrangements import ArrangementSettings
from sfin.dataset_records import DatasetRecord
from sfin.errors import InputError
from sfin.parameters import distrust
from sfin.table_formats import (
    DATASET_NAMES,
    NONE,
    Cell,
    Grid,
    write_grid,
)

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
PAPER_DATASETS = {"gan": "GAN", "temimagenet": "TEMImageNet", "sfin": "Ours"}
SIGNS = {"yes": "✓", "no": "✗", "continuous": "Continuous", "discrete": "Discrete"}

Finding = tuple[str, str]


def table4(records: Sequence[DatasetRecord], paper_values: str | Path) -> pd.DataFrame:
    """Table 4 of the paper: the situations that each dataset applies to.

    A dataset made here applies to a situation if its settings allow it and it
    was drawn at least once, in any of its stores.

    Parameters
    ----------
    records
        Stores of all datasets, modes and splits.
    paper_values
        CSV of what the paper prints.

    Returns
    -------
    DataFrame
        A row per dataset and situation: `source` is ``here`` for a dataset made
        here and ``paper`` for what the paper claims; `value` is ``yes``,
        ``no``, ``continuous``, ``discrete`` or a number; `evidence` says what
        it follows from; `paper` repeats the paper's value beside ours. `pairs`,
        `scale` and `seed` say what was looked at.

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
    for dataset in dict.fromkeys(record.dataset for record in records):
        stores = [record for record in records if record.dataset == dataset]
        origin = (
            sum(store.number for store in stores),
            stores[0].attributes["scale"],
            stores[0].attributes["seed"],
        )
        for situation, (value, evidence) in findings(stores).items():
            claim = claims.get((PAPER_DATASETS.get(dataset, ""), situation), "")
            rows.append((dataset, HERE, situation, value, evidence, claim, *origin))
    for dataset, name in PAPER_DATASETS.items():
        for situation in SITUATIONS:
            claim = claims[name, situation]
            rows.append(
                (dataset, PAPER, situation, claim, "printed", claim, "", "", "")
            )
    columns = ["dataset", "source", "situation", "value", "evidence", "paper"]
    return pd.DataFrame(rows, columns=[*columns, "pairs", "scale", "seed"])


def findings(stores: Sequence[DatasetRecord]) -> dict[str, Finding]:
    """Find out which situations the stores of one dataset hold, and the evidence."""
    settings = [_settings(store) for store in stores]
    kinds = np.concatenate([store.arrangements for store in stores])
    names = np.concatenate([store.structures for store in stores])
    # A random arrangement has no pattern.
    patterns = len(np.unique(names[kinds != "random"]))
    offered = len({name for s in stores for name in s.attributes["structures"]})
    bright = sum(s.number for s in stores if s.attributes["mode"] == "bf")
    low = min(own.pixel_size[0] for own in settings)
    high = max(own.pixel_size[1] for own in settings)
    scale, sizes = variation(np.concatenate([s.drawn["pixel_size"] for s in stores]))
    turned = np.concatenate([store.drawn["rotation"] for store in stores])
    rotation, angles = variation(turned[np.isfinite(turned)])

    def arranged(kind: str, amount: float) -> Finding:
        number = int(np.count_nonzero(kinds == kind))
        evidence = f"{number} of {len(kinds)} images drawn"
        if amount <= 0:
            return "no", f"{evidence}, with nothing changed in them"
        return ("yes" if number else "no"), evidence

    return {
        "random_scale": (scale, f"{sizes}, in {low:g}–{high:g} Å per pixel"),
        "random_rotation": (rotation, angles),
        "atomic_defects": arranged("defect", max(s.defect_share for s in settings)),
        "ion_embeddings": arranged(
            "embedding", max(s.embedding_share for s in settings)
        ),
        "interfaces": arranged("interface", 1),
        "pattern_number": (str(patterns), f"{patterns} of {offered} structures drawn"),
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
    records: Sequence[DatasetRecord], table: pd.DataFrame, version: str
) -> str:
    """Say what Table 4 shows, of which images, and where it is not the paper's.

    Parameters
    ----------
    records, table
        What it was made from, and the table.
    version
        Version of this package.
    """
    data = "; ".join(
        f"{DATASET_NAMES.get(record.dataset, record.dataset)}, "
        f"{record.attributes['mode'].upper()} {record.attributes['split']}: "
        f"{record.number} pairs"
        for record in records
    )
    origins = dict.fromkeys(
        f"scale {record.attributes['scale']}, seed {record.attributes['seed']}"
        for record in records
    )
    doubts = dict.fromkeys(
        distrust(
            record.attributes["mode"],
            record.attributes["calibration"].get("warnings", ()),
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
        f"{_departures(table)}{''.join(doubts)}"
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
            f"{DATASET_NAMES.get(str(dataset), dataset)}, {HERE}"
            if source == HERE
            else f"{PAPER_DATASETS[str(dataset)]}, {PAPER}"
        )
        rows.append((name, cells))
    groups = tuple((name, tuple(keys.values())) for name, keys in GROUPS.items())
    write_grid(table, Grid("Dataset", groups, tuple(rows)), base_path, text)


def _settings(store: DatasetRecord) -> ArrangementSettings:
    try:
        return ArrangementSettings(**store.attributes["settings"]["arrangement"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{store.path} was made with settings that this version does not know: "
            "make it again with `snakemake datasets`."
        ) from error


def _departures(table: pd.DataFrame) -> str:
    """Name the cells in which a dataset made here is not as the paper says."""
    here = table[(table["source"] == HERE) & (table["paper"] != "")]
    differing = here[here["value"] != here["paper"]].to_dict("records")
    parts = [
        f"{SITUATIONS[row['situation']]} ({_shown(row['value'])} here, "
        f"{_shown(row['paper'])} there; {row['evidence']})"
        for row in differing
    ]
    return f" Unlike the paper's: {', '.join(parts)}." if parts else ""


def _shown(value: str) -> str:
    return SIGNS.get(value, value)
