import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from samples import ROOT, noise, spread_noise

from sfin import calibrated_datasets
from sfin.calibrated_datasets import calibrate_pairs, summary, write_calibrated_dataset
from sfin.calibrated_samples import read_samples
from sfin.calibration import PatchCalibration, calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.datasets import Pairs
from sfin.errors import InputError
from sfin.figures.figure8 import draw, figure8
from sfin.noise import NoiseSettings, add_noise
from sfin.noise_curves import Curve
from sfin.parameters import PARAMETER_NAMES
from sfin.realism import table2, table3
from sfin.realism_tables import (
    caption2,
    caption3,
    write_table2,
    write_table3,
)
from sfin.scan_trends import band, measure_trend
from sfin.similarity import EPSILON, compare, histograms, kl_divergence, r_squared

PAPER_VALUES = ROOT / "resources/paper_values.csv"
SETTINGS = CalibrationSettings()


def lattice(spacing=32, sigma=6.0, size=256):
    """Make a square lattice of Gaussian atoms, 0 to 1."""
    pixel = np.arange(size)
    centres = np.arange(0, size + spacing, spacing)[:, None]
    rows = np.exp(-((pixel - centres) ** 2) / 2 / sigma**2).sum(axis=0)
    return (np.outer(rows, rows) / rows.max() ** 2).astype(np.float32)


def noisy_images(number, parameters, size=256, mode_seed=0):
    """Draw noisy lattices as a dataset holds them."""
    images = [
        add_noise(
            lattice(size=size),
            parameters,
            NoiseSettings(),
            np.random.default_rng([mode_seed, index]),
        )
        for index in range(number)
    ]
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def pairs(noisy):
    return Pairs(*[noisy] * 5, drawn={}, attributes={})


def draws(mode, number, seed):
    generator = np.random.default_rng(seed)
    drawn = [asdict(spread_noise(mode).draw(generator)) for _ in range(number)]
    return pd.DataFrame(drawn)


def write_real(folder, mode, number, seed=0):
    path = folder / f"real_{mode}.csv"
    table = draws(mode, number, seed)
    given = {"image": "first", "mode": mode, "used": True, "warnings": ""}
    given["shipped"] = False
    extra = draws(mode, 1, seed + 1).assign(**given | {"image": "x", "used": False})
    pd.concat([table.assign(**given), extra]).to_csv(path, index=False)
    return path


def write_dataset(folder, name, mode, number, seed=1, **changes):
    path = folder / f"{name}_{mode}.csv"
    given = {
        "dataset": name,
        "mode": mode,
        "image": np.arange(number),
        "scale": "test",
        "seed": 3,
        "problem": "",
        "estimator": "paper",
        "patch_size": 128,
        "real_patch_size": 256,
    }
    draws(mode, number, seed).assign(**given | changes).to_csv(path, index=False)
    return path


@pytest.fixture
def all_samples(tmp_path):
    real = [write_real(tmp_path, mode, 20) for mode in ("bf", "haadf")]
    datasets = [
        write_dataset(tmp_path, name, mode, 50, seed)
        for seed, (name, mode) in enumerate(
            [
                ("sfin", "bf"),
                ("sfin", "haadf"),
                ("gan", "haadf"),
                ("temimagenet", "haadf"),
            ],
            start=1,
        )
    ]
    return read_samples(real, datasets)


def test_identical_samples_are_alike(generator):
    values = generator.normal(size=40)
    found = compare(values, values[::-1].copy())
    assert found.kl_divergence == pytest.approx(0, abs=1e-12)
    assert found.r_squared == pytest.approx(1)
    assert found.wasserstein == pytest.approx(0, abs=1e-12)
    assert found.ks_p_value == pytest.approx(1)
    assert found.reason == ""


def test_samples_that_do_not_meet_saturate(generator):
    real = generator.normal(0, 0.1, 20)
    found = compare(real, generator.normal(100, 0.1, 50))
    assert found.kl_divergence == pytest.approx(-np.log(EPSILON), rel=1e-3)
    # Two narrow peaks apart: twice the variance of one, and a little more.
    assert found.r_squared == pytest.approx(1 - 2 / 0.9)
    assert compare(real, real + 100, epsilon=1e-4).kl_divergence < 10


def test_divergence_is_that_of_its_formula():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert kl_divergence(p, q) == pytest.approx(np.log(2))
    # The other direction meets an empty bin.
    assert kl_divergence(q, p) > 10
    assert r_squared(p, q) == pytest.approx(1 - 0.375 / (0.5 - 1 / 3))


def test_histograms_share_their_bins():
    p, q = histograms(np.array([0.0, 1.0]), np.array([9.0, 10.0]), 10)
    assert p.sum() == q.sum() == 1
    assert p[0] == p[1] == 0.5
    assert q[9] == 1
    assert len(p) == 10


def test_measures_do_not_depend_on_units(generator):
    real, synthetic = generator.normal(3, 1, 30), generator.normal(3.5, 2, 80)
    one = asdict(compare(real, synthetic))
    other = asdict(compare(1000 * real - 7, 1000 * synthetic - 7))
    one.pop("reason"), other.pop("reason")
    assert other == pytest.approx(one)


def test_wasserstein_counts_standard_deviations(generator):
    real = generator.normal(3, 2, 50)
    shift = 4 * real.std(ddof=1)
    assert compare(real, real + shift).wasserstein == pytest.approx(4)


@pytest.mark.parametrize(
    ("real", "synthetic", "reason"),
    [
        ([1.0], [1.0, 2.0], "1 real patch"),
        ([2.0, 2.0, 2.0], [1.0, 2.0], "the same in all real patches"),
        ([1.0, 2.0], [], "no synthetic image could be calibrated"),
    ],
)
def test_nothing_to_compare_has_a_reason(real, synthetic, reason):
    found = asdict(compare(np.array(real), np.array(synthetic)))
    assert reason in found.pop("reason")
    assert np.isnan(list(found.values())).all()


def test_flat_real_histogram_has_no_r_squared():
    found = compare(np.arange(10.0), np.arange(10.0) ** 2 / 9)
    assert np.isnan(found.r_squared)
    assert found.kl_divergence > 0
    assert "flat" in found.reason


def test_constant_synthetic_parameter_is_compared(generator):
    found = compare(generator.normal(size=20), np.zeros(30))
    assert found.kl_divergence > 1
    assert found.wasserstein > 0.1


@pytest.mark.parametrize("estimator", ["paper", "debiased"])
def test_dataset_is_calibrated_as_real_images_are(estimator):
    settings = replace(SETTINGS, estimator=estimator)
    noisy = noisy_images(2, noise())
    origin = {"dataset": "sfin", "scale": "test", "seed": 3}
    table = calibrate_pairs(pairs(noisy), "haadf", settings, origin)
    assert list(table["image"]) == [0, 1]
    for patch, row in zip(noisy, table.itertuples(), strict=True):
        (found,) = calibrate(patch.astype(np.float32), "haadf", settings)
        for name in PARAMETER_NAMES:
            assert getattr(row, name) == getattr(found.parameters, name)
    assert set(table["estimator"]) == {estimator}


def test_image_that_cannot_be_calibrated_keeps_its_row():
    noisy = noisy_images(3, noise())
    noisy[1] = 90
    origin = {"dataset": "sfin", "scale": "test", "seed": 3}
    settings = replace(SETTINGS, estimator="paper")
    table = calibrate_pairs(pairs(noisy), "haadf", settings, origin)
    assert list(table["image"]) == [0, 1, 2]
    assert (table["problem"] != "").tolist() == [False, True, False]
    assert table.loc[1, list(PARAMETER_NAMES)].isna().all()
    assert table.loc[[0, 2], list(PARAMETER_NAMES)].notna().all(axis=None)
    assert "too little contrast" in table.loc[1, "problem"]
    assert "1 images: " in summary(table)


def test_image_smaller_than_a_patch_is_a_patch_of_its_own(tmp_path):
    origin = {"dataset": "sfin", "scale": "test", "seed": 3}
    noisy = noisy_images(2, noise(), size=128)
    table = calibrate_pairs(pairs(noisy), "haadf", SETTINGS, origin)
    assert len(table) == 2
    assert set(table["patch_size"]) == {128}
    assert set(table["real_patch_size"]) == {256}
    write_calibrated_dataset(tmp_path / "d.csv", table)
    samples = read_samples([write_real(tmp_path, "haadf", 5)], [tmp_path / "d.csv"])
    text = caption2(samples, "1.0")
    assert "128 × 128 pixels, real ones of 256 × 256" in text


def test_uncalibrated_images_are_counted(tmp_path):
    problem = ["too flat", "too flat", "", ""]
    missing = {name: [np.nan, np.nan, 1.0, 2.0] for name in PARAMETER_NAMES}
    path = write_dataset(tmp_path, "sfin", "haadf", 4, problem=problem, **missing)
    samples = read_samples([write_real(tmp_path, "haadf", 5)], [path])
    assert (samples[0].images, samples[0].left_out) == (2, 2)
    assert "2 of 4 could not be calibrated" in caption2(samples, "1.0")
    table = table2(samples, PAPER_VALUES)
    values = table[(table["dataset"] == "sfin") & (table["parameter"] == "scan_slope")]
    assert values["value"].tolist() == [1.5]
    assert values["left_out"].tolist() == [2]


def test_only_used_real_patches_count(tmp_path):
    path = write_real(tmp_path, "haadf", 5)
    (sample,) = read_samples([path], [])
    assert len(sample.values) == 5
    assert (sample.images, sample.left_out) == (1, 1)


def test_table2_gives_extremes_and_means(tmp_path):
    real = write_real(tmp_path, "bf", 20)
    table = table2(
        read_samples([real], [write_dataset(tmp_path, "sfin", "bf", 50)]), PAPER_VALUES
    )
    raw = pd.read_csv(tmp_path / "sfin_bf.csv")
    goal = draws("bf", 20, 0)
    rows = table[table["dataset"] == "sfin"].set_index(["parameter", "statistic"])
    # The brightest atoms of BF are the darkest: the signed minimum.
    lowest = rows.loc["atom_brightness", "min"]
    assert lowest["value"] == pytest.approx(raw["atom_brightness"].min())
    assert lowest["printed"] == pytest.approx(-raw["atom_brightness"].min())
    assert lowest["difference"] == pytest.approx(
        goal["atom_brightness"].min() - raw["atom_brightness"].min()
    )
    mean = rows.loc["scan_slope", "mean"]
    assert mean["value"] == pytest.approx(raw["scan_slope"].mean())
    assert mean["relative_difference"] == pytest.approx(
        raw["scan_slope"].mean() / goal["scan_slope"].mean() - 1
    )
    assert len(table) == 18
    assert table.loc[table["dataset"] == "real", "difference"].isna().all()


def test_paper_values_land_only_in_their_column(all_samples):
    printed = pd.read_csv(PAPER_VALUES, dtype=str)
    names = {"gan": "GAN", "temimagenet": "TEMImageNet", "sfin": "Ours", "real": "Real"}
    second, third = (
        table2(all_samples, PAPER_VALUES),
        table3(all_samples, PAPER_VALUES),
    )
    for artifact, table, columns in (
        ("Table 2", second, ["paper"]),
        ("Table 3", third, ["paper_kl_divergence", "paper_r_squared"]),
    ):
        rows = printed[printed["artifact"] == artifact]
        assert table[columns].notna().all(axis=None)
        assert table[columns].size == len(rows)
        for (mode, dataset), group in table.groupby(["mode", "dataset"]):
            own = rows[
                (rows["mode"] == mode.upper()) & (rows["dataset"] == names[dataset])
            ]
            found = sorted(group[columns].to_numpy().ravel())
            assert found == sorted(own["value"].astype(float))
    # One by one, where two could be mixed up.
    ours = second[(second["dataset"] == "sfin") & (second["mode"] == "haadf")]
    assert ours["paper"].tolist() == [
        *(63.12, 231.84, 10.05, 54.33),
        *(0.11, 4.73, 0.08, 11.01, 0.21),
    ]
    ours = third[(third["dataset"] == "sfin") & (third["mode"] == "haadf")]
    assert ours["paper_kl_divergence"].tolist() == [
        *(1.26, 2.25, 2.99, 1.55, 0.06, 0.2, 2.17)
    ]


def test_no_paper_value_changes_what_is_measured(all_samples, tmp_path):
    values = pd.read_csv(PAPER_VALUES, dtype=str)
    other = tmp_path / "none.csv"
    values[values["artifact"] == "Table 1"].to_csv(other, index=False)
    for make in (table2, table3):
        with_paper, without = make(all_samples, PAPER_VALUES), make(all_samples, other)
        columns = [name for name in with_paper if name.startswith("paper")]
        assert without[columns].isna().all(axis=None)
        pd.testing.assert_frame_equal(
            with_paper.drop(columns=columns), without.drop(columns=columns)
        )


def test_tables_are_written_in_all_formats(all_samples, tmp_path):
    second, third = (make(all_samples, PAPER_VALUES) for make in (table2, table3))
    write_table2(second, tmp_path / "table2", caption2(all_samples, "1.0"))
    write_table3(third, tmp_path / "table3", caption3(all_samples, third, "1.0"))
    for name, rows in (("table2", 18), ("table3", 14)):
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        assert len(lines) == rows + 4
        assert len({line.count("|") for line in lines[2:]}) == 1
        for word in ("scale test", "seed 3", "sfin 1.0", "20 patches", "50 images"):
            assert word in lines[0], word
        tex = (tmp_path / f"{name}.tex").read_text()
        # Signs that the fonts of LaTeX lack are written as commands.
        assert set(re.findall(r"[^\x00-\x7f]", tex)) == set()
        assert pd.read_csv(tmp_path / f"{name}.csv").shape[0] > rows
    lines = (tmp_path / "table2.md").read_text().splitlines()
    heads = lines[2]
    places = [heads.index(name) for name in ("GAN", "TEMImageNet", "SFIN", "Real")]
    assert places == sorted(places)
    assert "SFIN data: paper Ours" in heads
    assert "Real images: paper Real (GT)" in heads
    # Datasets without BF images have empty cells there, and are never bold.
    bf = next(line for line in lines if line.startswith("| BF scan noise, k"))
    assert bf.count("–") == 6
    assert "**" not in bf
    # One of the three datasets is the closest.
    haadf = next(line for line in lines if line.startswith("| HAADF scan noise, k"))
    assert haadf.count("**") == 2
    text = (tmp_path / "table3.md").read_text()
    assert "10 bins" in text
    assert "1e-10" in text


def test_tables_survive_one_real_patch(tmp_path):
    samples = read_samples(
        [write_real(tmp_path, "haadf", 1)],
        [write_dataset(tmp_path, "sfin", "haadf", 9)],
    )
    second, third = (make(samples, PAPER_VALUES) for make in (table2, table3))
    assert second["value"].notna().all()
    assert third["kl_divergence"].isna().all()
    text = caption3(samples, third, "1.0")
    assert "all parameters (1 real patch: two are needed" in text
    write_table3(third, tmp_path / "table3", text)
    write_table2(second, tmp_path / "table2", caption2(samples, "1.0"))
    assert "| – | – | – | 1.26 | 0.22 |" in (tmp_path / "table3.md").read_text()


def test_samples_that_cannot_be_compared_are_refused(tmp_path):
    real = write_real(tmp_path, "haadf", 5)
    ours = write_dataset(tmp_path, "sfin", "haadf", 5)
    with pytest.raises(InputError, match="two calibrations of sfin haadf"):
        read_samples([real], [ours, ours])
    with pytest.raises(InputError, match="sfin haadf has no real images"):
        read_samples([], [ours])
    other = write_dataset(tmp_path, "gan", "haadf", 5, estimator="debiased")
    with pytest.raises(InputError, match="different estimators"):
        read_samples([real], [ours, other])
    with pytest.raises(InputError, match="is no calibration"):
        read_samples([PAPER_VALUES], [])


def scan_trend(slope, intercept):
    """Measure lattices with much scan noise and hardly any other."""
    quiet = noise(
        pointwise_slope=0.0,
        pointwise_intercept=1.0,
        scan_slope=slope,
        scan_intercept=intercept,
    )
    return measure_trend("sfin", "haadf", noisy_images(12, quiet), SETTINGS)


@pytest.fixture(scope="module")
def trend():
    return scan_trend(0.12, 3.0)


@pytest.mark.parametrize(("slope", "intercept"), [(0.12, 3.0), (0.2, 3.0), (0.12, 8.0)])
def test_figure8_recovers_the_injected_line(slope, intercept):
    found = scan_trend(slope, intercept)
    fitted = found.line()
    assert fitted[0] * 60 + fitted[1] == pytest.approx(slope * 60 + intercept, rel=0.15)
    # The blurs spread noise from steep places to flat ones: the line is less steep.
    assert fitted[0] == pytest.approx(0.78 * slope, rel=0.1)
    assert fitted[2] > 0.9
    assert found.patches == 12


def test_figure8_sees_scan_noise_that_does_not_follow_the_gradient():
    level = noise(pointwise_intercept=1.0, scan_slope=0.0, scan_intercept=9)
    found = measure_trend("sfin", "haadf", noisy_images(6, level), SETTINGS)
    assert abs(found.line()[0]) < 0.04


def test_flat_patches_are_counted_not_drawn(trend):
    flat = np.full((256, 256), 90, np.uint8)
    images = [*noisy_images(2, noise()), flat]
    found = measure_trend("sfin", "haadf", images, SETTINGS)
    assert (found.patches, found.left_out) == (2, 1)
    with pytest.raises(InputError, match="no patch of sfin haadf"):
        measure_trend("sfin", "haadf", [flat], SETTINGS)


def test_band_is_taken_level_by_level():
    count = np.ones(3)
    curves = [
        Curve(np.array([10.2, 11.5, 12.9]), np.array([1.0, 2.0, 3.0]), count),
        Curve(np.array([11.1, 12.1, 40.5]), np.array([4.0, 5.0, 6.0]), count),
    ]
    found = band(curves, 1.0)
    assert found.level.tolist() == [10.5, 11.5, 12.5, 40.5]
    assert found.median.tolist() == [1.0, 3.0, 4.0, 6.0]
    assert (found.low <= found.median).all()
    # A level of one patch in ten is left out.
    rare = [*[curves[0]] * 9, curves[1]]
    assert band(rare, 1.0).level.tolist() == [10.5, 11.5, 12.5]


def test_figure8_has_a_panel_per_dataset(trend, tmp_path):
    trends = [
        trend,
        replace(trend, dataset="gan"),
        replace(trend, dataset="real"),
        replace(trend, dataset="sfin", mode="bf"),
        replace(trend, dataset="real", mode="bf", patches=1),
    ]
    figure = draw(trends, "note")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 5
    # Pixel values stand below the lowest panel of each column, and nowhere else.
    assert sum(axes.get_xlabel() != "" for axes in shown) == 3
    # The curves are explained once, beside the panels where there is room.
    legends = [axes for axes in shown if axes.get_legend()]
    assert (len(figure.legends), len(legends)) == (1, 0)
    only = draw(trends[:3], "note")
    legends = [axes for axes in only.axes if axes.get_legend()]
    assert (len(only.legends), len(legends)) == (0, 1)
    assert "is raw" not in figure8(
        trends, {"scale": "test", "seed": 3}, tmp_path / "raw", "1.0"
    )
    flagged = [replace(trend, flagged=trend.dataset == "real") for trend in trends]
    given = {"scale": "test", "seed": 3}, tmp_path / "flagged", "1.0"
    assert "No real image of HAADF and BF is raw" in figure8(flagged, *given)
    text = figure8(trends, {"scale": "test", "seed": 3}, tmp_path / "figure8", "1.0")
    again = figure8(trends, {"scale": "test", "seed": 3}, tmp_path / "again", "1.0")
    assert text == again
    for word in ("12 patches", "1 patch", "Scale test", "seed 3", "sfin 1.0"):
        assert word in text
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"figure8.{suffix}").read_bytes() == (
            tmp_path / f"again.{suffix}"
        ).read_bytes()


@pytest.mark.parametrize(
    ("name", "value"),
    [("scan_intercept", -6199.0), ("scan_slope", 7.9), ("pointwise_shape", np.nan)],
)
def test_what_no_noise_can_be_is_not_counted(monkeypatch, name, value):
    found = replace(noise(), **{name: value})
    patches = [PatchCalibration(0, 0, found, None)]
    monkeypatch.setattr(calibrated_datasets, "calibrate", lambda *_: patches)
    noisy = np.zeros((2, 64, 64), np.uint8)
    origin = {"dataset": "gan", "scale": "test", "seed": 1}
    table = calibrate_pairs(pairs(noisy), "haadf", SETTINGS, origin)
    assert table[list(PARAMETER_NAMES)].isna().all(axis=None)
    assert table["problem"].str.contains(name.replace("_", " ")).all()
