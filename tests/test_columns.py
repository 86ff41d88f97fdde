"""Projected columns: the store gives back what it was given, and cells repeat."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from sfin.columns import (
    ProjectedColumns,
    cell_shape,
    draw_cell,
    gaussian_cell,
    read_columns,
)
from sfin.errors import InputError
from sfin.rendering_figure import plot_rendering

SOURCE = Path(__file__).parents[1] / "src"


@pytest.fixture
def columns() -> ProjectedColumns:
    lattice = np.diag([4.0, 6.0])
    positions = np.array([[0.0, 0.0], [1.5, 3.5]])
    haadf, bf = np.array([1.0, 0.4]), np.array([-1.0, -0.7])
    sigma = np.array([0.5, 0.45])
    shape = cell_shape(lattice, 0.1)
    return ProjectedColumns(
        structure="invented_001",
        lattice=lattice,
        species=("Sr", "TiO"),
        positions=positions,
        amplitude={"haadf": haadf, "bf": bf},
        sigma={"haadf": sigma, "bf": sigma / 1.1},
        image={
            "haadf": draw_cell(lattice, positions, haadf, sigma, shape).astype("f4"),
            "bf": draw_cell(lattice, positions, bf, sigma / 1.1, shape).astype("f4"),
        },
        r_squared={"haadf": 0.99, "bf": 0.98},
        attributes={
            "seed": 3,
            "monolayer": False,
            "cells_along_beam": 15,
            "cell_along_beam": 4.0,
            "rendering": {
                "energy": 200e3,
                "semiangle_cutoff": 24,
                "frozen_phonons": 4,
                "preset": "fast",
                "haadf_angles": [60, 100],
                "bf_angles": [0, 8],
                "bf_defocus": 60,
                "bf_thickness": 40,
            },
        },
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_store_gives_back_the_columns(
    tmp_path: Path, columns: ProjectedColumns
) -> None:
    path = tmp_path / "structures" / "invented_001.zarr"
    columns.write(path)
    read = read_columns(path)
    assert read.structure == columns.structure
    assert read.species == columns.species
    assert read.attributes == columns.attributes
    assert read.r_squared == columns.r_squared
    assert np.array_equal(read.lattice, columns.lattice)
    assert np.array_equal(read.positions, columns.positions)
    for mode in columns.image:
        assert np.array_equal(read.amplitude[mode], columns.amplitude[mode])
        assert np.array_equal(read.sigma[mode], columns.sigma[mode])
        assert np.array_equal(read.image[mode], columns.image[mode])
        assert read.image[mode].dtype == np.float32


def test_same_columns_give_the_same_bytes_and_nothing_is_left_beside(
    tmp_path: Path, columns: ProjectedColumns
) -> None:
    first, second = tmp_path / "first.zarr", tmp_path / "second.zarr"
    columns.write(first)
    columns.write(second)
    columns.write(second)  # replaces
    assert files(first) == files(second)
    assert sorted(os.listdir(tmp_path)) == ["first.zarr", "second.zarr"]


def test_store_is_consolidated_zarr_3(
    tmp_path: Path, columns: ProjectedColumns
) -> None:
    columns.write(tmp_path / "a.zarr")
    metadata = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text("utf-8"))
    assert metadata["zarr_format"] == 3
    assert "haadf/image" in metadata["consolidated_metadata"]["metadata"]


def test_a_failed_write_leaves_the_old_store(
    tmp_path: Path, columns: ProjectedColumns, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zarr"
    columns.write(path)
    before = files(path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(zarr, "consolidate_metadata", fail)
    with pytest.raises(OSError, match="disk full"):
        columns.write(path)
    assert files(path) == before
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Zarr group"):
        read_columns(tmp_path / "absent.zarr")
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(InputError, match="no projected columns"):
        read_columns(tmp_path / "other.zarr")


def test_cell_is_the_sum_of_gaussians_and_of_their_neighbours(
    columns: ProjectedColumns,
) -> None:
    cell = gaussian_cell(columns, "haadf", 0.1)
    assert cell.shape == (60, 40)
    y, x = np.mgrid[0:60, 0:40] * 0.1
    expected = np.zeros(cell.shape)
    for (px, py), amplitude, sigma in zip(
        columns.positions,
        columns.amplitude["haadf"],
        columns.sigma["haadf"],
        strict=True,
    ):
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                squares = (x - px + 4 * i) ** 2 + (y - py + 6 * j) ** 2
                expected += amplitude * np.exp(-squares / 2 / sigma**2)
    assert np.allclose(cell, expected, atol=1e-5)


def test_cell_does_not_depend_on_its_sampling(columns: ProjectedColumns) -> None:
    fine, coarse = gaussian_cell(columns, "bf", 0.1), gaussian_cell(columns, "bf", 0.2)
    assert np.allclose(fine[::2, ::2], coarse, atol=1e-4)
    with pytest.raises(InputError, match="pixels of"):
        gaussian_cell(columns, "bf", 0.5)


def test_cell_may_be_oblique() -> None:
    lattice = np.array([[3.0, 0.0], [1.5, 2.6]])
    cell = draw_cell(
        lattice, np.array([[0.75, 1.3]]), np.ones(1), np.array([0.4]), (20, 20)
    )
    # Half of the second lattice vector: row 10, column 0.
    assert divmod(int(cell.argmax()), 20) == (10, 0)


def test_figure_is_reproducible(tmp_path: Path, columns: ProjectedColumns) -> None:
    for name in ("a.pdf", "b.pdf", "a.png"):
        plot_rendering(columns, tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_reading_needs_no_simulation_package() -> None:
    code = (
        "import sys, sfin.columns, sfin.structures;"
        "sys.exit(any(m in sys.modules for m in ('abtem', 'ase', 'torch', 'dask')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
