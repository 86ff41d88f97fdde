"""The library is a house of five floors; each imports only from those below."""

import subprocess
from pathlib import Path

import pytest
import yaml

import sfin
from sfin.dependencies import imported_modules

PACKAGE = Path(sfin.__file__).parent
ROOT = Path(__file__).parents[1]
# By module or package; a module of a package has the floor of its package.
FLOORS = {
    1: "errors texts files logs dependencies settings parameters tukey_lambda "
    "pixel_loops image_files image_limits image_headers image_stores image_colours "
    "digitalmicrograph_tags images image_formats image_writers sources downloads "
    "collection metrics "
    "optional_methods cluster_messages clusters sidecars image_modes model_files "
    "shipped_files shipped_weights image_counts named_weights signal_writers",
    2: "column_loops column_sites labels calibration calibration_settings noise_curves "
    "paper_estimator brightness debiased_estimator image_quality calibrated_images "
    "calibration_summary "
    "structures atom_presence orientation image_cell user_structures columns "
    "column_fit fit_quality shipped_columns rendering rendering_settings arrangements "
    "noise synthesis stress_pairs datasets pair_writing linear_imaging "
    "synthesis_inputs "
    "temimagenet_noise temimagenet_views temimagenet_synthesis temimagenet_reader",
    3: "networks models filters spectra training training_settings checkpoints batches "
    "training_step weight_average data_parallel allocation inference uncertainty "
    "residuals background_removal lattice_start lattice_settings lattice_geometry "
    "lattice_errors lattice_match lattice_choice lattice_fit lattice_spectrum theory "
    "crystal_choice "
    "bm3d_filter pretrained_peer rivals positions confidence detection "
    "detection_settings atom_matching atom_scale gaussian_fits "
    "image_doubts atomap_finder peak_finders noise_information localisation_bound "
    "cyclegan_settings cyclegan_images cyclegan_training cyclegan_models "
    "gan_synthesis registration ring_correlation invention_peaks invention_images "
    "training_range image_parts reciprocal_lattice whiteness renoising",
    4: "lattice_table extended_evaluation extended_table evaluation tables ablation "
    "table_formats names "
    "model_card figures dataset_figure rendering_figure similarity calibrated_datasets "
    "calibrated_samples realism realism_tables scan_trends dataset_records "
    "applicability documents dataset_card enhancement enhancement_check closure "
    "hyperspy remeasurement finder_comparison finder_table localisation "
    "detection_table "
    "trust trust_report "
    "atom_lists view lattice_report finder_trials training_data_check theory_scores "
    "theory_report movies movie_report inventions invention_report invention_table",
    5: "cli api",
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
MEASURE = {
    "calibration",
    "calibration_settings",
    "noise_curves",
    "paper_estimator",
    "brightness",
    "debiased_estimator",
    "image_quality",
    "calibrated_images",
    "calibration_summary",
}


def room(module):
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_import_only_from_below(path):
    name = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for imported in imported_modules(path):
        assert FLOOR[room(imported)] <= FLOOR[name], f"{name} imports {imported}"
        # Measuring and imitating are inverse, and know nothing of each other.
        if FLOOR[name] == FLOOR[room(imported)] == 2:
            assert (name in MEASURE) == (room(imported) in MEASURE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_can_be_read_in_a_sitting(path):
    assert len(path.read_text().splitlines()) <= 300


def test_scripts_are_short_and_have_a_rule():
    rules = "".join(p.read_text() for p in (ROOT / "workflow/rules").glob("*.smk"))
    for script in (ROOT / "workflow/scripts").glob("*.py"):
        assert len(script.read_text().splitlines()) <= 20, script
        assert f"rule {script.stem}:" in rules


def test_rule_files_are_short():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        assert len(path.read_text().splitlines()) < 150, path


def test_every_rule_that_runs_states_what_it_needs():
    text = "".join(p.read_text() for p in (ROOT / "workflow/rules").glob("*.smk"))
    for rule in text.split("\nrule ")[1:]:
        if "script:" in rule:
            for word in (
                "log:",
                "benchmark:",
                "threads:",
                "mem=",
                "runtime=",
                "conda:",
            ):
                assert word in rule, f"{rule.split(':')[0]} has no {word}"


def test_environment_has_the_pins_of_the_lock_file():
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    pins = {line for line in lock if line and not line.startswith("#")}
    environment = yaml.safe_load((ROOT / "envs/sfin.yaml").read_text())
    (pip,) = (e["pip"] for e in environment["dependencies"] if isinstance(e, dict))
    assert set(pip) == pins
    assert "torch==2.13.0" in pins


def test_container_installs_the_lock_file_as_the_makefile_does():
    recipe = (ROOT / "envs/sfin.def").read_text()
    install = "-m pip install {} --use-pep517 --requirement {}requirements.lock"
    assert install.format("--quiet", "") in (ROOT / "Makefile").read_text()
    assert install.format("--no-cache-dir", "/opt/") in recipe
    assert "\n    requirements.lock /opt/requirements.lock\n" in recipe
    # No version of its own but that of Debian, whose Python the pins are for.
    assert "==" not in recipe
    assert "\nFrom: debian:12\n" in recipe
    environment = yaml.safe_load((ROOT / "envs/sfin.yaml").read_text())
    assert "python=3.11" in environment["dependencies"]
    script = recipe.split("\n%post\n")[1].split("\n%")[0]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
