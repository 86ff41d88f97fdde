import numpy as np
import pytest
from samples import noise, perovskite, synthesis_settings

from sfin.calibrated_images import CalibratedImage
from sfin.calibration import PatchCalibration
from sfin.calibration_settings import CalibrationSettings
from sfin.image_quality import ImageQuality
from sfin.remeasurement import remeasure, summarise_remeasurement

SETTINGS = synthesis_settings(64)


def calibrated(name, mode="haadf", warnings=()):
    return CalibratedImage(
        image=name,
        mode=mode,
        pixel_size=0.1,
        shape=(256, 256),
        quality=ImageQuality(0.9, 0.3, 0.0, 0.0, 30.0),
        warnings=warnings,
        patches=(PatchCalibration(0, 0, noise(mode), noise(mode)),),
        settings=CalibrationSettings(),
    )


@pytest.fixture(scope="module")
def rows():
    records = [
        calibrated("first"),
        calibrated("second", "bf"),
        calibrated("third", warnings=("filtered",)),
    ]
    return remeasure(records, [perovskite()], SETTINGS, number=8, seed=1)


def test_what_is_imitated_comes_back(rows):
    found = rows.set_index(["image", "quantity"])
    assert found["real"]["first", "scan_intercept"] == noise().scan_intercept
    for image, grey in (("first", 110), ("second", 150)):
        real, synthetic = (
            found[column][image, "pointwise_slope"] * grey
            + found[column][image, "pointwise_intercept"]
            for column in ("real", "synthetic")
        )
        assert synthetic == pytest.approx(real, rel=0.06)
        assert abs(found["error"][image, "pointwise_shape"]) < 0.05
        assert abs(found["error"][image, "atom_brightness"]) < 0.15


def test_flagged_images_are_not_imitated(rows):
    assert set(rows["image"]) == {"first", "second"}


def test_summary_is_the_median_of_the_images(rows):
    summary = summarise_remeasurement(rows).set_index(["quantity", "mode"])
    expected = abs(rows[rows["image"] == "first"].set_index("quantity")["error"])
    found = summary["error"]["remeasured_scan_slope", "haadf"]
    assert found == pytest.approx(expected["scan_slope"])
    assert summary["goal"]["remeasured_pointwise_shape", "bf"] == 0.05


def test_nothing_to_imitate_gives_an_empty_table():
    rows = remeasure([], [perovskite()], SETTINGS, number=1, seed=1)
    assert len(rows) == 0
    assert len(summarise_remeasurement(rows)) == 0
    assert np.array_equal(rows.columns[:2], ["image", "mode"])
