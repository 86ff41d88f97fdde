"""The FCN of Lee et al., Nano Letters 20, 3369 (2020): a U-Net of residual blocks."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.errors import InputError
from sfin.networks.padding import pad_to_multiple

LEVELS = 4
DROPOUT = 0.1


def normalisation(channels: int) -> nn.BatchNorm2d:
    """Make the original's batch normalisation, with a shorter memory.

    The original averages its statistics over about 100 steps; here it is 10, as
    in the other networks, so that they are settled after a short training.
    """
    return nn.BatchNorm2d(channels, eps=1e-3)


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Make two times 3 × 3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        normalisation(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        normalisation(outputs),
        nn.ReLU(),
    )


class Descent(nn.Module):
    """One level down; also gives the features before pooling, for the way up."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolutions = double_convolution(inputs, outputs)
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel_size=1, stride=2), normalisation(outputs)
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map (n, c, rows, columns) to half the sides, and to the same sides."""
        kept = self.convolutions(features)
        halved = functional.max_pool2d(kept, 2) + self.shortcut(features)
        return functional.dropout(halved, DROPOUT, self.training), kept


class Ascent(nn.Module):
    """One level up, joined with the features kept on the way down."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(
            inputs, outputs, kernel_size=3, stride=2, padding=1, output_padding=1
        )
        self.residual = double_convolution(outputs, outputs)
        self.convolutions = double_convolution(2 * outputs, outputs)

    def forward(self, features: Tensor, kept: Tensor) -> Tensor:
        """Join (n, 2c, rows / 2, columns / 2) and (n, c, rows, columns)."""
        enlarged = self.enlarge(features)
        enlarged = enlarged + self.residual(enlarged)
        joined = torch.cat([enlarged, kept], dim=1)
        output: Tensor = self.convolutions(
            functional.dropout(joined, DROPOUT, self.training)
        )
        return output


class FCN(nn.Module):
    """Fully convolutional network with residual blocks and four levels.

    The original finds defects and ends in a softmax over classes; here it ends
    in one linear output, the grey level divided by 255. As in the original each
    image is standardised to mean 0 and standard deviation 1 before it enters.
    Trainable parameters at `width` 16: 2,565,969.

    Parameters
    ----------
    width
        Channels of the finest level, doubled at each of the four coarser ones.

    Raises
    ------
    InputError
        If `width` is not positive.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        if width < 1:
            raise InputError(f"width = {width} makes no FCN: give 1 or more channels.")
        widths = [width * 2**level for level in range(LEVELS + 1)]
        finer_first = list(zip([1, *widths], widths[:-1], strict=False))
        self.descents = nn.ModuleList(Descent(*pair) for pair in finer_first)
        self.bottom = double_convolution(widths[-2], widths[-1])
        self.ascents = nn.ModuleList(
            Ascent(coarse, fine)
            for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.output = nn.Conv2d(width, 1, kernel_size=1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Enhance images.

        Parameters
        ----------
        image
            Grey levels 0–255, float32 (n, 1, rows, columns), any size: it is
            extended by reflection to a multiple of 16 and the result cropped.

        Returns
        -------
        Tensor
            Grey levels of the same shape, not clipped.
        """
        rows, columns = image.shape[-2:]
        mean = image.mean(dim=(-2, -1), keepdim=True)
        # An image of one grey level has no deviation: it enters as zeros.
        deviation = (image - mean).square().mean(dim=(-2, -1), keepdim=True).sqrt()
        standardised = (image - mean) / deviation.clamp_min(1e-3)
        features = pad_to_multiple(standardised, 2**LEVELS)
        kept = []
        # (n, 1, rows, columns) -> (n, 8w, rows / 16, columns / 16)
        for descent in self.descents:
            features, before_pooling = descent(features)
            kept.append(before_pooling)
        features = self.bottom(features)
        # (n, 16w, rows / 16, columns / 16) -> (n, w, rows, columns)
        for ascent in self.ascents:
            features = ascent(features, kept.pop())
        output: Tensor = self.output(features)
        return output.float()[..., :rows, :columns] * 255


def _initialise(module: nn.Module) -> None:
    # Glorot's uniform draw and zero biases: what the original's library does.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
