from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tifffile
from samples import ROOT, SHARED, noise
from scipy.ndimage import gaussian_filter

from sfin.calibrated_images import (
    calibrate_file,
    image_parameters,
    read_calibrated_image,
    read_shipped,
    write_calibrated_image,
)
from sfin.calibration_settings import CalibrationSettings
from sfin.calibration_summary import patch_table, patches_at_hand, summarise_images
from sfin.errors import InputError
from sfin.noise import NoiseSettings, add_noise
from sfin.parameters import distrust

SETTINGS = CalibrationSettings()


def record(path, shape=(256, 512), seed=0, blur=0.0, gain=40.0, offset=1000.0):
    """Record a lattice in 16 bits."""
    rows, columns = np.indices(shape)
    atoms = np.cos(rows * 2 * np.pi / 32) + np.cos(columns * 2 * np.pi / 32)
    generator = np.random.default_rng(seed)
    atoms = (atoms / 4 + 0.5).astype(np.float32)
    image = add_noise(atoms, noise(), NoiseSettings(), generator)
    image = gaussian_filter(image, blur) if blur else image
    tifffile.imwrite(path, (image * gain + offset).clip(0).astype(np.uint16))
    return path


def calibrated(path, name="a", **changes):
    return calibrate_file(
        path, name, "haadf", CalibrationSettings(**vars(SETTINGS) | changes)
    )


def test_record_round_trip(tmp_path):
    found = calibrated(record(tmp_path / "a.tif"))
    write_calibrated_image(tmp_path / "a.json", found)
    assert read_calibrated_image(tmp_path / "a.json") == found
    assert len(found.patches) == 2
    assert found.shape == (256, 512)
    assert not found.warnings


def test_calibration_does_not_depend_on_gain_and_offset_of_the_detector(tmp_path):
    first = calibrated(record(tmp_path / "a.tif"))
    second = calibrated(record(tmp_path / "b.tif", gain=80.0, offset=9000.0))
    for one, other in zip(first.patches, second.patches, strict=True):
        assert vars(other.parameters) == pytest.approx(
            vars(one.parameters), rel=0.02, abs=0.02
        )


def test_filtered_image_is_flagged_and_left_out(tmp_path):
    raw = calibrated(record(tmp_path / "a.tif"), "raw")
    filtered = calibrated(record(tmp_path / "b.tif", blur=1.5), "filtered")
    assert "filtered, averaged or resampled" in filtered.warnings[0]
    summary = summarise_images("haadf", [raw, filtered])
    assert summary.images == ("raw",)
    table = patch_table([raw, filtered])
    assert list(table["used"]) == [True, True, False, False]
    assert isinstance(table, pd.DataFrame)


def test_image_unlike_all_others_is_left_out(tmp_path):
    records = [
        calibrated(record(tmp_path / f"{seed}.tif", seed=seed), f"image {seed}")
        for seed in range(5)
    ]
    patch = records[0].patches[0]
    wild = replace(patch.parameters, pointwise_intercept=400.0)
    broken = replace(
        records[0], image="broken", patches=(replace(patch, parameters=wild),)
    )
    summary = summarise_images("haadf", [*records, broken])
    assert summary.images == tuple(f"image {seed}" for seed in range(5))


def test_standard_errors_of_an_image_are_those_of_its_patches(tmp_path):
    two = calibrated(record(tmp_path / "a.tif"))
    mean, errors = image_parameters(two)
    first, second = (patch.parameters.scan_slope for patch in two.patches)
    assert mean.scan_slope == pytest.approx((first + second) / 2)
    assert errors.scan_slope == pytest.approx(abs(first - second) / 2)
    one = replace(two, patches=two.patches[:1])
    assert image_parameters(one)[1] == two.patches[0].standard_errors


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda image: image.T, "fast scan seems to run along the columns"),
        (lambda image: np.minimum(image, np.percentile(image, 90)), "saturated"),
        (lambda image: gaussian_filter(image, 1.5), "filtered"),
        (
            lambda image: np.random.default_rng(0).normal(9e3, 900, image.shape),
            "no atoms",
        ),
    ],
)
def test_images_that_cannot_be_calibrated_are_flagged(tmp_path, spoil, words):
    image = tifffile.imread(record(tmp_path / "a.tif", shape=(512, 512)))
    assert not calibrated(tmp_path / "a.tif").warnings
    np.save(tmp_path / "b.npy", spoil(image.astype(np.float32)))
    assert words in " ".join(calibrated(tmp_path / "b.npy").warnings)


def test_flagged_images_are_used_where_there_are_no_others(tmp_path):
    filtered = calibrated(record(tmp_path / "b.tif", blur=1.5), "filtered")
    summary = summarise_images("haadf", [filtered])
    assert summary.images == ("filtered",)
    said = distrust("haadf", summary.warnings)
    assert said.startswith(" HAADF rests on noise that is not to be trusted (filtered:")
    assert patch_table([filtered])["used"].all()


def test_noise_that_ships_stands_for_that_of_flagged_images_alone(tmp_path):
    raw = calibrated(record(tmp_path / "a.tif"), "raw")
    filtered = calibrated(record(tmp_path / "b.tif", blur=1.5), "filtered")
    shipped = read_shipped(ROOT / "resources/calibration/haadf.json")
    summary = summarise_images("haadf", [filtered], shipped)
    assert summary.images == tuple(each.image for each in shipped)
    assert "11 raw images that come with sfin" in distrust("haadf", summary.warnings)
    assert summary.mean == summarise_images("haadf", shipped).mean
    assert summarise_images("haadf", [raw, filtered], shipped).images == ("raw",)
    table = patch_table([filtered], shipped)
    assert list(table["used"]) == [False] * 2 + [True] * (len(table) - 2)
    assert list(table["shipped"]) == list(table["used"])
    # Only the run's own can be looked at.
    assert set(patches_at_hand(table)["image"]) == {"filtered"}
    # The very image whose calibration ships is the run's own here.
    assert not patch_table(shipped[:1], shipped)["shipped"].any()
    both = patch_table([raw, filtered], shipped)
    assert set(patches_at_hand(both)["image"]) == {"raw"}
    assert not both["shipped"].any()


def test_refusal_names_the_file(tmp_path):
    path = record(tmp_path / "small.tif", shape=(200, 300))
    with pytest.raises(InputError, match=r"small\.tif: The image is 200 × 300"):
        calibrated(path)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the real images")
@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("haadf/scilink_MoS2_001_5.tif", True),
        ("haadf/atomsegnet_Si110_5nm.png", True),
        ("haadf/ncempy_STO_Titan80kV.ser", True),
        ("haadf/scifireaders_SI_survey.dm3", True),
        ("bf/hyperspy_demos_STO_ABF_frame1.tif", True),
        ("haadf/vecmap_PZO.dm3", False),
        ("bf/vecmap_Sample_ABF.dm3", False),
    ],
)
def test_real_images_are_told_apart(name, raw):
    path = SHARED / "real_images" / name
    found = calibrate_file(path, "a", path.parent.name, SETTINGS)
    assert (not found.warnings) == raw
    for patch in found.patches:
        assert all(np.isfinite(list(vars(patch.parameters).values())))
        middle = (
            patch.parameters.pointwise_slope * 128
            + patch.parameters.pointwise_intercept
        )
        assert (1 if raw else 0) < middle < 100
