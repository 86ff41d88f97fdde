import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from samples import ROOT, noise

from sfin.calibrated_images import calibrate_file, write_calibrated_image
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.figures.calibrated_patch import central_patch
from sfin.figures.calibration import calibration_figure
from sfin.figures.diagnostic import diagnostic_figure, write_diagnostic
from sfin.figures.figure3 import figure3
from sfin.figures.noise_plots import GRADIENT_DIVISOR, dropped_bins
from sfin.images import read_image, to_grey_levels
from sfin.noise import NoiseSettings, add_noise
from sfin.noise_curves import Curve
from sfin.paper_estimator import decompose, estimate, noise_curves

SETTINGS = CalibrationSettings(patch_size=128)
PAPER = replace(SETTINGS, estimator="paper")


def lattice(shape=(128, 128), mode="haadf", seed=0):
    rows, columns = np.indices(shape)
    atoms = np.cos(rows * 2 * np.pi / 32) + np.cos(columns * 2 * np.pi / 32)
    atoms = (atoms / 4 + 0.5).astype(np.float32)
    generator = np.random.default_rng(seed)
    return add_noise(atoms, noise(mode), NoiseSettings(), generator)


def filtered(image):
    """Average neighbours, as a microscope's software does."""
    return (image + np.roll(image, 1, 0) + np.roll(image, 1, 1)) / 3


def calibrated(folder, name, image, mode="haadf", settings=SETTINGS):
    """Record an image and calibrate it: paths of both, and the record."""
    path = folder / f"{name}.tif"
    tifffile.imwrite(path, (image * 40 + 4000).clip(0).astype(np.uint16))
    record = calibrate_file(path, name, mode, settings)
    write_calibrated_image(folder / f"{name}.json", record)
    return path, folder / f"{name}.json", record


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def panel(figure, title):
    (axes,) = (a for a in figure.axes if a.get_title(loc="left").startswith(title))
    return axes


def line(axes, label):
    (found,) = (a for a in axes.lines if str(a.get_label()).startswith(label))
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    return found + [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_figure3_has_the_panels_of_the_paper(mode):
    figure = calibration_figure(lattice(mode=mode), mode, PAPER, "gold", 0.2, "A note")
    letters = [title[:3] for title in titles(figure) if title]
    assert "".join(sorted(letters)) == "(a)(b)(c)(d)(e)(e)(f)(g)(g)"
    assert {"gold", "A note"} <= set(texts(figure))
    assert "5 Å" in texts(figure)
    unknown = calibration_figure(lattice(mode=mode), mode, PAPER, "gold", None)
    assert "20 px" in texts(unknown)


def test_images_are_those_of_the_calibration():
    patch = lattice()
    figure = calibration_figure(patch, "haadf", PAPER, "gold", None)
    parts = decompose(patch, PAPER)
    for title, expected in {
        "(a)": patch,
        "(b)": parts.blurred,
        "(c)": parts.row_blurred,
        "(d)": parts.row_blurred - parts.blurred,
        "(f)": patch - parts.row_blurred,
    }.items():
        shown = panel(figure, title).images[0]
        np.testing.assert_allclose(shown.get_array(), expected, atol=1e-4)
        low, high = shown.get_clim()
        assert low < high
        if title in ("(d)", "(f)"):
            assert low == -high


def test_curves_are_those_of_the_calibration():
    patch = lattice()
    figure = calibration_figure(patch, "haadf", PAPER, "gold", None)
    curves = noise_curves(decompose(patch, PAPER), PAPER)
    found = estimate(patch, "haadf", PAPER)
    left = panel(figure, "(e) Scan noise and")
    right = panel(figure, "(e) Scan noise against")
    deviation, shape = panel(figure, "(g) Pointwise"), panel(figure, "(g) Shape")
    for axes, label, curve, divisor in (
        (left, "SD", curves.scan_by_grey, 1),
        (left, "gradient", curves.gradient_by_grey, GRADIENT_DIVISOR),
        (right, "SD", curves.scan_by_gradient, 1),
        (deviation, "SD", curves.pointwise_by_grey, 1),
        (shape, "λ", curves.shape_by_grey, 1),
    ):
        x, y = line(axes, label)
        np.testing.assert_allclose(x, curve.x)
        np.testing.assert_allclose(y, curve.y / divisor)
    for axes, slope, intercept in (
        (right, found.scan_slope, found.scan_intercept),
        (deviation, found.pointwise_slope, found.pointwise_intercept),
    ):
        x, y = line(axes, f"{slope:.3f}".replace("-", "−"))
        np.testing.assert_allclose(y, slope * x + intercept)
    assert line(shape, "median")[1][0] == found.pointwise_shape
    assert line(shape, "mean")[1][0] == pytest.approx(curves.shape_by_grey.y.mean())


def test_sparse_bins_are_shaded():
    def curve(*places):
        x = np.array(places)
        return Curve(x, x, x)

    everything = curve(10.2, 11.5, 12.5, 13.5, 14.1, 16.9)
    kept = curve(11.5, 12.5, 14.1)
    assert dropped_bins(everything, kept, 1.0) == [(10, 11), (13, 14), (15, 17)]
    assert dropped_bins(kept, kept, 1.0) == [(13, 14)]
    assert dropped_bins(curve(-0.5, 0.5, 1.5), curve(0.5), 1.0) == [(-1, 0), (1, 2)]

    figure = calibration_figure(lattice(), "haadf", PAPER, "gold", None)
    kept = noise_curves(decompose(lattice(), PAPER), PAPER).scan_by_gradient
    shaded = panel(figure, "(e) Scan noise against").patches
    assert max(span.get_x() + span.get_width() for span in shaded) > kept.x.max()
    for span in shaded:
        inside = (kept.x > span.get_x()) & (kept.x < span.get_x() + span.get_width())
        assert not inside.any()


@pytest.mark.parametrize("estimator", ["paper", "debiased"])
@pytest.mark.parametrize("mode", ["haadf", "bf"])
def test_diagnostic_shows_all_patches(tmp_path, mode, estimator):
    settings = replace(SETTINGS, estimator=estimator)
    image = lattice((256, 400), mode)
    path, _, record = calibrated(tmp_path, "many", image, mode, settings)
    grey, _ = to_grey_levels(read_image(path).data)
    figure = diagnostic_figure(grey, record, "A note")
    maps = [axes for axes in figure.axes if axes.images][-7:]
    for axes, name in zip(maps, vars(record.patches[0].parameters), strict=True):
        expected = [getattr(patch.parameters, name) for patch in record.patches]
        np.testing.assert_allclose(axes.images[0].get_array().ravel(), expected)
        assert axes.images[0].get_array().shape == (2, 3)
    chosen = central_patch(record)
    assert (chosen.row, chosen.column) == (0, 136)
    shown = panel(figure, "(a)").images[0].get_array()
    np.testing.assert_array_equal(shown, grey[:128, 136:264])
    found = texts(figure)
    assert f"{chosen.parameters.pointwise_intercept:.2f}" in found
    assert "Mean,\nn = 6" in found
    # The record's own line, where the paper's estimator found another.
    dashed = [
        a.get_label()
        for a in panel(figure, "(g) Pointwise").lines
        if estimator in str(a.get_label())
    ]
    assert len(dashed) == (estimator == "debiased")
    assert not any("Not to be trusted" in text for text in found)


def test_single_patch_has_no_maps(tmp_path):
    path, _, record = calibrated(tmp_path, "one", lattice())
    grey, _ = to_grey_levels(read_image(path).data)
    figure = diagnostic_figure(grey, record)
    assert not any("Mean" in text for text in texts(figure))
    assert "Shape λ" not in titles(figure)


def test_flagged_image_says_so_in_red(tmp_path):
    path, _, record = calibrated(tmp_path, "flagged", filtered(lattice((256, 256))))
    assert record.warnings
    grey, _ = to_grey_levels(read_image(path).data)
    figure = diagnostic_figure(grey, record)
    assert any(f"{record.quality.white_noise:.2f}" in text for text in texts(figure))
    (warning,) = (t for t in figure.texts if "Not to be trusted" in t.get_text())
    said = " ".join(warning.get_text().split())
    assert all(sentence in said for sentence in record.warnings)
    assert warning.get_color() == "#e4002b"


def test_diagnostic_refuses_another_image_and_an_empty_record(tmp_path):
    path, json_path, record = calibrated(tmp_path, "one", lattice())
    other, _, _ = calibrated(tmp_path, "other", lattice((128, 140)))
    with pytest.raises(InputError, match=r"other\.tif is 128 × 140 .*calibrate it"):
        write_diagnostic(other, json_path, tmp_path / "a", "1")
    assert not (tmp_path / "a.png").exists()
    with pytest.raises(InputError, match="No patch of one"):
        central_patch(replace(record, patches=()))
    assert path.exists()


def test_figure3_shows_the_first_trusted_image(tmp_path):
    flagged, good, later = (
        calibrated(tmp_path, name, image)[:2]
        for name, image in (
            ("flagged", filtered(lattice((256, 256)))),
            ("good", lattice()),
            ("later", lattice(seed=1)),
        )
    )
    images, records = zip(flagged, good, later, strict=True)
    caption = figure3(images, records, tmp_path / "a", "1.2.3")
    again = figure3(images, records, tmp_path / "b", "1.2.3")
    assert caption == again
    for part in ("HAADF image good (the first trusted", "sfin 1.2.3", "No scale"):
        assert part in caption
    for suffix, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        content = (tmp_path / f"a.{suffix}").read_bytes()
        assert content.startswith(start)
        assert content == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()
    alone = figure3(flagged[:1], flagged[1:], tmp_path / "c", "1")
    assert "no HAADF image is trusted; this one: filtered" in alone
    with pytest.raises(InputError, match="no calibrated image"):
        figure3([], [], tmp_path / "d", "1")


def test_diagnostic_files_are_the_same_again(tmp_path):
    path, json_path, _ = calibrated(tmp_path, "one", lattice((128, 256)))
    caption = write_diagnostic(path, json_path, tmp_path / "a", "1.2.3")
    write_diagnostic(path, json_path, tmp_path / "b", "1.2.3")
    assert "128 × 256 image, from row 0, column 0" in caption
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert not (tmp_path / "a.pdf").exists()


def test_benchmark_ends_with_its_figures():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/calibration.py", "--quick"],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["ratio"] > 0
    assert figures["milliseconds_256"] > 0
