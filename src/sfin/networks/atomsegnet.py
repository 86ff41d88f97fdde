"""AtomSegNet: the U-Net of Lin et al., Scientific Reports 11, 5386 (2021)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sfin.errors import InputError
from sfin.networks.padding import pad_to_multiple


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    """Make two times 3 × 3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Rise(nn.Module):
    """From one level of the U to the finer one above it."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(
            nn.Conv2d(coarse, fine, kernel_size=1), nn.BatchNorm2d(fine)
        )
        self.norm = nn.BatchNorm2d(2 * fine)
        self.convolutions = double_convolution(2 * fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Join (n, 2c, rows / 2, columns / 2) and (n, c, rows, columns)."""
        raised = functional.interpolate(
            coarse, scale_factor=2, mode="bilinear", align_corners=True
        )
        joined = torch.cat([fine, self.narrow(raised)], dim=1)
        output: Tensor = self.convolutions(self.norm(joined))
        return output


class AtomSegNet(nn.Module):
    """Two-level U-Net with a sigmoid output, as in the AtomSegNet application.

    The output passes ReLU, batch normalisation and sigmoid, so all pixels that
    the ReLU silences share one grey level, the floor of the image.

    Trainable parameters at `width` 64: 1,742,531. The released network counts
    1,742,533; two of them are the scale and shift of a batch normalisation that
    is declared and never used, which is left out here.

    Parameters
    ----------
    width
        Channels of the finest level; the two coarser ones have twice and four
        times as many. The released network has 64.

    Raises
    ------
    InputError
        If `width` is not positive.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        if width < 1:
            raise InputError(
                f"width = {width} makes no AtomSegNet: give 1 or more channels."
            )
        self.fine = double_convolution(1, width)
        self.middle = double_convolution(width, 2 * width)
        self.coarse = double_convolution(2 * width, 4 * width)
        self.rise_to_middle = Rise(4 * width, 2 * width)
        self.rise_to_fine = Rise(2 * width, width)
        self.output = nn.Conv2d(width, 1, kernel_size=1)
        self.output_norm = nn.BatchNorm2d(1)

    def forward(self, image: Tensor) -> Tensor:
        """Enhance images.

        Parameters
        ----------
        image
            Grey levels 0–255, float32 (n, 1, rows, columns), any size: it is
            extended by reflection to a multiple of 4 and the result cropped.

        Returns
        -------
        Tensor
            Grey levels between 0 and 255 of the same shape.
        """
        rows, columns = image.shape[-2:]
        fine = self.fine(pad_to_multiple(image / 255, 4))
        # (n, w, rows, columns) -> (n, 2w, rows / 2, columns / 2)
        middle = self.middle(functional.max_pool2d(fine, 2))
        # -> (n, 4w, rows / 4, columns / 4)
        coarse = self.coarse(functional.max_pool2d(middle, 2))
        # and back up to (n, w, rows, columns)
        features = self.rise_to_fine(self.rise_to_middle(coarse, middle), fine)
        output: Tensor = self.output_norm(functional.relu(self.output(features)))
        return torch.sigmoid(output.float())[..., :rows, :columns] * 255
