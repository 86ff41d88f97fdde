"""Table 6: the paper's scores of detection maps, and what users need to know."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sfin import __version__
from sfin.atom_matching import MatchCounts, total
from sfin.detection_settings import DetectionSettings
from sfin.localisation import COUNTS, read_localisation
from sfin.names import METHOD_NAMES, group_name
from sfin.table_formats import NONE, Cell, Grid, write_grid
from sfin.tables import caption, comparison_table, score_grid

KEYS = ["dataset", "mode", "method"]


def table6(
    evaluations: Sequence[Path], localisations: Sequence[Path], paper_values: Path
) -> pd.DataFrame:
    """Table 6 of the paper, and how many atoms were found where.

    Parameters
    ----------
    evaluations
        Of detection maps, `sfin.evaluation`.
    localisations
        Of the same methods, `sfin.localisation`.
    paper_values
        CSV of the numbers that the paper prints.

    Returns
    -------
    DataFrame
        The columns of `sfin.tables.comparison_table`, and of all images together:
        ``precision``, ``recall``, ``f1``; ``rms_px`` and ``rms_pm``, the root mean
        square distance of a detection from its atom; ``atoms``; ``merged`` and
        ``split``.

    Raises
    ------
    InputError
        For the reasons of `comparison_table`.
    """
    scores = comparison_table(evaluations, paper_values, "Table 6")
    found = pd.DataFrame([_pooled(path) for path in localisations])
    return scores.merge(found, on=KEYS, validate="one_to_one")


def _pooled(path: Path) -> dict[str, object]:
    origin, images = read_localisation(path)
    counts = total(MatchCounts(*row) for row in images[list(COUNTS)].to_numpy())
    square = float(images["squared_error_pm"].sum())
    return {name: getattr(origin, name) for name in KEYS} | {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "rms_px": counts.rms_error,
        "rms_pm": np.sqrt(square / counts.matched) if counts.matched else np.nan,
        "atoms": int(counts.matched + counts.missed),
        "merged": int(counts.merged),
        "split": int(counts.split),
    }


def detection_grid(table: pd.DataFrame) -> Grid:
    """Lay Table 6 out: a row per method; scores, then atoms, for each mode."""
    scores = score_grid(table)
    cells = {name: list(row) for name, row in scores.rows}
    groups = list(scores.groups)
    columns = {
        "F1": ("f1", 3, max),
        "precision": ("precision", 3, max),
        "recall": ("recall", 3, max),
        "RMS px": ("rms_px", 2, min),
        "RMS pm": ("rms_pm", 1, min),
        "merged": ("merged", 0, min),
        "split": ("split", 0, min),
    }
    for (dataset, mode), group in table.groupby(["dataset", "mode"], sort=False):
        atoms = group["atoms"].iloc[0]
        name = f"{group_name(str(dataset), str(mode))}, {atoms} atoms"
        groups.append((name, tuple(columns)))
        for method in table["method"].unique():
            row = group[group["method"] == method]
            for column, digits, best in columns.values():
                cells[METHOD_NAMES[method]].append(
                    Cell(NONE)
                    if row.empty or np.isnan(row[column].iloc[0])
                    else Cell(
                        f"{row[column].iloc[0]:.{digits}f}",
                        bool(row[column].iloc[0] == best(group[column])),
                    )
                )
    rows = tuple((name, tuple(row)) for name, row in cells.items())
    return Grid(scores.corner, tuple(groups), rows)


def species_table(files: Sequence[Path]) -> pd.DataFrame:
    """Put the root mean square errors of each species below each other.

    Parameters
    ----------
    files
        CSV of species of `sfin.localisation.write_localisation`, one per method.
    """
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def species_grid(table: pd.DataFrame) -> Grid:
    """Lay errors by species out: a row per species, RMS in pm per mode and method."""
    groups: list[tuple[str, tuple[str, ...]]] = []
    cells: dict[str, list[Cell]] = {name: [] for name in sorted(set(table["species"]))}
    for (dataset, mode), group in table.groupby(["dataset", "mode"], sort=False):
        methods = list(group["method"].unique())
        names = tuple(METHOD_NAMES[method] for method in methods)
        groups.append((group_name(str(dataset), str(mode)), names))
        errors = group.set_index(["species", "method"])["rms_pm"]
        for species, row in cells.items():
            for method in methods:
                error = errors.get((species, method))
                row.append(Cell(NONE if error is None else f"{error:.1f}"))
    rows = tuple((name, tuple(row)) for name, row in cells.items())
    return Grid("RMS, pm", tuple(groups), rows)


def write_table6(
    base_path: Path,
    species_base_path: Path,
    evaluations: Sequence[Path],
    localisations: Sequence[Path],
    species: Sequence[Path],
    paper_values: Path,
    settings: DetectionSettings,
    notes: str,
) -> pd.DataFrame:
    """Make Table 6 and the one by species, write both, and give the first.

    Parameters
    ----------
    base_path, species_base_path
        Paths without suffix.
    evaluations, localisations, paper_values
        As for `table6`.
    species
        As for `species_table`.
    settings
        For the captions.
    notes
        What else the captions must say: how long networks were trained, and reasons
        not to trust the data.
    """
    table = table6(evaluations, localisations, paper_values)
    text = caption(table, "Table 6", __version__) + match_caption(settings) + notes
    write_grid(table, detection_grid(table), base_path, text)
    errors = species_table(species)
    title = "Root mean square distance of detections from their atoms, in pm. "
    write_grid(errors, species_grid(errors), species_base_path, title + text)
    return table


def match_caption(settings: DetectionSettings) -> str:
    """Say when a detection counts as an atom."""
    match = settings.match
    return (
        f" A detection is an atom within {match.radius} Å of it, one to one, if its "
        f"confidence is {settings.threshold} or more; {match.frame:g} pixels at the "
        "edges do not count. RMS: root mean square distance of detections from their "
        "atoms. Merged: atoms without a detection beside one that has; split: "
        "detections too many beside an atom that has one."
    )
