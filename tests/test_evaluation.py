from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfin.datasets import create_pairs, finish_pairs
from sfin.errors import InputError
from sfin.evaluation import (
    Origin,
    evaluate,
    evaluate_method,
    read_evaluation,
    restorer,
    write_evaluation,
)
from sfin.filters import FilterSettings, Gaussian, gaussian
from sfin.metrics import psnr, quantise, ssim

ORIGIN = Origin("test", "enhancement", "sfin", "haadf", "noisy", 3)


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(0)
    clean = generator.integers(20, 220, (3, 4, 4)).repeat(6, 1).repeat(6, 2)
    noisy = np.clip(clean + generator.normal(0, 15, clean.shape), 0, 255)
    return noisy.astype(np.uint8), clean.astype(np.uint8)


@pytest.fixture(scope="module")
def pairs(images, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "test.zarr"
    group = create_pairs(path.with_suffix(".partial"), 3, 24, {}, {"seed": 3})
    group["noisy"][...], group["clean"][...] = images
    group["detection"][...] = 255 - images[1]
    finish_pairs(path.with_suffix(".partial"), path)
    return path


def test_untouched_images_score_as_themselves(images):
    noisy, clean = images
    scores = evaluate(lambda image: image, noisy, clean)
    assert list(scores["image"]) == [0, 1, 2]
    for row, image, reference in zip(scores.itertuples(), noisy, clean, strict=True):
        assert row.psnr == psnr(image, reference)
        assert row.ssim == ssim(image, reference)
        assert row.squared_error == pytest.approx(
            255**2 * 10 ** (-row.psnr / 10), rel=1e-12
        )


def test_perfect_restoration_is_infinite(images):
    noisy, clean = images
    scores = evaluate(lambda _: clean.astype(np.float32), noisy, clean)
    assert (scores["psnr"] == np.inf).all()
    assert (scores["squared_error"] == 0).all()
    np.testing.assert_allclose(scores["ssim"], 1)


def test_scores_are_of_8_bits_and_the_squared_error_is_not(images):
    noisy, clean = images
    scores = evaluate(lambda _: clean + np.float32(0.9), noisy, clean)
    assert (scores["psnr"] == np.inf).all()
    np.testing.assert_allclose(scores["squared_error"], 0.81, rtol=1e-3)


def test_images_reach_the_method_as_grey_levels(images):
    noisy, clean = images

    def restore(image):
        assert image.dtype == np.float32
        np.testing.assert_array_equal(image, noisy)
        return image

    evaluate(restore, noisy, clean)


def test_a_method_of_another_shape_is_refused(images):
    noisy, clean = images
    with pytest.raises(InputError, match="shape"):
        evaluate(lambda image: image[:, ::2], noisy, clean)


def test_a_filter_and_the_columns_before_its_scores(images, pairs):
    noisy, clean = images
    settings = FilterSettings(gaussian=Gaussian(deviation=1.0))
    origin = Origin("test", "enhancement", "sfin", "bf", "gaussian", 3)
    scores = evaluate_method(origin, pairs, None, settings)
    blurred = quantise(gaussian(noisy[1].astype(np.float32), settings.gaussian))
    assert scores["psnr"][1] == psnr(blurred, clean[1])
    assert list(scores.columns[:6]) == [
        "scale",
        "task",
        "dataset",
        "mode",
        "method",
        "seed",
    ]
    assert (scores["mode"] == "bf").all()


def test_detection_is_scored_against_dots(images, pairs):
    noisy, clean = images
    origin = Origin("test", "detection", "sfin", "haadf", "noisy", 3)
    scores = evaluate_method(origin, pairs, None, FilterSettings())
    assert scores["psnr"][0] == psnr(noisy[0], 255 - clean[0])
    origin = Origin("test", "dots", "sfin", "haadf", "noisy", 3)
    with pytest.raises(InputError, match="no task 'dots'"):
        evaluate_method(origin, pairs, None, FilterSettings())


def test_files_keep_every_digit(pairs, tmp_path):
    scores = evaluate_method(ORIGIN, pairs, None, FilterSettings())
    scores.loc[2, "psnr"] = np.inf
    path = tmp_path / "deeper" / "noisy.csv"
    write_evaluation(path, scores)
    origin, read = read_evaluation(path)
    assert origin == ORIGIN
    pd.testing.assert_frame_equal(read, scores[list(read.columns)], check_exact=True)
    assert [file.name for file in path.parent.iterdir()] == ["noisy.csv"]


def test_a_file_of_something_else_is_refused(pairs, tmp_path):
    path = tmp_path / "other.csv"
    with pytest.raises(InputError, match=r"other\.csv"):
        read_evaluation(path)
    path.write_text("image,psnr\n0,30\n")
    with pytest.raises(InputError, match="no evaluation"):
        read_evaluation(path)
    scores = evaluate_method(ORIGIN, pairs, None, FilterSettings())
    scores.loc[1, "method"] = "absf"
    write_evaluation(path, scores)
    with pytest.raises(InputError, match="2 origins"):
        read_evaluation(path)


def test_networks_need_their_own_weights(images, tmp_path):
    torch = pytest.importorskip("torch")
    from sfin.networks.build import build_network, save_weights

    with pytest.raises(InputError, match="needs weights"):
        restorer("fcn", None, FilterSettings())
    torch.manual_seed(0)
    settings = {"width": 4}
    network = build_network("atomsegnet", settings)
    weights = tmp_path / "weights.safetensors"
    metadata = {"method": "atomsegnet", "network": settings, "image_size": 24}
    save_weights(weights, network, metadata)
    with pytest.raises(InputError, match="holds a network 'atomsegnet', not 'fcn'"):
        restorer("fcn", weights, FilterSettings())
    noisy, _ = images
    restored = restorer("atomsegnet", weights, FilterSettings())(
        noisy.astype(np.float32)
    )
    assert restored.shape == noisy.shape
    with torch.inference_mode():
        batch = torch.from_numpy(noisy[:, None].astype(np.float32))
        expected = network.eval()(batch)[:, 0].numpy()
    np.testing.assert_allclose(restored, expected, rtol=1e-3, atol=1e-2)
