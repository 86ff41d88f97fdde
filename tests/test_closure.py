import numpy as np
import pandas as pd
import pytest
from samples import ROOT

from sfin.calibration_settings import CalibrationSettings
from sfin.closure import (
    GOALS,
    ClosureGrid,
    close_loop,
    close_modes,
    draw_atoms,
    read_paper_noise,
    summarise_closure,
)
from sfin.figures.closure import plot_closure
from sfin.noise import NoiseSettings
from sfin.parameters import PARAMETER_NAMES

PAPER = ROOT / "resources/paper_values.csv"
GRID = ClosureGrid(
    atom_sigma=(3, 6), spacing=(6,), level=(0.3, 1), shape=(0.1, 0.27), patches=(1, 2)
)


@pytest.fixture(scope="module")
def rows():
    return close_modes(GRID, CalibrationSettings(), NoiseSettings(), PAPER, seed=1)


def test_every_point_is_calibrated_by_both_estimators(rows):
    # Four patches only at the level of Table 2.
    points = 2 * 2 * 2 * (2 + 1)
    assert len(rows) == points * 2 * 2
    assert (rows["refused"] == "").all()


@pytest.mark.parametrize("mode", ["haadf", "bf"])
@pytest.mark.parametrize("quantity", GOALS)
def test_debiased_estimator_meets_its_goals(rows, mode, quantity):
    summary = summarise_closure(rows).set_index(["quantity", "estimator", "mode"])
    error = summary["error"][quantity, "debiased", mode]
    assert error <= GOALS[quantity]
    assert error < summary["error"][quantity, "paper", mode]


def test_many_patches_scatter_less_than_one(generator):
    again = ClosureGrid(
        atom_sigma=(5,),
        spacing=(6,),
        level=(1,),
        shape=(0.27,) * 12,
        arrangement=("lattice",),
    )
    table2 = read_paper_noise(PAPER, "haadf")
    rows = close_loop(
        "haadf", again, CalibrationSettings(), NoiseSettings(), table2, generator
    )
    chosen = rows[rows["estimator"] == "debiased"]
    for name in ("pointwise_intercept", "scan_intercept", "pointwise_shape"):
        scatter = chosen.groupby("patches")[f"found_{name}"].std()
        assert scatter[2] < 0.9 * scatter[1]


def test_summary_is_the_median_error():
    found = pd.DataFrame(
        {
            "patches": 1,
            "range_atom_brightness": 100.0,
            "range_background_brightness": 50.0,
            "mode": "haadf",
            "estimator": "paper",
            "refused": ["", "", "", "too dark"],
            **{
                f"injected_{name}": [10.0, 10.0, 10.0, np.nan]
                for name in ("scan_deviation", "pointwise_deviation", *PARAMETER_NAMES)
            },
            **{
                f"found_{name}": [11.0, 8.0, 10.0, np.nan]
                for name in ("scan_deviation", "pointwise_deviation", *PARAMETER_NAMES)
            },
        }
    )
    summary = summarise_closure(found).set_index("quantity")
    assert summary["error"]["scan_deviation"] == pytest.approx(0.1)
    assert summary["bias"]["scan_deviation"] == pytest.approx(0)
    assert summary["error"]["pointwise_shape"] == pytest.approx(1)
    assert summary["error"]["atom_brightness"] == pytest.approx(0.01)
    assert summary["error"]["background_brightness"] == pytest.approx(0.02)
    assert summary["refused"]["scan_deviation"] == 1


@pytest.mark.parametrize("arrangement", ["lattice", "random"])
def test_atoms_have_the_size_asked_for(arrangement, generator):
    point = {"atom_sigma": 5, "spacing": 8, "arrangement": arrangement}
    atoms = draw_atoms(point, 256, generator)
    assert (atoms.min() >= 0, atoms.max()) == (True, 1)
    row, column = np.unravel_index(atoms[20:-20, 20:-20].argmax(), (216, 216))
    around = atoms[20:-20, 20:-20][row, max(column - 5, 0) : column + 6]
    assert around.min() == pytest.approx(np.exp(-0.5), abs=0.12)


def test_figure_is_written(rows, tmp_path):
    plot_closure(rows, tmp_path / "closure", "for a test")
    assert (tmp_path / "closure.png").stat().st_size > 20_000
    assert (tmp_path / "closure.pdf").stat().st_size > 5_000


def test_what_is_injected_is_read_from_the_papers_numbers(tmp_path):
    printed = pd.read_csv(PAPER)
    found = read_paper_noise(PAPER, "bf")
    assert found.noise.atom_brightness < 0 < found.atom_range
    chosen = (printed["artifact"] == "Table 2") & (printed["dataset"] == "Real")
    scan = chosen & (printed["mode"] == "BF") & (printed["metric"] == "scan_k")
    printed.loc[scan, "value"] = "0.5"
    printed.to_csv(tmp_path / "other.csv", index=False)
    assert found.noise.scan_slope != 0.5
    assert read_paper_noise(tmp_path / "other.csv", "bf").noise.scan_slope == 0.5
