from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
import yaml
from samples import ROOT, perovskite, spread_noise, synthesis_settings

import sfin.cyclegan_training
from sfin.cyclegan_images import (
    PatchSource,
    read_recorded,
    simulated_values,
    to_values,
)
from sfin.cyclegan_models import load_translator, train_gan
from sfin.cyclegan_settings import CycleSettings, GanSettings, check_sizes
from sfin.cyclegan_training import LOSSES, CycleGan, train_cycle
from sfin.errors import InputError
from sfin.networks.cost import parameter_count
from sfin.networks.cyclegan import Discriminator, Generator, log_power
from sfin.synthesis import synthesise_dataset

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())["gan"]
SMALL = {
    "network": {"width": 2, "levels": 2, "discriminator_width": 2},
    "training": CONFIG["training"]
    | {
        "samples": 16,
        "batch_size": 2,
        "patch_size": 32,
        "checkpoint_seconds": 1e9,
        "device": "cpu",
    },
}
SETTINGS = GanSettings.from_dict(SMALL)
CPU = torch.device("cpu")


def images(seed, size=48, number=3):
    generator = np.random.default_rng(seed)
    return list(generator.uniform(-1, 1, (number, size, size)).astype(np.float32))


def networks(settings=SETTINGS):
    torch.manual_seed(0)
    return CycleGan(settings.network)


def run(folder, training=SETTINGS.training, made=None, **changes):
    made = made or networks()
    sources = [
        PatchSource(images(seed), training, CPU, stride)
        for seed, stride in ((1, 1), (2, 8))
    ]
    arguments = {"seed": 7, "fingerprint": "this"} | changes
    history = train_cycle(
        made, *sources, training, checkpoint=folder / "c", **arguments
    )
    return made, history


def weights(network):
    return {
        name: value.numpy().tobytes() for name, value in network.state_dict().items()
    }


# --- networks ---------------------------------------------------------------------


def test_full_networks_have_as_many_parameters_as_the_original():
    with torch.device("meta"):
        assert parameter_count(Generator(64, 8)) == 54_408_833
        assert parameter_count(Discriminator(64)) == 2_763_521
        assert parameter_count(Discriminator(64, fourier=True)) == 2_763_521


def test_scale_paper_has_the_published_values():
    entries = yaml.safe_load((ROOT / "config/paper.yaml").read_text())["gan"]
    merged = {name: CONFIG[name] | entries[name] for name in ("network", "training")}
    paper = GanSettings.from_dict(merged)
    assert vars(paper.network) == {"width": 64, "levels": 8, "discriminator_width": 64}
    training = paper.training
    assert (training.samples, training.batch_size, training.patch_size) == (
        *(500_000, 42),
        256,
    )
    assert (training.learning_rate, training.betas) == (2e-3, (0.9, 0.999))
    assert (training.cycle_weight, training.identity_weight) == (10, 5)
    assert (training.noise, training.fourier_share) == (0.1, 0.5)
    assert training.flips
    assert training.rotations


@pytest.mark.parametrize("levels", [2, 3, 5])
@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
def test_generator_keeps_the_shape(levels, shape):
    image = torch.rand(2, 1, *shape) * 2 - 1
    made = Generator(2, levels)(image)
    assert made.shape == image.shape
    assert made.abs().max() <= 1


def test_one_pixel_at_the_bottom_makes_the_deepest_convolution_dead():
    network = Generator(2, 3)
    deepest = network.down[-1][0].weight
    for size, dead in ((8, True), (16, False)):
        network.zero_grad()
        network(torch.rand(1, 1, size, size)).square().sum().backward()
        assert (deepest.grad is None) == dead


def test_images_of_a_batch_do_not_see_each_other():
    network = Generator(2, 3).eval()
    batch = torch.rand(3, 1, 32, 32)
    alone = torch.cat([network(image[None]) for image in batch])
    assert torch.allclose(network(batch), alone, atol=1e-6)


def test_discriminator_judges_places():
    # 256 × 256 pixels make 30 × 30 judgements, as in the original.
    assert Discriminator(1)(torch.rand(1, 1, 256, 256)).shape == (1, 1, 30, 30)
    judged = Discriminator(2)(torch.rand(2, 1, 64, 64))
    assert judged.shape == (2, 1, 6, 6)
    assert 0 < judged.min() <= judged.max() < 1


def test_power_spectrum_does_not_know_where_the_image_lies():
    image = torch.rand(1, 1, 16, 16)
    moved = image.roll((3, 5), (-2, -1))
    assert torch.allclose(log_power(image), log_power(moved), atol=1e-3)
    # Unshifted: the mean stands in the corner. Nothing has no logarithm.
    flat = log_power(torch.full((1, 1, 16, 16), 0.5))[0, 0]
    assert flat[0, 0] == pytest.approx(2 * np.log10(0.5 * 256), abs=1e-4)
    assert flat[1, 1] == pytest.approx(-36)


def test_weights_begin_small():
    for network in (Generator(16, 4), Discriminator(16)):
        convolutions = torch.cat(
            [p.detach().flatten() for p in network.parameters() if p.dim() == 4]
        )
        assert convolutions.std() == pytest.approx(0.02, rel=0.05)
        assert abs(convolutions.mean()) < 1e-3


def test_networks_that_cannot_be_made_or_fed_are_refused():
    with pytest.raises(InputError, match="2 or more levels"):
        Generator(2, 1)
    with pytest.raises(InputError, match="multiples of 8"):
        Generator(2, 3)(torch.rand(1, 1, 36, 32))
    with pytest.raises(InputError, match=r"patch_size = 32 .* multiple of 64"):
        check_sizes(
            GanSettings.from_dict(
                SMALL | {"network": SMALL["network"] | {"levels": 6}}
            ),
            64,
        )
    with pytest.raises(InputError, match="larger than the simulated"):
        check_sizes(SETTINGS, 16)


# --- images -----------------------------------------------------------------------


def test_values_of_images():
    grey = np.array([[-20.0, 0], [127.5, 300]])
    assert to_values(grey) == pytest.approx(np.array([[-1, -1], [0, 1]]))
    clean = np.array([[[10, 20], [30, 10]], [[7, 7], [7, 7]]], np.uint8)
    values = simulated_values(clean)
    assert values[0] == pytest.approx(np.array([[-1, 0], [1, -1]]))
    assert (values[1] == -1).all()


def test_patches_come_from_everywhere_they_may():
    training = replace(SETTINGS.training, batch_size=400, flips=False, rotations=False)
    first = np.arange(48 * 40, dtype=np.float32).reshape(48, 40)
    second = first[:32, :32] + 10_000
    source = PatchSource([first, second], training, CPU, stride=8)
    batch = source.batch(torch.Generator().manual_seed(0))
    assert batch.shape == (400, 1, 32, 32)
    corners, counts = np.unique(batch[:, 0, 0, 0].numpy(), return_counts=True)
    # Three rows by two columns in the first image, one place in the second.
    rows, columns = np.meshgrid([0, 8, 16], [0, 8], indexing="ij")
    assert set(corners) == {*(rows * 40 + columns).ravel(), 10_000}
    assert counts.min() > 30
    row = 16 * 40 + 8
    patch = batch[batch[:, 0, 0, 0] == row][0, 0].numpy()
    assert (patch == first[16:48, 8:40]).all()


def test_patches_are_mirrored_and_turned():
    training = replace(SETTINGS.training, batch_size=200)
    (image,) = images(0, 32, 1)
    turned = {
        np.rot90(flip, k).tobytes() for flip in (image, image[::-1]) for k in range(4)
    }
    batch = PatchSource([image], training, CPU).batch(torch.Generator().manual_seed(0))
    assert {patch.tobytes() for patch in batch[:, 0].numpy()} == turned


def write_real(folder, sizes, used, warnings=""):
    generator = np.random.default_rng(0)
    files = []
    for name, size in sizes.items():
        files.append(folder / f"{name}.tif")
        tifffile.imwrite(
            files[-1], generator.integers(0, 1000, (size, size), np.uint16)
        )
    table = pd.DataFrame({"image": list(sizes), "used": used, "warnings": warnings})
    table["shipped"] = False
    table.to_csv(folder / "patches.csv", index=False)
    return folder / "patches.csv", files


def test_flagged_and_small_images_are_left_out(tmp_path):
    sizes = {"good": 48, "flagged": 48, "small": 24}
    patches, files = write_real(tmp_path, sizes, [True, False, True])
    recorded = read_recorded(patches, files, 32)
    assert list(recorded.images) == ["good"]
    assert recorded.left_out == ("small",)
    assert recorded.warnings == ()
    image = recorded.images["good"]
    assert (image.min(), image.max(), image.dtype) == (-1, 1, np.float32)
    with pytest.raises(InputError, match="No HAADF image has 64 × 64"):
        read_recorded(patches, files, 64)


# --- training ---------------------------------------------------------------------


def test_rate_is_constant_and_then_falls_to_nothing():
    training = replace(SETTINGS.training, samples=200, batch_size=2, learning_rate=1.0)
    rates = np.array([training.rate(step) for step in range(training.steps)])
    assert len(rates) == 100
    assert (rates[:51] == 1).all()
    assert np.diff(rates[50:]) == pytest.approx(-0.02)
    assert rates[-1] == pytest.approx(0.02)


def test_same_seed_same_weights(tmp_path):
    first, history = run(tmp_path)
    again, same = run(tmp_path)
    other, _ = run(tmp_path, seed=8)
    assert weights(first) == weights(again) != weights(other)
    assert history == same
    assert [row["step"] for row in history] == list(range(1, 9))
    assert history[0].keys() == {"step", "learning_rate", *LOSSES}


def test_total_loss_is_as_published(tmp_path):
    _, history = run(tmp_path)
    for row in history:
        adversarial = row["adversarial_to_real"] + row["adversarial_to_simulated"]
        identity = row["identity_real"] + row["identity_simulated"]
        expected = (adversarial + 10 * row["cycle"] + 5 * identity) / 16
        assert row["generators"] == pytest.approx(expected, rel=1e-5)


class Stopped(Exception):
    pass


def test_interrupted_training_ends_with_the_same_bytes(tmp_path, monkeypatch):
    # Rows of four steps, so that it stops within one; dropout draws at every step.
    monkeypatch.setattr(sfin.cyclegan_training, "ROWS", 2)
    monkeypatch.setattr("sfin.networks.cyclegan.LEVELS_WITHOUT_DROPOUT", 1)
    training = replace(SETTINGS.training, checkpoint_seconds=0)
    whole, complete = run(tmp_path / "whole", training)
    step, calls = sfin.cyclegan_training._Training._step, []

    def stopping(self, number):
        calls.append(number)
        if len(calls) == 6:
            raise Stopped
        return step(self, number)

    monkeypatch.setattr(sfin.cyclegan_training._Training, "_step", stopping)
    with pytest.raises(Stopped):
        run(tmp_path / "part", training)
    said = []
    torch.manual_seed(99)
    resumed, history = run(
        *(tmp_path / "part", training, CycleGan(SETTINGS.network)),
        report=lambda done, total, text: said.append(text),
    )
    assert calls == [0, 1, 2, 3, 4, 5, 5, 6, 7]
    assert said[0] == "goes on after step 5"
    assert weights(resumed) == weights(whole)
    assert history == complete
    assert [row["step"] for row in history] == [4, 8]


def test_foreign_checkpoint_is_not_used(tmp_path):
    training = replace(SETTINGS.training, checkpoint_seconds=0)
    run(tmp_path, training, fingerprint="other")
    said = []
    made, _ = run(
        tmp_path, training, report=lambda done, total, text: said.append(text)
    )
    assert said[0].startswith("starts anew")
    assert weights(made) == weights(run(tmp_path / "none", training)[0])


def test_divergence_stops_with_one_sentence(tmp_path):
    made = networks()
    with torch.no_grad():
        made.to_real.last.bias.fill_(float("nan"))
    training = replace(SETTINGS.training, checkpoint_seconds=0)
    with pytest.raises(InputError, match=r"GAN diverged .* lower gan.training"):
        run(tmp_path, training, made)
    assert not (tmp_path / "c").exists()


def test_generators_and_judges_learn(tmp_path):
    training = replace(SETTINGS.training, samples=80)
    _, history = run(tmp_path, training)
    first, last = history[0], history[-1]
    assert last["cycle"] < first["cycle"]
    assert last["identity_real"] < first["identity_real"]
    for name in ("discriminator_real_spectrum", "discriminator_simulated_spectrum"):
        # Who knows nothing answers a half, which is wrong by a quarter.
        assert first[name] == pytest.approx(0.25, abs=0.03)
        assert last[name] < 0.1


def make_dataset(path, split="train", number=3):
    synthesise_dataset(
        *(path, split, [perovskite()], spread_noise(), number),
        *(synthesis_settings(64), {"scale": "test", "seed": 3}),
        scheduler="synchronous",
    )


def test_training_keeps_its_translator_and_history(tmp_path):
    make_dataset(tmp_path / "train.zarr")
    patches, files = write_real(tmp_path, {"good": 48}, [True], "a doubt")
    for output in ("first", "second"):
        train_gan(
            *(tmp_path / "train.zarr", patches, files, tmp_path / output),
            *(SETTINGS, {"scale": "test", "seed": 3}, "code"),
        )
    made = {
        name: (tmp_path / "first" / name).read_bytes()
        for name in ("weights.safetensors", "history.csv", "settings.json")
    }
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == sorted(made)
    for name, content in made.items():
        assert (tmp_path / "second" / name).read_bytes() == content
    network, metadata = load_translator(tmp_path / "first/weights.safetensors")
    assert network.levels == 2
    assert metadata["images"] == ["good"]
    assert metadata["noise_warnings"] == ["a doubt"]
    history = pd.read_csv(tmp_path / "first/history.csv")
    assert np.isfinite(history.to_numpy()).all()


def test_settings_are_those_of_the_config():
    assert set(CONFIG["training"]) == set(CycleSettings.__annotations__)
