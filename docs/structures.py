"""Put the fits of the shipped table of columns into docs/structures.md."""

from pathlib import Path

from sfin.fit_quality import quality_table
from sfin.shipped_columns import read_table
from sfin.structures import read_structure

ROOT = Path(__file__).parents[1]
MARKS = ("<!-- table: made by docs/structures.py -->\n\n", "\n<!-- end of table -->")


def structures_document() -> str:
    """Give the document with the table as it should be."""
    resources = ROOT / "resources/structures"
    table = read_table(resources / "columns.json")
    structures = {name: read_structure(resources / f"{name}.yaml") for name in table}
    before, rest = (ROOT / "docs/structures.md").read_text("utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    made = quality_table(table, structures)
    return before + MARKS[0] + made + MARKS[1] + after


if __name__ == "__main__":
    (ROOT / "docs/structures.md").write_text(structures_document(), "utf-8")
