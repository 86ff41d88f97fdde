"""Batches: cut and mirrored alike, noise as the stored one, shared by processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import noise, perovskite, spread_noise, synthesis_settings
from torch import nn

from sfin.batches import FreshNoise, PairSource, disturb_batch, fresh_noise
from sfin.data_parallel import Group, launch, leads
from sfin.datasets import Pairs, load_pairs
from sfin.errors import InputError
from sfin.noise import NoiseSettings, disturb, unit_spline
from sfin.synthesis import synthesise_dataset
from sfin.training import train
from sfin.training_settings import TrainingSettings
from sfin.tukey_lambda import tukey_lambda_deviation

SETTINGS = TrainingSettings(
    epochs=2,
    batch_size=4,
    crop_size=None,
    learning_rate=1e-3,
    schedule="one_cycle",
    device="cpu",
    checkpoint_seconds=1e9,
)
ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
NOISE = NoiseSettings()


@pytest.mark.parametrize("shape", [-0.1, 0.0, 0.27])
def test_noise_on_the_device_is_that_of_the_dataset(shape, generator):
    image = generator.uniform(0, 255, (40, 50)).astype(np.float32)
    parameters = noise(pointwise_shape=shape)
    expected = disturb(image, parameters, NOISE, np.random.default_rng(3))
    # The same random numbers, drawn as `disturb` draws them.
    again = np.random.default_rng(3)
    spline = unit_spline(50, NOISE.scan_knot_spacing)
    calm, rough = again.standard_normal((2, 40, len(spline)), dtype=np.float32) @ spline
    uniform = again.random((40, 50), dtype=np.float32)
    values = [
        parameters.scan_slope,
        parameters.scan_intercept,
        parameters.pointwise_slope,
        parameters.pointwise_intercept,
        shape,
        1 / tukey_lambda_deviation(shape),
    ]
    columns = torch.tensor(values, dtype=torch.float32)[:, None, None, None]
    arrays = (torch.from_numpy(array)[None] for array in (calm, rough, uniform))
    found = disturb_batch(
        torch.from_numpy(image)[None], columns, *arrays, NOISE.scan_blend_gradient
    )
    assert np.allclose(found[0].numpy(), expected, atol=2e-2)


def dataset(path: Path) -> Pairs:
    settings = synthesis_settings(32)
    origin = {"scale": "test", "seed": 5}
    synthesise_dataset(
        path, "train", [perovskite()], spread_noise(), 8, settings, origin
    )
    return load_pairs(path)


def test_fresh_noise_has_the_deviation_of_the_stored_noise(tmp_path):
    pairs = dataset(tmp_path / "a.zarr")
    settings = replace(SETTINGS, fresh_noise=True)
    source = PairSource(pairs.noisy, pairs.clean, settings, CPU, fresh_noise(pairs))
    generator = torch.Generator().manual_seed(0)
    chosen = torch.arange(8)
    draws = [source.batch(chosen, generator)[0][:, 0] for _ in range(40)]
    assert not torch.equal(draws[0], draws[1])
    levels = torch.stack(draws)
    assert levels.min() >= 0
    assert levels.max() <= 255
    assert torch.equal(levels, levels.round())
    noiseless = pairs.noiseless.astype(float)
    stored = (pairs.noisy - noiseless).std(axis=(1, 2))
    drawn = (levels - torch.from_numpy(noiseless)).std(dim=(2, 3)).numpy()
    # One stored draw of each image lies among forty fresh ones.
    spread = drawn.std(axis=0)
    assert np.all(np.abs(stored - drawn.mean(axis=0)) < 5 * spread)


def test_fresh_noise_needs_calibrated_data():
    empty = np.zeros((2, 8, 8), np.uint8)
    with pytest.raises(InputError, match="set fresh_noise to false"):
        fresh_noise(Pairs(*[empty] * 5, drawn={}, attributes={}))


def test_training_with_fresh_noise_repeats(tmp_path):
    pairs = dataset(tmp_path / "a.zarr")
    settings = replace(SETTINGS, fresh_noise=True, flips=True, crop_size=16)
    weights = []
    for seed in (1, 1, 2):
        network = nn.Conv2d(1, 1, 3, padding=1)
        nn.init.constant_(network.weight, 0.1)
        nn.init.zeros_(network.bias)
        arguments = (pairs.noisy, pairs.clean, settings, seed, tmp_path / "c", "a")
        train(network, *arguments, fresh=fresh_noise(pairs))
        weights.append(network.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_average_of_the_weights_lags_behind_them(tmp_path):
    pairs = dataset(tmp_path / "a.zarr")
    biases = []
    for decay in (0.0, 0.999):
        network = nn.Conv2d(1, 1, 1)
        nn.init.constant_(network.weight, 1.0)
        nn.init.zeros_(network.bias)
        settings = replace(SETTINGS, epochs=8, schedule="multi_step", ema_decay=decay)
        # Each step of Adam moves the bias by the learning rate, the same way.
        bright = np.full_like(pairs.noisy, 255)
        train(network, pairs.noisy, bright, settings, 1, tmp_path / "c", "a")
        biases.append(network.bias.item())
    steps = 16
    assert biases[0] == pytest.approx(steps * 1e-3, rel=0.02)
    assert 0 < biases[1] < 0.95 * biases[0]


def test_parts_of_a_batch_make_it_whole():
    batch = torch.arange(8)
    parts = [Group(rank, 4).part(batch) for rank in range(4)]
    assert sorted(torch.cat(parts).tolist()) == batch.tolist()
    with pytest.raises(InputError, match="multiple"):
        Group(0, 3).part(batch)


def train_network(store: str, result: str) -> None:
    pairs = load_pairs(store)
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1)
    )
    settings = replace(SETTINGS, epochs=3, learning_rate=1e-2)
    arguments = (pairs.noisy, pairs.clean, settings, 1, Path(result + ".pt"), "a")
    history = train(network, *arguments)
    if leads():
        state = network.state_dict() | {"loss": torch.tensor(history[-1].loss)}
        torch.save(state, result)


def test_two_processes_train_like_one(tmp_path):
    dataset(tmp_path / "a.zarr")
    store, one, two = (str(tmp_path / name) for name in ("a.zarr", "one", "two"))
    train_network(store, one)
    launch(2, train_network, store, two)
    alone, together = torch.load(one), torch.load(two)
    assert alone.keys() == together.keys()
    for name, value in alone.items():
        assert torch.allclose(value, together[name], rtol=1e-4, atol=1e-5)


def test_noise_of_the_first_images_is_theirs():
    arrays = {
        name: np.arange(5, dtype=np.float32) for name in ("a", "b", "c", "d", "e")
    }
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2)
    few = FreshNoise(images, *arrays.values(), settings=NOISE).first(2)
    assert few.noiseless.shape == (2, 2, 2)
    assert few.scan_slope.tolist() == [0, 1]
    assert few.settings == NOISE


@pytest.mark.parametrize("name", ["datasets", "training"])
def test_benchmarks_end_with_their_figures(name):
    run = subprocess.run(
        [sys.executable, ROOT / f"benchmarks/{name}.py", "--quick"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["pairs_per_second_read" if name == "datasets" else "plain"]
