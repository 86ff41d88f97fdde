"""Users' structures: any file ASE reads gives the cell that our own file gives."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.build import bulk

from sfin.column_sites import project_columns
from sfin.errors import InputError
from sfin.image_cell import LARGEST_SIDE, find_image_axes
from sfin.settings import check_settings
from sfin.structures import (
    build_cell,
    build_crystal,
    check_structures,
    list_structures,
    read_structure,
)
from sfin.user_structures import (
    UserStructure,
    build_user_cell,
    check_user_structures,
    find_structure,
    image_cell,
    read_crystal,
    user_structure,
)

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "resources" / "structures"
NAMES = list_structures(FOLDER)


@pytest.fixture
def perovskite(tmp_path: Path) -> Path:
    """Write the crystal of SrTiO3 as a CIF."""
    path = tmp_path / "perovskite.cif"
    ase.io.write(path, build_crystal(read_structure(FOLDER / "SrTiO3_001.yaml")))
    return path


def entry(path: Path, **changes: Any) -> dict[str, Any]:
    defaults = {"file": str(path), "zone_axis": [0, 0, 1], "displacement": 0.08}
    return defaults | changes


@pytest.mark.parametrize("name", NAMES)
def test_the_cell_found_is_no_larger_than_ours_and_shows_the_same(
    tmp_path: Path, name: str
) -> None:
    ours = read_structure(FOLDER / f"{name}.yaml")
    file = tmp_path / f"{name}.cif"
    ase.io.write(file, build_crystal(ours))
    theirs = UserStructure(
        "mine", file, ours.zone_axis, displacement=0.08, monolayer=ours.monolayer
    )
    found, expected = build_user_cell(theirs), build_cell(ours)
    area = float(np.prod(expected.cell.lengths()[:2]))
    found_area = float(np.prod(found.cell.lengths()[:2]))
    # A whole number of found cells fills ours: 2 for a centred square, else 1.
    times = area / found_area
    assert times == pytest.approx(round(times), rel=1e-4)
    assert round(times) == (2 if name in ("Pt_001", "NiO_001") else 1)
    assert np.allclose(found.cell, np.diag(found.cell.lengths()))
    assert len(expected) == round(times) * len(found)
    kinds, expected_kinds = (
        sorted(project_columns(cell).species) for cell in (found, expected)
    )
    assert sorted(kinds * round(times)) == expected_kinds


def test_directions_that_are_given_are_kept(perovskite: Path) -> None:
    ours = build_cell(read_structure(FOLDER / "SrTiO3_110.yaml"))
    given = user_structure(
        "mine",
        entry(
            perovskite, zone_axis=[1, 1, 0], horizontal=[-1, 1, 0], vertical=[0, 0, 1]
        ),
    )
    found: Any = build_user_cell(given)
    assert np.allclose(found.cell.lengths(), ours.cell.lengths())
    order, other = (
        np.lexsort((*cell.positions.round(3).T, cell.numbers)) for cell in (found, ours)
    )
    assert np.allclose(found.positions[order], ours.positions[other], atol=1e-3)
    # One of the two may be left out, and is then found.
    for changes in ({"horizontal": [0, 0, 1]}, {"vertical": [1, -1, 0]}):
        half = user_structure("mine", entry(perovskite, zone_axis=[1, 1, 0], **changes))
        lengths = build_user_cell(half).cell.lengths()
        assert lengths == pytest.approx(ours.cell.lengths()[[1, 0, 2]])


def test_displacement_is_one_number_or_one_by_element(perovskite: Path) -> None:
    one = read_crystal(user_structure("mine", entry(perovskite)))
    assert set(one.arrays["displacement"]) == {0.08}
    values = {"Sr": 0.09, "Ti": 0.07, "O": 0.1}
    cell = build_user_cell(
        user_structure("mine", entry(perovskite, displacement=values))
    )
    for symbol, value in zip(cell.symbols, cell.arrays["displacement"], strict=True):
        assert value == values[symbol]


def test_a_slightly_skewed_lattice_is_made_orthogonal(tmp_path: Path) -> None:
    def skewed(*cell: float) -> Path:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.vasp"
        ase.io.write(file, Atoms("Po", cell=cell, pbc=True))
        return file

    found = build_user_cell(
        user_structure("mine", entry(skewed(4, 4.1, 4.2, 90, 90.05, 90)))
    )
    assert np.allclose(found.cell, np.diag(found.cell.lengths()))
    with pytest.raises(InputError, match="give a file of an orthogonal supercell"):
        build_user_cell(
            user_structure("mine", entry(skewed(4, 4.1, 4.2, 92.9, 93.7, 95.3)))
        )
    # The diagonals of a rhombus are perpendicular: an axis that can be used is named.
    rhombic = skewed(4, 4.1, 4, 90, 93.7, 90)
    with pytest.raises(InputError, match=r"zone_axis may be \[0, 1, 0\]"):
        build_user_cell(user_structure("mine", entry(rhombic)))
    build_user_cell(user_structure("mine", entry(rhombic, zone_axis=[0, 1, 0])))


def test_a_primitive_cell_gives_the_crystal(tmp_path: Path) -> None:
    file = tmp_path / "Pt.xyz"
    ase.io.write(file, bulk("Pt"), format="extxyz")
    # [1, 1, -1] of the primitive cell is [0, 0, 1] of the cubic one.
    found = build_user_cell(user_structure("mine", entry(file, zone_axis=[1, 1, -1])))
    side = 3.92
    assert sorted(found.cell.lengths()) == pytest.approx(
        [side / 2**0.5, side / 2**0.5, side]
    )


def test_axes_are_perpendicular_and_right_handed() -> None:
    crystal: Any = bulk("ZnO", "wurtzite", a=3.25, c=5.2)
    for axis in ((0, 0, 1), (1, 0, 0), (1, 1, 0), (2, 1, 0)):
        across, down = find_image_axes(crystal, axis, "ZnO")
        vectors = np.array([across, down, axis]) @ np.asarray(crystal.cell)
        gram = vectors @ vectors.T
        assert np.allclose(gram, np.diag(np.diag(gram)), atol=1e-6)
        assert np.linalg.det(vectors) > 0
        assert np.linalg.norm(vectors[:2], axis=1).max() <= LARGEST_SIDE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": "absent.cif"}, "absent.cif .* does not exist: correct the path"),
        ({"zone_axis": [0, 0, 0]}, "zone_axis of user_structures.mine"),
        ({"zone_axis": [20, 19, 17]}, "repeats along its zone_axis .* lower indices"),
        ({"zone_axis": [5, 6, 7]}, "no two directions of mine .* zone_axis may be"),
        ({"horizontal": [1, 0, 1]}, "45.00° off .* leave it out"),
        ({"horizontal": [11, 7, 0]}, "nothing fits horizontal .* leave it out"),
        (
            {"horizontal": [1, 0, 0], "vertical": [0, -1, 0]},
            "are not perpendicular to each other and right-handed",
        ),
        ({"displacement": {"Sr": 0.1}}, "lacks O: give one number"),
        (
            {"displacement": {"Sr": 0.1, "Ti": 0.1, "O": 0.1, "Xe": 0.1}},
            "names Xe, which .* remove it",
        ),
    ],
)
def test_wrong_entries_are_refused(
    perovskite: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_user_structures({"mine": entry(perovskite, **changes)}, ["mine"])
    assert "\n" not in str(caught.value)
    # What is not asked for is not looked at.
    check_user_structures({"mine": entry(perovskite, **changes)}, ["Si_110"])


def test_files_that_are_no_crystal_are_refused(tmp_path: Path) -> None:
    def refuse(atoms: Any, name: str, message: str) -> None:
        file = tmp_path / name
        ase.io.write(file, atoms)
        with pytest.raises(InputError, match=message):
            check_user_structures({"mine": entry(file)}, ["mine"])

    cube = Atoms("Po", cell=[4, 4, 4], pbc=True)
    refuse(Atoms("H2", [[0, 0, 0], [0, 0, 1]]), "free.xyz", "three lattice vectors")
    refuse([cube, cube], "many.xyz", "holds 2 structures")
    refuse(cube * (10, 10, 10), "large.vasp", "1000 atoms, more than 500")
    close = Atoms("H2", [[0, 0, 0], [0, 0, 0.5]], cell=[4, 4, 4], pbc=True)
    refuse(close, "close.vasp", "0.50 Å apart")
    for name, content in {
        "noise.cif": "hello",
        "empty.cif": "",
        "no.thing": "1",
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=f"{name} .*user_structures.mine"):
            check_user_structures({"mine": entry(tmp_path / name)}, ["mine"])


def test_partly_occupied_sites_are_refused(perovskite: Path) -> None:
    text = perovskite.read_text()
    assert " 1.0000\n" in text
    lines = [line.replace(" 1.0000", " 0.5000") for line in text.splitlines()]
    perovskite.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="partly occupied or shared"):
        check_user_structures({"mine": entry(perovskite)}, ["mine"])


def test_either_source_gives_a_cell(perovskite: Path) -> None:
    ours = find_structure(FOLDER / "SrTiO3_001.yaml", "SrTiO3_001", {})
    theirs = find_structure(perovskite, "mine", entry(perovskite))
    assert isinstance(theirs, UserStructure)
    one, other = image_cell(ours), image_cell(theirs)
    assert np.allclose(one.cell.lengths(), other.cell.lengths())


def test_names_may_be_listed_and_not_taken_twice() -> None:
    check_structures(["SrTiO3_001", "mine"], FOLDER, ["mine"])
    with pytest.raises(InputError, match=r"'other'.*describe it under user_structures"):
        check_structures(["other"], FOLDER, ["mine"])
    with pytest.raises(InputError, match=r"'Si_110'.* another name"):
        check_structures(["Si_110"], FOLDER, ["Si_110"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"displacement": {"Sr": 0.1}, "monolayer": True, "reference": "me"}, None),
        ({"displacement": 0.8}, "displacement"),
        ({"displacement": {"Sr": 2}}, "displacement"),
        ({"zone_axis": [0, 1]}, "zone_axis"),
        ({"zone_axes": [0, 0, 1]}, "did you mean 'zone_axis'"),
        ({"file": None}, "file"),
    ],
)
def test_schema_is_strict(change: dict[str, Any], message: str | None) -> None:
    settings = yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8"))
    settings["user_structures"] = {"mine": entry(Path("mine.cif"), **change)}
    if message is None:
        check_settings(settings, ROOT / "config/schema.yaml")
        return
    with pytest.raises(InputError, match=message):
        check_settings(settings, ROOT / "config/schema.yaml")


def test_modules_read_files_without_loading_ase() -> None:
    code = (
        "import sys, sfin.user_structures\n"
        "assert not {'ase', 'abtem'} & set(sys.modules), 'loaded'"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
