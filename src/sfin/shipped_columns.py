"""The table of columns that ships: what abTEM rendered once, for those without it.

One JSON file holds all structures, a column a line, without images. It is written
from stores that the workflow rendered (`make columns`), and gives such stores back.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfin.columns import FloatArray, ProjectedColumns
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.fit_quality import fit_summary
from sfin.parameters import MODES, Mode

FORMAT = "sfin-column-table/1"
# Positions and sigmas in Å, amplitudes relative: four digits are far finer than the
# thermal noise of the rendering.
COLUMN = (
    "species",
    "x",
    "y",
    "haadf_amplitude",
    "haadf_sigma",
    "bf_amplitude",
    "bf_sigma",
)
DIGITS = 4
# Of a structure; what else its attributes hold is common to all structures.
OWN_ATTRIBUTES = ("cells_along_beam", "cell_along_beam", "monolayer", "reference")
SHIPPED = "columns of the shipped table"


def write_table(structures: Sequence[ProjectedColumns], path: str | Path) -> None:
    """Write rendered structures as one table.

    Raises
    ------
    InputError
        A structure comes from such a table itself, or the structures were not
        all rendered alike.
    """
    common = _common(structures[0])
    for columns in structures:
        if columns.attributes.get("origin") == SHIPPED:
            raise InputError(
                f"{columns.structure} comes from the shipped table: set columns to "
                "rendered to make a new one."
            )
        if _common(columns) != common:
            raise InputError(
                f"{columns.structure} was rendered with other settings than "
                f"{structures[0].structure}: render all with the same."
            )
    head = {"format": FORMAT, "columns": list(COLUMN), **common}
    lines = [f" {json.dumps(key)}: {_text(value)}," for key, value in head.items()]
    entries = [
        _structure_text(columns)
        for columns in sorted(structures, key=lambda columns: columns.structure)
    ]
    body = ",\n".join(entries)
    text = "\n".join(["{", *lines, ' "structures": {', body, " }", "}", ""])
    write_whole(path, text)


def read_table(path: str | Path) -> dict[str, ProjectedColumns]:
    """Read what `write_table` has written; the structures have no images.

    Raises
    ------
    InputError
        The file is missing or no such table.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): make it with `make columns`."
        ) from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise InputError(
            f"{path} is no table of format {FORMAT}: make it with `make columns`."
        )
    try:
        entries = content.pop("structures")
        content.pop("columns")
        return {name: _columns(name, entry, content) for name, entry in entries.items()}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__} {error}): take the table that "
            "comes with sfin, or make it anew with `make columns`."
        ) from error


def check_shipped(names: Collection[str], path: str | Path) -> None:
    """Refuse structures that the table lacks.

    Raises
    ------
    InputError
        For the first such structure.
    """
    known = read_table(path)
    for name in names:
        if name not in known:
            raise InputError(
                f"columns is shipped, but {path} lacks {name!r}: set columns to "
                f"rendered, or choose structures from {', '.join(known)}."
            )


def unpack_columns(
    table: str | Path, name: str, destination: str | Path
) -> ProjectedColumns:
    """Write one structure of the table as the store that rendering would give.

    Nothing of abTEM or ASE is needed.

    Raises
    ------
    InputError
        The table lacks the structure.
    """
    check_shipped([name], table)
    columns = read_table(table)[name]
    columns.write(destination)
    settings = columns.attributes["rendering"]
    print(f"{name}: from {table}, rendered with preset {settings['preset']}")
    print(fit_summary(columns), flush=True)
    return columns


def _common(columns: ProjectedColumns) -> dict[str, Any]:
    """Give the attributes that all structures of a table share, as JSON does."""
    own = {*OWN_ATTRIBUTES, *MODES, "origin"}
    shared = {
        key: columns.attributes[key] for key in columns.attributes if key not in own
    }
    return dict(json.loads(json.dumps(shared)))


def _structure_text(columns: ProjectedColumns) -> str:
    """Write one structure, a column a line."""
    head: dict[str, Any] = {"sides": _rounded(np.diag(columns.lattice))}
    head |= {key: columns.attributes[key] for key in OWN_ATTRIBUTES}
    head["cell_along_beam"] = round(head["cell_along_beam"], DIGITS)
    for mode in MODES:
        made = columns.attributes[mode]
        head[mode] = {
            "r_squared": round(columns.r_squared[mode], DIGITS),
            "background": round(made["background"], 6),
            "scale": round(made["scale"], 6),
        }
    lines = [f"   {json.dumps(key)}: {_text(value)}," for key, value in head.items()]
    numbers = [columns.positions]
    for mode in MODES:
        numbers += [columns.amplitude[mode][:, None], columns.sigma[mode][:, None]]
    rows = [
        f"    {_text([species, *_rounded(row)])}"
        for species, row in zip(columns.species, np.hstack(numbers), strict=True)
    ]
    body = ",\n".join(rows)
    opening = f"  {json.dumps(columns.structure)}: {{"
    return "\n".join([opening, *lines, '   "columns": [', body, "   ]", "  }"])


def _columns(
    name: str, entry: Mapping[str, Any], common: Mapping[str, Any]
) -> ProjectedColumns:
    rows = entry["columns"]
    numbers = np.array([row[1:] for row in rows], np.float64)
    if not np.isfinite(numbers).all() or not all(
        isinstance(row[0], str) for row in rows
    ):
        raise ValueError(f"the columns of {name} are no numbers")
    by_name: dict[str, FloatArray] = dict(zip(COLUMN[1:], numbers.T, strict=True))
    r_squared: dict[Mode, float] = {mode: entry[mode]["r_squared"] for mode in MODES}
    attributes = {**common, **{key: entry[key] for key in OWN_ATTRIBUTES}}
    for mode in MODES:
        attributes[mode] = {key: entry[mode][key] for key in ("background", "scale")}
    return ProjectedColumns(
        structure=name,
        lattice=np.diag(np.array(entry["sides"], np.float64)),
        species=tuple(row[0] for row in rows),
        positions=np.stack([by_name["x"], by_name["y"]], axis=1),
        amplitude={mode: by_name[f"{mode}_amplitude"] for mode in MODES},
        sigma={mode: by_name[f"{mode}_sigma"] for mode in MODES},
        image={},
        r_squared=r_squared,
        attributes={**attributes, "origin": SHIPPED},
    )


def _rounded(values: FloatArray) -> list[float]:
    # Adding zero turns −0.0 into 0.0.
    return [round(float(value), DIGITS) + 0.0 for value in values]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
