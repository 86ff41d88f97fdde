"""Rendering: settings are checked, the fit finds what was put in, abTEM agrees."""

from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from numpy.typing import NDArray

from sfin.column_fit import fit_columns
from sfin.column_sites import project_columns
from sfin.columns import (
    FloatArray,
    ProjectedColumns,
    draw_cell,
    gaussian_cell,
    read_columns,
)
from sfin.errors import InputError
from sfin.parameters import MODES, Mode
from sfin.rendering import render, render_structure
from sfin.rendering_settings import (
    RenderingSettings,
    electron_wavelength,
    largest_angle,
    read_settings,
)
from sfin.structures import build_cell, read_structure

FOLDER = Path(__file__).parents[1] / "resources" / "structures"

TINY = RenderingSettings(
    haadf_angles=(45, 65),
    thickness=24,
    sampling=0.125,
    scan_sampling=0.4,
    slice_thickness=2.6,
    frozen_phonons=1,
    minimum_box=7.8,
    preset="tiny",
)


def cell_of(name: str) -> Atoms:
    return build_cell(read_structure(FOLDER / f"{name}.yaml"))


@cache
def strontium_titanate(seed: int) -> ProjectedColumns:
    structure = read_structure(FOLDER / "SrTiO3_001.yaml")
    images = render(structure, TINY, seed, workers=2)
    return fit_columns(structure.name, build_cell(structure), images, 0.9, {})


def test_wavelength_and_largest_angle() -> None:
    assert electron_wavelength(200e3) == pytest.approx(0.025079, abs=1e-6)
    assert electron_wavelength(80e3) == pytest.approx(0.041757, abs=1e-6)
    assert largest_angle(200e3, 0.1) == pytest.approx(83.6, abs=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"haadf_angles": [60, 120]}, "carries 100.7 mrad: set sampling to 0.069 Å"),
        ({"bf_angles": [24, 12]}, "greater outer angle"),
        ({"bf_angles": 12}, "two angles"),
        ({"energy": 200}, "from 20000 to 1e"),
        ({"energy": "2e5"}, "give a number"),
        ({"thickness": float("nan")}, "thickness is nan"),
        ({"frozen_phonons": 1.5}, "whole number"),
        ({"device": "tpu"}, "cpu or gpu"),
        ({"defocuss": 3}, "unknown setting 'defocuss'"),
    ],
)
def test_wrong_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_settings(change)


def test_settings_round_trip() -> None:
    assert read_settings(asdict(TINY)) == TINY


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SrTiO3_001", {"Sr": 1, "TiO": 1, "O": 2}),
        ("SrTiO3_110", {"SrO": 2, "Ti": 2, "O2": 2}),
        ("Si_110", {"Si": 4}),
        ("MoS2_001", {"Mo": 2, "S2": 2}),
        ("TiO2_110", {"TiO2": 2, "Ti": 2, "O2": 2}),
        ("DyScO3_110", {"DyO": 4, "Sc": 4, "O": 8}),
        ("Sb2Se3_010", {"Sb": 8, "Se": 12}),
        ("LiCoO2_010", {"Co": 6, "Li": 6, "O": 12}),
        ("graphene_001", {"C": 4}),
    ],
)
def test_columns_of_a_projection(name: str, expected: dict[str, int]) -> None:
    cell = cell_of(name)
    sites = project_columns(cell)
    assert {kind: sites.species.count(kind) for kind in sites.species} == expected
    sides = cell.cell.lengths()[:2]
    assert np.all((sites.positions >= 0) & (sites.positions < sides))
    steps = sites.positions[None] - sites.positions[:, None]
    steps -= np.round(steps / sides) * sides
    distances = np.linalg.norm(steps, axis=2) + 10 * np.eye(len(sites.species))
    assert distances.min() >= 0.9


def test_equivalent_columns_share_a_group_and_others_do_not() -> None:
    sites = project_columns(cell_of("Sb2Se3_010"))
    # Pnma: each of the five sites gives four equivalent columns.
    assert sorted(np.bincount(sites.group)) == [4, 4, 4, 4, 4]
    for name, groups in {"Si_110": 1, "MoS2_001": 2, "SrTiO3_001": 3}.items():
        assert len(set(project_columns(cell_of(name)).group)) == groups
    # Moving the crystal changes nothing.
    moved: Any = cell_of("Sb2Se3_010")
    moved.positions += [1.234, 5.678, 0.5]
    moved.wrap()
    assert sorted(np.bincount(project_columns(moved).group)) == [4, 4, 4, 4, 4]


def injected(
    name: str, sign: int, relative: FloatArray, sigma: FloatArray
) -> tuple[Atoms, FloatArray, NDArray[np.int64]]:
    """Draw a cell of known columns: 40 % beam, the strongest column 20 %."""
    cell = cell_of(name)
    sites = project_columns(cell)
    width, height = cell.cell.lengths()[:2]
    shape = (2 * int(height / 0.5) + 1, 2 * int(width / 0.5) + 1)
    image = draw_cell(
        np.diag([width, height]),
        sites.positions,
        relative[sites.group],
        sigma[sites.group],
        shape,
    )
    return cell, 0.4 + sign * 0.2 * image, sites.group


@pytest.mark.parametrize(("mode", "sign"), [("haadf", 1), ("bf", -1)])
@pytest.mark.parametrize("source_size", [0.0, 0.9])
def test_fit_recovers_injected_columns(
    mode: Mode, sign: int, source_size: float
) -> None:
    relative, sigma = np.array([1.0, 0.45, 0.3]), np.array([0.52, 0.47, 0.55])
    cell, image, group = injected("SrTiO3_001", sign, relative, sigma)
    images: dict[Mode, np.ndarray] = {mode: image.astype(np.float32)}
    found = fit_columns("SrTiO3_001", cell, images, source_size, {})
    # A Gaussian source widens a Gaussian column and lowers its peak.
    wide = np.sqrt(sigma**2 + (source_size / 2.35482) ** 2)
    peak = relative * sigma**2 / wide**2
    assert found.sigma[mode] == pytest.approx(wide[group], rel=0.02)
    expected = sign * (peak / peak.max())[group]
    assert found.amplitude[mode] == pytest.approx(expected, abs=0.02)
    assert found.r_squared[mode] > 0.999
    assert found.attributes[mode]["background"] == pytest.approx(0.4, abs=0.01)
    assert found.attributes[mode]["scale"] == pytest.approx(0.2 * peak[0], rel=0.02)
    model = gaussian_cell(found, mode, 0.1)
    assert np.abs(model - found.image[mode]).max() < 0.02


def test_columns_too_weak_or_of_the_wrong_sign_are_invisible() -> None:
    relative, sigma = np.array([1.0, 0.4, -0.2]), np.array([0.5, 0.5, 0.5])
    cell, image, group = injected("SrTiO3_001", 1, relative, sigma)
    found = fit_columns("x", cell, {"haadf": image.astype(np.float32)}, 0.0, {})
    assert np.array_equal(found.amplitude["haadf"] == 0, group == 2)
    assert np.all(found.sigma["haadf"] > 0.25)
    cell, image, _ = injected("SrTiO3_001", 1, np.abs(relative), sigma)
    bright: dict[Mode, NDArray[np.float32]] = {"bf": image.astype(np.float32)}
    with pytest.raises(InputError, match="no column of x stands out in bf"):
        fit_columns("x", cell, bright, 0.0, {})


def test_abtem_renders_bright_strontium_and_dark_columns() -> None:
    columns = strontium_titanate(1)
    haadf = dict(zip(columns.species, columns.amplitude["haadf"], strict=True))
    assert haadf["Sr"] == 1
    assert 0.15 < haadf["TiO"] < 0.7
    assert haadf["O"] < 0.15
    assert np.all(columns.amplitude["bf"] < 0)
    for mode in MODES:
        assert columns.r_squared[mode] > 0.9
        image = columns.image[mode]
        assert image.shape == (40, 40)
        # The cell repeats: across its border it is as smooth as inside.
        jump = np.abs(image[0] - image[-1]).max()
        assert jump <= 1.2 * np.abs(np.diff(image, axis=0)).max()
    # Sr sits in the corner, Ti-O in the middle.
    assert columns.image["haadf"][0, 0] > columns.image["haadf"][20, 20]


def test_rows_are_y_and_columns_are_x() -> None:
    structure = read_structure(FOLDER / "SrTiO3_110.yaml")
    settings = replace(TINY, thickness=6, minimum_box=5, frozen_phonons=0)
    images = render(structure, settings, 1)
    # 5.52 Å across, 3.905 Å down.
    assert images["haadf"].shape == images["bf"].shape == (11, 15)
    assert 0 < images["haadf"].max() < images["bf"].max() < 1


def test_axial_bf_has_a_scan_of_its_own_and_further_detectors_are_kept() -> None:
    settings = replace(
        TINY,
        thickness=8,
        minimum_box=5,
        frozen_phonons=0,
        bf_angles=(0, 8),
        bf_defocus=60,
        bf_thickness=16,
        further_detectors={"abf": (12, 24)},
    )
    assert settings.scans() == {
        (0, 8): {"haadf": (45, 65), "abf": (12, 24)},
        (60, 16): {"bf": (0, 8)},
    }
    structure = read_structure(FOLDER / "SrTiO3_001.yaml")
    images = render(structure, settings, 1)
    # What one scan gives is what a rendering without the other detectors gives.
    plain = replace(settings, bf_angles=(12, 24), bf_defocus=None, bf_thickness=None)
    alone = render(structure, replace(plain, further_detectors={}), 1)
    assert np.array_equal(images["haadf"], alone["haadf"])
    assert np.array_equal(images["abf"], alone["bf"])
    assert not np.allclose(images["bf"], alone["bf"], rtol=0.1)
    columns = fit_columns("SrTiO3_001", build_cell(structure), images, 0.9, {})
    abf = columns.further_images["abf"]
    assert abf.shape == columns.image["haadf"].shape
    assert abf.mean() == pytest.approx(images["abf"].mean(), rel=1e-4)


def test_same_seed_same_store_and_another_seed_another(tmp_path: Path) -> None:
    settings = asdict(replace(TINY, thickness=8, minimum_box=5))
    structure = read_structure(FOLDER / "SrTiO3_001.yaml")
    reports: list[tuple[int, int]] = []
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        render_structure(
            structure,
            settings,
            seed,
            tmp_path / f"{name}.zarr",
            progress=lambda done, total: reports.append((done, total)),
        )
    a, b, c = (read_columns(tmp_path / f"{name}.zarr") for name in "abc")
    assert reports[-1][0] == reports[-1][1]
    assert a.attributes["rendering"]["haadf_angles"] == [45, 65]
    assert set(a.attributes["versions"]) == {"abtem", "ase"}
    for mode in MODES:
        assert np.array_equal(a.image[mode], b.image[mode])
        assert not np.allclose(a.image[mode], c.image[mode], atol=1e-3)
