"""The workflow as a user runs it: in a directory of its own, at scale `test`."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import ase.io
import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from ase import Atoms
from samples import ROOT, SHARED, noise

from sfin.columns import read_columns
from sfin.noise import NoiseSettings, add_noise
from sfin.parameters import MODES
from sfin.settings import mark_scale

PARTS = [
    "Snakefile",
    "config",
    "envs",
    "profiles",
    "slurm",
    "workflow",
    "src",
    "resources",
]
TEST = ["--configfile", "config/test.yaml", "config/own_images.yaml"]
RUN = ["--cores", "2", *TEST]
REAL = {
    "haadf": ["scilink_MoS2_001_5.tif", "atomsegnet_Si110_5nm.png"],
    "bf": ["hyperspy_demos_STO_ABF_frame0.tif"],
}


def copy_project(folder):
    """Copy the workflow, without anybody's images."""

    def ignore(folder, names):
        images = MODES if folder.endswith("real_images") else ()
        return {"__pycache__", *images} & set(names)

    for part in PARTS:
        source = ROOT / part
        if source.is_symlink():
            (folder / part).symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    for mode in ("haadf", "bf"):
        (folder / "resources/real_images" / mode).mkdir(parents=True)
    # Public images come from the network, which not every machine has.
    (folder / "config/own_images.yaml").write_text("images: {public: []}\n")


def record(path, mode, seed):
    """Record a lattice with a made-up microscope."""
    pixel = np.arange(256)
    rows = np.exp(-((pixel - np.arange(0, 290, 30)[:, None]) ** 2) / 50).sum(axis=0)
    atoms = np.outer(rows, rows).astype(np.float32) / rows.max() ** 2
    generator = np.random.default_rng(seed)
    image = add_noise(atoms, noise(mode), NoiseSettings(), generator)
    tifffile.imwrite(path, (image * 100 + 5000).clip(0).astype(np.uint16))


def add_images(folder):
    """Take real images where they are at hand, made-up ones elsewhere."""
    for mode, names in REAL.items():
        place = folder / "resources/real_images" / mode
        for seed, name in enumerate(names):
            real = SHARED / "real_images" / mode / name
            if real.exists():
                shutil.copy(real, place / name)
            else:
                record(place / f"recorded_{seed}.tif", mode, seed)


class Project:
    def __init__(self, folder):
        self.folder = folder

    def command(self, *arguments):
        return [sys.executable, "-m", "snakemake", *arguments]

    def snakemake(self, *arguments, succeeds=True):
        """Run snakemake and return what it prints."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode == 0) == succeeds, output
        return output

    def planned(self, *arguments):
        """Count the planned jobs of each rule."""
        output = self.snakemake(*arguments, "--dry-run", *TEST)
        if "Nothing to be done" in output:
            return {}
        jobs = re.findall(r"^(\w+) +(\d+)$", output, re.M)
        return {rule: int(number) for rule, number in jobs if rule != "total"}

    def results(self):
        """Read the bytes of everything that was made, but how fast it was made."""
        root = self.folder / "results"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.name not in (".snakemake_timestamp", "speed.csv")
        }

    def edit(self, path, old, new):
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the whole workflow once."""
    folder = tmp_path_factory.mktemp("finished")
    copy_project(folder)
    add_images(folder)
    project = Project(folder)
    project.snakemake(*RUN)
    return project


@pytest.fixture
def changed(finished, tmp_path):
    """Copy the finished project, to change something in it."""
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


@pytest.fixture
def fresh(tmp_path):
    """Copy the project without results, with images."""
    copy_project(tmp_path)
    add_images(tmp_path)
    return Project(tmp_path)


def test_whole_run_leaves_what_it_promises(finished):
    results = finished.folder / "results"
    table = pd.read_csv(results / "tables/table1.csv")
    methods = {"noisy", "absf", "wiener", "atomsegnet", "fcn", "sfin"}
    assert set(table["method"]) == methods
    assert set(table["mode"]) == {"haadf", "bf"}
    assert len(table) == 12
    assert set(table["scale"]) == {"test"}
    for number in (1, 2, 3, 4):
        for suffix in ("csv", "md", "tex", "html"):
            table = results / f"tables/table{number}.{suffix}"
            assert table.stat().st_size > 500
    for number in (2, 3, 4, 5, 6, 8):
        for suffix in ("png", "pdf"):
            figure = results / f"figures/figure{number}.{suffix}"
            assert figure.stat().st_size > 10_000
    closure = pd.read_csv(results / "calibration/closure.csv")
    assert {"quantity", "estimator", "mode", "error", "spread", "goal"} <= set(closure)
    datasets = {"gan", "temimagenet", "sfin"}
    for number in (2, 3, 4):
        named = pd.read_csv(results / f"tables/table{number}.csv")["dataset"]
        assert set(named) - {"real"} == datasets
        page = (results / f"tables/table{number}.md").read_text()
        assert "TEMImageNet (re-synthesised)" in page
        assert "Left out" not in page
    assert "Left out: TEMImageNet" in (results / "tables/table1.md").read_text()
    for dataset in datasets:
        assert len(pd.read_csv(results / f"realism/{dataset}/haadf.csv")) == 24
    assert not (results / "realism/gan/bf.csv").exists()
    for mode in ("haadf", "bf"):
        assert len(pd.read_csv(results / f"realism/sfin/{mode}.csv")) == 24
        learning = results / f"figures/learning/enhancement/sfin/{mode}.png"
        assert learning.stat().st_size > 10_000
        card = (results / f"datasets/sfin/{mode}/train.md").read_text()
        assert "24" in card
    for mode in ("haadf", "bf"):
        images = list((finished.folder / "resources/real_images" / mode).iterdir())
        for image in images:
            for suffix in ("tif", "png", "comparison.png", "trust.json", "parts.tif"):
                assert (results / f"enhanced/{mode}/{image.stem}.{suffix}").exists()
            assert (results / f"calibration/{mode}/{image.stem}.png").exists()


def test_every_job_left_a_log_and_progress_is_in_it(finished):
    logs = finished.folder / "logs"
    training = (logs / "train_network/enhancement/sfin/haadf/sfin.log").read_text()
    assert re.search(r"train sfin: (\d+)/\1 ", training)
    synthesis = (logs / "synthesise_pairs/sfin/haadf/train.log").read_text()
    assert re.search(r"(\d+)/\1 ", synthesis)


def test_nothing_to_do_after_a_complete_run(finished):
    assert finished.planned() == {}


def test_touched_files_rerun_nothing(changed):
    for path in (changed.folder / "src").rglob("*.py"):
        path.touch()
    for path in (changed.folder / "resources/real_images").rglob("*.*"):
        path.touch()
    for path in (changed.folder / "workflow").rglob("*.*"):
        path.touch()
    assert changed.planned() == {}


def test_switching_branch_and_back_reruns_nothing(changed):
    def git(*arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=changed.folder, check=True, capture_output=True)

    git("init", "-q", "-b", "first")
    git("add", "src", "workflow", "config")
    git("commit", "-q", "-m", "first")
    git("checkout", "-q", "-b", "second")
    changed.edit("src/sfin/calibration.py", '"""Measure', '"""Now measure')
    git("commit", "-q", "-a", "-m", "second")
    assert "calibrate_image" in changed.planned()
    git("checkout", "-q", "first")
    assert changed.planned() == {}


def test_edited_calibration_reruns_it_and_what_hangs_on_it(changed):
    changed.edit("src/sfin/calibration.py", '"""Measure', '"""Now measure')
    planned = changed.planned()
    assert planned["calibrate_image"] == 3
    after = "synthesise_pairs train_network calibrate_dataset describe_dataset table1"
    after += " table2 table3 table4 figure4"
    assert {*after.split(), "figure3", "figure6", "figure8"} <= set(planned)
    assert not {"render_structure", "fetch_image"} & set(planned)


def test_edited_script_reruns_its_rule_only(changed):
    changed.edit("workflow/scripts/table1.py", "Collect", "Gather")
    assert changed.planned() == {"all": 1, "table1": 1}


def test_results_of_another_scale_are_not_replaced(changed):
    output = changed.snakemake("--dry-run", "--cores", "1", succeeds=False)
    assert "results/ holds results of scale test" in output
    assert "mv results results-test" in output
    (changed.folder / "results").rename(changed.folder / "results-test")
    assert "train_network" in changed.snakemake("--dry-run", "--cores", "1")


def test_new_image_recalibrates_its_mode(changed):
    record(changed.folder / "resources/real_images/bf/new.tif", "bf", 7)
    planned = changed.planned()
    assert planned["calibrate_image"] == 1
    assert planned["summarise_calibration"] == 1
    # For training, testing, and measuring the detector.
    assert planned["synthesise_pairs"] == 3
    # The three of Table 1, and the detector.
    assert planned["train_network"] == 4
    assert planned["enhance_image"] == planned["detect_atoms"] == 2
    assert planned["calibrate_dataset"] == 1
    assert "render_structure" not in planned


def test_removed_image_recalibrates_its_mode(changed):
    image = sorted((changed.folder / "resources/real_images/haadf").iterdir())[0]
    image.unlink()
    planned = changed.planned()
    assert "calibrate_image" not in planned
    assert planned["summarise_calibration"] == 1
    assert planned["train_network"] == 4


def test_changed_training_setting_retrains_that_network_only(changed):
    config = changed.folder / "config/test.yaml"
    settings = yaml.safe_load(config.read_text())
    own = settings.setdefault("networks", {}).setdefault("sfin", {})
    own["training"] = own.get("training", {}) | {"learning_rate": 1e-4}
    config.write_text(yaml.safe_dump(settings, sort_keys=False))
    planned = changed.planned()
    # In both modes, to enhance and to detect.
    assert planned["train_network"] == 4
    assert planned["evaluate_method"] == planned["measure_detector"] == 2
    assert not {"synthesise_pairs", "calibrate_image"} & set(planned)


def test_ablations_are_trained_for_table5_only(changed):
    planned = changed.planned("table5")
    ours = {rule: planned[rule] for rule in ("train_network", "evaluate_method")}
    assert ours == {"train_network": 6, "evaluate_method": 6}
    changed.snakemake("table5", *RUN)
    table = pd.read_csv(changed.folder / "results/tables/table5.csv")
    assert len(table) == 8
    assert table["training"].nunique() == 1
    assert changed.planned() == {}


def test_comparison_trainings_complete_table1_and_add_figure9(changed):
    compared = ["--config", "comparison_trainings=True"]
    assert changed.planned("figure9")["train_network"] == 2
    planned = changed.planned("all", *compared)
    # Three on TEMImageNet, one of which Figure 9 shows too, and one on the GAN.
    assert planned["train_network"] == 4
    assert planned["evaluate_method"] == 6
    assert not {"synthesise_gan", "synthesise_pairs", "table2"} & set(planned)
    changed.snakemake("table1", "figure6", "figure9", *compared, *RUN)
    results = changed.folder / "results"
    table = pd.read_csv(results / "tables/table1.csv")
    groups = set(zip(table["dataset"], table["mode"], strict=True))
    assert groups == {("temimagenet", "haadf"), ("sfin", "haadf"), ("sfin", "bf")}
    assert len(table) == 18
    page = (results / "tables/table1.md").read_text()
    assert "TEMImageNet (re-synthesised)" in page
    assert "Left out" not in page
    assert (results / "figures/figure9.pdf").stat().st_size > 10_000
    assert changed.planned("table1", "figure6", "figure9", *compared) == {}


def test_one_table_can_be_made_again(changed):
    table = changed.folder / "results/tables/table1.csv"
    before = table.read_bytes()
    table.unlink()
    assert changed.planned("table1") == {"table1": 1}
    changed.snakemake("table1", *RUN)
    assert table.read_bytes() == before


def test_extended_table_is_made_beside_table_1(changed):
    overlay = {"images": {"public": []}, "extended": {"methods": ["gaussian", "bm3d"]}}
    (changed.folder / "config/own_images.yaml").write_text(yaml.safe_dump(overlay))
    planned = changed.planned("table1_extended")
    assert set(planned) == {"evaluate_extended", "table1_extended"}
    changed.snakemake("table1_extended", *RUN)
    tables = changed.folder / "results/tables"
    table = pd.read_csv(tables / "table1_extended.csv")
    assert {"gaussian", "sfin"} <= set(table["method"])
    # Training of ours is not scored anew: the same weights, the same images.
    first = pd.read_csv(tables / "table1.csv").set_index(["mode", "method"])["psnr"]
    again = table.set_index(["mode", "method"])["psnr_clean"]
    for mode in ("haadf", "bf"):
        assert again[mode, "sfin"] == pytest.approx(first[mode, "sfin"], abs=1e-3)
    assert "SFIN is" in (tables / "table1_extended.md").read_text()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (("config/config.yaml", "blur_sigma: 3.0", "blur_sgima: 3.0"), "'blur_sgima'"),
        (("config/config.yaml", "SrTiO3_001", "SrTiO4_001"), "'SrTiO4_001'"),
        (("config/config.yaml", "Si_110", "Si_111"), "add resources/structures/"),
    ],
)
def test_wrong_settings_are_refused_before_any_job(fresh, edit, sentence):
    fresh.edit(*edit)
    if "structures" in sentence or "SrTiO4" in sentence:
        overlay = fresh.folder / "config/test.yaml"
        settings = yaml.safe_load(overlay.read_text())
        settings.pop("structures", None)
        overlay.write_text(yaml.safe_dump(settings, sort_keys=False))
    output = fresh.snakemake(*RUN, succeeds=False)
    assert sentence in output
    assert "Traceback" not in output
    assert not (fresh.folder / "results").exists()


def test_wrong_structure_of_a_user_is_refused_before_any_job(fresh):
    mine = {"file": "mine.cif", "zone_axis": [0, 0, 1], "displacement": 0.08}
    overlay = {"structures": ["mine"], "user_structures": {"mine": mine}}
    (fresh.folder / "config/mine.yaml").write_text(yaml.safe_dump(overlay))
    output = fresh.snakemake(*RUN, "config/mine.yaml", succeeds=False)
    assert "mine.cif (user_structures.mine) does not exist" in output
    assert "Traceback" not in output
    (fresh.folder / "config/mine.yaml").write_text("columns: shipped\n")
    (fresh.folder / "resources/structures/columns.json").unlink()
    output = fresh.snakemake(*RUN, "config/mine.yaml", succeeds=False)
    assert "make it with `make columns`" in output
    assert not (fresh.folder / "results").exists()


def test_structure_of_a_user_is_rendered(fresh):
    crystal = Atoms("Po", cell=[3.35] * 3, pbc=True)
    ase.io.write(fresh.folder / "mine.cif", crystal)
    mine = {"file": "mine.cif", "zone_axis": [0, 0, 1], "displacement": 0.08}
    overlay = {"structures": ["mine"], "user_structures": {"mine": mine}}
    (fresh.folder / "config/mine.yaml").write_text(yaml.safe_dump(overlay))
    fresh.snakemake("structures", *RUN, "config/mine.yaml")
    columns = read_columns(fresh.folder / "results/structures/mine.zarr")
    assert columns.species == ("Po",)
    again = fresh.snakemake("structures", "--dry-run", *RUN, "config/mine.yaml")
    assert "Nothing to be done" in again


def test_shipped_columns_are_taken_without_rendering(fresh):
    (fresh.folder / "config/own_images.yaml").write_text(
        "images: {public: []}\ncolumns: shipped\nstructures: [LiCoO2_010]\n"
    )
    assert fresh.planned("structures") == {"structures": 1, "unpack_columns": 1}
    fresh.snakemake("structures", *RUN)
    columns = read_columns(fresh.folder / "results/structures/LiCoO2_010.zarr")
    assert columns.attributes["rendering"]["preset"] == "paper"
    assert fresh.planned("structures") == {}


def test_empty_image_folder_is_refused(fresh):
    for image in (fresh.folder / "resources/real_images/bf").iterdir():
        image.unlink()
    output = fresh.snakemake(*RUN, succeeds=False)
    assert "There is no bf image: put at least one into" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("broken.dm3", b"not an image at all", "broken.dm3"),
        ("empty.tif", b"", "empty.tif is empty"),
        ("notes.txt", b"hello", "notes.txt is not a microscopy image"),
    ],
)
def test_unusable_files_are_refused_before_any_job(fresh, name, content, sentence):
    (fresh.folder / "resources/real_images/bf" / name).write_bytes(content)
    output = fresh.snakemake(*RUN, succeeds=False)
    assert sentence in output
    assert "Traceback" not in output
    assert not (fresh.folder / "results").exists()


def test_image_that_cannot_be_calibrated_is_named(fresh):
    path = fresh.folder / "resources/real_images/bf/tiny.npy"
    np.save(path, np.random.default_rng(0).random((100, 100)))
    output = fresh.snakemake("calibration", *RUN, succeeds=False)
    assert "Error: resources/real_images/bf/tiny.npy" in output
    assert "smaller than a patch" in output


def test_two_images_of_one_name_are_refused(fresh):
    for suffix in ("tif", "npy"):
        folder = fresh.folder / "resources/real_images/bf"
        if suffix == "npy":
            np.save(folder / "same.npy", np.random.default_rng(0).random((300, 300)))
        else:
            record(folder / "same.tif", "bf", 1)
    assert "share a name" in fresh.snakemake(*RUN, succeeds=False)


def test_killed_run_carries_on_to_the_same_bytes(finished, fresh):
    # All that a training hangs on, and two of them side by side.
    weights = [
        f"results/models/enhancement/sfin/haadf/{method}/weights.safetensors"
        for method in ("sfin", "fcn")
    ]
    process = subprocess.Popen(
        fresh.command(*weights, *RUN),
        cwd=fresh.folder,
        env=os.environ | {"PYTHONPATH": str(fresh.folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoints = fresh.folder / "results/models"
    for _ in range(1200):
        if list(checkpoints.rglob("checkpoint*.pt")) or process.poll() is not None:
            break
        time.sleep(0.1)
    assert process.poll() is None, "the run ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    fresh.snakemake("--unlock", *TEST)
    fresh.snakemake(*weights, *RUN)
    assert not list(checkpoints.rglob("checkpoint*.pt"))
    expected, found = finished.results(), fresh.results()
    assert {name.removeprefix("results/") for name in weights} <= found.keys()
    assert found.keys() <= expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_interrupted_run_carries_on(fresh):
    process = subprocess.Popen(
        fresh.command("structures", *RUN),
        cwd=fresh.folder,
        env=os.environ | {"PYTHONPATH": str(fresh.folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) != 0
    fresh.snakemake("structures", *RUN)
    assert fresh.planned("structures") == {}


def test_networks_that_ship_take_the_place_of_training(fresh):
    shipped = ("--config", "weights=shipped")
    planned = fresh.planned("table1", "table6", *shipped)
    assert planned["take_shipped_network"] == 4
    assert "train_network" not in planned
    # Rows without a network remain; those of networks that do not ship are left out.
    assert planned["evaluate_method"] == 2 * 5
    mark_scale(fresh.folder / "results", "test")
    refusal = fresh.snakemake("table1", *shipped, "--dry-run", *TEST, succeeds=False)
    assert "holds results of scale test" in refusal


def test_report_is_made(finished):
    finished.snakemake(*TEST, "--report", "report.html")
    report = (finished.folder / "report.html").read_text()
    for words in ("Real images", "Calibration", "Datasets", "figure6", "table1"):
        assert words in report, words


def test_report_is_read_in_a_browser(finished, chromium):
    path = finished.folder / "report.html"
    if not path.exists():
        finished.snakemake(*TEST, "--report", path.name)
    chromium.get(path.as_uri())

    def text():
        return chromium.find_element("tag name", "body").text

    def choose(name):
        chromium.find_element("xpath", f"//span[text()='{name}']").click()

    from selenium.webdriver.support.wait import WebDriverWait

    wait = WebDriverWait(chromium, 60)
    wait.until(lambda _: "Scale: test. Seed: 2025." in text())
    for category in ("Calibration", "Datasets", "Figures", "Real images", "Structures"):
        assert category in text()
    choose("Tables")
    wait.until(lambda _: "situations of datasets" in text())
    assert "likeness of noise" in text()
    severe = [
        entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"
    ]
    assert not severe


def test_targets_read_like_the_papers_contents(finished):
    targets = finished.snakemake("--list-target-rules", *TEST)
    for name in ("table1", "figure6", "enhanced_images", "calibration", "datasets"):
        assert name in targets


def test_lint_is_clean(finished):
    assert "good condition" in finished.snakemake("--lint", *TEST)


def test_catalogue_entry_plans_the_same(finished):
    output = finished.snakemake("--dry-run", "-s", "workflow/Snakefile", *TEST)
    assert "Nothing to be done" in output


@pytest.mark.parametrize("files", [[], ["paper"], ["paper", "fast"]], ids=str)
def test_shipped_settings_are_valid(fresh, files):
    extra = (
        ["--configfile", *(f"config/{name}.yaml" for name in files)] if files else []
    )
    output = fresh.snakemake("--dry-run", "--cores", "1", *extra)
    assert "train_network" in output
    assert "fetch_image" in output


def test_slurm_profile_resolves(fresh):
    output = fresh.snakemake("--profile", "slurm", "--dry-run", *TEST)
    assert "slurm_partition=gpu" in output
