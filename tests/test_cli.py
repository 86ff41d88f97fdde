"""The command `sfin`, on small images and untrained networks."""

import csv
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from samples import ROOT, spread_noise
from typer.testing import CliRunner
from untrained_networks import train

from sfin.cli.main import app
from sfin.datasets import load_pairs
from sfin.image_modes import named_mode, told_mode
from sfin.images import Image, read_image, write_image
from sfin.parameters import read_distribution, write_distribution

COMMANDS = ["enhance", "detect", "view", "calibrate", "inspect", "synthesise", "models"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run in a folder of its own, where nothing is trained and nothing ships."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sfin.model_files.SHIPPED", Path("resources/weights"))
    return tmp_path


def sfin(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def record(path, shape=(70, 90), seed=0, title=""):
    path.parent.mkdir(exist_ok=True)
    counts = np.random.default_rng(seed).random(shape).astype(np.float32)
    write_image(path, Image(1000 + 50 * counts, 0.1, title or path.stem, {}))
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_help_needs_none_of_the_heavy_libraries():
    heavy = {"torch", "abtem", "matplotlib", "pandas", "zarr", "scipy", "numpy", "dask"}
    code = (
        "import sys\nfrom sfin.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    answer = sfin(command, "--help")
    assert answer.exit_code == 0
    assert "Usage" in answer.output


def test_entry_point_is_the_command():
    assert 'sfin = "sfin.cli.main:app"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_bad_file_is_told_at_the_end_and_stops_nothing(folder):
    train("enhancement", "haadf")
    first = record(folder / "in/a.tif")
    bad = folder / "in/b.tif"
    bad.write_text("no image")
    last = record(folder / "in/c.tif")
    answer = sfin("enhance", first, bad, last, "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 1
    assert names(folder / "out") == [
        f"{name}.{suffix}"
        for name in "ac"
        for suffix in ("comparison.png", "png", "tif")
    ]
    lines = answer.stderr.splitlines()
    assert lines[-2:] == ["1 failed, 2 went well:", lines[-1]]
    assert lines[-1].startswith(f"Error: {bad} is not a .tif file")
    assert "Traceback" not in answer.output


def test_enhanced_image_keeps_pixel_size_and_counts(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/a.tif")
    answer = sfin(*("enhance", image, "-o", "out", "--mode", "haadf", "--trust"))
    assert answer.exit_code == 0, answer.output
    enhanced = read_image(folder / "out/a.tif")
    assert enhanced.data.shape == (70, 90)
    assert enhanced.pixel_size == pytest.approx(0.1)
    assert 500 < enhanced.data.mean() < 2000
    written = set(names(folder / "out"))
    assert {"a.uncertainty.png", "a.residual.csv", "a.atoms.csv"} < written
    assert {"a.trust.json", "a.trust.png", "a.parts.tif"} < written
    assert "scale test" in answer.stderr


def test_folders_patterns_and_stacks(folder):
    train("enhancement", "haadf")
    record(folder / "in/a [red].tif")
    record(folder / "in/b.npy")
    (folder / "in/notes.txt").write_text("no image")
    (folder / "in/.hidden.tif").write_text("no image")
    stack = np.random.default_rng(1).random((3, 40, 40)).astype(np.float32)
    stack[1] = 0
    tifffile.imwrite(folder / "in/s.tif", stack, imagej=True)

    answer = sfin("enhance", "in", "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 1
    written = ["a [red].tif", "b.tif", "s_frame0000.tif", "s_frame0002.tif"]
    assert [name for name in names(folder / "out") if name.endswith(".tif")] == written
    assert "s.tif, frame 1: in/s.tif is constant" in answer.stderr

    answer = sfin("enhance", "in/[bs].*", "-o", "one", "--mode", "haadf", "--frame", 2)
    assert [name for name in names(folder / "one") if name.endswith(".tif")] == [
        "s_frame0002.tif"
    ]
    assert "Frame 2 of in/b.npy does not exist" in answer.stderr


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("none*.tif", "none*.tif is a pattern that no image matches"),
        ("empty", "empty is a folder without images"),
        ("lost.tif", "lost.tif does not exist"),
    ],
)
def test_what_yields_no_image_is_told(folder, given, message):
    train("enhancement", "haadf")
    (folder / "empty").mkdir()
    answer = sfin("enhance", given, "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 1
    assert message in answer.stderr


def test_results_never_replace_images(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/a.tif")
    before = image.read_bytes()
    answer = sfin("enhance", "in", "-o", "in/../in", "--mode", "haadf")
    assert answer.exit_code == 1
    assert "give another folder" in answer.stderr
    assert image.read_bytes() == before
    assert names(folder / "in") == ["a.tif"]


def test_what_cannot_be_written_is_one_sentence(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/a.tif")
    (folder / "file").write_text("")
    for command in ("enhance", "inspect"):
        answer = sfin(command, image, "-o", "file/out", "--mode", "haadf")
        assert answer.exit_code == 1
        assert "check permissions and free space" in answer.stderr.splitlines()[-1]
    answer = sfin("enhance", image, "-o", "file", "--mode", "haadf")
    assert "file is a file" in answer.stderr


def test_two_images_of_one_name_do_not_share_a_result(folder):
    train("enhancement", "haadf")
    first, second = record(folder / "in/a.tif"), record(folder / "other/A.npy")
    answer = sfin("enhance", first, second, first, "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 1
    assert "1 failed, 1 went well" in answer.stderr
    assert f"{second} has the name of {first}" in answer.stderr


def test_mode_is_asked_for_where_the_file_does_not_say(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/a.tif")
    answer = sfin("enhance", image, "-o", "out")
    assert answer.exit_code == 1
    assert "does not say which detector recorded it" in answer.stderr
    assert "--mode" in answer.stderr
    assert not (folder / "out").exists()


def test_mode_comes_from_the_detector_that_the_file_names(folder):
    train("enhancement", "bf")
    bright = record(folder / "in/scan.hspy", title="HAADF 5 Mx")
    dark = record(folder / "in/other.hspy", title="Sample_ABF")
    answer = sfin("enhance", dark, bright, "-o", "out")
    assert "(bf, the file says 'Sample_ABF')" in answer.stdout
    assert "No network for enhancement in haadf is found" in answer.stderr
    # A network that is named says what nobody else does, but never the contrary.
    unknown = record(folder / "in/third.tif")
    model = ("--model", "enhancement/sfin/bf/sfin")
    answer = sfin("enhance", unknown, bright, "-o", "named", *model)
    assert (folder / "named/third.tif").exists()
    assert "was trained on bf images and" in answer.stderr
    assert not (folder / "named/scan.tif").exists()


def test_mode_that_the_file_contradicts_is_told_wherever_the_result_goes(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/scan.hspy", title="Sample_ABF")
    given = (image, "-o", "out", "--mode", "haadf")
    answers = [sfin("enhance", *given, "--trust"), sfin("view", *given)]
    words = "taken as haadf, although the file says 'Sample_ABF'"
    for answer in answers:
        assert answer.exit_code == 0, answer.output
        assert answer.stderr.count(words) == 1
    page = html.unescape((folder / "out/scan.html").read_text("utf-8"))
    assert f"dark field (haadf): {words}" in page
    verdict = json.loads((folder / "out/scan.trust.json").read_text("utf-8"))["verdict"]
    assert verdict[0]["good"] is False
    for text in (page, verdict[0]["sentence"]):
        assert f"The image was {words}: a network for one mode ruins" in text
    with tifffile.TiffFile(folder / "out/scan.tif") as file:
        assert f"Doubts about this image: {words}" in file.imagej_metadata["Info"]


@pytest.mark.parametrize("command", ["enhance", "detect", "view"])
def test_doubts_are_told_in_a_line_for_each_image(folder, command):
    for task in ("enhancement", "detection"):
        train(task, "haadf")
    (folder / "in").mkdir()
    np.save(folder / "in/movie.npy", np.random.default_rng(0).random((2, 70, 90)))
    answer = sfin(command, folder / "in/movie.npy", "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 0, answer.output
    told = [line for line in answer.stderr.splitlines() if "not to be trusted" in line]
    assert len(told) == 2
    for number, line in enumerate(told):
        assert f"movie.npy, frame {number} is not to be trusted: nothing in" in line
    assert "not to be trusted" not in answer.stdout


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("HAADF", "haadf"),
        ("Sample_ABF", "bf"),
        ("BF-S", "bf"),
        ("Annular Dark-Field 2", "haadf"),
        ("BF and HAADF", None),
        ("BaFe, subset", None),
        ("DF4-A", None),
        ("", None),
    ],
)
def test_only_whole_words_name_a_detector(text, mode):
    assert named_mode(text) == mode


def test_list_of_all_detectors_says_nothing():
    data = np.zeros((2, 2), np.float32)
    own = {"Detectors": {"Detector-0": {"DetectorName": "HAADF"}}}
    image = Image(data, None, "HAADF", {"title": "DF4", "original_metadata": own})
    assert told_mode(image) is None
    own["BinaryResult"] = {"Detector": "HAADF"}
    assert told_mode(image) == ("haadf", "HAADF")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("enhance",),
            "No network for enhancement in haadf is found in results/models",
        ),
        (("detect",), "make run TARGETS=detected_atoms"),
        (("enhance", "--mode", "bf", "--model", "mine"), "No network for enhancement"),
        (("enhance", "--model", "mine.safetensors"), "There are no weights at mine"),
    ],
)
def test_missing_network_is_told_once_in_one_sentence(folder, arguments, message):
    images = [record(folder / f"in/{name}.tif") for name in "ab"]
    answer = sfin(*arguments, *images, "-o", "out")
    assert answer.exit_code == 1
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_network_of_the_other_task_is_refused(folder):
    name = train("detection", "haadf")
    image = record(folder / "in/a.tif")
    answer = sfin("enhance", image, "-o", "out", "--model", name)
    assert answer.exit_code == 1
    assert "was trained for detection" in answer.stderr


def test_atoms_are_written(folder):
    train("detection", "haadf")
    image = record(folder / "in/a.tif")
    answer = sfin("detect", image, "-o", "out", "--mode", "haadf", "--threshold", 0.2)
    assert answer.exit_code == 0, answer.output
    atoms = pd.read_csv(folder / "out/a.csv")
    assert {"x", "y_angstrom", "confidence"} < set(atoms)
    assert f"{len(atoms)} atoms" in answer.stdout
    assert (folder / "out/a.png").stat().st_size > 5000


def test_pages_are_written_with_and_without_atoms(folder):
    train("enhancement", "haadf")
    image = record(folder / "in/a.tif")
    (folder / "in/b.tif").write_text("no image")
    arguments = ("view", "in", "-o", "out", "--mode", "haadf", "--threshold", 0)
    answer = sfin(*arguments)
    assert answer.exit_code == 1
    assert names(folder / "out") == ["a.html"]
    assert answer.stderr.count("without atoms") == 1
    assert "b.tif is not a .tif file" in answer.stderr.splitlines()[-1]
    page = (folder / "out/a.html").read_text("utf-8")
    assert "Not looked for: No network for detection in haadf" in page
    assert "--model" not in page

    name = train("detection", "haadf")
    assert "without atoms" not in sfin(*arguments).stderr
    assert "Not looked for" not in (folder / "out/a.html").read_text("utf-8")
    # It has no measured confidence, or is none at all: once by chance, once by name.
    (folder / "results/models" / name / "confidence.json").unlink()
    assert "without atoms" in sfin(*arguments).stderr
    answer = sfin("view", image, "-o", "named", "--mode", "haadf", "--detector", "x")
    assert answer.exit_code == 1
    assert not (folder / "named").exists()


def test_detector_without_its_confidence_is_refused(folder):
    name = train("detection", "haadf")
    (folder / "results/models" / name / "confidence.json").unlink()
    image = record(folder / "in/a.tif")
    answer = sfin("detect", image, "-o", "out", "--mode", "haadf")
    assert answer.exit_code == 1
    assert "no confidence.json beside it" in answer.stderr


def test_noise_is_written_for_synthesis_which_draws_it(folder):
    lattice = lattice_image(folder / "in/a.tif")
    small = record(folder / "in/small.tif")
    answer = sfin(
        *("calibrate", lattice, small, "--mode", "haadf"),
        *("-o", "noise", "--plot", "plots"),
    )
    assert answer.exit_code == 1
    assert (
        f"{small}: The image is 70 × 90 pixels, smaller than a patch" in answer.stderr
    )
    assert names(folder / "plots") == ["a.png"]
    assert answer.stdout.count("levels)") == 4
    noise = read_distribution(folder / "noise/haadf.json")
    assert (noise.images, noise.patches) == (("a",), 1)
    assert json.loads((folder / "noise/haadf/a.json").read_text())["mode"] == "haadf"
    assert len(pd.read_csv(folder / "noise/haadf.csv")) == 1

    common = ("--structures", "Si_110, SrTiO3_001", "--number", 3, "--size", 48)
    answer = sfin("synthesise", "noise/haadf.json", "-o", "p.zarr", *common)
    assert answer.exit_code == 0, answer.output
    pairs = load_pairs(folder / "p.zarr")
    assert pairs.noisy.shape == (3, 48, 48)
    assert pairs.attributes["structures"] == ["Si_110", "SrTiO3_001"]
    answer = sfin("synthesise", "noise/haadf.json", "-o", "p.zarr", *common)
    assert answer.exit_code == 1
    assert "p.zarr exists" in answer.stderr


def lattice_image(path):
    row, column = np.mgrid[:256, :256]
    atoms = np.cos(2 * np.pi * row / 16) * np.cos(2 * np.pi * column / 16)
    noise = np.random.default_rng(0).normal(0, 15, (256, 256))
    path.parent.mkdir(exist_ok=True)
    data = (60 + 150 * atoms.clip(0) ** 2 + noise).astype(np.float32)
    write_image(path, Image(data, 0.1, path.stem, {}))
    return path


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("none.json", (), "none.json is no noise of a mode"),
        ("wrong.json", (), "wrong.json is no noise of a mode"),
        ("noise.json", ("--structures", "Unobtainium"), "'Unobtainium'"),
        ("noise.json", ("--structures", ","), "No structure is named"),
        ("noise.json", ("--config", "wrong.json"), "no usable synthesis.settings"),
    ],
)
def test_synthesis_refuses_what_it_cannot_use(folder, file, options, message):
    (folder / "wrong.json").write_text("{}")
    write_distribution(folder / "noise.json", spread_noise())
    answer = sfin("synthesise", file, "-o", "p.zarr", *options)
    assert answer.exit_code == 1
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not list(folder.glob("p.zarr*"))


def test_image_is_inspected(folder):
    image = lattice_image(folder / "in/a.tif")
    answer = sfin("inspect", image, "--mode", "haadf", "-o", "out")
    assert answer.exit_code == 0, answer.output
    for text in ("256 × 256", "0.1 Å", "2.56 × 2.56 nm", "Pointwise noise", "haadf"):
        assert text in answer.stdout
    assert (folder / "out/a.spectrum.png").stat().st_size > 10_000
    assert "keeps at least 0.30" in answer.stdout
    answer = sfin("inspect", image)
    assert "unknown: give --mode" in answer.stdout
    assert "Pointwise noise" not in answer.stdout


def test_many_images_are_inspected_and_a_bad_one_is_told_at_the_end(folder):
    record(folder / "in/a.tif")
    record(folder / "other/a.tif", (66, 80))
    bad = folder / "in/b.tif"
    bad.write_text("no image")
    stack = np.random.default_rng(1).random((2, 40, 50)).astype(np.float32)
    tifffile.imwrite(folder / "in/s.tif", stack, imagej=True)
    answer = sfin("inspect", "in", "other/*.tif")
    assert answer.exit_code == 1
    files = re.findall(r"^ ?File +(.*?) *$", answer.stdout, re.MULTILINE)
    assert files == ["in/a.tif", "in/s.tif", "in/s.tif", "other/a.tif"]
    for text in ("70 × 90", "66 × 80", "0 of 2, from 0", "1 of 2, from 0"):
        assert text in answer.stdout
    lines = answer.stderr.splitlines()
    assert lines[-2] == "1 failed, 4 went well:"
    assert lines[-1].startswith("Error: in/b.tif is not a .tif file")

    # Results of one name would replace each other, and never lie beside the images.
    answer = sfin("inspect", "in", "other", "-o", "out", "--frame", 0)
    assert answer.exit_code == 1
    assert names(folder / "out") == ["a.spectrum.png", "s_frame0000.spectrum.png"]
    assert "other/a.tif has the name of in/a.tif" in answer.stderr
    answer = sfin("inspect", "in/a.tif", "-o", "in")
    assert "give another folder" in answer.stderr
    assert names(folder / "in") == ["a.tif", "b.tif", "s.tif"]


def test_tiny_image_and_its_metadata_are_inspected(folder):
    path = record(folder / "in/a.hspy", (4, 3), title="line\x1b[31m one")
    answer = sfin("inspect", path, "--all", "-o", "out")
    assert answer.exit_code == 0, answer.output
    assert "not measured" in answer.stdout
    assert "General.title" in answer.stdout
    assert "\x1b" not in answer.stdout
    answer = sfin("inspect", folder / "in/b.hspy")
    assert answer.exit_code == 1
    assert re.search(r"\nError: .*b\.hspy does not exist; .*\n$", answer.stderr)


def evaluate(folder, name, seed):
    task, dataset, mode, method = name.split("/")
    path = folder / "results/evaluation" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    origin = {"scale": "test", "task": task, "dataset": dataset, "mode": mode}
    origin |= {"method": method, "seed": seed}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*origin, "image", "psnr", "ssim"))
        writer.writeheader()
        for image, psnr in enumerate((20.0, 23.0)):
            writer.writerow(origin | {"image": image, "psnr": psnr, "ssim": 0.5})


def test_models_are_listed_with_the_scores_of_their_own_training(folder):
    evaluate(folder, train("enhancement", "haadf", seed=1), seed=1)
    evaluate(folder, train("enhancement", "bf", seed=1), seed=2)
    answer = sfin("models")
    assert answer.exit_code == 0
    rows = {line.split()[0]: line for line in answer.stdout.splitlines() if "/" in line}
    assert "21.50 dB" in rows["enhancement/sfin/haadf/sfin"]
    assert "dB" not in rows["enhancement/sfin/bf/sfin"]
    assert "images of 48 px" in rows["enhancement/sfin/bf/sfin"]


def test_folder_without_models_and_a_damaged_one(folder):
    answer = sfin("models")
    assert answer.exit_code == 0
    assert "make run" in answer.stderr
    train("enhancement", "haadf")
    damaged = folder / "resources/weights/mine.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no weights")
    answer = sfin("models")
    assert answer.exit_code == 1
    assert "enhancement/sfin/haadf/sfin" in answer.stdout
    assert "mine.safetensors is no intact file" in answer.stderr
    # It is not passed over in silence where it may be the one that is wanted.
    image = record(folder / "in/a.tif")
    answer = sfin("enhance", image, "-o", "out", "--mode", "bf")
    assert "mine.safetensors is no intact file" in answer.stderr


def test_network_of_the_paper_is_taken_unasked_and_others_by_name(folder):
    image = record(folder / "in/a.tif")
    train("enhancement", "haadf", method="atomsegnet")
    arguments = ("enhance", image, "-o", "out", "--mode", "haadf")
    assert "atomsegnet trained" in sfin(*arguments).stderr
    train("enhancement", "haadf", dataset="gan", method="fcn")
    assert "name one of" in sfin(*arguments).stderr
    train("enhancement", "haadf")
    assert "sfin trained" in sfin(*arguments).stderr
    for name in ("atomsegnet", "enhancement/sfin/haadf/atomsegnet"):
        assert "atomsegnet trained" in sfin(*arguments, "--model", name).stderr
