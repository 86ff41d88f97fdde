"""What the CycleGAN sees: patches of simulated and of recorded images, unpaired."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from sfin.calibration_summary import patches_at_hand
from sfin.cyclegan_settings import CycleSettings
from sfin.errors import InputError
from sfin.images import read_image, to_grey_levels

Float32Array = NDArray[np.float32]
# Grey levels 0 to 255 are values -1 to 1.
HALF = 127.5


@dataclass(frozen=True)
class Recorded:
    """The recorded images that a CycleGAN learns from.

    Attributes
    ----------
    images
        By name, values -1 to 1, float32 (rows, columns).
    left_out
        Names of those that are smaller than a patch.
    warnings
        Of the calibration, where it trusted images although it has warned of them.
    """

    images: dict[str, Float32Array]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def read_recorded(
    patches: str | Path, files: Sequence[str | Path], patch_size: int
) -> Recorded:
    """Read the images that the calibration did not flag.

    Their grey levels are those that are calibrated, clipped to 0 and 255.

    Parameters
    ----------
    patches
        Table of all calibrated patches, by `sfin.calibrated_images`.
    files
        Of all real images of the mode.
    patch_size
        Edge in pixels; images that are smaller are left out.

    Raises
    ------
    InputError
        If no image is large enough, or a file cannot be read.
    """
    table = pd.read_csv(patches)
    used = patches_at_hand(table)
    names = set(used["image"])
    images: dict[str, Float32Array] = {}
    small = []
    for path in sorted(map(Path, files), key=lambda path: path.stem):
        if path.stem not in names:
            continue
        grey, _ = to_grey_levels(read_image(path).data)
        if min(grey.shape) < patch_size:
            small.append(path.stem)
        else:
            images[path.stem] = to_values(grey)
    if not images:
        raise InputError(
            f"No HAADF image has {patch_size} × {patch_size} pixels, which the GAN is "
            "trained on: give larger images or lower gan.training.patch_size."
        )
    warnings = tuple(dict.fromkeys(used["warnings"].dropna()))
    return Recorded(images, tuple(small), warnings)


def to_values(grey: NDArray[np.generic]) -> Float32Array:
    """Map grey levels to values -1 to 1, those beyond 0 and 255 to the ends."""
    values = np.asarray(grey, np.float32) / np.float32(HALF) - 1
    return values.clip(-1, 1)


def simulated_values(clean: NDArray[np.uint8]) -> Float32Array:
    """Map each clean image's least and greatest grey level to -1 and 1.

    Parameters
    ----------
    clean
        Shape (..., rows, columns). An image of one grey level becomes -1.
    """
    image = clean.astype(np.float32)
    low = image.min(axis=(-2, -1), keepdims=True)
    span = image.max(axis=(-2, -1), keepdims=True) - low
    values: Float32Array = (image - low) * np.float32(2) / np.maximum(span, 1) - 1
    return values


class PatchSource:
    """Patches cut from images that lie on the device.

    Every patch of every image is as likely, so larger images are seen more often.

    Parameters
    ----------
    images
        Values -1 to 1, each float32 (rows, columns), none smaller than a patch.
    settings
        Of the training.
    stride
        Patches start at multiples of it, in pixels.
    """

    def __init__(
        self,
        images: Sequence[Float32Array],
        settings: CycleSettings,
        device: torch.device,
        stride: int = 1,
    ) -> None:
        self.images = [torch.tensor(image, device=device) for image in images]
        self.settings, self.stride = settings, stride
        edge = settings.patch_size
        self.starts = [
            (
                (image.shape[0] - edge) // stride + 1,
                (image.shape[1] - edge) // stride + 1,
            )
            for image in images
        ]
        self.last = np.cumsum([rows * columns for rows, columns in self.starts])

    def batch(self, generator: torch.Generator) -> Tensor:
        """Cut a batch of patches, mirrored and turned, (n, 1, edge, edge)."""
        number, edge = self.settings.batch_size, self.settings.patch_size
        places = torch.randint(int(self.last[-1]), (number,), generator=generator)
        turns = torch.randint(4, (number, 3), generator=generator)
        patches = []
        for place, (first, second, quarter) in zip(
            places.tolist(), turns.tolist(), strict=True
        ):
            image = int(np.searchsorted(self.last, place, side="right"))
            before = int(self.last[image - 1]) if image else 0
            row, column = divmod(place - before, self.starts[image][1])
            top, left = row * self.stride, column * self.stride
            patch = self.images[image][top : top + edge, left : left + edge]
            mirrored = [axis for axis, draw in enumerate((first, second)) if draw % 2]
            if self.settings.flips and mirrored:
                patch = patch.flip(mirrored)
            patches.append(
                torch.rot90(patch, quarter) if self.settings.rotations else patch
            )
        return torch.stack(patches)[:, None]
