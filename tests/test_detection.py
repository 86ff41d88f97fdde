from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from samples import ROOT, perovskite, spots_image, spread_noise, synthesis_settings
from scipy.ndimage import gaussian_filter

from sfin import detection
from sfin.atom_lists import detect_file, write_atoms
from sfin.confidence import measure_confidence, read_confidence, write_confidence
from sfin.datasets import load_atoms, load_pairs
from sfin.detection import Detector, measure_detector, open_detector
from sfin.detection_settings import DetectionSettings, MatchSettings
from sfin.detection_table import detection_grid, species_grid, species_table, table6
from sfin.errors import InputError
from sfin.evaluation import Origin, evaluate, write_evaluation
from sfin.figures.figure10 import figure10
from sfin.images import Image, write_image
from sfin.inference import prepare
from sfin.localisation import localise, read_localisation, write_localisation
from sfin.networks.build import build_network, save_weights
from sfin.positions import PositionSettings, find_positions
from sfin.synthesis import synthesise_dataset

SETTINGS = DetectionSettings(PositionSettings(), 0.5, MatchSettings())
METADATA = {
    "method": "fcn",
    "task": "detection",
    "dataset": "sfin",
    "mode": "haadf",
    "scale": "test",
    "seed": 5,
    "image_size": 96,
    "network": {"width": 2},
    "noise_warnings": [],
}
ORIGIN = Origin("test", "detection", "sfin", "haadf", "fcn", 5)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "sfin" / "haadf" / "test.zarr"
    path.parent.mkdir(parents=True)
    synthesise_dataset(
        path,
        "test",
        [perovskite()],
        spread_noise(),
        6,
        synthesis_settings(96),
        {"scale": "test", "seed": 5},
        scheduler="threads",
    )
    return path


class Oracle:
    """A detector that is shown the labels, and errs as it is told to."""

    def __init__(self, pairs, shift=0.0, lose=0):
        self.labels = iter(load_pairs(pairs).detection.astype(np.float32))
        self.shift, self.lose = shift, lose

    def __call__(self, grey):
        found = find_positions(next(self.labels))
        found = replace(found, x=found.x + self.shift)
        return found.keep(np.arange(len(found)) >= self.lose)


def pooled(found):
    return found.images.sum(numeric_only=True)


def test_every_atom_of_the_labels_is_found(pairs):
    found = localise(Oracle(pairs), pairs, SETTINGS.match)
    sums = pooled(found)
    assert sums["matched"] > 50
    assert (sums["missed"], sums["invented"], sums["split"]) == (0, 0, 0)
    assert np.sqrt(sums["squared_error"] / sums["matched"]) < 0.1


def test_shifted_detections_err_by_the_shift_in_pixels_and_picometres(pairs):
    found = localise(Oracle(pairs, shift=1.0), pairs, SETTINGS.match)
    for row in found.images.itertuples():
        error = np.sqrt(row.squared_error / row.matched)
        assert error == pytest.approx(1, abs=0.1)
        picometres = np.sqrt(row.squared_error_pm / row.matched)
        assert picometres == pytest.approx(error * row.pixel_size * 100)


def test_lost_atoms_are_missed(pairs):
    whole = pooled(localise(Oracle(pairs), pairs, MatchSettings(frame=0)))
    found = pooled(localise(Oracle(pairs, lose=2), pairs, MatchSettings(frame=0)))
    # Of each image two; dots of atoms just outside may be among them.
    assert whole["matched"] - 12 <= found["matched"] < whole["matched"] - 6


def test_errors_are_told_by_species(pairs):
    found = localise(Oracle(pairs, shift=0.5), pairs, SETTINGS.match)
    codes = np.concatenate([atoms["species"] for atoms in load_atoms(pairs)])
    assert set(found.species["species"]) == {"Sr", "TiO"}
    assert (codes == -1).any()
    assert found.species["matched"].sum() < pooled(found)["matched"]
    assert (found.species["rms_pm"] > 2).all()


def test_confidence_is_the_share_of_atoms(generator):
    height = generator.uniform(0, 1, 4000)
    is_atom = generator.random(4000) < height**2
    confidence = measure_confidence(height, is_atom, 0.6)
    seen = np.array([0.2, 0.5, 0.8])
    assert confidence(seen) == pytest.approx(seen**2, abs=0.08)
    assert (np.diff(confidence(np.linspace(0, 1, 50))) >= 0).all()


def test_no_dot_is_ever_sure():
    confidence = measure_confidence(np.array([0.5, 0.6]), np.array([True, True]), 0.6)
    assert confidence(np.array([0.0, 1.0])) == pytest.approx([0.25, 0.75])
    none = measure_confidence(np.zeros(0), np.zeros(0, bool), 0.6)
    assert none(np.array([0.5])) == pytest.approx(0.5)


@pytest.mark.parametrize(("mode", "sign"), [("haadf", 1), ("bf", -1)])
def test_an_atom_that_noise_splits_is_one_and_a_dumbbell_two(
    mode, sign, generator, monkeypatch
):
    sigma, spacing = 5.0, 44.0
    row, column = np.meshgrid(np.arange(20, 250, spacing), np.arange(20, 250, spacing))
    # Two columns 2.5 of their standard deviations apart, as silicon's in a wide probe.
    x = np.concatenate([column.ravel(), column.ravel() + 2.5 * sigma])
    y = np.concatenate([row.ravel(), row.ravel()])
    grey = 100 * spots_image(x, y, 256, sigma) / 255
    grey = 128 + sign * (grey - 40) + generator.normal(0, 20, grey.shape)
    # A second, lower dot on every atom of the first kind, as far as pixels allow.
    ghost = spots_image(column.ravel(), row.ravel() + 5, 256, 1.0)
    dots = np.maximum(spots_image(x, y, 256, 1.0), 0.6 * ghost)
    monkeypatch.setattr(detection, "enhance", lambda *_: dots)
    found = detection.find_dots(None, grey, {**METADATA, "mode": mode}, SETTINGS.dots)
    assert len(found) == x.size
    np.testing.assert_allclose(np.sort(found.amplitude), 1, atol=0.05)
    every = replace(SETTINGS.dots, minimum_separation=0.0)
    found = detection.find_dots(None, grey, {**METADATA, "mode": mode}, every)
    assert len(found) == 1.5 * x.size


def test_confidence_survives_its_file(tmp_path, generator):
    height = generator.uniform(0, 1, 50)
    confidence = measure_confidence(height, height > 0.4, 0.6)
    write_confidence(tmp_path / "confidence.json", confidence)
    assert read_confidence(tmp_path / "confidence.json") == confidence
    (tmp_path / "confidence.json").write_text("{}")
    with pytest.raises(InputError, match="measure it again"):
        read_confidence(tmp_path / "confidence.json")


@pytest.fixture(scope="module")
def trained(pairs):
    """Write an untrained network and its confidence; give the folder."""
    folder = pairs.parents[2] / "models" / "sfin" / "haadf" / "fcn"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    network = build_network("fcn", METADATA["network"])
    save_weights(folder / "weights.safetensors", network, METADATA)
    confidence = measure_detector(folder / "weights.safetensors", pairs, SETTINGS)
    write_confidence(folder / "confidence.json", confidence)
    return folder


def test_detector_keeps_what_is_sure_enough(trained, generator):
    files = trained / "weights.safetensors", trained / "confidence.json"
    grey = generator.uniform(0, 255, (120, 100)).astype(np.float32)
    numbers = [
        len(open_detector(*files, replace(SETTINGS, threshold=threshold))(grey))
        for threshold in (0.0, 0.5, 1.0)
    ]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 0


def test_enhancing_network_is_no_detector(trained, tmp_path):
    network = build_network("fcn", METADATA["network"])
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, network, METADATA | {"task": "enhancement"})
    with pytest.raises(InputError, match="draws no dots"):
        open_detector(weights, trained / "confidence.json", SETTINGS)


class Dots(torch.nn.Module):
    """A network whose map is its input."""

    def forward(self, images):
        return images


def detector(mode="haadf"):
    confidence = measure_confidence(np.array([0.2, 0.9]), np.array([False, True]), 0.6)
    metadata = METADATA | {"mode": mode}
    return Detector(
        prepare(Dots(), "cpu"), metadata, confidence, PositionSettings(), 0.5
    )


def test_atoms_of_a_file_in_pixels_and_angstrom(tmp_path):
    dots = spots_image([20.2, 60.5, 41], [30, 31.7, 60.4], 96, sigma=1.0)
    write_image(
        tmp_path / "image.tif", Image(dots.astype(np.float32), 0.5, "image", {})
    )
    found = detect_file(tmp_path / "image.tif", detector(), "haadf")
    write_atoms(found, tmp_path / "atoms.csv", tmp_path / "atoms.png")
    atoms = pd.read_csv(tmp_path / "atoms.csv").sort_values("x")
    assert atoms["x"].to_numpy() == pytest.approx([20.2, 41, 60.5], abs=0.1)
    assert atoms["y_angstrom"].to_numpy() == pytest.approx([15, 30.2, 15.85], abs=0.05)
    assert atoms["confidence"].between(0.5, 1).all()
    assert (tmp_path / "atoms.png").stat().st_size > 10_000


def test_image_without_atoms_gives_an_empty_table(tmp_path, generator):
    # The detector of this test takes every bright spot for a dot.
    spots = generator.random((96, 96)) > 0.99
    image = gaussian_filter(2000.0 * spots, (0, 0.7)).astype(np.float32)
    assert len(detector()(image)) > 10
    write_image(tmp_path / "image.tif", Image(image, 0.5, "image", {}))
    found = detect_file(tmp_path / "image.tif", detector(), "haadf")
    write_atoms(found, tmp_path / "atoms.csv", tmp_path / "atoms.png")
    atoms = pd.read_csv(tmp_path / "atoms.csv")
    assert list(atoms) == list(found.table())
    assert atoms.empty
    assert "more than noise" in found.note


def test_detector_of_the_other_mode_is_refused(tmp_path):
    with pytest.raises(InputError, match="give one for bf"):
        detect_file(tmp_path / "image.tif", detector("haadf"), "bf")


def test_table_has_the_atoms_beside_the_scores(pairs, tmp_path):
    files = []
    for method, shift in (("fcn", 0.0), ("sfin", 1.0)):
        origin = replace(ORIGIN, method=method)
        found = localise(Oracle(pairs, shift), pairs, SETTINGS.match)
        images, species = tmp_path / f"{method}.csv", tmp_path / f"{method}.species.csv"
        write_localisation(images, species, origin, found)
        data = load_pairs(pairs)
        scores = evaluate(lambda grey: grey, data.noisy, data.detection)
        for name, value in reversed(list(vars(origin).items())):
            scores.insert(0, name, value)
        write_evaluation(tmp_path / f"{method}.scores.csv", scores)
        files.append((tmp_path / f"{method}.scores.csv", images, species))
    scores, images, species = zip(*files, strict=True)
    table = table6(scores, images, ROOT / "resources/paper_values.csv")
    assert table["paper_psnr"].tolist() == [26.82, 28.67]
    assert table["f1"].tolist() == [1.0, 1.0]
    assert table["rms_px"].tolist() == pytest.approx([0.0, 1.0], abs=0.1)
    grid = detection_grid(table)
    assert [name for name, _ in grid.rows] == ["FCN", "SFIN"]
    width = sum(len(columns) for _, columns in grid.groups)
    assert all(len(cells) == width for _, cells in grid.rows)
    names = [name for name, _ in species_grid(species_table(species)).rows]
    assert names == ["Sr", "TiO"]


def test_wrong_file_is_no_list_of_atoms(tmp_path):
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="snakemake table6"):
        read_localisation(tmp_path / "wrong.csv")


def test_figure_shows_every_detector(pairs, trained, tmp_path):
    files = [trained / "weights.safetensors"], [trained / "confidence.json"]
    # As the run says it: images of one scale, networks of another.
    run = {"scale": "laptop with shipped networks of scale test", "seed": 5}
    text = figure10([pairs], *files, SETTINGS, run, tmp_path / "figure10")
    assert f"Scale {run['scale']}, seed 5" in text
    assert "these networks are not the paper's" in text
    first = (tmp_path / "figure10.png").read_bytes()
    figure10([pairs], *files, SETTINGS, run, tmp_path / "figure10")
    assert (tmp_path / "figure10.png").read_bytes() == first
