"""Released checkpoints: converted, they answer as a plain network of the layers."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from sfin.errors import InputError
from sfin.networks.build import load_network
from sfin.networks.cost import parameter_count
from sfin.networks.released import convert_released, main, read_checkpoint

Weights = dict[str, Tensor]


class Maker:
    """Makes random weights under given names."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.weights: Weights = {}

    def convolution(
        self, name: str, inputs: int, outputs: int, kernel: int = 3, bias: bool = True
    ) -> None:
        shape = (outputs, inputs, kernel, kernel)
        draw = torch.randn(shape, generator=self.generator)
        self.weights[f"{name}.weight"] = draw / (inputs * kernel**2) ** 0.5
        if bias:
            self.weights[f"{name}.bias"] = torch.randn(
                outputs, generator=self.generator
            )

    def normalisation(self, name: str, channels: int) -> None:
        for part in ("weight", "running_var"):
            draw = torch.rand(channels, generator=self.generator)
            self.weights[f"{name}.{part}"] = draw + 0.5
        for part in ("bias", "running_mean"):
            draw = torch.randn(channels, generator=self.generator)
            self.weights[f"{name}.{part}"] = draw / 5
        self.weights[f"{name}.num_batches_tracked"] = torch.tensor(7)


def convolve(weights: Weights, name: str, features: Tensor) -> Tensor:
    weight = weights[f"{name}.weight"]
    bias = weights.get(f"{name}.bias")
    return functional.conv2d(features, weight, bias, padding=weight.shape[-1] // 2)


def normalise(weights: Weights, name: str, features: Tensor) -> Tensor:
    return functional.batch_norm(
        features,
        weights[f"{name}.running_mean"],
        weights[f"{name}.running_var"],
        weights[f"{name}.weight"],
        weights[f"{name}.bias"],
    )


def released_sfin(channels: int, pairs: int) -> Weights:
    """Weights in the layout of the authors of SFIN, without a prefix."""
    maker, half = Maker(), channels // 2
    for pair in range(pairs):
        for block in ("conv1", "conv2"):
            name = f"body.{pair}.{block}"
            for way in ("l2l", "l2g", "g2l"):
                maker.convolution(f"{name}.ffc.conv{way}", half, half)
            module = f"{name}.ffc.convg2g"
            maker.convolution(f"{module}.conv1", half, half)
            maker.convolution(f"{module}.conv2", channels, half)
            unit = f"{module}.fu"
            maker.convolution(f"{unit}.conv_layer", channels + 2, channels, 1, False)
            maker.normalisation(f"{unit}.bn", channels)
            for branch in ("l", "g"):
                maker.normalisation(f"{name}.bn_{branch}", half)
    maker.convolution("head_conv", 1, channels)
    maker.convolution("tail_conv", channels, 1)
    return maker.weights


def frequency_module(weights: Weights, name: str, features: Tensor) -> Tensor:
    entered = convolve(weights, f"{name}.conv1", features)
    spectrum = torch.fft.rfft2(entered, norm="ortho")
    rows, columns = spectrum.shape[-2:]
    parts = torch.stack([spectrum.real, spectrum.imag], dim=2).flatten(1, 2)
    down = torch.linspace(0, 1, rows, device=parts.device)[:, None]
    right = torch.linspace(0, 1, columns, device=parts.device)
    planes = [plane.expand(len(parts), 1, rows, columns) for plane in (down, right)]
    mixed = convolve(weights, f"{name}.fu.conv_layer", torch.cat([*planes, parts], 1))
    mixed = normalise(weights, f"{name}.fu.bn", mixed).relu().unflatten(1, (-1, 2))
    spectrum = torch.complex(mixed[:, :, 0], mixed[:, :, 1])
    back = torch.fft.irfft2(spectrum, s=features.shape[-2:], norm="ortho")
    return convolve(weights, f"{name}.conv2", torch.cat([features, back], dim=1))


def plain_sfin(weights: Weights, image: Tensor) -> Tensor:
    """SFIN as its published layers say, nothing merged or rearranged."""
    head = convolve(weights, "head_conv", image)
    spatial, frequency = head.chunk(2, dim=1)
    pairs = len({name.split(".")[1] for name in weights if name.startswith("body")})
    for pair in range(pairs):
        kept = spatial, frequency
        for block in ("conv1", "conv2"):
            name = f"body.{pair}.{block}"
            new_spatial = convolve(weights, f"{name}.ffc.convl2l", spatial)
            new_spatial = new_spatial + convolve(
                weights, f"{name}.ffc.convg2l", frequency
            )
            new_frequency = convolve(weights, f"{name}.ffc.convl2g", spatial)
            new_frequency = new_frequency + frequency_module(
                weights, f"{name}.ffc.convg2g", frequency
            )
            spatial = normalise(weights, f"{name}.bn_l", new_spatial).relu()
            frequency = normalise(weights, f"{name}.bn_g", new_frequency).relu()
        spatial, frequency = spatial + kept[0], frequency + kept[1]
    features = torch.cat([spatial, frequency], dim=1) + head
    return convolve(weights, "tail_conv", features)


def released_atomsegnet(width: int) -> Weights:
    """Weights in the layout of AtomSegNet's ``unet_sigmoid``."""
    maker = Maker()
    levels = {"1": (1, 1), "2": (1, 2), "4": (2, 4), "7": (4, 2), "9": (2, 1)}
    for level, (inputs, outputs) in levels.items():
        first = 1 if level == "1" else inputs * width
        for number, size in ((1, first), (2, outputs * width)):
            maker.convolution(f"conv{level}_{number}", size, outputs * width)
            maker.normalisation(f"bn{level}_{number}", outputs * width)
    for level, fine in (("4", 2 * width), ("7", width)):
        maker.convolution(f"upconv{level}", 2 * fine, fine, 1)
        maker.normalisation(f"bn{level}", fine)
        maker.normalisation(f"bn{level}_out", 2 * fine)
    maker.convolution("conv9_3", width, 1, 1)
    maker.normalisation("bn9_3", 1)
    maker.normalisation("bn9", 1)
    return maker.weights


def plain_atomsegnet(weights: Weights, image: Tensor) -> Tensor:
    def twice(level: str, features: Tensor) -> Tensor:
        for number in "12":
            features = convolve(weights, f"conv{level}_{number}", features)
            features = normalise(weights, f"bn{level}_{number}", features).relu()
        return features

    def rise(level: str, coarse: Tensor, fine: Tensor) -> Tensor:
        raised = functional.interpolate(
            coarse, scale_factor=2, mode="bilinear", align_corners=True
        )
        raised = convolve(weights, f"upconv{level}", raised)
        raised = normalise(weights, f"bn{level}", raised)
        return normalise(weights, f"bn{level}_out", torch.cat([fine, raised], dim=1))

    fine = twice("1", image / 255)
    middle = twice("2", functional.max_pool2d(fine, 2))
    coarse = twice("4", functional.max_pool2d(middle, 2))
    middle = twice("7", rise("4", coarse, middle))
    fine = twice("9", rise("7", middle, fine))
    output = convolve(weights, "conv9_3", fine).relu()
    return torch.sigmoid(normalise(weights, "bn9", output)) * 255


def grey(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 255


def save(path: Path, weights: Weights, parallel: bool = True) -> Path:
    if parallel:
        named = {f"module.{name}": tensor for name, tensor in weights.items()}
        torch.save({"epoch": 500, "model_state_dict": named}, path)
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize("size", [(40, 56), (33, 47)])
def test_converted_sfin_answers_as_the_released_layers(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    weights = released_sfin(64, 8)
    checkpoint = save(tmp_path / "ours.pth", weights)
    converted = tmp_path / "weights.safetensors"
    convert_released(checkpoint, converted, mode="bf")
    network, metadata = load_network(converted)
    assert parameter_count(network) == 960_193
    assert metadata["network"] == {"channels": 64, "pairs": 8}
    assert (metadata["method"], metadata["mode"]) == ("sfin", "bf")
    image = grey(1, 1, *size)
    expected = plain_sfin(weights, image)
    found = network(image)
    assert (found - expected).norm() < 1e-5 * expected.norm()


def test_released_layers_cost_what_is_published() -> None:
    weights = {name: weight.to("meta") for name, weight in released_sfin(64, 8).items()}
    with FlopCounterMode(display=False) as counter:
        plain_sfin(weights, torch.empty(1, 1, 256, 256, device="meta"))
    assert counter.get_total_flops() == 2 * 60_289_449_984


def test_converted_atomsegnet_answers_as_the_released_layers(tmp_path: Path) -> None:
    weights = released_atomsegnet(64)
    # Those that declare it count the two of a normalisation that is never called.
    learnt = [name for name in weights if name.endswith(("weight", "bias"))]
    assert sum(weights[name].numel() for name in learnt) == 1_742_533
    # As old versions of torch wrote them.
    old = {name: weights[name] for name in weights if "num_batches" not in name}
    converted = tmp_path / "weights.safetensors"
    checkpoint = save(tmp_path / "denoise.pth", old, parallel=False)
    convert_released(checkpoint, converted, "atomsegnet")
    network, metadata = load_network(converted)
    assert metadata["network"] == {"width": 64}
    image = grey(2, 1, 24, 36)
    expected = plain_atomsegnet(weights, image)
    torch.testing.assert_close(network(image), expected, rtol=1e-5, atol=1e-3)


def test_smaller_networks_are_recognised(tmp_path: Path) -> None:
    converted = tmp_path / "weights.safetensors"
    convert_released(save(tmp_path / "a.pth", released_sfin(6, 2)), converted)
    assert load_network(converted)[1]["network"] == {"channels": 6, "pairs": 2}
    first = converted.read_bytes()
    convert_released(tmp_path / "a.pth", converted)
    assert converted.read_bytes() == first


def test_converter_is_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    converted = tmp_path / "weights.safetensors"
    checkpoint = save(tmp_path / "a.pth", released_sfin(4, 1))
    assert main([str(checkpoint), str(converted), "--mode", "bf"]) == 0
    with safe_open(converted, framework="pt") as file:
        assert "pairs.0.second.frequency.mixing.weight" in file.keys()  # noqa: SIM118
    assert main([str(tmp_path / "absent.pth"), str(converted)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: There is no file")
    assert "Traceback" not in said


def test_other_files_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "weights.safetensors"
    other = released_sfin(4, 1)
    other.pop("body.0.conv1.bn_l.weight")
    unknown = {**released_sfin(4, 1), "body.0.conv1.ffc.convx.weight": torch.ones(1)}
    for number, weights in enumerate([other, unknown, released_atomsegnet(2), {}]):
        checkpoint = save(tmp_path / f"{number}.pth", weights)
        with pytest.raises(InputError, match="released weights of sfin"):
            convert_released(checkpoint, target)
    text = tmp_path / "text.pth"
    text.write_text("not a checkpoint")
    with pytest.raises(InputError, match="no PyTorch checkpoint"):
        convert_released(text, target)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="no weights by name"):
        read_checkpoint(tmp_path / "list.pth")
    with pytest.raises(InputError, match="no released fcn"):
        convert_released(tmp_path / "0.pth", target, "fcn")  # type: ignore[arg-type]
    assert not target.exists()


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    torch.save({"model_state_dict": Attack()}, tmp_path / "attack.pth")
    with pytest.raises(InputError, match="no PyTorch checkpoint"):
        read_checkpoint(tmp_path / "attack.pth")
    assert not (tmp_path / "ran").exists()
