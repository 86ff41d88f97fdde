"""What the pages say about a network and a structure of one's own, done."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from samples import ROOT, merged, perovskite, spread_noise, synthesis_settings

from sfin.column_sites import project_columns
from sfin.columns import read_columns
from sfin.datasets import load_atoms, load_pairs
from sfin.rendering import render_structure
from sfin.settings import check_settings
from sfin.synthesis import synthesise_dataset
from sfin.user_structures import check_user_structures, image_cell, user_structure

BLOCK = re.compile(r'^```(\w+) title="(.+?)"\n(.*?)^```$', re.M | re.S)
NEEDED = ["Snakefile", "config", "envs", "profiles", "src", "workflow", "resources"]
# What a workflow does with a network: train it, score it, put it into Table 1.
USE = """
import sys
from pathlib import Path

import yaml

from sfin.evaluation import Origin, evaluate_method, write_evaluation
from sfin.filters import FilterSettings
from sfin.inference import enhance
from sfin.models import train_method
from sfin.networks.build import load_network
from sfin.tables import caption, table1, write_table

config = yaml.safe_load(Path("merged.yaml").read_text())
for method in sys.argv[1:]:
    origin = dict(scale="test", task="enhancement", dataset="sfin", mode="haadf",
                  method=method, seed=config["seed"])
    network = config["networks"][method]
    training = config["training"] | network["training"]
    folder = Path(method)
    train_method(Path("train.zarr"), folder, origin, network["network"], training, "")
    scores = evaluate_method(
        Origin(**origin), Path("test.zarr"), folder / "weights.safetensors",
        FilterSettings(),
    )
    write_evaluation(folder / "scores.csv", scores)
table = table1([Path(m, "scores.csv") for m in sys.argv[1:]],
               Path("resources/paper_values.csv"))
write_table(table, Path("table1"), caption(table, "Table 1", "0"))
"""


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Find what a page says to write: kind, path and text of each titled block."""
    return BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))


def added(page: str) -> int:
    """Count the lines that a page says to write, without empty ones."""
    count = 0
    for kind, _, text in blocks(page):
        lines = text.splitlines()
        if kind == "diff":
            lines = [line[1:] for line in lines if line.startswith("+")]
        count += sum(bool(line.strip()) for line in lines)
    return count


def follow(page: str, folder: Path) -> None:
    """Write in a folder what a page says."""
    for kind, name, text in blocks(page):
        path = folder / name
        if kind == "diff":
            lines = [line or " " for line in text.splitlines()]
            old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
            new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
            content = path.read_text("utf-8")
            assert content.count(old) == 1, f"{page} does not fit {name}"
            text = content.replace(old, new)
        else:
            assert not path.exists()
        path.write_text(text, "utf-8")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Copy what a workflow needs, without anybody's images."""
    for part in [*NEEDED, "tests"]:
        if (ROOT / part).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "haadf", "bf", "weights")
            shutil.copytree(ROOT / part, tmp_path / part, ignore=ignore)
        else:
            shutil.copy(ROOT / part, tmp_path / part)
    for mode in ("haadf", "bf"):
        (tmp_path / "resources/real_images" / mode).mkdir()
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def settings(folder: Path, overlay: str) -> dict[str, Any]:
    """Lay a config over scale `test`, and check it as a run does."""
    found: dict[str, Any] = {}
    for name in ("config", "test", overlay):
        text = (folder / f"config/{name}.yaml").read_text("utf-8")
        found = merged(found, yaml.safe_load(text))
    check_settings(found, folder / "config/schema.yaml")
    return found


@pytest.mark.parametrize("page", ["own_network.md", "structures.md"])
def test_it_takes_less_than_thirty_lines(page: str) -> None:
    assert 5 < added(page) < 30


def test_network_of_the_page_goes_through_every_door(scratch: Path) -> None:
    follow("own_network.md", scratch)
    config = settings(scratch, "plain")
    # The workflow trains and scores it as soon as the config names it.
    files = [f"config/{name}.yaml" for name in ("test", "plain")]
    plan = ["-m", "snakemake", "--dry-run", "--cores", "1", "table1", "--configfile"]
    planned = run(scratch, *plan, *files)
    for mode in config["modes"]:
        assert f"models/enhancement/sfin/{mode}/plain/weights" in planned
        assert f"evaluation/enhancement/sfin/{mode}/plain.csv" in planned
    config["training"] |= {"batch_size": 2, "device": "cpu"}
    (scratch / "merged.yaml").write_text(yaml.safe_dump(config))
    for split, number in {"train": 8, "test": 2}.items():
        synthesise_dataset(
            *(scratch / f"{split}.zarr", split, [perovskite()], spread_noise(), number),
            *(synthesis_settings(48), {"scale": "test", "seed": 1}),
            scheduler="synchronous",
        )
    (scratch / "use.py").write_text(USE)
    run(scratch, "use.py", "plain", "sfin")
    history = pd.read_csv(scratch / "plain/history.csv")
    assert len(history) == config["networks"]["plain"]["training"]["epochs"]
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    table = pd.read_csv(scratch / "table1.csv").set_index("method")
    assert np.isfinite(table.loc[["plain", "sfin"], ["psnr", "ssim"]]).all(axis=None)
    assert "| Plain network |" in (scratch / "table1.md").read_text("utf-8")
    # And passes the tests that the others pass.
    test = ["-m", "pytest", "tests/test_networks.py", "-q", "-k", "plain"]
    path = ["--import-mode=importlib", "-o", "pythonpath=src tests"]
    assert "passed" in run(scratch, *test, *path)


def test_misspelt_setting_of_the_network_is_refused_before_any_job(
    scratch: Path,
) -> None:
    follow("own_network.md", scratch)
    overlay = scratch / "config/plain.yaml"
    overlay.write_text(overlay.read_text().replace("width: 16", "widht: 16"))
    with pytest.raises(AssertionError, match=r"plain\.network: .*'widht'; give width"):
        run(scratch, "-m", "snakemake", "-n", "--configfile", "config/plain.yaml")


def test_structure_of_the_page_is_rendered_and_synthesised(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow("structures.md", scratch)
    # The file is named relative to the folder of the Snakefile.
    monkeypatch.chdir(scratch)
    config = settings(scratch, "gaas")
    (entry,) = config["user_structures"].items()
    name = entry[0]
    assert name in config["structures"]
    check_user_structures(config["user_structures"], config["structures"])
    structure = user_structure(*entry)
    columns = Counter(project_columns(image_cell(structure)).species)
    assert columns["Ga"] == columns["As"] > 0
    small = {"thickness": 12, "minimum_box": 7.5, "scan_sampling": 0.45}
    rendering = config["rendering"] | small
    render_structure(structure, rendering, 1, scratch / "columns.zarr", 1)
    rendered = read_columns(scratch / "columns.zarr")
    # Neighbours in the table of elements, so both are bright in HAADF.
    assert (rendered.amplitude["haadf"] > 0.5).all()
    synthesise_dataset(
        *(scratch / "pairs.zarr", "test", [rendered], spread_noise(), 2),
        *(synthesis_settings(64), {"scale": "test", "seed": 1}),
        scheduler="synchronous",
    )
    pairs = load_pairs(scratch / "pairs.zarr")
    assert (pairs.clean.max(axis=(1, 2)) == 255).all()
    names = pairs.attributes["species"]
    drawn = [atoms["species"] for atoms in load_atoms(scratch / "pairs.zarr")]
    assert {"Ga", "As"} <= {names[kind] for kind in np.concatenate(drawn) if kind >= 0}
