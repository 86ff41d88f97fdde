"""Table 5, figures 2 and 5, and learning curves."""

import re
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sfin.ablation import PARTS, ablation_table, caption, write_ablation
from sfin.errors import InputError
from sfin.evaluation import Origin, write_evaluation
from sfin.figures import figure2 as figure2_module
from sfin.figures.figure2 import figure2, keep_spots
from sfin.figures.figure5 import draw, figure5
from sfin.figures.learning import plot_learning
from sfin.metrics import psnr
from sfin.networks.anatomy import record, steps_inside
from sfin.networks.build import build_network, save_weights
from sfin.networks.cost import parameter_count

PAPER = Path(__file__).parents[1] / "resources" / "paper_values.csv"
SMALL = {"channels": 6, "pairs": 3}


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def ablation_files(folder, mode, epochs=5):
    generator = np.random.default_rng(0)
    scores, weights = [], []
    for method in PARTS:
        origin = asdict(Origin("laptop", "enhancement", "sfin", mode, method, 7))
        table = pd.DataFrame(
            {
                "image": range(4),
                "psnr": generator.uniform(10, 40, 4),
                "ssim": generator.uniform(0.1, 0.9, 4),
                "squared_error": generator.uniform(10, 400, 4),
            }
        )
        for place, (name, value) in enumerate(origin.items()):
            table.insert(place, name, value)
        scores.append(folder / f"{mode}_{method}.csv")
        write_evaluation(scores[-1], table)
        weights.append(folder / mode / method / "weights.safetensors")
        training = {"epochs": epochs if method == "sfin" else 5}
        metadata = {**origin, "network": SMALL, "training": training}
        save_weights(weights[-1], build_network(method, SMALL), metadata)
    return scores, weights


def test_table5_has_scores_parts_and_costs(tmp_path):
    files = [ablation_files(tmp_path, mode) for mode in ("bf", "haadf")]
    scores, weights = ([*first, *second] for first, second in zip(*files, strict=True))
    table = ablation_table(scores, weights, PAPER)
    assert list(table["method"]) == [*PARTS] * 2
    assert list(table["mode"]) == ["haadf"] * 4 + ["bf"] * 4
    found = table.set_index(["mode", "method"])
    full = found.loc[("haadf", "sfin")]
    assert full["parameters"] == parameter_count(build_network("sfin", SMALL))
    assert (full["paper_psnr"], full["paper_ssim"]) == (38.48, 0.9582)
    assert found.loc[("haadf", "sfin_spatial"), "paper_psnr"] == 34.61
    assert np.isnan(found.loc[("haadf", "sfin_spatial_matched"), "paper_psnr"])
    assert found.loc["bf", "paper_psnr"].isna().all()
    sizes = found.loc["bf", "parameters"]
    assert sizes["sfin_spatial"] < sizes["sfin_no_interaction"] < sizes["sfin"]
    assert sizes["sfin_spatial_matched"] == pytest.approx(sizes["sfin"], rel=0.2)
    assert (found["gmac"] > 0).all()
    text = caption(table)
    for part in ("Table 5", "Scale laptop", "trained alike", "256 × 256"):
        assert part.lower() in text.lower()
    write_ablation(table, tmp_path / "table5", text)
    markdown = (tmp_path / "table5.md").read_text()
    row = next(line for line in markdown.splitlines() if "| SFIN |" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:5] == ["✓", "✓", "✓", f"{sizes['sfin']:,.0f}"]
    assert cells[8:10] == ["38.48", "0.9582"]
    assert (tmp_path / "table5.tex").read_text().isascii()
    assert "gmac" in pd.read_csv(tmp_path / "table5.csv")


def test_table5_says_when_trainings_differ(tmp_path):
    table = ablation_table(*ablation_files(tmp_path, "bf", epochs=9), PAPER)
    assert "not all trained with the same settings" in caption(table)


def test_table5_refuses_what_it_cannot_compare(tmp_path):
    scores, weights = ablation_files(tmp_path, "bf")
    with pytest.raises(InputError, match="lacks the weights of sfin"):
        ablation_table(scores, weights[:-1], PAPER)
    text = scores[0].read_text().replace("sfin_spatial", "fcn")
    scores[0].write_text(text)
    with pytest.raises(InputError, match="fcn is none"):
        ablation_table(scores, weights, PAPER)


def lattice(size=128, noise=40.0, seed=0):
    row, column = np.indices((size, size))
    clean = 255 * (
        np.cos(2 * np.pi * (0.09 * row + 0.03 * column)) ** 2
        * np.cos(2 * np.pi * (0.03 * row - 0.09 * column)) ** 2
    )
    noisy = clean + np.random.default_rng(seed).normal(0, noise, clean.shape)
    return noisy, clean


def test_spots_of_a_lattice_are_kept_and_noise_is_not():
    noisy, clean = lattice()
    example = keep_spots(noisy, clean, 0.1)
    assert example.spots == 8  # two waves squared and multiplied, with both signs
    assert example.kept.mean() < 0.01
    # Symmetric, as the spectrum of a real image is.
    mirrored = np.roll(example.kept[::-1, ::-1], 1, axis=(0, 1))
    np.testing.assert_array_equal(example.kept, mirrored)
    inside = np.s_[16:-16, 16:-16]
    before = np.std((noisy - clean)[inside])
    assert np.std((example.filtered - clean)[inside]) < before / 3
    nothing = keep_spots(noisy - clean + 100, clean, 0.1)
    assert nothing.spots == 0
    assert nothing.kept.sum() == 1
    assert np.allclose(nothing.filtered, (noisy - clean + 100).mean())


@pytest.mark.parametrize("kind", ["periodic", "random"])
def test_figure2_shows_the_lattice_that_repeats_most(tmp_path, monkeypatch, kind):
    noisy, clean = lattice()
    images = {"noisy": noisy, "clean": clean}
    dataset = SimpleNamespace(
        path=tmp_path,
        dataset="sfin",
        arrangements=np.array(["random", "defect", kind, kind]),
        structures=np.array(["a", "b", "c", "d"]),
        number=4,
        drawn={"pixel_size": np.array([0.2, 0.1, 0.1, 0.15])},
        attributes={"mode": "haadf", "split": "train", "scale": "test", "seed": 3},
    )
    asked = []

    def read(path, name, indices):
        asked.extend(indices)
        return np.clip(images[name], 0, 255).astype(np.uint8)[None]

    monkeypatch.setattr(figure2_module, "read_record", lambda path: dataset)
    monkeypatch.setattr(figure2_module, "read_images", read)
    text = figure2(tmp_path, tmp_path / "figure2")
    assert set(asked) == {3 if kind == "periodic" else 0}
    assert ("No pair of the dataset is periodic" in text) == (kind == "random")
    for part in ("Figure 2", "scale test", "seed 3", "HAADF"):
        assert part in text
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"figure2.{suffix}").stat().st_size > 5000


def test_figure2_prints_what_the_filter_gains():
    noisy, clean = lattice()
    noisy = np.clip(noisy, 0, 255)
    example = keep_spots(noisy, np.rint(clean), 0.1)
    shown = texts(figure2_module.draw(example, "caption"))
    before, after = (float(t.split()[0]) for t in shown if t.endswith(" dB"))
    plain = psnr(noisy.astype(np.uint8), np.rint(clean).astype(np.uint8))
    assert before >= plain - 0.1  # matched in gain and offset, never worse
    assert after > before + 4


def test_record_follows_the_forward_pass():
    network = build_network("sfin", SMALL).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    steps = record(network, 9, 14)
    assert network.training
    assert all(
        (tensor == before[n]).all() for n, tensor in network.state_dict().items()
    )
    own = [step.name for step in steps_inside(steps, "")]
    assert own == ["head", "pairs.0", "pairs.1", "pairs.2", "cat", "tail"]
    inside = steps_inside(steps, "pairs.1.second.frequency")
    names = " ".join(step.name for step in inside)
    assert names == "entry rfft2 matmul norm relu ifft irfft cat exit"
    assert inside[1].shape == (3, 9, 8)
    assert inside[-1].shape == (3, 9, 14)
    total = sum(step.parameters for step in steps_inside(steps, ""))
    assert total == parameter_count(network)


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_figure5_counts_every_parameter(pairs):
    settings = {"channels": 6, "pairs": pairs}
    network = build_network("sfin", settings)
    shown = texts(draw(network, 20, "caption"))
    found = [re.search(r"([\d,]+) parameters", text) for text in shown]
    counts = [int(match[1].replace(",", "")) for match in found if match]
    head, pair, tail, block, spatial, across, back, module = counts[:8]
    assert head + tail + pairs * pair == parameter_count(network)
    assert pair == 2 * block
    norms = counts[8:10]
    title, *parts = counts[10:]
    assert title == module == sum(parts)
    assert block == spatial + across + back + module + sum(norms)
    assert "6 × 20 × 11" in shown  # real and imaginary parts of 3 channels
    assert ("× 3" in shown) == (pairs == 3)


def test_figure5_is_the_published_network(tmp_path):
    text = figure5({}, 32, "paper", tmp_path / "a")
    assert "960,193 parameters" in text
    assert "as the paper's" in text
    assert figure5({}, 32, "paper", tmp_path / "b") == text
    for suffix in ("png", "pdf"):
        first, second = (tmp_path / f"{name}.{suffix}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()
    shown = texts(draw(build_network("sfin", {}), 32, text))
    for part in ("9,248 parameters", "18,464 parameters", "32 × 32 × 17\ncomplex"):
        assert any(part in line for line in shown)


def test_learning_curves_are_written(tmp_path):
    histories = []
    for method in ("sfin", "fcn"):
        path = tmp_path / method / "history.csv"
        path.parent.mkdir()
        path.write_text(
            "epoch,loss,learning_rate,validation_psnr\n1,30,2e-4,\n2,20,1e-4,\n"
        )
        histories.append(path)
    origin = {"task": "enhancement", "dataset": "sfin", "mode": "bf"}
    text = plot_learning(
        histories, {**origin, "scale": "test", "seed": 4}, tmp_path / "curves"
    )
    for part in ("SFIN data, BF", "Scale test", "seed 4"):
        assert part in text
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"curves.{suffix}").stat().st_size > 5000
