import re

import numpy as np
import pytest
import tifffile
import torch

from sfin.enhancement import CAVEAT, enhance_file, open_image, write_enhanced
from sfin.errors import InputError
from sfin.images import Image, read_image, write_image
from sfin.inference import enhance
from sfin.networks.build import build_network, save_weights

SETTINGS = {"channels": 4, "pairs": 1, "input_scale": 255.0}


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    metadata = {
        "method": "sfin", "network": SETTINGS, "mode": "haadf", "image_size": 48,
        "scale": "test", "seed": 1, "dataset": "sfin", "task": "enhancement",
    }  # fmt: skip
    save_weights(path, build_network("sfin", SETTINGS), metadata)
    return path


def recorded(path, gain=1.0, offset=0.0, shape=(70, 90)):
    counts = np.random.default_rng(0).random(shape).astype(np.float32)
    write_image(path, Image(counts * gain + offset, 0.1, path.stem, {}))
    return path


def test_enhanced_image_keeps_shape_and_pixel_size(tmp_path, weights):
    path = recorded(tmp_path / "a.tif")
    image, enhanced, note = enhance_file(path, weights, "haadf")
    assert image.data.shape == enhanced.data.shape == (70, 90)
    assert enhanced.pixel_size == pytest.approx(0.1)
    assert "scale test" in note


def test_enhancement_follows_the_counts_of_the_detector(tmp_path, weights):
    first = enhance_file(recorded(tmp_path / "a.tif"), weights, "haadf")[1].data
    second = enhance_file(
        recorded(tmp_path / "b.tif", gain=1000, offset=500), weights, "haadf"
    )[1].data
    assert second == pytest.approx(first * 1000 + 500, rel=1e-2, abs=5)


def test_files_are_written_and_read_back(tmp_path, weights):
    found = enhance_file(recorded(tmp_path / "a.tif"), weights, "haadf")
    names = ["e.tif", "e.hspy", "e.png", "e.comparison.png"]
    tif, hspy, *pictures = (tmp_path / name for name in names)
    write_enhanced(*found, [tif, hspy], *pictures)
    for path in (tif, hspy):
        back = read_image(path)
        assert np.array_equal(back.data, found[1].data)
        assert back.pixel_size == pytest.approx(0.1)
    assert tifffile.imread(tif).dtype == np.float32
    noted = f"{found[2]} {CAVEAT}"
    with tifffile.TiffFile(tif) as file:
        assert file.imagej_metadata["Info"].startswith(noted)
    assert read_image(hspy).metadata["metadata"]["General"]["notes"] == noted
    assert all((tmp_path / name).stat().st_size > 500 for name in names)


def test_grey_levels_lead_back_to_counts(tmp_path, weights):
    path = recorded(tmp_path / "a.tif", gain=1000, offset=500)
    opened = open_image(path, weights, "haadf")
    answer = enhance(opened.network, opened.grey, opened.tile)
    made = opened.in_counts(answer), opened.note, [tmp_path / "e.tif"]
    pictures = tmp_path / "e.png", tmp_path / "e.comparison.png"
    write_enhanced(opened.image, *made, *pictures, opened.in_grey_levels(answer))
    assert tifffile.imread(tmp_path / "e.tif").dtype == np.uint8
    grey = read_image(tmp_path / "e.tif").data
    assert np.array_equal(grey, np.rint(answer.clip(0, 255)))
    with tifffile.TiffFile(tmp_path / "e.tif") as file:
        info = file.imagej_metadata["Info"]
    offset, gain = re.search(r"(\S+) \+ (\S+) × grey level", info).groups()
    inside = (answer > 0) & (answer < 255)
    counts = float(offset) + float(gain) * grey
    error = np.abs(counts - made[0].data)[inside]
    assert inside.any()
    assert error.max() <= 0.51 * float(gain)


def test_weights_of_another_mode_are_refused(tmp_path, weights):
    path = recorded(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"trained on haadf images and .* is bf"):
        enhance_file(path, weights, "bf")
