"""SFIN as one writes it first, from the layer table, to compare times with.

Every convolution on its own, batch normalisation as a layer, the two coordinate
planes made anew for every image and joined to the spectrum, float32. The layers have
the names of `sfin.networks.sfin`, so that `load_state_dict` takes its weights.
"""

import torch
from torch import Tensor, nn


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Make a 3 × 3 convolution with bias and zero padding."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class PlainFrequency(nn.Module):
    """Convolution; transform, coordinates, 1 × 1, ReLU, back; convolution of both."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entry = convolution(channels, channels)
        self.mixing = nn.Conv2d(2 * channels + 2, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)
        self.exit = convolution(2 * channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, channels, rows, columns) to the same."""
        filtered = self._filter(self.entry(features))
        output: Tensor = self.exit(torch.cat((features, filtered), dim=1))
        return output

    def _filter(self, features: Tensor) -> Tensor:
        number, channels, rows, columns = features.shape
        spectrum = torch.fft.rfftn(features, dim=(-2, -1), norm="ortho")
        half = spectrum.shape[-1]
        parts = torch.stack((spectrum.real, spectrum.imag), dim=-1)
        parts = parts.permute(0, 1, 4, 2, 3).contiguous()
        parts = parts.view(number, 2 * channels, rows, half)
        row = torch.linspace(0, 1, rows)[None, None, :, None]
        column = torch.linspace(0, 1, half)[None, None, None, :]
        planes = [
            plane.expand(number, 1, rows, half).to(parts) for plane in (row, column)
        ]
        parts = torch.cat((*planes, parts), dim=1)
        parts = torch.relu(self.norm(self.mixing(parts)))
        parts = parts.view(number, channels, 2, rows, half)
        parts = parts.permute(0, 1, 3, 4, 2).contiguous()
        spectrum = torch.complex(parts[..., 0], parts[..., 1])
        filtered: Tensor = torch.fft.irfftn(
            spectrum, s=(rows, columns), dim=(-2, -1), norm="ortho"
        )
        return filtered


class PlainBlock(nn.Module):
    """Interactive block on the channels of both branches."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial = convolution(channels, channels)
        self.spatial_to_frequency = convolution(channels, channels)
        self.frequency_to_spatial = convolution(channels, channels)
        self.frequency = PlainFrequency(channels)
        self.spatial_norm = nn.BatchNorm2d(channels)
        self.frequency_norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, 2 · channels, rows, columns) to the same."""
        spatial, frequency = features.chunk(2, dim=1)
        new_spatial = self.spatial(spatial) + self.frequency_to_spatial(frequency)
        new_frequency = self.spatial_to_frequency(spatial) + self.frequency(frequency)
        new_spatial = torch.relu(self.spatial_norm(new_spatial))
        new_frequency = torch.relu(self.frequency_norm(new_frequency))
        return torch.cat((new_spatial, new_frequency), dim=1)


class PlainPair(nn.Module):
    """Two blocks and the identity around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = PlainBlock(channels)
        self.second = PlainBlock(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, 2 · channels, rows, columns) to the same."""
        output: Tensor = features + self.second(self.first(features))
        return output


class PlainSFIN(nn.Module):
    """The whole network, for grey levels as they are.

    Parameters
    ----------
    channels
        Of both branches together.
    pairs
        Residual pairs of two blocks.
    """

    def __init__(self, channels: int = 64, pairs: int = 8) -> None:
        super().__init__()
        self.head = convolution(1, channels)
        self.pairs = nn.ModuleList(PlainPair(channels // 2) for _ in range(pairs))
        self.tail = convolution(channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Map grey levels (n, 1, rows, columns) to enhanced ones."""
        features = kept = self.head(image)
        for pair in self.pairs:
            features = pair(features)
        output: Tensor = self.tail(features + kept)
        return output
