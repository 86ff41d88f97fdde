"""One step of a training: what makes it faster changes nothing but the last digits."""

import copy
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sfin.checkpoints import OutOfTime
from sfin.data_parallel import Group
from sfin.errors import InputError
from sfin.models import train_method
from sfin.networks.build import build_network
from sfin.networks.sfin import make_lean
from sfin.networks.transforms import from_spectrum, inverse_transform, to_spectrum
from sfin.training import train
from sfin.training_settings import TrainingSettings
from sfin.training_step import TrainingStep, compile_parts
from sfin.weight_average import WeightAverage

SETTINGS = TrainingSettings(
    epochs=3,
    batch_size=2,
    crop_size=None,
    learning_rate=1e-3,
    schedule="one_cycle",
    ema_decay=0.9,
    checkpoint_seconds=1e9,
    device="cpu",
)
IMAGES = np.random.default_rng(0).integers(0, 255, (6, 16, 16), np.uint8)
SWITCHES: list[dict[str, Any]] = [
    {"lean": True},
    {"channels_last": True},
    {"lean": True, "channels_last": True},
]
GPU = [{"cuda_graph": True}, {"cuda_graph": True, "lean": True, "precision": "tf32"}]


def network(method: str = "sfin") -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_network(method, {"channels": 8, "pairs": 2})


def weights(trained: nn.Module) -> torch.Tensor:
    return torch.cat([value.cpu().flatten() for value in trained.state_dict().values()])


def trained(path: Path, settings: TrainingSettings, **other: Any) -> nn.Module:
    one = network()
    train(one, IMAGES, IMAGES, settings, 0, path / "checkpoint", "this", **other)
    return one


@pytest.mark.parametrize("columns", [9, 10])
def test_transforms_have_the_gradients_of_torch(columns: int) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 2, 3, columns, dtype=torch.float64, requires_grad=True)
    half = columns // 2 + 1
    spectrum = torch.randn(1, 4, 3, half, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(to_spectrum, image)
    assert torch.autograd.gradcheck(lambda one: from_spectrum(one, columns), spectrum)
    parts = spectrum.detach().unflatten(1, (2, 2)).movedim(2, -1).contiguous()
    expected = inverse_transform(torch.view_as_complex(parts), columns)
    torch.testing.assert_close(from_spectrum(spectrum, columns), expected)
    torch.testing.assert_close(from_spectrum(to_spectrum(image), columns), image)


def test_what_is_transformed_is_left_alone() -> None:
    image, spectrum = torch.rand(1, 1, 4, 4), torch.rand(1, 2, 4, 3)
    before = image.clone(), spectrum.clone()
    image.requires_grad_()
    (to_spectrum(image).sum() + from_spectrum(spectrum, 4).sum()).backward()
    assert torch.equal(image, before[0])
    assert torch.equal(spectrum, before[1])


@pytest.mark.parametrize("method", ["sfin", "sfin_no_interaction", "sfin_spatial"])
def test_lean_blocks_learn_the_same(method: str) -> None:
    plain = network(method).double()
    lean = copy.deepcopy(plain)
    make_lean(lean)
    images = torch.rand(2, 1, 12, 12, dtype=torch.float64) * 255
    for one in (plain, lean):
        functional.l1_loss(one(images), images).backward()
    for (name, first), second in zip(
        plain.named_parameters(), lean.parameters(), strict=True
    ):
        assert first.grad is not None
        assert second.grad is not None
        # The last layer casts to float32; biases before a normalisation have none.
        scale = first.grad.abs().max().clamp_min(1e-4).item()
        torch.testing.assert_close(
            first.grad, second.grad, rtol=1e-4, atol=1e-4 * scale, msg=name
        )
    assert list(plain.state_dict()) == list(lean.state_dict())


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_switches_keep_the_result(switches: dict[str, Any], tmp_path: Path) -> None:
    expected = weights(trained(tmp_path, SETTINGS))
    found = weights(trained(tmp_path, replace(SETTINGS, **switches)))
    assert (found - expected).norm() < 1e-3 * expected.norm()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("switches", GPU, ids=str)
def test_recorded_steps_do_what_steps_do(
    switches: dict[str, Any], tmp_path: Path
) -> None:
    settings = replace(SETTINGS, device="cuda", epochs=8)
    expected = weights(trained(tmp_path, settings))
    found = weights(trained(tmp_path, replace(settings, **switches)))
    assert (found - expected).norm() < 1e-2 * expected.norm()


def test_recorded_steps_are_for_one_device() -> None:
    with pytest.raises(InputError, match="cuda_graph to false"):
        replace(SETTINGS, cuda_graph=True, devices=2)


# What torch's compiler imports warns of itself.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")
def test_parts_of_sfin_are_compiled_together() -> None:
    one = network()
    compile_parts(one)
    pairs = one.pairs
    assert isinstance(pairs, nn.ModuleList)
    assert all(pair._compiled_call_impl is not None for pair in pairs)
    assert one._compiled_call_impl is None
    assert list(one.state_dict()) == list(network().state_dict())


def test_average_forgets_the_untrained_weights() -> None:
    layer = nn.Linear(1, 1)
    averaged = WeightAverage(layer, 0.5)
    seen = []
    for step, value in enumerate([4.0, 8.0, 16.0]):
        with torch.no_grad():
            layer.weight.fill_(value)
        averaged.update(step)
        seen.append(averaged.network.weight.item())
    # Memories: none, 2 / 11, 3 / 12.
    expected = [4.0, 8 - 4 * 2 / 11]
    expected.append(16 + (expected[1] - 16) * 3 / 12)
    assert seen == pytest.approx(expected)


def test_average_follows_statistics_and_counts() -> None:
    norm = nn.BatchNorm2d(2)
    averaged = WeightAverage(norm, 0.9)
    for step in range(3):
        norm(torch.rand(2, 2, 4, 4))
        averaged.update(step)
    assert averaged.network.num_batches_tracked == 3
    found = averaged.network.running_mean
    assert not torch.equal(found, norm.running_mean)
    assert (found > 0).all()
    restored = WeightAverage(nn.BatchNorm2d(2), 0.9)
    restored.load_state_dict(averaged.state_dict())
    restored.update(0)
    assert restored.network.num_batches_tracked == 0


def test_training_stops_at_its_deadline_and_goes_on(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", SETTINGS)
    part = tmp_path / "part"
    for _ in range(8):
        with pytest.raises(OutOfTime, match="of 9 steps"):
            trained(part, SETTINGS, deadline=time.monotonic())
    # The last step needs no checkpoint.
    resumed = trained(part, SETTINGS, deadline=time.monotonic())
    assert torch.equal(weights(resumed), weights(whole))


def test_deadline_is_for_one_device(tmp_path: Path) -> None:
    settings = {**vars(SETTINGS), "devices": 2}
    with pytest.raises(InputError, match="no deadline"):
        train_method(tmp_path, tmp_path, {}, {}, settings, "", None, 0.0)


def test_step_gives_the_rate_to_the_optimiser() -> None:
    step = TrainingStep(network(), SETTINGS, torch.device("cpu"), Group())
    images = torch.rand(2, 1, 16, 16) * 255
    loss = step(images, images, 0.25)
    assert math.isfinite(loss.item())
    assert not loss.requires_grad
    assert [group["lr"] for group in step.optimiser.param_groups] == [0.25]
