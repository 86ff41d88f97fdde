"""The networks: what the publications count, any size, and what each can see."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from samples import ROOT
from torch import Tensor, nn

from sfin.errors import InputError
from sfin.networks.build import (
    build_network,
    choose_device,
    load_network,
    save_weights,
)
from sfin.networks.cost import (
    matched_channels,
    multiply_accumulates,
    parameter_count,
)
from sfin.networks.padding import pad_to_multiple
from sfin.networks.registry import check_networks
from sfin.networks.sfin import SFIN, FrequencyConvolution

SMALL: dict[str, dict[str, Any]] = {
    "sfin": {"channels": 4, "pairs": 1},
    "sfin_no_interaction": {"channels": 4, "pairs": 1},
    "sfin_spatial": {"channels": 4, "pairs": 1},
    "sfin_spatial_matched": {"channels": 4, "pairs": 1},
    "atomsegnet": {"width": 3},
    "fcn": {"width": 2},
}


def grey(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator) * 255


def seeded(method: str, **changes: Any) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return build_network(method, {**SMALL[method], **changes})


# Operations as published, or as counted from the published layers.
@pytest.mark.parametrize(
    ("method", "parameters", "operations"),
    [
        ("sfin", 960_193, 60_289_449_984),
        ("sfin_no_interaction", 664_257, 40_962_097_152),
        ("sfin_spatial", 299_201, 19_402_850_304),
        ("sfin_spatial_matched", 976_605, 63_630_213_120),
        # 1,742,533 with the two of a normalisation that the release never uses.
        ("atomsegnet", 1_742_531, 25_274_875_904),
        ("fcn", 2_565_969, 4_395_892_736),
    ],
)
def test_published_size(method: str, parameters: int, operations: int) -> None:
    network = build_network(method, {})
    assert parameter_count(network) == parameters
    assert multiply_accumulates(network) == operations


def test_operations_of_one_convolution() -> None:
    network = nn.Conv2d(1, 3, kernel_size=3, padding=1)
    assert multiply_accumulates(network, 5, 7) == 5 * 7 * 3 * 9
    assert network.training


@pytest.mark.parametrize(("channels", "pairs"), [(2, 1), (6, 3), (16, 2), (64, 8)])
def test_matched_network_has_the_nearest_size(channels: int, pairs: int) -> None:
    full = SFIN(channels, pairs)
    found = matched_channels(full)
    wanted = parameter_count(full)
    with torch.device("meta"):
        off = {
            even: abs(parameter_count(SFIN(even, pairs, False, False)) - wanted)
            for even in range(2, 2 * found + 10, 2)
        }
    assert found == min(off, key=lambda even: off[even])
    matched = build_network(
        "sfin_spatial_matched", {"channels": channels, "pairs": pairs}
    )
    assert len(matched.pairs) == pairs
    assert matched.head.out_channels == found


@pytest.mark.parametrize("method", SMALL)
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 37), (37, 1), (2, 9), (17, 31), (32, 32), (33, 50)]
)
def test_any_size(method: str, size: tuple[int, int]) -> None:
    network = seeded(method).eval()
    output = network(grey(2, 1, *size))
    assert output.shape == (2, 1, *size)
    assert output.dtype == torch.float32
    assert output.isfinite().all()


@pytest.mark.parametrize("method", SMALL)
def test_flat_image_is_finite(method: str) -> None:
    assert seeded(method).eval()(torch.full((1, 1, 20, 20), 7.0)).isfinite().all()


@pytest.mark.parametrize("method", SMALL)
def test_every_weight_learns(method: str) -> None:
    # Wider than the smallest, so that no ReLU is silent everywhere by chance.
    wide = {"width": 8} if "width" in SMALL[method] else {"channels": 16}
    network = seeded(method, **wide)
    (network(grey(2, 1, 32, 32)) - grey(2, 1, 32, 32, seed=1)).abs().mean().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("method", SMALL)
def test_images_of_a_batch_are_independent(method: str) -> None:
    network = seeded(method).eval()
    images = grey(3, 1, 16, 20)
    alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(network(images), alone, rtol=1e-4, atol=1e-3)


def reach(network: nn.Module) -> float:
    """Change at the far corner when one pixel of the other corner changes."""
    network.double().eval()
    image = grey(1, 1, 64, 64).double()
    changed = image.clone()
    changed[..., 2, 2] += 100
    difference = (network(changed) - network(image)).detach()
    return float(difference[..., -4:, -4:].abs().max())


def test_only_the_frequency_branch_sees_the_whole_image() -> None:
    assert reach(seeded("sfin")) > 1e-6
    assert reach(seeded("sfin_spatial")) == 0


def test_without_interaction_the_branches_stay_apart() -> None:
    for interaction in (False, True):
        block = SFIN(4, 1, interaction=interaction).eval().pairs[0]
        spatial, frequency = grey(1, 2, 9, 9), grey(1, 2, 9, 9, seed=1)
        before, _ = block(spatial, frequency)
        after, _ = block(spatial, frequency + 10)
        assert torch.equal(before, after) is not interaction


def test_mixing_is_a_convolution_with_coordinates() -> None:
    module = FrequencyConvolution(3)
    parts = grey(2, 6, 8, 5)
    rows = torch.linspace(0, 1, 8)[:, None].expand(2, 1, 8, 5)
    columns = torch.linspace(0, 1, 5).expand(2, 1, 8, 5)
    expected = module.mixing(torch.cat([rows, columns, parts], dim=1))
    torch.testing.assert_close(module._mix(parts), expected, rtol=1e-4, atol=1e-3)


def test_real_and_imaginary_parts_alternate() -> None:
    # With weights that pass each part on, and nothing negative to cut off, the
    # transforms undo each other: any exchange of parts would show.
    module = FrequencyConvolution(2).eval()
    with torch.no_grad():
        module.mixing.weight.zero_()
        module.mixing.weight[:, 2:, 0, 0] = torch.eye(4)
    spectrum = torch.zeros(1, 2, 8, 5, dtype=torch.complex64)
    spectrum[0, 0, 0, 2] = torch.complex(torch.tensor(3.0), torch.tensor(1.0))
    spectrum[0, 1, 0, 1] = torch.complex(torch.tensor(1.0), torch.tensor(2.0))
    image = torch.fft.irfft2(spectrum, s=(8, 8), norm="ortho")
    torch.testing.assert_close(module._filter(image), image, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("columns", [1, 2, 3, 16, 17])
def test_impossible_imaginary_parts_count_for_nothing(columns: int) -> None:
    # The inverse transform as it is defined: rows of a complex spectrum, both halves,
    # the one the mirror image of the other; what must be real made real by hand.
    module = FrequencyConvolution(3).double().eval()
    seen = {}
    module.norm.register_forward_hook(lambda *call: seen.update(parts=call[2]))
    features = grey(2, 3, 12, columns).double()
    filtered = module._filter(features)
    parts = seen["parts"].relu()
    half = torch.fft.ifft(torch.complex(parts[:, 0::2], parts[:, 1::2]), dim=-2)
    real = [0] if columns % 2 else [0, columns // 2]
    lost = half.imag[..., real].abs().max()
    assert lost > 1e-3  # there is something to drop
    half[..., real] = half[..., real].real.to(half.dtype)
    mirrored = half[..., 1 : (columns + 1) // 2].conj().flip(-1)
    whole = torch.fft.ifft(torch.cat([half, mirrored], dim=-1), dim=-1)
    assert whole.shape[-1] == columns
    assert whole.imag.abs().max() < 1e-12
    expected = whole.real * (12 * columns) ** 0.5  # orthonormal
    torch.testing.assert_close(filtered, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", SMALL)
@pytest.mark.parametrize("size", [(16, 17), (64, 64), (4, 8192)])
def test_gpu_agrees(method: str, size: tuple[int, int]) -> None:
    # In float64, so that only a different meaning could make a difference.
    network, image = seeded(method).double().eval(), grey(1, 1, *size).double()
    expected = network(image)
    found = network.cuda()(image.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_input_scale_leaves_the_grey_levels_alone() -> None:
    raw, scaled = seeded("sfin"), seeded("sfin", input_scale=255.0)
    # What the scaled network makes of an image is 255 × what the raw one makes
    # of the image divided by 255.
    image = grey(1, 1, 12, 12)
    torch.testing.assert_close(scaled.eval()(image), raw.eval()(image / 255) * 255)


def test_atomsegnet_stays_within_the_grey_levels() -> None:
    output = seeded("atomsegnet").eval()(grey(1, 1, 16, 16) * 1e3)
    assert 0 <= output.min() <= output.max() <= 255


def test_fcn_ignores_brightness_and_contrast() -> None:
    network, image = seeded("fcn").eval(), grey(1, 1, 16, 16)
    torch.testing.assert_close(
        network(0.3 * image + 50), network(image), rtol=1e-3, atol=1e-2
    )


@pytest.mark.parametrize("method", SMALL)
def test_bfloat16_is_close(method: str) -> None:
    network, image = seeded(method), grey(2, 1, 32, 32)
    network(image)  # one look, so that the batch statistics fit
    network.eval()
    exact = network(image)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = network(image)
    assert coarse.dtype == torch.float32
    assert (coarse - exact).norm() < 0.05 * exact.norm()
    assert not torch.equal(coarse, exact)


@pytest.mark.parametrize("size", [1, 2, 3, 16, 17])
def test_padding_reflects(size: int) -> None:
    image = torch.arange(float(size)).expand(2, 1, 4, size)
    padded = pad_to_multiple(image, 16)
    assert padded.shape == (2, 1, 16, 16 * -(-size // 16))
    assert torch.equal(padded[..., :4, :size], image)
    # Neighbours differ by one: a reflection has no jump.
    steps = padded[0, 0, 0].diff().abs()
    assert torch.equal(steps, torch.full_like(steps, float(size > 1)))


@pytest.mark.parametrize("method", SMALL)
def test_weights_round_trip(method: str, tmp_path: Path) -> None:
    network = seeded(method)
    network(grey(2, 1, 16, 16))  # moves the batch statistics off their start
    metadata = {"method": method, "network": SMALL[method], "seed": 3, "mode": "bf"}
    path = tmp_path / "folder" / "weights.safetensors"
    save_weights(path, network, metadata)
    first = path.read_bytes()
    loaded, found = load_network(path)
    assert found == metadata
    assert not loaded.training
    image = grey(1, 1, 16, 16)
    assert torch.equal(loaded(image), network.eval()(image))
    save_weights(path, loaded, dict(reversed(found.items())))
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    wrong = {"method": "sfin", "network": {"channels": 8, "pairs": 1}}
    save_weights(path, seeded("sfin"), wrong)
    with pytest.raises(InputError, match="another architecture"):
        load_network(path)


def test_damaged_and_missing_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(InputError, match="train"):
        load_network(path)
    save_weights(path, seeded("fcn"), {"method": "fcn", "network": SMALL["fcn"]})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="intact"):
        load_network(path)
    path.write_text("not weights")
    with pytest.raises(InputError, match="intact"):
        load_network(path)


def test_a_flipped_bit_of_a_weight_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, seeded("fcn"), {"method": "fcn", "network": SMALL["fcn"]})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.safetensors holds other weights"):
        load_network(path)


def test_weights_without_method_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="method, network"):
        save_weights(tmp_path / "weights.safetensors", seeded("fcn"), {})
    assert not list(tmp_path.iterdir())


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(InputError, match="no network unet"):
        build_network("unet", {})
    with pytest.raises(InputError, match="do not make"):
        build_network("fcn", {"channels": 16})
    with pytest.raises(InputError, match="even number"):
        build_network("sfin", {"channels": 5})
    with pytest.raises(InputError, match="no device"):
        choose_device("tpu")


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("networks", "atomsegnt"), {"network": {}}, "did you mean 'atomsegnet'"),
        (
            ("networks", "fcn", "network"),
            {"wdth": 8},
            r"fcn.network: .*'wdth'; give width",
        ),
        (("methods",), ["sfin", "wienr"], "did you mean 'wiener'"),
        (("detection", "methods"), ["wiener"], "no 'wiener' in sfin or"),
    ],
)
def test_networks_that_are_not_there_are_refused_before_any_job(
    place: tuple[str, ...], value: object, sentence: str
) -> None:
    settings = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    check_networks(settings)
    *sections, key = place
    section = settings
    for name in sections:
        section = section[name]
    section[key] = value
    with pytest.raises(InputError, match=sentence) as refusal:
        check_networks(settings)
    assert "\n" not in str(refusal.value)
