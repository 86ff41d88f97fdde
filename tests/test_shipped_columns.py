"""The shipped table: it is the crystals, it agrees with abTEM, it needs no abTEM."""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
import zarr

from sfin.column_sites import project_columns
from sfin.columns import ProjectedColumns, cell_shape, gaussian_cell, read_columns
from sfin.errors import InputError
from sfin.fit_quality import fit_summary, quality_table
from sfin.parameters import MODES
from sfin.rendering import render_structure
from sfin.rendering_figure import plot_rendering
from sfin.shipped_columns import (
    check_shipped,
    read_table,
    unpack_columns,
    write_table,
)
from sfin.structures import build_cell, list_structures, read_structure

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "resources" / "structures"
TABLE = FOLDER / "columns.json"
SHIPPED = read_table(TABLE)

# Between `test` and `paper`: 40 Å or 80 Å thick, another HAADF detector, one thermal
# configuration or eight. A column that is lost, moved or of another element is off
# by more.
AMPLITUDE_TOLERANCE = 0.25
SIGMA_TOLERANCE = 0.1  # Å


def rendering(scale: str) -> dict[str, Any]:
    """Settings of abTEM at a scale."""
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8"))
    overlay = yaml.safe_load((ROOT / f"config/{scale}.yaml").read_text("utf-8"))
    return dict(base["rendering"] | overlay["rendering"])


def test_every_structure_ships() -> None:
    assert list(SHIPPED) == list_structures(FOLDER)


@pytest.mark.parametrize("name", SHIPPED)
def test_columns_are_those_of_the_crystal(name: str) -> None:
    columns, structure = SHIPPED[name], read_structure(FOLDER / f"{name}.yaml")
    cell = build_cell(structure)
    sites = project_columns(cell)
    assert columns.species == sites.species
    assert columns.positions == pytest.approx(sites.positions, abs=1e-4)
    sides: Any = cell.cell.lengths()
    assert np.diag(columns.lattice) == pytest.approx(sides[:2], abs=1e-4)
    assert columns.attributes["reference"] == structure.reference
    assert columns.attributes["monolayer"] == structure.monolayer


def test_table_was_rendered_with_the_settings_of_paper() -> None:
    base = yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8"))
    for columns in SHIPPED.values():
        assert columns.attributes["rendering"] == rendering("paper")
        assert columns.attributes["seed"] == base["seed"]
        assert set(columns.attributes["versions"]) == {"abtem", "ase"}


@pytest.mark.parametrize("name", ["SrTiO3_001", "NiO_001", "graphene_001"])
def test_a_fresh_rendering_agrees(name: str, tmp_path: Path) -> None:
    structure = read_structure(FOLDER / f"{name}.yaml")
    fresh = render_structure(structure, rendering("test"), 1, tmp_path / "fresh.zarr")
    shipped = SHIPPED[name]
    assert fresh.species == shipped.species
    for mode in MODES:
        difference = fresh.amplitude[mode] - shipped.amplitude[mode]
        assert np.abs(difference).max() < AMPLITUDE_TOLERANCE
        seen = shipped.amplitude[mode] != 0
        widths = fresh.sigma[mode][seen] - shipped.sigma[mode][seen]
        assert np.abs(widths).max() < SIGMA_TOLERANCE
    # The tolerance tells elements apart.
    strontium, titanium, *_ = SHIPPED["SrTiO3_001"].amplitude["haadf"]
    assert strontium - titanium > 2 * AMPLITUDE_TOLERANCE


@pytest.mark.parametrize("name", ["SrTiO3_001", "Sb2Se3_010"])
def test_unpacked_store_is_one_that_rendering_could_have_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = unpack_columns(TABLE, name, tmp_path / "a.zarr")
    assert "preset paper" in capsys.readouterr().out
    read = read_columns(tmp_path / "a.zarr")
    assert read.image == written.image == {}
    assert read.attributes == written.attributes
    assert read.r_squared == SHIPPED[name].r_squared
    for mode in MODES:
        assert np.array_equal(read.amplitude[mode], SHIPPED[name].amplitude[mode])
        assert np.abs(gaussian_cell(read, mode, 0.1)).max() > 0.5
    plot_rendering(read, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5_000


def test_table_gives_back_what_was_written(tmp_path: Path) -> None:
    drawn = [
        replace(columns, attributes={**columns.attributes, "origin": "rendered"})
        for columns in SHIPPED.values()
    ]
    write_table(drawn[::-1], tmp_path / "columns.json")
    assert (tmp_path / "columns.json").read_bytes() == TABLE.read_bytes()
    # A column a line, so that a change can be read.
    lines = TABLE.read_text("utf-8").splitlines()
    assert len(lines) > sum(len(columns.species) for columns in SHIPPED.values())
    assert max(map(len, lines)) < 400


def test_wrong_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "columns.json"
    with pytest.raises(InputError, match="make columns"):
        read_table(path)
    for content in ("{", "[]", json.dumps({"format": "other"})):
        path.write_text(content)
        with pytest.raises(InputError, match="make columns"):
            read_table(path)
    with pytest.raises(InputError, match=r"lacks 'mine': set columns to rendered"):
        check_shipped(["SrTiO3_001", "mine"], TABLE)
    one, other = SHIPPED["Pt_001"], SHIPPED["Si_110"]
    with pytest.raises(InputError, match="comes from the shipped table"):
        write_table([one], path)
    drawn = {**one.attributes, "origin": "rendered"}
    alike = replace(one, attributes=drawn)
    unlike = replace(other, attributes={**other.attributes, "seed": 1, "origin": ""})
    with pytest.raises(InputError, match="Si_110 was rendered with other settings"):
        write_table([alike, unlike], path)


def test_shipped_path_loads_neither_abtem_nor_ase(tmp_path: Path) -> None:
    # What the workflow imports to plan, the rule itself, and what follows it.
    code = f"""
import re, runpy, sys
from types import SimpleNamespace

rules = open("workflow/rules/common.smk", encoding="utf-8").read()
exec("\\n".join(re.findall(r"^ *(from sfin.*)", rules, re.M)))
check_shipped(["SrTiO3_001"], "{TABLE}")
snakemake = SimpleNamespace(
    input=SimpleNamespace(table="{TABLE}"),
    output=SimpleNamespace(columns="{tmp_path}/a.zarr", figure="{tmp_path}/a.png"),
    wildcards=SimpleNamespace(structure="SrTiO3_001"),
    log=["{tmp_path}/log"],
)
script = "workflow/scripts/unpack_columns.py"
runpy.run_path(script, {{"snakemake": snakemake}}, "__main__")
import sfin.datasets, sfin.synthesis
loaded = {{"ase", "abtem"}} & set(sys.modules)
sys.exit(f"loaded {{loaded}}" if loaded else 0)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0
    assert read_columns(tmp_path / "a.zarr").structure == "SrTiO3_001"


@pytest.fixture
def poor() -> ProjectedColumns:
    """Columns that explain too little of one mode."""
    return replace(SHIPPED["LiCoO2_010"], r_squared={"haadf": 0.87, "bf": 0.95})


def test_contrast_that_is_no_sum_of_gaussians_is_flagged(
    poor: ProjectedColumns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert poor.poor_modes == ("haadf",)
    poor.write(tmp_path / "poor.zarr")
    flags = {
        mode: zarr.open_group(tmp_path / "poor.zarr", path=mode, mode="r").attrs[
            "sum_of_gaussians"
        ]
        for mode in MODES
    }
    assert flags == {"haadf": False, "bf": True}
    assert read_columns(tmp_path / "poor.zarr").poor_modes == ("haadf",)
    assert "WARNING: LiCoO2_010 in haadf is not a sum" in fit_summary(poor)
    assert "WARNING" not in fit_summary(SHIPPED["Pt_001"])
    titles: list[str] = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.suptitle", lambda _, text: titles.append(text)
    )
    shape = cell_shape(poor.lattice, 0.1)
    image = {mode: np.zeros(shape, np.float32) for mode in MODES}
    plot_rendering(poor, tmp_path / "poor.png")
    plot_rendering(replace(poor, image=image), tmp_path / "poor.png")
    plot_rendering(SHIPPED["Pt_001"], tmp_path / "good.png")
    flagged = ["HAADF is not a sum of Gaussians (R² 0.870 < 0.90)" in t for t in titles]
    assert flagged == [True, True, False]


def test_document_shows_the_shipped_table(poor: ProjectedColumns) -> None:
    document = runpy.run_path(str(ROOT / "docs/structures.py"))
    text = (ROOT / "docs/structures.md").read_text("utf-8")
    assert text == document["structures_document"](), "run docs/structures.py"
    for columns in SHIPPED.values():
        assert f" {columns.r_squared['haadf']:.3f}" in text
    structure = read_structure(FOLDER / "LiCoO2_010.yaml")
    rows = quality_table({"LiCoO2_010": poor}, {"LiCoO2_010": structure})
    assert "| 0.870 (not a sum of Gaussians) | 0.950 |" in rows
    assert "| **least** | | | 0.870 | 0.950 | |" in rows
