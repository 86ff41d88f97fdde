"""An image with atoms at known places, seen by networks that need no training."""

import numpy as np
import torch
from samples import noise
from torch import nn
from torch.nn import functional

from sfin.confidence import Confidence
from sfin.detection import Detector
from sfin.errors import InputError
from sfin.images import Image
from sfin.inference import Prepared
from sfin.positions import PositionSettings
from sfin.view.viewed_image import look_at

PIXEL_SIZE = 0.2
CPU = torch.device("cpu")
LACKING = InputError("No network for detection is found: train one.")


class Smoother(nn.Module):
    """Takes the mean of 3 × 3 pixels."""

    def forward(self, images):
        return functional.avg_pool2d(images, 3, 1, 1)


def metadata(task="enhancement", **changes):
    known = {
        "method": "sfin", "task": task, "dataset": "sfin", "mode": "haadf",
        "scale": "test", "seed": 1, "image_size": 64,
    }  # fmt: skip
    return known | changes


def lattice(shape, spacing=16, sigma=2.0):
    """Atoms (x, y) that do not lie on whole pixels, and their image with noise."""
    rows, columns = shape
    down, right = (np.arange(12, size - 8, spacing) + 0.25 for size in shape)
    profiles = [
        np.exp(-((np.arange(size)[:, None] - centres) ** 2) / (2 * sigma**2)).sum(1)
        for size, centres in ((rows, down), (columns, right))
    ]
    noise = np.random.default_rng(3).standard_normal(shape)
    counts = 500 + 1000 * np.outer(*profiles) + 40 * noise
    x, y = (grid.ravel() for grid in np.meshgrid(right, down))
    return (x, y), counts.astype(np.float32)


def look(counts, name="lattice", pixel_size=PIXEL_SIZE, detector=None, **changes):
    """Look at an image with `Smoother`, and with itself as the map of dots."""
    if detector is None:
        detector = Detector(
            Prepared(Smoother(), CPU, False),
            metadata("detection"),
            Confidence((0.0, 1.0), (0.2, 0.9), 10, 0.6),
            PositionSettings(minimum_amplitude=0.4, minimum_distance=6),
            0.3,
        )
    network = Prepared(Smoother(), CPU, False)
    image = Image(counts, pixel_size, name, {})
    return look_at(image, network, metadata(**changes), detector)


def trained_range(**changes):
    """Noise that a network was trained on, around that of `samples.noise`."""
    low, high = noise(), noise()
    return {
        "minimum": {k: v - 500 for k, v in vars(low).items()} | changes,
        "maximum": {k: v + 500 for k, v in vars(high).items()} | changes,
    }
