"""The table of invented and lost atoms, as readers see it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfin.evaluation import read_evaluation
from sfin.invention_report import share_with_interval
from sfin.lattice_report import made_by
from sfin.names import METHOD_NAMES
from sfin.table_formats import NONE, Cell, Grid, write_grid

# What is counted, in the order of the columns: on which kinds of image, and which
# columns of `sfin.inventions.judge_method` are hits and what they are of. Without the
# latter, images are counted, those with a hit.
COUNTED: dict[tuple[str, str], tuple[tuple[str, ...], str, str | None]] = {
    ("Noise only", "images with an atom"): (("noise",), "invented", None),
    ("One atom removed", "drawn back"): (("vacancy",), "caught", None),
    ("One atom added", "erased"): (("adatom",), "caught", None),
    ("Those crystals elsewhere", "lost"): (("vacancy", "adatom"), "lost", "asked"),
    ("Those crystals elsewhere", "invented"): (
        ("vacancy", "adatom"),
        "invented",
        "shown",
    ),
    ("Amorphous", "lost"): (("amorphous",), "lost", "asked"),
    ("Amorphous", "invented"): (("amorphous",), "invented", "shown"),
    ("Crystal never trained on", "lost"): (("unseen",), "lost", "asked"),
    ("Crystal never trained on", "invented"): (("unseen",), "invented", "shown"),
}
PSNR = ("Test images", "PSNR, dB")
ROW = ["mode", "factor", "method"]


def invention_table(files: Sequence[str], evaluations: Sequence[str]) -> pd.DataFrame:
    """Pool the images of all methods.

    Parameters
    ----------
    files
        CSV of each mode and method.
    evaluations
        Scores of the same on the test images.

    Returns
    -------
    DataFrame
        A row per mode, factor on the noise, method and quantity: `number` `of` so
        many, `low` and `high` (shares, 95 %), and at factor 1 `psnr` of the test
        images.
    """
    trials = pd.concat([pd.read_csv(path) for path in files], ignore_index=True)
    psnr: dict[tuple[str, str], float] = {}
    for path in evaluations:
        origin, scores = read_evaluation(path)
        psnr[origin.mode, origin.method] = float(scores["psnr"].mean())
    rows = []
    for row, part in trials.groupby(ROW, sort=False):
        names = dict(zip(ROW, row, strict=True))
        score = psnr.get((str(names["mode"]), str(names["method"])), np.nan)
        # The test images have the noise of the run.
        score = score if names["factor"] == 1 else np.nan
        for (images, event), (kinds, hits, numbers) in COUNTED.items():
            chosen = part[part["kind"].isin(kinds)]
            hit = chosen[hits] if numbers else (chosen[hits] > 0).astype(int)
            of = chosen[numbers] if numbers else np.ones(len(chosen))
            number, total, low, high = share_with_interval(list(hit), list(of))
            rows.append(
                {
                    "scale": part["scale"].iloc[0],
                    "seed": part["seed"].iloc[0],
                    **names,
                    "images": images,
                    "event": event,
                    "number": number,
                    "of": total,
                    "low": low,
                    "high": high,
                    "psnr": score,
                }
            )
    table = pd.DataFrame(rows)
    # Methods of one mode and noise below each other.
    return table.sort_values(
        ["mode", "factor"],
        kind="stable",
        key=lambda column: column.map(
            {value: place for place, value in enumerate(dict.fromkeys(column))}
        ),
    ).reset_index(drop=True)


def invention_grid(table: pd.DataFrame) -> Grid:
    """Lay the counts out for readers: a row per mode, level of noise and method."""
    rows = []
    for _, part in table.groupby(ROW, sort=False):
        first = part.iloc[0]
        counts = {(row["images"], row["event"]): row for _, row in part.iterrows()}
        cells = [_cell(counts[name]) for name in COUNTED]
        psnr = first["psnr"]
        cells.append(Cell(NONE if np.isnan(psnr) else f"{psnr:.2f}"))
        noise = f"{first['mode'].upper()}, noise × {first['factor']:g}"
        rows.append((f"{noise}: {METHOD_NAMES[first['method']]}", tuple(cells)))
    groups: dict[str, list[str]] = {}
    for group, column in [*COUNTED, PSNR]:
        groups.setdefault(group, []).append(column)
    headings = tuple((group, tuple(names)) for group, names in groups.items())
    return Grid("Noise and method", headings, tuple(rows))


def write_invention_table(
    files: Sequence[str],
    evaluations: Sequence[str],
    base_path: str | Path,
    inventions: Mapping[str, Any],
    match: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> pd.DataFrame:
    """Write the table; give it back too.

    Parameters
    ----------
    files, evaluations
        As for `invention_table`.
    base_path
        Path without suffix.
    inventions, match
        Sections ``inventions`` and ``detection/match`` of the config.
    provenance
        ``scale`` and ``seed``.
    """
    table = invention_table(files, evaluations)
    unseen = sorted(
        {
            name
            for path in files
            for _, name in pd.read_csv(path)
            .query("kind == 'unseen'")["structure"]
            .items()
        }
    )
    text = table_caption(inventions, match, unseen) + made_by(**provenance)
    write_grid(table, invention_grid(table), base_path, text)
    return table


def definition(inventions: Mapping[str, Any], match: Mapping[str, float]) -> str:
    """Say what counts as an atom, in two sentences."""
    least = inventions["peaks"]["least_height"]
    return (
        "An atom is a peak of the method's image, after a Laplacian of Gaussian of the "
        f"true atoms' size, that reaches {least:.0%} of the height that the method "
        "gives a lone brightest atom, by its median over the atoms of the run's test "
        f"images. It is invented if no true atom is within {match['radius']:g} Å, and "
        "a true atom is lost if it has no such peak although in the noiseless image "
        f"it reaches {2 * least:.0%}."
    )


def table_caption(
    inventions: Mapping[str, Any], match: Mapping[str, float], unseen: Sequence[str]
) -> str:
    """Say what the table shows."""
    never = f" Never trained on: {', '.join(unseen)}." if unseen else ""
    return (
        "Inventions (ours). Atoms that methods invent and lose, where the truth is "
        "known: synthetic images with the noise of the run, and multiples of it. "
        f"{definition(inventions, match)} Lost of the true atoms, invented of those "
        "shown; in brackets the 95 % interval of the share, wider where images differ "
        f"by more than chance.{never} "
    )


def _cell(row: pd.Series) -> Cell:
    if not row["of"]:
        return Cell(NONE)
    low, high = (100 * row[name] for name in ("low", "high"))
    digits = 0 if high >= 10 else 1
    interval = f"{low:.{digits}f}–{high:.{digits}f} %"
    return Cell(f"{row['number']} of {row['of']} ({interval})")
