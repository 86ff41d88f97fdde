"""Damaged documents beside the images, and damaged images in commands: one sentence."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import counts, write_hdf5, write_npy, write_tiff
from samples import perovskite, spread_noise, synthesis_settings
from typer.testing import CliRunner

from sfin.cli.main import app
from sfin.confidence import Confidence, read_confidence, write_confidence
from sfin.datasets import load_pairs
from sfin.errors import InputError
from sfin.networks.build import build_network, load_network, save_weights
from sfin.parameters import write_distribution
from sfin.sidecars import read_sidecar
from sfin.synthesis import synthesise_dataset
from sfin.synthesis_inputs import read_noise

FUZZ = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
METADATA = {
    "method": "fcn", "network": {"width": 2}, "mode": "haadf", "image_size": 48,
    "scale": "test", "seed": 1, "dataset": "sfin", "task": "enhancement",
    "noise_warnings": [],
}  # fmt: skip


def write_sidecar(path):
    path.write_text("structure: SrTiO3_001\npixel_size: 0.2\nmovie: a\n")


def write_network(path):
    torch.manual_seed(0)
    save_weights(path, build_network("fcn", {"width": 2}), METADATA)


DOORS = {
    "a.yaml": (write_sidecar, lambda path: read_sidecar(path, ["SrTiO3_001"])),
    "noise.json": (lambda path: write_distribution(path, spread_noise()), read_noise),
    "confidence.json": (
        lambda path: write_confidence(path, Confidence((0.0, 1.0), (0.1, 0.9), 9, 0.6)),
        read_confidence,
    ),
    "weights.safetensors": (write_network, load_network),
}


def opens_or_refuses(path, read):
    try:
        read(path)
    except InputError as error:
        message = str(error)
        assert str(path) in message
        assert "\n" not in message


@pytest.mark.parametrize("name", DOORS)
def test_damaged_documents_are_refused_or_read(tmp_path, name):
    write, read = DOORS[name]
    path = tmp_path / name
    write(path)
    read(path)
    whole = path.read_bytes()

    @FUZZ
    @given(place=st.integers(0, 2000), value=st.integers(0, 255), cut=st.booleans())
    def fuzz(place, value, cut):
        content = bytearray(whole)
        place %= len(content)
        content[place] = value
        path.write_bytes(content[:place] if cut else content)
        opens_or_refuses(path, read)

    fuzz()


BAD = st.sampled_from([None, "x", [], {}, float("nan"), 1e400, True, -1])


@pytest.mark.parametrize("name", ["noise.json", "confidence.json"])
def test_documents_with_wrong_values_are_refused_or_read(tmp_path, name):
    write, read = DOORS[name]
    path = tmp_path / name
    write(path)
    whole = json.loads(path.read_text())

    @FUZZ
    @given(key=st.sampled_from(sorted(whole)), value=BAD)
    def fuzz(key, value):
        path.write_text(json.dumps(whole | {key: value}))
        opens_or_refuses(path, read)

    fuzz()


def test_noise_that_cannot_be_drawn_is_refused(tmp_path):
    path = tmp_path / "noise.json"
    write_distribution(path, spread_noise())
    whole = json.loads(path.read_text())
    for change in (
        {"mode": "stem"},
        {"covariance": whole["covariance"][:3]},
        {"mean": whole["mean"] | {"scan_slope": float("nan")}},
        {"variance": whole["variance"] | {"scan_slope": -1.0}},
    ):
        path.write_text(json.dumps(whole | change))
        with pytest.raises(InputError, match=r"noise\.json is no noise of a mode"):
            read_noise(path)


def test_damaged_store_of_pairs_is_refused(tmp_path):
    store = tmp_path / "a.zarr"
    origin = {"scale": "test", "seed": 5}
    synthesise_dataset(
        store,
        "train",
        [perovskite()],
        spread_noise(),
        2,
        synthesis_settings(32),
        origin,
    )
    chunk = next(part for part in store.glob("noisy/c/**/*") if part.is_file())
    for part in (store / "zarr.json", chunk):
        whole = part.read_bytes()
        part.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"a\.zarr is not a finished dataset"):
            load_pairs(store)
        part.write_bytes(whole)
    load_pairs(store)


def damaged_images(folder):
    """Write files that are no images, some of them of uncommon names."""
    folder.mkdir()
    hole = counts()
    hole[0, 0] = np.nan
    write_npy(folder / "nan.npy", hole)
    write_npy(folder / "-dash.npy", np.full((24, 30), 7.0))
    whole = write_tiff(folder / "a\nb ü.tif", counts()).read_bytes()
    (folder / "a\nb ü.tif").write_bytes(whole[:200])
    whole = write_hdf5(folder / "cut.hspy", counts()).read_bytes()
    (folder / "cut.hspy").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.ser").touch()
    (folder / "folder.dm4").mkdir()
    (folder / "link.mrc").symlink_to("link.mrc")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("command", ["enhance", "detect", "calibrate", "inspect"])
def test_commands_tell_each_bad_image_in_a_sentence(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    task = "detection" if command == "detect" else "enhancement"
    weights = tmp_path / "results/models" / task / "sfin/haadf/fcn/weights.safetensors"
    weights.parent.mkdir(parents=True)
    save_weights(weights, build_network("fcn", {"width": 2}), METADATA | {"task": task})
    if command == "detect":
        confidence = Confidence((0.0, 1.0), (0.1, 0.9), 9, 0.6)
        write_confidence(weights.with_name("confidence.json"), confidence)
    images = damaged_images(tmp_path / "in")
    model = ["--model", "fcn"] if command in ("enhance", "detect") else []
    options = ["--mode", "haadf", "-o", "out", *model]
    answer = CliRunner().invoke(app, [command, *options, "--", *map(str, images)])
    assert answer.exit_code == 1, answer.output
    assert isinstance(answer.exception, SystemExit)
    errors = [line for line in answer.stderr.splitlines() if "Error: " in line]
    assert len(errors) == len(images), answer.stderr
    assert "Traceback" not in answer.stderr
    for image, error in zip(images, errors, strict=True):
        name = str(image).replace("\n", "\\n")
        assert re.match(f"Error: .*{re.escape(name)}.*[.]$", error), error
    assert not (tmp_path / "out").exists()
