"""Structures: the shipped ones are right, and a user's mistake is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sfin.errors import InputError
from sfin.structures import (
    Structure,
    build_cell,
    build_crystal,
    list_structures,
    read_structure,
)

FOLDER = Path(__file__).parents[1] / "resources" / "structures"

# Handbook densities in g/cm³.
DENSITY = {
    "Pt": 21.45,
    "NiO": 6.81,
    "TiO2": 4.25,
    "Si": 2.329,
    "SrTiO3": 5.12,
    "DyScO3": 6.90,
    "MoS2": 5.00,
    "LiNiO2": 4.78,
    "LiCoO2": 5.05,
    "Sb2Se3": 5.83,
    "GaAs": 5.32,
}
NAMES = list_structures(FOLDER)


def structure(name: str) -> Structure:
    return read_structure(FOLDER / f"{name}.yaml")


def test_the_structures_of_the_paper_are_there() -> None:
    assert {"SrTiO3_001", "Si_110", "MoS2_001"} <= set(NAMES)
    assert sorted(NAMES) == NAMES
    assert {name.rsplit("_", 1)[0] for name in NAMES} == {*DENSITY, "graphene"}


@pytest.mark.parametrize("name", [name for name in NAMES if "graphene" not in name])
def test_density_agrees_with_the_literature(name: str) -> None:
    crystal: Any = build_crystal(structure(name))
    density = 1.66053907 * crystal.get_masses().sum() / crystal.get_volume()
    assert density == pytest.approx(DENSITY[structure(name).material], rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_cell_keeps_the_crystal(name: str) -> None:
    described = structure(name)
    crystal: Any = build_crystal(described)
    cell: Any = build_cell(described)
    assert np.allclose(cell.cell, np.diag(cell.cell.lengths()))
    inside = cell.get_scaled_positions(wrap=False)
    assert inside.min() >= 0
    assert inside.max() < 1
    share = np.bincount(cell.numbers, minlength=100) / len(cell)
    assert np.allclose(
        share, np.bincount(crystal.numbers, minlength=100) / len(crystal)
    )
    if not described.monolayer:
        density = len(cell) / cell.get_volume()
        assert density == pytest.approx(len(crystal) / crystal.get_volume(), rel=1e-6)
    # Cutting moves no atom: bonds keep their lengths.
    bond = np.sort(crystal.repeat(2).get_all_distances(mic=True), axis=1)[:, 1].min()
    cut = np.sort(cell.repeat(2).get_all_distances(mic=True), axis=1)[:, 1].min()
    assert cut == pytest.approx(bond, abs=1e-4)


def test_displacements_follow_their_atoms() -> None:
    cell = build_cell(structure("SrTiO3_110"))
    expected = {"Sr": 0.089, "Ti": 0.075, "O": 0.096}
    found = zip(cell.symbols, cell.arrays["displacement"], strict=True)
    assert all(displacement == expected[symbol] for symbol, displacement in found)


def test_monolayer_is_one_layer_in_vacuum() -> None:
    cell = build_cell(structure("MoS2_001"))
    assert sorted(cell.symbols) == ["Mo"] * 2 + ["S"] * 4
    z = cell.positions[:, 2]
    assert np.ptp(z) == pytest.approx(3.17, abs=0.02)
    assert cell.cell[2, 2] - np.ptp(z) == pytest.approx(8)


def test_centred_lattices_give_the_small_cell() -> None:
    lengths = build_cell(structure("Si_110")).cell.lengths()
    assert lengths == pytest.approx([5.43102 / 2**0.5, 5.43102, 5.43102 / 2**0.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"space_group": 231}, "space_group"),
        ({"lattice": {"a": 3.9}}, "lacks the field 'b'"),
        ({"sites": []}, "at least one atom"),
        ({"name": "other"}, "rename"),
        ({"zone_axis": [0, 0, 0]}, "three integers"),
        ({"zone_axis": [0, 0.5, 1]}, "three integers"),
        ({"monolayer": "no layer"}, "true or false"),
        ({"reference": ""}, "give a text"),
        (
            {"sites": [{"element": "Sr", "position": [0, 0], "displacement": 0.1}]},
            "three numbers",
        ),
        (
            {"sites": [{"element": "Sr", "position": [0, 0, 0], "displacement": 9}]},
            "0 to 0.5",
        ),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    content = yaml.safe_load((FOLDER / "SrTiO3_001.yaml").read_text("utf-8"))
    path = tmp_path / "SrTiO3_001.yaml"
    path.write_text(yaml.safe_dump(content | change), "utf-8")
    with pytest.raises(InputError, match=message):
        read_structure(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zone_axis": [1, 0, 1]}, "perpendicular"),
        ({"zone_axis": [0, 0, -1]}, "right-handed"),
        (
            {"sites": [{"element": "Xx", "position": [0, 0, 0], "displacement": 0}]},
            "correct|chemical symbol",
        ),
        (
            {"sites": [{"element": "O", "position": [0.1, 0, 0], "displacement": 0}]},
            "Å apart",
        ),
    ],
)
def test_a_wrong_crystal_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    content = yaml.safe_load((FOLDER / "SrTiO3_001.yaml").read_text("utf-8"))
    path = tmp_path / "SrTiO3_001.yaml"
    path.write_text(yaml.safe_dump(content | change), "utf-8")
    with pytest.raises(InputError, match=message):
        build_cell(read_structure(path))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        read_structure(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="no structure"):
        list_structures(tmp_path)
