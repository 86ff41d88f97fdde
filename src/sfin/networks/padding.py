"""Reflection to a size that a network with pooling can halve evenly."""

import torch
from torch import Tensor


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Extend the last two axes by reflection, below and to the right.

    Parameters
    ----------
    image
        (…, rows, columns). Any size: a side shorter than the missing part is
        reflected again and again.
    multiple
        Both sides become the next multiple of it.
    """
    for axis in (-2, -1):
        size = image.shape[axis]
        padded = -(-size // multiple) * multiple
        if padded > size:
            image = image.index_select(axis, reflection(size, padded, image.device))
    return image


def reflection(size: int, padded: int, device: torch.device) -> Tensor:
    """Give the pixel shown at each of `padded` positions.

    For three pixels: 0 1 2 1 0 1 2 and so on.
    """
    position = torch.arange(padded, device=device) % max(2 * (size - 1), 1)
    return torch.minimum(position, 2 * (size - 1) - position)
