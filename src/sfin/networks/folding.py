"""Trained networks rearranged for inference: the same answers from less work.

Batch normalisation is frozen once a network is trained: a factor and a shift that
the convolution before it can take over. Of an interactive block's six 3 × 3
convolutions five read the block's own input; four of them become one, which reads
and makes both branches at once, and the sums between the branches happen inside it.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sfin.networks.sfin import (
    SFIN,
    FrequencyConvolution,
    InteractiveBlock,
)
from sfin.networks.transforms import inverse_transform

# Weight and bias of a convolution.
Weights = tuple[Tensor, Tensor]


def fold(network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Make the inference network of a trained network.

    In float32 the answers agree to 1e-5 (relative L2). In bfloat16 the SFIN family
    computes its blocks' 3 × 3 convolutions in that type; the first and the last
    layer, the transforms and all between them stay in float32.

    Parameters
    ----------
    network
        Any network of `sfin.networks.build`; it is left as it is.
    dtype
        Of the convolutions of the SFIN family, float32 or bfloat16. The other
        networks stay in float32, for ``torch.autocast`` to narrow.

    Returns
    -------
    nn.Module
        On the same device, in evaluation mode, for inference only. A network with
        nothing to fold is given back itself.
    """
    if isinstance(network, SFIN):
        return FoldedSFIN(network, dtype)
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return _fold_sequences(copy.deepcopy(network).eval())
    return network


class FoldedSFIN(nn.Module):
    """SFIN for inference; the scale of the grey levels is in its outer layers.

    Tensors lie channels last, which the convolutions of a CPU are fastest on.
    """

    def __init__(self, network: SFIN, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        scale = network.input_scale
        head, tail = _weights(network.head), _weights(network.tail)
        self.head = FoldedConvolution(head[0] / scale, head[1], torch.float32)
        self.tail = FoldedConvolution(tail[0] * scale, tail[1] * scale, torch.float32)
        self.blocks = nn.ModuleList(
            FoldedBlock(block, dtype)
            for block in network.modules()
            if isinstance(block, InteractiveBlock)
        )
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """Map grey levels (n, 1, rows, columns) to enhanced ones."""
        head = self.head(image).contiguous(memory_format=torch.channels_last)
        features = kept = head.to(self.dtype)
        for number, block in enumerate(self.blocks):
            features = block(features)
            if number % 2:  # the second of a pair
                features = kept = features.add_(kept)
        output: Tensor = self.tail(features + head)
        return output


class FoldedConvolution(nn.Module):
    """A 3 × 3 convolution, or two side by side for two groups of channels."""

    weight: Tensor
    bias: Tensor

    def __init__(
        self, weight: Tensor, bias: Tensor, dtype: torch.dtype, groups: int = 1
    ) -> None:
        super().__init__()
        self.groups = groups
        weight = weight.to(dtype).contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias.to(dtype))

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, inputs, rows, columns) to (n, outputs, rows, columns)."""
        return functional.conv2d(
            features, self.weight, self.bias, padding=1, groups=self.groups
        )


class FoldedBlock(nn.Module):
    """Interactive block for inference.

    The first half of the channels is the spatial branch, the second half the
    frequency branch.
    """

    def __init__(self, block: InteractiveBlock, dtype: torch.dtype) -> None:
        super().__init__()
        self.frequency: FoldedFrequency | None = None
        inner = block.frequency
        if isinstance(inner, FrequencyConvolution):
            factor, _ = _factor_and_shift(block.frequency_norm)
            self.frequency = FoldedFrequency(inner, factor, dtype)
            inner = inner.exit
        assert isinstance(inner, nn.Conv2d)
        weight, bias = _weights(inner)
        # What an exit reads of the transforms is left to `FoldedFrequency`.
        frequency = [(weight[:, : len(weight)], bias)]
        spatial = [_weights(block.spatial)]
        if block.interaction:
            spatial.append(_weights(block.frequency_to_spatial))
            frequency.insert(0, _weights(block.spatial_to_frequency))
        branches = (
            _joined(spatial, block.spatial_norm),
            _joined(frequency, block.frequency_norm),
        )
        weight, bias = (torch.cat(parts) for parts in zip(*branches, strict=True))
        # Branches that do not interact are two groups of channels.
        groups = 1 if block.interaction else 2
        self.joint = FoldedConvolution(weight, bias, dtype, groups)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels of both, rows, columns), channels last, to the same."""
        output: Tensor = self.joint(features)
        if self.frequency is not None:
            half = features.shape[1] // 2
            output[:, half:] += self.frequency(features[:, half:])
        return output.relu_()


class FoldedFrequency(nn.Module):
    """Frequency convolution for inference: what its exit makes of the transforms."""

    mixing: Tensor
    coordinates: Tensor
    shift: Tensor

    def __init__(
        self, module: FrequencyConvolution, factor: Tensor, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.entry = FoldedConvolution(*_weights(module.entry), dtype)
        exit_weight, exit_bias = _weights(module.exit)
        channels = len(exit_weight)
        exit_weight = exit_weight[:, channels:] * factor[:, None, None, None]
        self.exit = FoldedConvolution(exit_weight, 0 * exit_bias, dtype)

        scale, shift = _factor_and_shift(module.norm)
        mixing = module.mixing.weight.detach().double().flatten(1) * scale[:, None]
        # All real parts, then all imaginary ones, as `torch.complex` takes them.
        order = torch.arange(2 * channels).view(channels, 2).t().flatten()
        mixing, shift = mixing[order].float(), shift[order].float()
        self.register_buffer("mixing", mixing[:, 2:].contiguous())
        self.register_buffer("coordinates", mixing[:, :2])
        self.register_buffer("shift", shift)
        # Of the size of the last image: the next one has the same, most likely.
        self.kept_bias: tuple[tuple[int, int], Tensor] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels, rows, columns), channels last, to the same."""
        features = features.contiguous(memory_format=torch.channels_last)
        filtered = self._filter(self.entry(features).float()).to(features.dtype)
        output: Tensor = self.exit(
            filtered.contiguous(memory_format=torch.channels_last)
        )
        return output

    def _filter(self, features: Tensor) -> Tensor:
        # As `FrequencyConvolution`, with fewer copies.
        number, channels, rows, columns = features.shape
        spectrum = torch.fft.rfft2(_planes(features), norm="ortho")
        half = spectrum.shape[-1]
        # (n, 2c, rows · half): re0, im0, re1, im1, …
        parts = torch.view_as_real(spectrum).movedim(-1, 2)
        mixed = torch.matmul(self.mixing, parts.reshape(number, 2 * channels, -1))
        mixed = mixed.add_(self._position_bias(rows, half)).relu_()
        mixed = mixed.view(number, 2, channels, rows, half)
        return inverse_transform(torch.complex(mixed[:, 0], mixed[:, 1]), columns)

    def _position_bias(self, rows: int, half: int) -> Tensor:
        # (2c, rows · half): the share of the two coordinates and the normalisation.
        kept, device = self.kept_bias, self.shift.device
        if kept is None or kept[0] != (rows, half) or kept[1].device != device:
            row, column = (
                torch.linspace(0, 1, size, device=device) for size in (rows, half)
            )
            weights = self.coordinates[:, :, None, None]
            bias = weights[:, 0] * row[:, None] + weights[:, 1] * column
            bias = (bias + self.shift[:, None, None]).flatten(1)
            self.kept_bias = kept = (rows, half), bias
        return kept[1]


def _planes(features: Tensor) -> Tensor:
    # From channels last to planes. Image by image, because torch transposes matrices
    # four times as fast as anything else, and transforms what lies channels last
    # four times as slowly as planes.
    planes = torch.empty(features.shape, device=features.device)
    for image, plane in zip(features.permute(0, 2, 3, 1), planes, strict=True):
        plane.flatten(1).copy_(image.flatten(0, 1).t())
    return planes


def _weights(convolution: nn.Conv2d) -> Weights:
    # In float64, so that folding costs no digit.
    bias = convolution.bias
    assert bias is not None
    return convolution.weight.detach().double(), bias.detach().double()


def _factor_and_shift(norm: nn.BatchNorm2d) -> Weights:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight.detach().double() / (variance.double() + norm.eps).sqrt()
    return factor, norm.bias.detach().double() - factor * mean.double()


def _joined(parts: Sequence[Weights], norm: nn.BatchNorm2d) -> Weights:
    # One convolution of the inputs of several, whose sum is normalised.
    factor, shift = _factor_and_shift(norm)
    weight = torch.cat([weight for weight, _ in parts], dim=1)
    bias = torch.stack([bias for _, bias in parts]).sum(dim=0)
    return weight * factor[:, None, None, None], bias * factor + shift


def _fold_sequences(network: nn.Module) -> nn.Module:
    # Where a convolution is followed by a normalisation in a sequence.
    for module in list(network.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for place in range(len(module) - 1):
            first, second = module[place], module[place + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                module[place] = fuse_conv_bn_eval(first, second)
                module[place + 1] = nn.Identity()
    return network
