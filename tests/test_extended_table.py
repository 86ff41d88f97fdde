import numpy as np
import pandas as pd
import pytest

from sfin.datasets import create_pairs, finish_pairs, load_pairs
from sfin.errors import InputError
from sfin.evaluation import Origin, write_evaluation
from sfin.extended_evaluation import evaluate_extended
from sfin.extended_table import (
    caption,
    extended_table,
    margins,
    processor_times,
    write_table,
)
from sfin.filters import FilterSettings
from sfin.metrics import psnr
from sfin.networks.build import build_network, save_weights
from sfin.rivals import ExtendedSettings

SIZE = 48


def origin(method, mode="haadf"):
    return Origin("test", "enhancement", "sfin", mode, method, 3)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    generator = np.random.default_rng(0)
    down, right = np.mgrid[:SIZE, :SIZE]
    atoms = np.exp(-(((down % 16 - 8) ** 2 + (right % 16 - 8) ** 2) / 12))
    for split in ("train", "test"):
        path = folder / f"{split}.zarr"
        group = create_pairs(path.with_suffix(".partial"), 3, SIZE, {}, {"seed": 3})
        noiseless = 100 * atoms + 40 + down
        noise = generator.normal(0, 12, (3, SIZE, SIZE))
        group["clean"][...] = np.broadcast_to(255 * atoms, noise.shape)
        group["noiseless"][...] = np.broadcast_to(noiseless, noise.shape)
        group["noisy"][...] = np.clip(noiseless + noise, 0, 255)
        finish_pairs(path.with_suffix(".partial"), path)
    return folder


@pytest.fixture(scope="module")
def evaluated(stores, tmp_path_factory):
    """Score a filter, the noisy images and a network without training."""
    folder = tmp_path_factory.mktemp("evaluation")
    weights = folder / "weights.safetensors"
    shape = {"channels": 4, "pairs": 1, "input_scale": 255}
    known = {"method": "sfin", "network": shape, "image_size": SIZE}
    save_weights(weights, build_network("sfin", shape), known)
    settings = ExtendedSettings(2, {"gaussian": {"deviation": [0.2, 1.5]}})
    scores, timings = [], []
    for method in ("sfin", "gaussian", "noisy"):
        own = weights if method == "sfin" else None
        train = None if method == "sfin" else stores / "train.zarr"
        tables = evaluate_extended(
            origin(method), stores / "test.zarr", train, own, FilterSettings(), settings
        )
        for kind, table, paths in zip(
            ("csv", "timing.csv"), tables, (scores, timings), strict=True
        ):
            paths.append(folder / f"{method}.{kind}")
            write_evaluation(paths[-1], table)
    return scores, timings


def test_rivals_are_scored_with_and_without_background(stores, evaluated):
    table = pd.read_csv(evaluated[0][1])
    assert list(table["background"]) == ["kept", "removed"] * 3
    kept, removed = (
        table[table["background"] == b].reset_index() for b in ("kept", "removed")
    )
    assert (kept["settings"] == "deviation 1.5").all()
    assert removed["settings"].str.contains("top-hat size").all()
    assert (removed["psnr_clean"] > kept["psnr_clean"] + 0.5).all()
    assert (removed["psnr_noiseless"] < kept["psnr_noiseless"] - 3).all()
    untouched = pd.read_csv(evaluated[0][2])
    pairs = load_pairs(stores / "test.zarr")
    assert untouched["psnr_clean"][0] == psnr(pairs.noisy[0], pairs.clean[0])
    assert untouched["psnr_noiseless"][0] == psnr(pairs.noisy[0], pairs.noiseless[0])


def test_networks_are_scored_as_they_are(evaluated):
    table = pd.read_csv(evaluated[0][0])
    assert list(table["background"]) == ["kept"] * 3


def test_scores_repeat_and_times_are_apart(stores, evaluated):
    settings = ExtendedSettings(2, {"gaussian": {"deviation": [0.2, 1.5]}})
    scores, timing = evaluate_extended(
        origin("gaussian"),
        stores / "test.zarr",
        stores / "train.zarr",
        None,
        FilterSettings(),
        settings,
    )
    assert scores.to_csv(index=False) == evaluated[0][1].read_text()
    assert "cpu_seconds" not in scores
    assert (timing["cpu_seconds"] >= 0).all()
    # Removing the background comes on top.
    seconds = timing.groupby("background")["cpu_seconds"].mean()
    assert seconds["removed"] > seconds["kept"]


def test_method_without_weights_or_training_images_is_refused(stores):
    with pytest.raises(InputError, match="needs weights or training images"):
        evaluate_extended(
            origin("gaussian"),
            stores / "test.zarr",
            None,
            None,
            FilterSettings(),
            ExtendedSettings(),
        )


def test_table_has_rivals_first_and_networks_last(evaluated):
    table = extended_table(evaluated[0])
    rows = list(zip(table["method"], table["background"], strict=True))
    assert rows == [
        ("noisy", "kept"),
        ("noisy", "removed"),
        ("gaussian", "kept"),
        ("gaussian", "removed"),
        ("sfin", "kept"),
    ]
    assert (table["images"] == 3).all()
    scores = pd.read_csv(evaluated[0][1])
    kept = scores[scores["background"] == "kept"]
    assert table["psnr_clean"][2] == pytest.approx(kept["psnr_clean"].mean())


def test_margin_says_who_wins(evaluated):
    table = extended_table(evaluated[0])
    (margin,) = margins(table)
    assert margin.rival == "Gaussian + top-hat"
    expected = table["psnr_clean"][4] - table["psnr_clean"][3]
    assert margin.decibel == pytest.approx(expected)
    # An untrained network loses, and the table says so.
    assert expected < 0
    assert f"SFIN is {-expected:.2f} dB BELOW Gaussian + top-hat" in caption(table, "1")
    assert "the best filter." in caption(table, "1")
    table.loc[4, "psnr_clean"] = table["psnr_clean"][3] + 2
    assert "SFIN is 2.00 dB above Gaussian + top-hat" in caption(table, "1")
    assert "x is missing." in caption(table, "1", ["x is missing"])


def test_pretrained_rival_does_not_hide_the_best_filter(evaluated):
    table = extended_table(evaluated[0])
    peer = table[table["method"] == "noisy"].assign(method="tk_r_em", psnr_clean=50.0)
    both = pd.concat([table, peer], ignore_index=True)
    found = {margin.kind: margin for margin in margins(both)}
    assert found["filter"] == margins(table)[0]
    assert found["network of others"].rival.startswith("tk_r_em")
    assert found["network of others"].decibel < -20


def test_only_files_for_readers_show_times(evaluated, tmp_path):
    table, times = extended_table(evaluated[0]), processor_times(evaluated[1])
    write_table(table, times, tmp_path / "first", "Caption")
    times["cpu_seconds"] *= 2
    write_table(table, times, tmp_path / "second", "Caption")
    first, second = (
        {path.name.split(".", 1)[1]: path.read_text() for path in found}
        for found in (sorted(tmp_path.glob("first.*")), sorted(tmp_path.glob("sec*")))
    )
    assert set(first) == {"csv", "md", "tex", "html", "timing.csv"}
    assert first["csv"] == second["csv"]
    assert first["timing.csv"] != second["timing.csv"]
    assert "CPU s" in first["md"]
    assert "Gaussian + top-hat" in first["html"]
    assert "–" not in first["md"].split("\n", 2)[2]


def test_evaluations_of_different_images_are_refused(evaluated, tmp_path):
    table = pd.read_csv(evaluated[0][2])
    short = tmp_path / "short.csv"
    write_evaluation(short, table[table["image"] < 2])
    with pytest.raises(InputError, match="different test images"):
        extended_table([evaluated[0][1], short])
    with pytest.raises(InputError, match="is no extended evaluation"):
        extended_table([evaluated[1][0]])
    with pytest.raises(InputError, match="no evaluation to show"):
        extended_table([])
