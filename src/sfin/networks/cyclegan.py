"""The CycleGAN of Khan et al., npj Computational Materials 9, 85 (2023): its networks.

Two generators translate between simulated and recorded images; four discriminators
tell which images are real, two by the image and two by its power spectrum. Images
have values between -1 and 1 here.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.errors import InputError

# Of Keras, where the original was written; PyTorch's default is another one.
LEAK = 0.3
EPSILON = 1e-5
DROPOUT = 0.5
# The deepest levels have as many channels as the fourth.
WIDEST = 8
# Levels above the first dropout: of the full eight, the first three that rise have it.
LEVELS_WITHOUT_DROPOUT = 5
# Between them the power spectrum keeps its logarithm.
POWER = (1e-36, 1e36)


class InstanceNorm(nn.Module):
    """Each channel of each image to mean 0 and deviation 1, then scaled and shifted.

    A channel of one pixel becomes its shift, whatever it was.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, image: Tensor) -> Tensor:
        """Normalise images (n, channels, rows, columns)."""
        if image.shape[-2:] == (1, 1):
            # Computed, it would be rounding errors, which Adam blows up to steps.
            return self.bias[:, None, None].expand(image.shape)
        return functional.instance_norm(
            image, weight=self.weight, bias=self.bias, eps=EPSILON
        )


class Generator(nn.Module):
    """The U-Net of pix2pix: down to a pixel or a few, and up again, with skips.

    Down: 4 × 4 convolutions of stride 2 without bias, instance normalisation but in
    the first, leaky ReLU. Up: transposed ones, instance normalisation, dropout in the
    coarsest three, ReLU; what went down is appended. The last one ends in tanh.

    Parameters at `width` 64 and 8 `levels`: 54,408,833, as the original. There an
    image of 256 × 256 pixels has one pixel at the bottom, whose normalisation gives
    its shift whatever comes in: the deepest convolution is dead, and learns nothing.

    Parameters
    ----------
    width
        Channels of the first level; they double down to eight times as many.
    levels
        How often the image is halved.

    Raises
    ------
    InputError
        If there are no channels or fewer than two levels.
    """

    def __init__(self, width: int = 64, levels: int = 8) -> None:
        super().__init__()
        if width < 1 or levels < 2:
            raise InputError(
                f"A generator of {width} channels and {levels} levels cannot be made: "
                "give 1 or more channels and 2 or more levels."
            )
        self.levels = levels
        channels = [width * min(2**level, WIDEST) for level in range(levels)]
        self.down = nn.ModuleList(
            _down(channels[level - 1] if level else 1, channels[level], norm=level > 0)
            for level in range(levels)
        )
        up, coming = [], channels[-1]
        for level in range(levels - 2, -1, -1):
            dropout = level >= LEVELS_WITHOUT_DROPOUT - 1
            up.append(_up(coming, channels[level], dropout))
            coming = 2 * channels[level]
        self.up = nn.ModuleList(up)
        self.last = nn.ConvTranspose2d(coming, 1, 4, stride=2, padding=1)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """Translate images.

        Parameters
        ----------
        image
            float32 (n, 1, rows, columns), -1 to 1; rows and columns are multiples
            of 2 to the power of the levels.

        Returns
        -------
        Tensor
            Of the same shape, -1 to 1.

        Raises
        ------
        InputError
            If the image cannot be halved as often.
        """
        rows, columns = image.shape[-2:]
        if rows % 2**self.levels or columns % 2**self.levels:
            raise InputError(
                f"An image of {rows} × {columns} pixels cannot be halved "
                f"{self.levels} times: make its sides multiples of {2**self.levels}, "
                "or lower gan.network.levels."
            )
        kept = [image]
        for down in self.down:
            kept.append(down(kept[-1]))
        # (n, 8w, rows / 2^levels, columns / 2^levels) -> (n, 2w, rows / 2, columns / 2)
        raised = kept.pop()
        for up in self.up:
            raised = torch.cat([up(raised), kept.pop()], dim=1)
        return torch.tanh(self.last(raised))


class Discriminator(nn.Module):
    """PatchGAN: for each place of an image, how real its surroundings look.

    Parameters at `width` 64: 2,763,521, as the original.

    Parameters
    ----------
    width
        Channels after the first convolution.
    fourier
        Whether to look at the logarithm of the power spectrum instead of the image.
    """

    def __init__(self, width: int = 64, fourier: bool = False) -> None:
        super().__init__()
        self.fourier = fourier
        self.layers = nn.Sequential(
            _down(1, width, norm=False),
            _down(width, 2 * width),
            _down(2 * width, 4 * width),
            nn.ZeroPad2d(1),
            nn.Conv2d(4 * width, 8 * width, 4, bias=False),
            InstanceNorm(8 * width),
            nn.LeakyReLU(LEAK),
            nn.ZeroPad2d(1),
            nn.Conv2d(8 * width, 1, 4),
            nn.Sigmoid(),
        )
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """Judge images (n, 1, rows, columns), values -1 to 1.

        Returns
        -------
        Tensor
            0 to 1, (n, 1, rows / 8 - 2, columns / 8 - 2).
        """
        judged: Tensor = self.layers(log_power(image) if self.fourier else image)
        return judged


def _down(coming: int, going: int, norm: bool = True) -> nn.Sequential:
    """Halve images: 4 × 4 convolution of stride 2, normalisation, leaky ReLU."""
    norms = [InstanceNorm(going)] if norm else []
    halve = nn.Conv2d(coming, going, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(halve, *norms, nn.LeakyReLU(LEAK))


def _up(coming: int, going: int, dropout: bool) -> nn.Sequential:
    """Double images: transposed convolution, normalisation, dropout, ReLU."""
    double = nn.ConvTranspose2d(coming, going, 4, stride=2, padding=1, bias=False)
    dropouts = [nn.Dropout(DROPOUT)] if dropout else []
    return nn.Sequential(double, InstanceNorm(going), *dropouts, nn.ReLU())


def log_power(image: Tensor) -> Tensor:
    """Take the decimal logarithm of the power spectrum, the mean in its corner."""
    spectrum = torch.fft.fft2(image)
    power = spectrum.real.square() + spectrum.imag.square()
    logarithm: Tensor = power.clamp(*POWER).log10()
    return logarithm


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions from N(0, 0.02), by torch's generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
