from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import ROOT, noise, perovskite, synthesis_settings

from sfin.detection_settings import MatchSettings
from sfin.errors import InputError
from sfin.evaluation import Origin, evaluate, write_evaluation
from sfin.figures.inventions import draw_inventions, inventions_figure
from sfin.invention_images import KINDS, trial_images
from sfin.invention_peaks import PeakSettings, judge_atoms, response
from sfin.invention_report import (
    TrialFiles,
    share_with_interval,
    try_method,
)
from sfin.invention_table import write_invention_table
from sfin.inventions import (
    judge_method,
    method_scale,
    read_examples,
    write_examples,
)
from sfin.parameters import write_distribution
from sfin.stress_pairs import fixed_noise
from sfin.synthesis import synthesise_dataset

MODES = ["haadf", "bf"]
PEAKS = PeakSettings()
MATCH = MatchSettings()
SETTINGS = synthesis_settings(128)


def hexagons():
    """Columns that no perovskite has."""
    lattice = np.array([[3.2, 0], [0, 3.2 * np.sqrt(3)]])
    return replace(
        perovskite("hexagons"),
        lattice=lattice,
        positions=np.array([[0, 0], [0.5, 0.5], [0, 1 / 3], [0.5, 5 / 6]]) @ lattice,
    )


def trials(mode="haadf", number=2, seed=3, unseen=True):
    return trial_images(
        [perovskite()],
        [hexagons()] if unseen else [],
        fixed_noise(mode, noise(mode), "Table 2"),
        dict.fromkeys(KINDS, number),
        *(SETTINGS, PEAKS, MATCH, seed),
    )


def upside(bright, mode):
    return np.float32(bright) if mode == "haadf" else 255 - np.float32(bright)


def answers(images, mode, make):
    """Make a method that answers to each image what `make` makes of its truth."""
    known = {image.noisy.tobytes(): image for image in images}

    def restore(stack):
        wanted = [known[one.astype(np.uint8).tobytes()] for one in stack]
        return np.stack([upside(make(image), mode) for image in wanted])

    return restore


def judged(images, mode, make, scale=1.0):
    table, examples = judge_method(
        answers(images, mode, make), images, mode, scale, PEAKS
    )
    sums = table.groupby("kind")[["asked", "lost", "shown", "invented", "caught"]].sum()
    return sums, examples


@pytest.mark.parametrize("mode", MODES)
def test_perfect_method_invents_and_loses_nothing(mode):
    images = trials(mode)
    sums, examples = judged(images, mode, lambda image: image.clean)
    assert not sums[["lost", "invented", "caught"]].to_numpy().any()
    assert sums["asked"].drop("noise").min() > 10
    assert sums["shown"]["noise"] == 0
    assert [example.kind for example in examples] == ["vacancy", "adatom"]
    assert np.abs(examples[0].image - examples[0].clean).max() < 1


def test_faint_answers_count_by_the_methods_own_height():
    images = trials()
    faint = judged(images, "haadf", lambda image: 30 + image.clean / 4, 0.25)[0]
    assert not faint[["lost", "invented", "caught"]].to_numpy().any()
    # Read by the height of others, they would all be lost.
    unread = judged(images, "haadf", lambda image: image.clean / 10, 1.0)[0]
    assert (unread["lost"] == unread["asked"]).all()


@pytest.mark.parametrize("mode", MODES)
def test_perfect_lattice_draws_every_removed_atom_back(mode):
    images = [image for image in trials(mode, 4) if image.kind == "vacancy"]

    def repair(image):
        row, column = np.mgrid[:128, :128]
        x, y = image.place
        square = (column - x) ** 2 + (row - y) ** 2
        spot = 200 * np.exp(-square / (2 * image.true.sigma**2))
        return np.maximum(image.clean, spot)

    sums, examples = judged(images, mode, repair)
    assert sums["caught"]["vacancy"] == 4
    assert examples[0].caught
    # It counts as drawn back, and not once more as invented elsewhere.
    assert sums["invented"]["vacancy"] == 0
    assert sums["lost"]["vacancy"] == 0


def test_method_that_erases_what_is_new_is_caught():
    images = [image for image in trials(number=4) if image.kind == "adatom"]

    def erase(image):
        row, column = np.mgrid[:128, :128]
        x, y = image.place
        near = np.hypot(column - x, row - y) < 2 * image.true.sigma
        return np.where(near, 0, image.clean)

    sums, _ = judged(images, "haadf", erase)
    assert sums["caught"]["adatom"] == 4


@pytest.mark.parametrize("mode", MODES)
def test_constant_image_loses_all_and_invents_nothing(mode):
    images = trials(mode)
    for scale in (0.0, 1.0):
        sums, _ = judged(images, mode, lambda image: np.full((128, 128), 9.0), scale)
        assert (sums["lost"] == sums["asked"]).all()
        assert not sums["shown"].any()
        assert sums["caught"]["adatom"] == 2
        assert sums["caught"]["vacancy"] == 0


def test_atoms_drawn_on_noise_are_invented():
    images = [image for image in trials() if image.kind == "noise"]
    lattice = next(image for image in trials() if image.kind == "unseen")
    images = [
        replace(i, true=replace(i.true, sigma=lattice.true.sigma)) for i in images
    ]
    sums, _ = judged(images, "haadf", lambda image: lattice.clean)
    assert sums["invented"]["noise"] == sums["shown"]["noise"] > 10


def test_lone_atom_answers_with_its_height_and_background_does_not():
    row, column = np.mgrid[:64, :64]
    square = (row - 30.3) ** 2 + (column - 31.6) ** 2
    image = 100 * np.exp(-square / (2 * 3.0**2)) + 50 + 0.5 * row
    answer = response(image, "haadf", 3.0, PEAKS)
    assert answer.max() == pytest.approx(100, rel=0.02)
    true = trials()[0].true
    verdict = judge_atoms(image, replace(true, sigma=3.0), "haadf", 0.5, PEAKS)
    assert verdict.x == pytest.approx([31.6], abs=0.1)
    assert verdict.y == pytest.approx([30.3], abs=0.1)


def test_images_are_as_they_should_be():
    images = trials(number=2)
    assert [image.kind for image in images] == [k for k in KINDS for _ in range(2)]
    for image in images:
        defect = image.kind in ("vacancy", "adatom")
        assert (image.place is not None) == defect
        if defect:
            assert np.abs(np.array(image.place) - 63.5).max() < 0.2 * 128
            x, y = image.place
            near = np.hypot(image.true.x - x, image.true.y - y)
            assert (near.min() < 1e-3) == (image.kind == "adatom")
        if image.kind == "noise":
            assert not image.clean.any()
            assert image.noisy.std() > 5
    again = trials(number=3)
    same = next(image for image in again if image.kind == "unseen")
    np.testing.assert_array_equal(same.noisy, images[-2].noisy)
    assert {image.kind for image in trials(unseen=False)} == set(KINDS) - {"unseen"}
    other = trials(seed=4)
    assert not np.array_equal(other[0].noisy, images[0].noisy)


def test_intervals_hold_the_share_and_widen_where_images_differ():
    assert share_with_interval([], [])[:2] == (0, 0)
    none = share_with_interval([0] * 20, [1] * 20)
    # Wilson's for 0 of 20.
    assert none == (0, 20, 0, pytest.approx(0.161, abs=0.001))
    even = share_with_interval([5] * 10, [50] * 10)
    uneven = share_with_interval([0] * 9 + [50], [50] * 10)
    for hits, number, low, high in (even, uneven):
        assert (hits, number) == (50, 500)
        assert low < 0.1 < high
    assert uneven[3] - uneven[2] > 3 * (even[3] - even[2])


def test_threshold_that_no_atom_stands_out_from_is_refused():
    with pytest.raises(InputError, match="least_height"):
        PeakSettings(least_height=0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Try two methods on what a run leaves."""
    folder = tmp_path_factory.mktemp("run")
    made = {"scale": "test", "seed": 5}
    distribution = fixed_noise("haadf", noise(), "Table 2")
    structures = [perovskite()]
    pairs = folder / "test.zarr"
    synthesise_dataset(
        *(pairs, "test", structures, distribution, 3, SETTINGS, made),
        scheduler="threads",
    )
    perovskite().write(folder / "SrTiO3_001.zarr")
    write_distribution(folder / "haadf.json", distribution)
    files = TrialFiles(
        [str(folder / "SrTiO3_001.zarr")],
        str(ROOT / "resources/structures/columns.json"),
        *(str(folder / "haadf.json"), str(pairs), None),
    )
    return folder, files, made


SYNTHESIS = vars(SETTINGS) | {
    "arrangement": vars(SETTINGS.arrangement),
    "noise": vars(SETTINGS.noise),
}
INVENTIONS = {
    "number": dict.fromkeys(KINDS, 1),
    "size": 96,
    "noise_factors": [1, 2],
    "test_images": 2,
    "unseen": ["SrTiO3_001", "graphene_001"],
    "peaks": {"width": 0.8, "least_height": 0.2},
}


def test_table_and_figure_of_a_run(run, tmp_path):
    _, files, made = run
    (tmp_path / "haadf").mkdir()
    match = vars(MATCH)
    tables, scores, kept = [], [], []
    for method in ("noisy", "gaussian"):
        table, examples = try_method(
            method, "haadf", files, INVENTIONS, SYNTHESIS, {}, match, made
        )
        assert len(table) == 2 * len(KINDS)
        assert set(table.query("kind == 'unseen'")["structure"]) == {"graphene_001"}
        base = tmp_path / "haadf" / method
        table.to_csv(f"{base}.csv", index=False)
        write_examples(f"{base}.npz", examples)
        origin = Origin("test", "enhancement", "sfin", "haadf", method, 5)
        images = np.zeros((1, 32, 32), np.uint8)
        score = evaluate(lambda x: x + 1, images, images)
        write_evaluation(f"{base}.scores.csv", score.assign(**vars(origin)))
        tables.append(f"{base}.csv")
        kept.append(f"{base}.npz")
        scores.append(f"{base}.scores.csv")
    assert [e.factor for e in read_examples(kept[0])] == [1, 1, 2, 2]
    table = write_invention_table(
        tables, scores, tmp_path / "inventions", INVENTIONS, match, made
    )
    assert list(dict.fromkeys(table["factor"])) == [1, 2]
    assert (table["psnr"].notna() == (table["factor"] == 1)).all()
    assert (table["number"] <= table["of"]).all()
    page = (tmp_path / "inventions.md").read_text()
    for words in ("20%", "40%", "0.6 Å", "graphene_001", "Gaussian", "of 1 ("):
        assert words in page
    caption = draw_inventions(kept, str(tmp_path / "figure"), INVENTIONS, match, made)
    assert "seed 5" in caption
    assert (tmp_path / "figure.pdf").stat().st_size > 5000
    figure = inventions_figure(
        {("haadf", Path(path).stem): read_examples(path) for path in kept}, "Caption."
    )
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["Truth", "Noisy", "Gaussian"]


def test_height_of_a_method_is_measured_on_the_test_images(run):
    _, files, _ = run
    scales = [
        method_scale(restore, files.pairs, 3, "haadf", PEAKS, MATCH)
        for restore in (lambda x: x, lambda x: x / 2, lambda x: 0 * x)
    ]
    # Atoms of 140 grey levels, 255 in the clean images.
    assert scales[0] == pytest.approx(140 / 255, rel=0.1)
    assert scales[1] == pytest.approx(scales[0] / 2)
    assert scales[2] == 0


def test_more_noise_invents_more(run):
    _, files, made = run
    settings = INVENTIONS | {"noise_factors": [1, 6], "number": dict.fromkeys(KINDS, 2)}
    table, _ = try_method(
        *("noisy", "haadf", files),
        *(settings, SYNTHESIS, {}, vars(MATCH), made),
    )
    wrong = table.groupby("factor")[["invented", "lost"]].sum().sum(axis=1)
    assert wrong[6] > wrong[1] + 10
