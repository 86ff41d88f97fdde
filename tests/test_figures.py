import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sfin.datasets import create_pairs, finish_pairs
from sfin.errors import InputError
from sfin.evaluation import Origin, evaluate_method, write_evaluation
from sfin.figures.comparison import brightness_match, comparison_figure
from sfin.figures.figure6 import (
    Source,
    busiest_region,
    compare,
    draw,
    figure6,
    median_image,
)
from sfin.figures.learning import learning_curves
from sfin.figures.style import (
    LARGEST_SHOWN,
    nice_length,
    reduced,
    show_image,
    write_figure,
)
from sfin.filters import FilterSettings
from sfin.metrics import psnr, ssim

METHODS = ["noisy", "absf", "gaussian"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figure6")
    generator = np.random.default_rng(0)
    made = []
    for mode in ("haadf", "bf"):
        path = folder / f"{mode}.zarr"
        group = create_pairs(folder / "partial", 4, 64, {}, {})
        clean = generator.integers(0, 255, (4, 8, 8)).repeat(8, 1).repeat(8, 2)
        noise = generator.normal(0, 1, clean.shape) * [[[20]], [[5]], [[30]], [[10]]]
        group["clean"][...] = group["detection"][...] = clean.astype(np.uint8)
        group["noisy"][...] = np.clip(clean + noise, 0, 255).astype(np.uint8)
        finish_pairs(folder / "partial", path)
        origin = Origin("test", "enhancement", "sfin", mode, "noisy", 5)
        scores = folder / f"{mode}.csv"
        write_evaluation(scores, evaluate_method(origin, path, None, FilterSettings()))
        made.append((origin, Source(path, scores, {})))
    return made


def all_text(figure: Figure) -> list[str]:
    texts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        texts += [axes.get_title(), *(text.get_text() for text in axes.texts)]
    return texts


def test_figure6_files_are_whole_and_the_same_again(sources, tmp_path):
    rows = [sources[1][1]]
    text = figure6(rows, ["absf"], FilterSettings(), tmp_path / "a", "1.2.3")
    again = figure6(rows, ["absf"], FilterSettings(), tmp_path / "b", "1.2.3")
    assert text == again
    for part in ("Scale test", "seed 5", "sfin 1.2.3", "SFIN data, BF: index 0 of 4"):
        assert part in text
    png = (tmp_path / "a.png").read_bytes()
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert png == (tmp_path / "b.png").read_bytes()
    assert pdf == (tmp_path / "b.pdf").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


def test_figure6_panels_and_scores(sources):
    items = [
        compare(source, origin, 1, METHODS, FilterSettings())
        for origin, source in sources
    ]
    figure = draw(items, "caption")
    # Per row: every method and the clean image, whole and enlarged.
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 2 * 2 * (len(METHODS) + 1)
    texts = all_text(figure)
    for title in ("Noisy", "ABSF", "Gaussian", "Clean", "SFIN data, HAADF"):
        assert title in texts
    for item in items:
        for image in item.restored.values():
            scores = f"{psnr(image, item.clean):.2f} / {ssim(image, item.clean):.4f}"
            assert scores in texts
    # The enlarged panel shows what the box on the whole one encloses.
    whole, enlarged = (panel.images[0].get_array() for panel in panels[:2])
    np.testing.assert_array_equal(whole[busiest_region(items[0].clean)], enlarged)
    assert {panel.images[0].get_clim() for panel in panels} == {(0, 255)}


def test_the_image_shown_is_the_median():
    assert median_image(pd.DataFrame({"image": [4, 5, 6], "psnr": [9, 1, 5]})) == 6
    even = pd.DataFrame({"image": [0, 1, 2, 3], "psnr": [20.0, np.inf, 10.0, 30.0]})
    assert median_image(even) == 0


def test_the_busiest_region_is_found_and_inside():
    image = np.zeros((64, 96), dtype=np.uint8)
    image[40:56:2, 70:86:2] = 255
    rows, columns = busiest_region(image)
    assert (rows.start, columns.start) in {
        (row, column) for row in (39, 40) for column in (69, 70)
    }
    for corner in (np.s_[:10, :10], np.s_[-10:, -10:]):
        image = np.zeros((40, 40), dtype=np.uint8)
        image[corner] = np.indices((10, 10)).sum(axis=0) % 2 * 255
        region = busiest_region(image)
        assert image[region].shape == (10, 10)
        np.testing.assert_array_equal(image[region], image[corner])


def test_figure6_names_the_weights_it_lacks(sources, tmp_path):
    with pytest.raises(InputError, match=r"'fcn'.*needs weights"):
        figure6([sources[0][1]], ["fcn"], FilterSettings(), tmp_path / "a", "1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(128, 96), (65, 200)])
def test_comparison_shows_only_noise_in_a_perfect_residual(shape):
    generator = np.random.default_rng(0)
    enhanced = generator.normal(0, 50, shape)
    noise = generator.normal(0, 2, shape)
    noisy = 0.4 * enhanced + 30 + noise
    figure = comparison_figure(noisy, enhanced, "image.dm3", 0.2, "by a test")
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 9
    residual = panels[6].images[0].get_array()
    assert residual.shape == shape
    assert np.std(residual) == pytest.approx(np.std(noise), rel=0.01)
    texts = all_text(figure)
    assert "image.dm3" in texts
    counts = r"\n−[\d.]+ to [\d.]+ counts"
    title = rf"Input − \(0\.4\d* × enhanced \+ 30.*\){counts}"
    assert any(re.fullmatch(title, text) for text in texts)


def test_comparison_says_units():
    image = np.linspace(-0.05, 35_000, 100 * 120).reshape(100, 120)
    for pixel_size, size, highest in (
        (0.127, "120 × 100 px, 0.127 Å per px", "1.5 Å⁻¹"),
        (0.5, "120 × 100 px, 0.5 Å per px", "1 Å⁻¹"),
        (None, "120 × 100 px, pixel size unknown", "0.5 px⁻¹"),
    ):
        figure = comparison_figure(image, image, "name", pixel_size)
        texts = all_text(figure)
        assert size in texts
        assert f"Power spectrum (log₁₀), to {highest}" in texts
        # The darkest and the brightest 0.2 % are beyond.
        for title in ("Input", "Enhanced"):
            assert f"{title}\n70 to 34930 counts" in texts
        assert "the counts that are black and white" in "".join(texts).replace(
            "\n", " "
        )


def test_scale_bars_are_right():
    image = np.random.default_rng(0).normal(size=(100, 100))
    for pixel_size, label, pixels in ((0.2, "5 Å", 25), (1.0, "2 nm", 20)):
        figure = comparison_figure(image, image, "name", pixel_size)
        axes = figure.axes[0]
        assert axes.texts[0].get_text() == label
        bars = [p for p in axes.patches if p.get_facecolor() == (1, 1, 1, 1)]
        assert bars[0].get_width() == pytest.approx(pixels)
    # 0.2 Å per pixel: the spectrum reaches 1.5 of its 2.5 / Å, a third is 1 / Å.
    spectrum = comparison_figure(image, image, "name", 0.2).axes[2]
    assert spectrum.texts[0].get_text() == "1 Å⁻¹"
    assert spectrum.patches[0].get_width() == pytest.approx(0.2)
    unknown = comparison_figure(image, image, "name", None)
    assert unknown.axes[0].texts[0].get_text() == "20 px"
    assert [nice_length(x) for x in (1, 1.9, 4.9, 70)] == [1, 1, 2, 50]


def test_the_spectrum_shows_a_period_where_it_is():
    column = np.arange(128)
    image = np.cos(2 * np.pi * 0.125 * column) * np.ones((128, 1))
    axes = comparison_figure(image, image, "name", None).axes[2]
    shown = np.asarray(axes.images[0].get_array())
    row, place = np.unravel_index(np.argmax(shown), shown.shape)
    left, right, _, _ = axes.images[0].get_extent()
    frequency = left + (place + 0.5) / shown.shape[1] * (right - left)
    assert abs(frequency) == pytest.approx(0.125, abs=0.01)
    assert abs(row - 64) <= 1


def test_comparison_survives_constant_images():
    flat = np.full((32, 32), 7.0)
    assert brightness_match(flat, flat) == (0.0, 7.0)
    comparison_figure(flat, flat, "flat", None)
    with pytest.raises(InputError, match="shape"):
        comparison_figure(flat, flat[1:], "flat", None)


def test_learning_curves(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(
        "epoch,loss,learning_rate,validation_psnr\n1,30,2e-4,\n2,20,2e-4,25.5\n"
    )
    figure = learning_curves({"sfin": path, "fcn": path}, "scale test")
    loss, quality, rate = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[30, 20]] * 2
    assert [list(line.get_xdata()) for line in quality.lines] == [[2]] * 2
    assert [list(line.get_ydata()) for line in rate.lines] == [[2e-4, 2e-4]] * 2
    assert [t.get_text() for t in loss.get_legend().get_texts()] == ["SFIN", "FCN"]
    write_figure(tmp_path / "learning", figure, "caption")
    with pytest.raises(InputError, match="no history"):
        learning_curves({"sfin": tmp_path / "absent.csv"})
    with pytest.raises(InputError, match="at least one"):
        learning_curves({})


def test_large_images_are_drawn_from_averages_in_their_place():
    image = np.random.default_rng(0).normal(100, 20, (4500, 300)).astype(np.float32)
    image[4400:, :] = 200
    small = reduced(image, 3)
    assert small.shape == (1500, 100)
    np.testing.assert_allclose(small[2, 5], image[6:9, 15:18].mean(), rtol=1e-5)
    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    show_image(axes, image, (0, 255))
    drawn = axes.images[0].get_array()
    assert max(drawn.shape) <= LARGEST_SHOWN
    left, right, bottom, top = axes.images[0].get_extent()
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 299.5), (4499.5, -0.5))
    # Row 4400 lies where it lay.
    row = (4400 + 0.5) / (bottom - top) * drawn.shape[0]
    assert drawn[int(row) + 1].min() == 200
    assert drawn[int(row) - 1].max() < 200
    assert (left, right) == (-0.5, 299.5)
