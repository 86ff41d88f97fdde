"""Enhance images of any size with a trained network."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sfin.errors import InputError
from sfin.networks.build import choose_device
from sfin.networks.padding import reflection

FloatImage = NDArray[np.float32]


def tile_size(metadata: Mapping[str, Any]) -> int:
    """Give the size of image that a network was trained on, in pixels.

    A small network that was trained on crops of 64 pixels loses more than 1 dB
    on whole images of 256: its frequency branch knows the spectra of its crops.

    Parameters
    ----------
    metadata
        Of the network, as from `sfin.networks.build.load_network`.
    """
    return int(metadata["image_size"])


def enhance(
    network: nn.Module,
    image: NDArray[np.generic],
    tile: int = 256,
    overlap: int | None = None,
    device: str = "auto",
) -> FloatImage:
    """Enhance one image, tile by tile.

    Tiles of the size that the network was trained on keep its frequency branch
    on the spectra that it knows, and the memory that of one tile whatever the
    image. Where tiles overlap they are blended: a quarter of the overlap next to
    a tile's edge, where the network misses its surroundings, does not count, and
    between the two quarters one tile fades into the next. A side shorter than a
    tile is extended by reflection.

    Parameters
    ----------
    network
        As from `sfin.networks.build.load_network`.
    image
        Grey levels 0–255 (rows, columns).
    tile
        Side of a tile in pixels, best the size of the training images.
    overlap
        Pixels that neighbouring tiles share at least; None is half a tile, which
        hides best where the tiles meet.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    ndarray
        Grey levels, float32 (rows, columns), not clipped.

    Raises
    ------
    InputError
        If the image is not two-dimensional, empty, or not finite everywhere, or
        if the tiles overlap by more than half.
    """
    if image.ndim != 2 or image.size == 0:
        raise InputError(
            f"An image of shape {image.shape} cannot be enhanced: give one of rows "
            "and columns."
        )
    overlap = tile // 2 if overlap is None else overlap
    if not 0 <= 2 * overlap <= tile or tile < 1:
        raise InputError(
            f"Tiles of {tile} pixels cannot overlap by {overlap}: give an overlap "
            "between 0 and half a tile."
        )
    grey = image.astype(np.float32)
    if not np.isfinite(grey).all():
        raise InputError(
            "The image has pixels that are not finite numbers: replace them first."
        )
    cpu = torch.device("cpu")
    rows, columns = (
        reflection(size, max(size, tile), cpu).numpy() for size in grey.shape
    )
    total = np.zeros((len(rows), len(columns)), np.float32)
    weights = np.zeros_like(total)
    with _evaluating(network, device) as target:
        for row, row_weight in _tiles(len(rows), tile, overlap):
            for column, column_weight in _tiles(len(columns), tile, overlap):
                place = slice(row, row + tile), slice(column, column + tile)
                pixels = grey[np.ix_(rows[place[0]], columns[place[1]])]
                output = network(torch.tensor(pixels, device=target)[None, None])
                weight = np.outer(row_weight, column_weight)
                total[place] += weight * output[0, 0].cpu().numpy()
                weights[place] += weight
    return (total / weights)[: grey.shape[0], : grey.shape[1]]


@contextmanager
def _evaluating(network: nn.Module, device: str) -> Iterator[torch.device]:
    # Frozen batch statistics, no dropout, no gradients; as before afterwards.
    target = choose_device(device)
    network.to(target)
    trained = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield target
    finally:
        network.train(trained)


def _tiles(size: int, tile: int, overlap: int) -> list[tuple[int, FloatImage]]:
    """First pixel and weights of each tile along a side of `size` pixels."""
    count = max(math.ceil((size - overlap) / (tile - overlap)), 1)
    # Evenly spread, so the last tile ends with the image.
    starts = np.linspace(0, size - tile, count).round().astype(int)
    unseen = overlap // 4
    # Pixel centres reach 0 and 1 half a pixel beyond the fading part.
    rise = (np.arange(tile) + 0.5 - unseen) / max(overlap - 2 * unseen, 1)
    rise = np.clip(rise, 0, 1)
    tiles = []
    for start in starts.tolist():
        weight = np.ones(tile, np.float32)
        if start > 0:
            weight *= rise
        if start + tile < size:
            weight *= rise[::-1]
        tiles.append((start, weight))
    return tiles
