"""Batches of training pairs that stay in memory, with fresh noise if wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sfin.datasets import Pairs
from sfin.errors import InputError
from sfin.noise import NoiseSettings, unit_spline
from sfin.training_settings import TrainingSettings
from sfin.tukey_lambda import tukey_lambda_deviation

Images = NDArray[np.uint8]

# Below this a Tukey-lambda distribution is computed as its limit, the logistic one.
LOGISTIC = 1e-3


@dataclass(frozen=True)
class FreshNoise:
    """What noise is drawn anew from, every time a pair is seen (section 3.3).

    Attributes
    ----------
    noiseless
        Images without their noise, uint8 (n, rows, columns).
    scan_slope, scan_intercept, pointwise_slope, pointwise_intercept, pointwise_shape
        Noise of each image, (n,); that of its stored noisy image.
    settings
        What the parameters leave open.
    """

    noiseless: Images
    scan_slope: NDArray[np.float32]
    scan_intercept: NDArray[np.float32]
    pointwise_slope: NDArray[np.float32]
    pointwise_intercept: NDArray[np.float32]
    pointwise_shape: NDArray[np.float32]
    settings: NoiseSettings

    def first(self, number: int) -> "FreshNoise":
        """Take the first images."""
        arrays = {
            name: value[:number]
            for name, value in vars(self).items()
            if name != "settings"
        }
        return FreshNoise(**arrays, settings=self.settings)


def fresh_noise(pairs: Pairs) -> FreshNoise:
    """Take from a dataset what its noise can be drawn anew from.

    Raises
    ------
    InputError
        If the dataset does not follow the noise model of section 3.3.
    """
    names = [name for name in FreshNoise.__annotations__ if "_" in name]
    try:
        settings = NoiseSettings(**pairs.attributes["settings"]["noise"])
        arrays: dict[str, Any] = {
            name: np.asarray(pairs.drawn[name], np.float32) for name in names
        }
    except (KeyError, TypeError) as error:
        raise InputError(
            "Fresh noise needs a dataset made from calibrated noise: set fresh_noise "
            "to false for others."
        ) from error
    return FreshNoise(noiseless=pairs.noiseless, **arrays, settings=settings)


class PairSource:
    """Pairs that lie on the device as bytes, and batches cut from them.

    Parameters
    ----------
    noisy, target
        Grey levels, uint8 (n, rows, columns).
    fresh
        If given, its noise takes the place of `noisy`.
    """

    def __init__(
        self,
        noisy: Images,
        target: Images,
        settings: TrainingSettings,
        device: torch.device,
        fresh: FreshNoise | None = None,
    ) -> None:
        inputs = fresh.noiseless if fresh else noisy
        self.images = tuple(
            torch.tensor(part, device=device) for part in (inputs, target)
        )
        self.noise = _DeviceNoise(fresh, device) if fresh else None
        self.settings, self.device = settings, device

    def batch(
        self, chosen: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Cut, mirror and if wanted disturb pairs.

        Parameters
        ----------
        chosen
            Numbers of the pairs, on the CPU.
        generator
            Of the CPU.

        Returns
        -------
        tuple of Tensor
            Inputs and targets, float32 (len(chosen), 1, side, side), cut and
            mirrored alike.
        """
        inputs, targets = self._cut(chosen, generator)
        if self.noise:
            # Before it is mirrored: noise has a scan direction, and no other side.
            inputs = self.noise.add(inputs, chosen, generator)
        batch = torch.stack([inputs, targets])
        if self.settings.flips:
            for axis in (-2, -1):
                flipped = torch.rand(len(chosen), generator=generator) < 0.5
                where = _moved(flipped, self.device)[:, None, None]
                batch = torch.where(where, batch.flip(axis), batch)
        inputs, targets = batch[:, :, None]
        return inputs, targets

    def _cut(self, chosen: Tensor, generator: torch.Generator) -> Sequence[Tensor]:
        crop, shape = self.settings.crop_size, self.images[0].shape[1:]
        if not crop:
            where = _moved(chosen, self.device)
            return [image[where].float() for image in self.images]
        starts = [
            torch.randint(size - crop + 1, (len(chosen),), generator=generator)
            for size in shape
        ]
        places = list(
            zip(chosen.tolist(), *(start.tolist() for start in starts), strict=True)
        )
        return [
            torch.stack(
                [image[n, y : y + crop, x : x + crop] for n, y, x in places]
            ).float()
            for image in self.images
        ]


class _DeviceNoise:
    """The noise of `sfin.noise`, for a batch of images on any device."""

    def __init__(self, fresh: FreshNoise, device: torch.device) -> None:
        shape = fresh.pointwise_shape
        scale = [1 / tukey_lambda_deviation(float(value)) for value in shape]
        columns = [
            fresh.scan_slope,
            fresh.scan_intercept,
            fresh.pointwise_slope,
            fresh.pointwise_intercept,
            shape,
            np.array(scale, np.float32),
        ]
        self.parameters = torch.tensor(np.stack(columns), device=device)
        self.settings, self.device = fresh.settings, device
        # The same for all images of a width, and so for all batches.
        self.spline = lru_cache(maxsize=1)(self._spline)

    def add(self, images: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Disturb images (n, rows, columns), the ones that `chosen` numbers."""
        number, rows, columns = images.shape
        spline = self.spline(columns)
        # Drawn on the device: a hundred times the randomness of all the rest.
        seed = int(torch.randint(2**62, (1,), generator=generator))
        own = torch.Generator(self.device).manual_seed(seed)
        knots = torch.randn(
            (2, number, rows, len(spline)), generator=own, device=self.device
        )
        uniform = torch.rand((number, rows, columns), generator=own, device=self.device)
        calm, rough = knots @ spline
        parameters = self.parameters[:, _moved(chosen, self.device), None, None]
        noisy = disturb_batch(
            images, parameters, calm, rough, uniform, self.settings.scan_blend_gradient
        )
        # As the stored images are: whole grey levels between 0 and 255.
        levels: Tensor = noisy.round().clamp(0, 255)
        return levels

    def _spline(self, columns: int) -> Tensor:
        spline = unit_spline(columns, self.settings.scan_knot_spacing)
        return torch.from_numpy(spline).to(self.device)


def _moved(small: Tensor, device: torch.device) -> Tensor:
    # A copy from ordinary memory has left it when this returns, whatever the GPU is
    # busy with; one that blocks would wait for all work before it.
    return small.to(device, non_blocking=True)


def disturb_batch(
    images: Tensor,
    parameters: Tensor,
    calm: Tensor,
    rough: Tensor,
    uniform: Tensor,
    blend: float,
) -> Tensor:
    """Add scan noise and pointwise noise, as `sfin.noise.disturb` does.

    Parameters
    ----------
    images
        Grey levels (n, rows, columns).
    parameters
        (6, n, 1, 1): slope and intercept of the scan noise, slope, intercept and
        shape of the pointwise noise, and one over the deviation of that shape.
    calm, rough
        The two patterns of the scan noise, (n, rows, columns).
    uniform
        (n, rows, columns), from 0 to 1.
    blend
        Gradient at which the second pattern has taken over.
    """
    slope, intercept, point_slope, point_intercept, shape, scale = parameters
    gradient = _sobel_magnitude(images)
    share = (gradient / blend).clamp(max=1)
    deviation = (slope * gradient + intercept).clamp(min=0)
    deviation = deviation / torch.sqrt(share**2 + (1 - share) ** 2)
    images = images + deviation * ((1 - share) * calm + share * rough)
    uniform = uniform.clamp(2**-25, 1 - 2**-24)
    power = torch.where(shape.abs() < LOGISTIC, 1, shape)
    quantile = torch.where(
        shape.abs() < LOGISTIC,
        torch.log(uniform / (1 - uniform)),
        (uniform**power - (1 - uniform) ** power) / power,
    )
    level = (point_slope * images + point_intercept).clamp(min=0)
    noisy: Tensor = images + level * scale * quantile
    return noisy


def _sobel_magnitude(images: Tensor) -> Tensor:
    padded = functional.pad(images[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    smooth = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    slope = padded[:, 2:] - padded[:, :-2]
    horizontal = smooth[..., 2:] - smooth[..., :-2]
    vertical = slope[..., :-2] + 2 * slope[..., 1:-1] + slope[..., 2:]
    magnitude: Tensor = torch.hypot(horizontal, vertical)
    return magnitude
