"""The spatial-frequency interactive network (paper, section 3.4 and figure 5)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.errors import InputError
from sfin.networks.transforms import (
    from_spectrum,
    inverse_transform,
    to_spectrum,
)


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Make a 3 × 3 convolution that keeps the size: zero padding, with bias."""
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


class FrequencyConvolution(nn.Module):
    """Frequency convolution module: mix channels at every spatial frequency.

    Convolution, real Fourier transform, a 1 × 1 convolution of the real and
    imaginary parts together with the two coordinates of the frequency, batch
    normalisation, ReLU, inverse transform; a last convolution merges the result
    with the module's input.

    The transforms are always computed in float32: a lattice peak stands orders
    of magnitude above its surroundings, and torch has no bfloat16 transform.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lean = False
        self.entry = convolution(channels, channels)
        # Inputs: row coordinate, column coordinate, then real and imaginary
        # part of channel 0, of channel 1, …
        self.mixing = nn.Conv2d(2 * channels + 2, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)
        self.exit = convolution(2 * channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels, rows, columns) to the same shape."""
        filtered = self.filtered(features)
        merged: Tensor = self.exit(torch.cat([features, filtered], dim=1))
        return merged

    def filtered(self, features: Tensor) -> Tensor:
        """Map (n, channels, rows, columns) to what the exit joins with it."""
        entered = self.entry(features)
        with torch.autocast(features.device.type, enabled=False):
            # The precision of the weights, which is float32 also under autocast.
            filtered = self._filter(entered.to(self.mixing.weight.dtype))
        return filtered.to(features.dtype)

    def _filter(self, features: Tensor) -> Tensor:
        columns = features.shape[-1]
        if self.lean:
            mixed = functional.relu(self.norm(self._mix(to_spectrum(features))))
            return from_spectrum(mixed, columns)
        # (n, c, rows, columns) -> (n, c, rows, columns // 2 + 1) complex
        spectrum = torch.fft.rfft2(features, norm="ortho")
        # -> (n, c, 2, rows, half) -> (n, 2c, rows, half): re0, im0, re1, im1, …
        parts = torch.view_as_real(spectrum).movedim(-1, 2).flatten(1, 2)
        parts = functional.relu(self.norm(self._mix(parts)))
        # (n, 2c, rows, half) -> two of (n, c, rows, half)
        real, imaginary = parts[:, 0::2], parts[:, 1::2]
        return inverse_transform(torch.complex(real, imaginary), columns)

    def _mix(self, parts: Tensor) -> Tensor:
        # A 1 × 1 convolution of [row coordinate, column coordinate, parts]. The
        # coordinates are the same for all images, so their share is a bias that
        # is the sum of one vector over rows and one over columns.
        rows, half = parts.shape[-2:]
        weight = self.mixing.weight.flatten(1)  # (2c, 2c + 2, 1, 1) -> (2c, 2c + 2)
        row = torch.linspace(0, 1, rows, device=parts.device, dtype=parts.dtype)
        column = torch.linspace(0, 1, half, device=parts.device, dtype=parts.dtype)
        bias = (
            weight[:, 0, None, None] * row[:, None]  # (2c, rows, 1)
            + weight[:, 1, None, None] * column  # (2c, 1, half)
        )
        # (2c, 2c) @ (n, 2c, rows · half) -> (n, 2c, rows, half)
        mixed: Tensor = torch.matmul(weight[:, 2:], parts.flatten(2))
        return mixed.view(-1, len(weight), rows, half) + bias


class InteractiveBlock(nn.Module):
    """Spatial-frequency interactive block (SFIB): both branches, one step.

    Parameters
    ----------
    channels
        Channels of each branch.
    interaction
        Whether each branch also receives a convolution of the other.
    frequency
        Whether the frequency branch uses `FrequencyConvolution`; if not, one
        3 × 3 convolution takes its place (paper, table 5).
    """

    def __init__(self, channels: int, interaction: bool, frequency: bool) -> None:
        super().__init__()
        self.interaction = interaction
        self.merged = False
        self.spatial = convolution(channels, channels)
        if interaction:
            self.spatial_to_frequency = convolution(channels, channels)
            self.frequency_to_spatial = convolution(channels, channels)
        self.frequency: nn.Module
        if frequency:
            self.frequency = FrequencyConvolution(channels)
        else:
            self.frequency = convolution(channels, channels)
        self.spatial_norm = nn.BatchNorm2d(channels)
        self.frequency_norm = nn.BatchNorm2d(channels)

    def forward(self, spatial: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
        """Map both (n, channels, rows, columns) to the same shapes."""
        if self.merged:
            new_spatial, new_frequency = self._merged(spatial, frequency)
        else:
            new_spatial = self.spatial(spatial)
            new_frequency = self.frequency(frequency)
            if self.interaction:
                new_spatial = new_spatial + self.frequency_to_spatial(frequency)
                new_frequency = new_frequency + self.spatial_to_frequency(spatial)
        return (
            functional.relu(self.spatial_norm(new_spatial)),
            functional.relu(self.frequency_norm(new_frequency)),
        )

    def _merged(self, spatial: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
        # The four convolutions that read the block's input, as one. What the exit
        # reads of the transforms is added to the frequency branch.
        inner = self.frequency
        assert isinstance(inner, FrequencyConvolution)
        known, filtered = inner.exit.weight.chunk(2, dim=1)
        weight = torch.cat(
            [
                torch.cat([self.spatial.weight, self.frequency_to_spatial.weight], 1),
                torch.cat([self.spatial_to_frequency.weight, known], 1),
            ]
        )
        bias = torch.stack(
            [
                torch.cat([self.spatial.bias, self.spatial_to_frequency.bias]),  # type: ignore[list-item]
                torch.cat([self.frequency_to_spatial.bias, inner.exit.bias]),  # type: ignore[list-item]
            ]
        ).sum(dim=0)
        both = torch.cat([spatial, frequency], dim=1)
        new_spatial, new_frequency = functional.conv2d(
            both, weight, bias, padding=1
        ).chunk(2, dim=1)
        transformed = functional.conv2d(inner.filtered(frequency), filtered, padding=1)
        return new_spatial, new_frequency + transformed


def make_lean(network: nn.Module) -> None:
    """Let the blocks of an SFIN move less through memory while it trains, in place.

    Four of the six 3 × 3 convolutions of a block become one where all are there, and
    gradients of Fourier transforms cost no more than these. The weights stay as they
    are, and so does the result but for rounding. Other networks are left alone.
    """
    for module in network.modules():
        if isinstance(module, FrequencyConvolution):
            module.lean = True
        elif isinstance(module, InteractiveBlock) and module.interaction:
            module.merged = isinstance(module.frequency, FrequencyConvolution)


class ResidualPair(nn.Module):
    """Two blocks and the identity around them."""

    def __init__(self, channels: int, interaction: bool, frequency: bool) -> None:
        super().__init__()
        self.first = InteractiveBlock(channels, interaction, frequency)
        self.second = InteractiveBlock(channels, interaction, frequency)

    def forward(self, spatial: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
        """Map both (n, channels, rows, columns) to the same shapes."""
        first = self.first(spatial, frequency)
        second_spatial, second_frequency = self.second(*first)
        return spatial + second_spatial, frequency + second_frequency


class SFIN(nn.Module):
    """Spatial-frequency interactive network.

    Convolution, residual pairs of interactive blocks, a skip over all of them,
    convolution. The first half of the channels is the spatial branch, the second
    half the frequency branch. The network predicts the clean image itself, not
    the noise. Trainable parameters at the paper's size (64 channels, 8 pairs =
    16 blocks): 960,193; without interaction 664,257; spatial only 299,201.

    Parameters
    ----------
    channels
        Channels of both branches together; even.
    pairs
        Residual pairs of two interactive blocks.
    interaction, frequency
        Parts that table 5 of the paper takes away; both true is SFIN, both false
        the spatial-only network.
    input_scale
        Grey levels that the network sees as 1: the input is divided by it and
        the output multiplied. 1 is the paper's network, which sees raw 0–255;
        255 learns faster in a short training.

    Raises
    ------
    InputError
        If `channels` is odd or a size is not positive.
    """

    def __init__(
        self,
        channels: int = 64,
        pairs: int = 8,
        interaction: bool = True,
        frequency: bool = True,
        input_scale: float = 1.0,
    ) -> None:
        super().__init__()
        if channels < 2 or channels % 2 or pairs < 1 or input_scale <= 0:
            raise InputError(
                f"channels = {channels}, pairs = {pairs}, input_scale = {input_scale} "
                "do not make an SFIN: give an even number of channels, at least one "
                "pair, and a positive scale."
            )
        self.input_scale = input_scale
        self.head = convolution(1, channels)
        self.pairs = nn.ModuleList(
            ResidualPair(channels // 2, interaction, frequency) for _ in range(pairs)
        )
        self.tail = convolution(channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Enhance images.

        Parameters
        ----------
        image
            Grey levels 0–255, float32 (n, 1, rows, columns), any size.

        Returns
        -------
        Tensor
            Grey levels of the same shape, not clipped.
        """
        features = self.head(image / self.input_scale)
        # (n, channels, rows, columns) -> two of (n, channels / 2, rows, columns)
        spatial, frequency = features.chunk(2, dim=1)
        for pair in self.pairs:
            spatial, frequency = pair(spatial, frequency)
        output: Tensor = self.tail(torch.cat([spatial, frequency], dim=1) + features)
        return output.float() * self.input_scale
