"""The notebooks run from their first cell to their last, on an image of one's own."""

import runpy

import nbformat
import numpy as np
import pytest
from samples import ROOT

import sfin

FOLDER = ROOT / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 400_000  # bytes


def outputs(notebook, kind):
    """Give what cells show, of one type."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    shown = [output for cell in cells for output in cell.outputs]
    return [output.data[kind] for output in shown if kind in output.get("data", {})]


def printed(notebook):
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a notebook as someone does who has an image and no network."""
    # What notebooks leave behind goes with the test.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    np.save(tmp_path / "scan.npy", sfin.synthesise("Si_110", "haadf", 1).noisy[0])
    execute = runpy.run_path(str(FOLDER / "execute.py"))["execute"]

    def run_notebook(name):
        own = f"own_image = {str(tmp_path / 'scan.npy')!r}"
        return execute(FOLDER / name, tmp_path, {"own_image = ": own})

    return run_notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_executed_and_small(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1)), "execute.py has not run it"
    assert outputs(notebook, "image/png")
    assert path.stat().st_size < LARGEST
    # Of the machine that executed it, and of nobody else.
    assert str(ROOT) not in path.read_text("utf-8")
    said = " ".join(cell.source for cell in notebook.cells)
    for word in ("**Data:**", "**Seed:**", "**Scale:**"):
        assert word in said


def test_own_microscope_is_calibrated(run):
    notebook = run("calibrate_your_microscope.ipynb")
    assert "scan: 256 × 256 pixels of unknown size" in printed(notebook)
    assert len(outputs(notebook, "image/png")) == 2
    measured, atoms, compared = outputs(notebook, "text/html")
    assert "scan_intercept" in measured
    assert "Mo" in atoms
    assert "imitations, median" in compared


def test_table_is_made_from_nothing(run):
    notebook = run("reproduce_a_table.ipynb")
    assert "100%" in printed(notebook)
    (table,) = outputs(notebook, "text/markdown")
    assert "scale test, seed 2025" in table
    assert "| SFIN |" in table
    assert len(outputs(notebook, "image/png")) == 1
    assert "sfin trained for enhancement at scale test" in printed(notebook)


def test_line_that_is_not_there_cannot_be_changed(tmp_path):
    execute = runpy.run_path(str(FOLDER / "execute.py"))["execute"]
    with pytest.raises(ValueError, match="0 lines that start 'absent"):
        execute(NOTEBOOKS[0], tmp_path, {"absent = ": ""})
