import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from samples import perovskite
from test_lattice_fit import STRUCTURES

from sfin.arrangements import crystal
from sfin.images import Image, read_image, write_image
from sfin.labels import contrast
from sfin.lattice_report import (
    check_lattice,
    lattices_grid,
    lattices_table,
    made_by,
    refused,
)


@pytest.fixture
def image(tmp_path, generator):
    """Write an image of a perovskite and the atoms that are in it."""
    columns, _ = crystal(perovskite(), "haadf", 256, 0.1, 1.0, generator)
    grey = 200 * contrast(columns, 256) + generator.normal(20, 5, (256, 256))
    write_image(
        tmp_path / "image.tif", Image(grey.astype(np.float32), 0.1, "image", {})
    )
    seen = (np.abs(columns.x - 127.5) < 126) & (np.abs(columns.y - 127.5) < 126)
    atoms = pd.DataFrame({"x": columns.x[seen], "y": columns.y[seen]})
    atoms.to_csv(tmp_path / "atoms.csv", index=False)
    return tmp_path / "image.tif", tmp_path / "atoms.csv"


def check(image, **changes):
    settings = {"mode": "haadf", "pixel_size": None, "provenance": made_by("test", 5)}
    return check_lattice(*image, perovskite(), **settings | changes)


def test_atoms_of_a_crystal_are_explained_by_it(image):
    row, _ = check(image)
    assert row["explained"][0] == pytest.approx(1, abs=0.02)
    assert row["ratio_deviation"][0] == pytest.approx(0, abs=0.005)
    assert row["spectrum_ratio_deviation"][0] == pytest.approx(0, abs=0.01)
    assert row["pixel_size"][0] == pytest.approx(0.1, rel=0.005)
    assert "Sr 1.000" in row["found_by_species"][0]


def test_wrong_zone_axis_is_told_and_the_right_one_named(image):
    wrong, right = STRUCTURES["SrTiO3_110"], STRUCTURES["SrTiO3_001"]
    given = *image, wrong, "haadf", 0.1, made_by("test", 5)
    (problem,) = check_lattice(*given)[0]["problem"]
    assert problem.startswith("SrTiO3_110 ") or "like SrTiO3_110" in problem
    assert "What fits" not in problem
    others = [STRUCTURES["Si_110"], wrong, right]
    (problem,) = check_lattice(*given, others)[0]["problem"]
    assert re.search(r"What fits: SrTiO3_001 \(pixels of 0\.\d+ Å, \d+% off", problem)
    assert "Si_110" not in problem


def test_crystal_nearest_in_pixel_size_is_named_first(image):
    near, wrong = STRUCTURES["SrTiO3_001"], STRUCTURES["Si_110"]
    far = replace(near, structure="far", lattice=1.08 * near.lattice)
    far = replace(far, positions=1.08 * near.positions)
    for others in ([near, far], [far, near]):
        given = *image, wrong, "haadf", 0.1, made_by("test", 5), others
        (problem,) = check_lattice(*given)[0]["problem"]
        suggested = problem.partition("What fits: ")[2]
        assert re.match(r"SrTiO3_001 \(.*, 0% off; .*far \(.*, 8% off; ", suggested)
    unknown = without_pixel_size(image[0]), image[1], wrong, "haadf", None, "", [near]
    (problem,) = check_lattice(*unknown)[0]["problem"]
    assert "SrTiO3_001 (pixels of" in problem
    assert "off" not in problem


def without_pixel_size(path):
    bare = path.with_suffix(".npy")
    np.save(bare, read_image(path).data)
    return bare


def test_too_few_atoms_are_told_and_leave_gaps_in_the_table(image, tmp_path):
    fitted, _ = check(image)
    pd.read_csv(image[1]).head(3).to_csv(image[1], index=False)
    failed, figure = check(image)
    assert "explained" not in failed
    assert failed["problem"][0] in " ".join(
        text.get_text().replace("\n", " ") for text in figure.texts
    )
    files = []
    for name, row in (("fitted", fitted), ("failed", failed)):
        row.to_csv(tmp_path / f"{name}.csv", index=False)
        files.append(tmp_path / f"{name}.csv")
    table = lattices_table(files)
    rows = lattices_grid(table).rows
    assert [": refused" in name for name, _ in rows] == [False, True]
    assert failed["problem"][0] in refused(table)
    assert refused(lattices_table(files[:1])) == ""
    assert [cells[7].text for _, cells in rows] == ["100.0%", "–"]
    assert [cells[0].text for _, cells in rows][1] == "3"
