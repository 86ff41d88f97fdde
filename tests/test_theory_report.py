import numpy as np
import pandas as pd
import pytest
import tifffile
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from test_lattice_fit import STRUCTURES, atoms_of, fitted

from sfin.figures.figure7 import figure7, read_comparison, refused_figure
from sfin.filters import FilterSettings
from sfin.lattice_fit import LatticeFit
from sfin.lattice_report import check_lattice, refused
from sfin.theory import draw_contrast
from sfin.theory_report import (
    draw_figure7,
    judge,
    table8,
    table8_grid,
    write_judgement,
)

SHAPE = (320, 380)
METHODS = ["noisy", "gaussian"]


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    """Write a noisy image of SrTiO3 and its atoms."""
    folder = tmp_path_factory.mktemp("crystal")
    atoms = atoms_of("SrTiO3_001", bend=2.0)
    fit: LatticeFit = fitted(atoms, "SrTiO3_001")
    contrast = draw_contrast(fit.bent_placement, fit.columns, "haadf", SHAPE)
    noise = np.random.default_rng(2).normal(0, 500, SHAPE)
    counts = (3000 + 2000 * contrast + noise).clip(0)
    tifffile.imwrite(folder / "crystal.tif", counts.astype(np.uint16))
    pd.DataFrame({"x": atoms.x, "y": atoms.y}).to_csv(folder / "atoms.csv")
    return folder


def judged(folder, structure="SrTiO3_001"):
    named = folder / "crystal.tif", folder / "atoms.csv"
    crystal = STRUCTURES[structure]
    row, _ = check_lattice(*named, crystal, "haadf", 0.1, "", STRUCTURES.values())
    row.to_csv(folder / "lattice.csv", index=False)
    return judge(
        *named,
        folder / "lattice.csv",
        crystal,
        "haadf",
        0.1,
        METHODS,
        {},
        FilterSettings(),
    )


def written(judgement, folder):
    paths = [str(folder / f"judged.{suffix}") for suffix in ("csv", "npz", "png")]
    write_judgement(judgement, *paths, "test", 7)
    return paths


def test_methods_are_scored_and_drawn(crystal, tmp_path):
    judgement = judged(crystal)
    table, images, picture = written(judgement, tmp_path)
    scores = table8([table]).set_index("method")
    assert list(scores.index) == METHODS
    assert scores["psnr"]["gaussian"] > scores["psnr"]["noisy"] + 3
    assert scores["pixel_size"].to_numpy() == pytest.approx(0.1, rel=0.01)
    assert 0.1 < scores["resolution"]["noisy"] < 4
    comparison = read_comparison(images)
    assert list(comparison.restored) == METHODS
    assert np.abs(comparison.theory - judgement.comparison.theory).max() <= 0.5
    figure = figure7([comparison, comparison], "Caption.")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["Noisy", "Gaussian", "Theory"] * 2
    with open(picture, "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_best_of_each_image_stands_out(crystal, tmp_path):
    table = table8([written(judged(crystal), tmp_path)[0]])
    grid = table8_grid(pd.concat([table, table.assign(image="other")]))
    assert [name for name, _ in grid.rows][:2] == [
        "crystal, SrTiO3_001: Noisy",
        "crystal, SrTiO3_001: Gaussian",
    ]
    assert [cells[0].best for _, cells in grid.rows] == [False, True] * 2


def test_crystal_that_does_not_fit_leaves_a_reason(crystal, tmp_path):
    table, images, _ = written(judged(crystal, "Si_110"), tmp_path)
    scores = table8([table])
    assert "What fits: SrTiO3_001" in scores["problem"][0]
    assert scores["problem"][0] in refused(scores)
    ((name, cells),) = table8_grid(scores).rows
    assert name.endswith(": refused")
    assert cells[0].text == "–"
    comparison = read_comparison(images)
    assert comparison.restored == {}
    assert comparison.problem == scores["problem"][0]
    # One plain picture, and the caption within it.
    figure = refused_figure(comparison, comparison.problem)
    assert len(figure.axes) == 1
    FigureCanvasAgg(figure).draw()
    (caption,) = figure.texts
    assert caption.get_window_extent().x1 < figure.bbox.x1


def test_figure_7_shows_the_first_image_that_fits(crystal, tmp_path):
    images = []
    for name in ("Si_110", "SrTiO3_001", "SrTiO3_001"):
        folder = tmp_path / str(len(images))
        folder.mkdir()
        images.append(written(judged(crystal, name), folder)[1])
    caption = draw_figure7(images, str(tmp_path / "figure7"), "test", 7)
    assert "Refused" in caption
    assert "crystal, Si_110" in caption
    assert "crystal, SrTiO3_001" not in caption
    drawn = imread(tmp_path / "figure7.png").shape
    draw_figure7(images[1:2], str(tmp_path / "alone"), "test", 7)
    # Two rows more or less of the caption, and no second image.
    assert drawn[0] < 1.2 * imread(tmp_path / "alone.png").shape[0]
    caption = draw_figure7(images[:1], str(tmp_path / "none"), "test", 7)
    assert "What fits: SrTiO3_001" in caption


def test_what_half_an_image_cannot_show_is_no_victory(crystal, tmp_path):
    table = table8([written(judged(crystal), tmp_path)[0]])
    table["resolution"] = [4 * table["pixel_size"][0], 1.0]
    cells = [cells[-1] for _, cells in table8_grid(table).rows]
    assert cells[0].text == "≤ 0.40"
    assert cells[1].text == "1.00"
    assert not cells[0].best
