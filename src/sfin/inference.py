"""Enhance images of any size with a trained network."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sfin.errors import InputError
from sfin.networks.build import choose_device
from sfin.networks.folding import FoldedSFIN, fold
from sfin.networks.padding import reflection

FloatImage = NDArray[np.float32]
Precision = Literal["float32", "bfloat16"]
# First pixel of a tile along one side, and the weights of its pixels.
Stretch = tuple[int, FloatImage]
# Reads the pixels of a tile.
Tile = Callable[[], FloatImage]
# Tiles that a GPU computes at once. On a CPU batches cost more than single tiles.
GPU_BATCH = 8
# Instructions that make bfloat16 worth asking for.
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


def tile_size(metadata: Mapping[str, Any]) -> int:
    """Give the size of image that a network was trained on, in pixels.

    A network loses up to 1.7 dB on whole images where it was trained on crops: its
    frequency branch knows the spectra of its crops (docs/inference.md).

    Parameters
    ----------
    metadata
        Of the network, as from `sfin.networks.build.load_network`.
    """
    return int(metadata["image_size"])


def enhance(
    network: "nn.Module | Prepared",
    image: NDArray[np.generic],
    tile: int | None = 256,
    overlap: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
) -> FloatImage:
    """Enhance one image, tile by tile.

    Tiles of the size that the network was trained on keep its frequency branch
    on the spectra that it knows, and the memory that of a few tiles, the image and
    the result. Where tiles overlap they are blended: a quarter of the overlap next
    to a tile's edge, where the network misses its surroundings, does not count, and
    between the two quarters one tile fades into the next. A side shorter than a
    tile is extended by reflection.

    The network runs folded (`sfin.networks.folding`). On a CPU each thread computes
    tiles of its own, where there are enough of them. The same number of threads
    gives the same bytes.

    Parameters
    ----------
    network
        As from `sfin.networks.build.load_network`, or from `prepare`, which says
        the device and the precision itself.
    image
        Grey levels 0–255 (rows, columns).
    tile
        Side of a tile in pixels, best the size of the training images. None: the
        whole image at once.
    overlap
        Pixels that neighbouring tiles share at least; None is half a tile, up to 32,
        which hides best where the tiles meet (docs/inference.md).
    device
        ``auto``, ``cpu`` or ``cuda``.
    precision
        ``float32``, or ``bfloat16`` for the convolutions, where the processor has
        it: measure first, not every processor is faster with it.

    Returns
    -------
    ndarray
        Grey levels, float32 (rows, columns), not clipped.

    Raises
    ------
    InputError
        If the image is not two-dimensional, empty, or not finite everywhere, if
        the tiles overlap by more than half, or if the device or its bfloat16 is
        absent.
    """
    if image.ndim != 2 or image.size == 0:
        raise InputError(
            f"An image of shape {image.shape} cannot be enhanced: give one of rows "
            "and columns."
        )
    sides = image.shape if tile is None else (tile, tile)
    overlap = min(*(side // 2 for side in sides), 32) if overlap is None else overlap
    if min(sides) < 1 or not 0 <= 2 * overlap <= min(sides):
        raise InputError(
            f"Tiles of {tile} pixels cannot overlap by {overlap}: give an overlap "
            "between 0 and half a tile."
        )
    if not np.isfinite(image).all():
        raise InputError(
            "The image has pixels that are not finite numbers: replace them first."
        )
    # Which pixel is seen at each place of the image and beyond, where it is small.
    rows, columns = (
        reflection(size, max(size, side), torch.device("cpu")).numpy()
        for size, side in zip(image.shape, sides, strict=True)
    )
    row_stretches, column_stretches = (
        _stretches(len(seen), side, overlap)
        for seen, side in zip((rows, columns), sides, strict=True)
    )
    tiles = [(row, column) for row in row_stretches for column in column_stretches]
    result = np.zeros((len(rows), len(columns)), np.float32)

    def read(row: Stretch, column: Stretch) -> FloatImage:
        seen = rows[row[0] :][: sides[0]], columns[column[0] :][: sides[1]]
        return np.asarray(image[np.ix_(*seen)], dtype=np.float32)

    if not isinstance(network, Prepared):
        network = prepare(network, device, precision)
    with _evaluating(network.network):
        outputs = _run(network, [partial(read, *place) for place in tiles])
        for (row, column), output in zip(tiles, outputs, strict=True):
            place = result[row[0] :, column[0] :][: sides[0], : sides[1]]
            place += row[1][:, None] * column[1] * output
    return result[: image.shape[0], : image.shape[1]]


@dataclass(frozen=True)
class Prepared:
    """A network ready to enhance images: folded, on its device, in its precision."""

    network: nn.Module
    device: torch.device
    # Whether torch is to narrow the network's convolutions; a folded SFIN does.
    autocast: bool

    def __call__(self, images: FloatImage) -> FloatImage:
        """Enhance tiles of one size (n, rows, columns)."""
        # The mode is each thread's own.
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast),
        ):
            output = self.network(torch.from_numpy(images[:, None]).to(self.device))
        found: FloatImage = output[:, 0].float().cpu().numpy()
        return found


def prepare(
    network: nn.Module,
    device: str = "auto",
    precision: Precision = "float32",
    compiled: bool = False,
) -> Prepared:
    """Make what `enhance` runs of a network, once for many images.

    Parameters
    ----------
    network
        As from `sfin.networks.build.load_network`; it is moved to the device.
    device, precision
        As for `enhance`.
    compiled
        Whether ``torch.compile`` rewrites the network. The first tile of every
        size then waits for minutes, and a C++ compiler is needed: for thousands of
        images.

    Raises
    ------
    InputError
        If the device or its bfloat16 is absent.
    """
    target = choose_device(device)
    narrow = precision == "bfloat16"
    if narrow and not _has_bfloat16(target):
        raise InputError(
            "This processor has no instructions for bfloat16: choose float32."
        )
    fast = fold(network.to(target), torch.bfloat16 if narrow else torch.float32)
    autocast = narrow and not isinstance(fast, FoldedSFIN)
    if compiled:
        fast.compile(dynamic=False)
    return Prepared(fast, target, autocast)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in BFLOAT16)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    # Frozen batch statistics, no dropout; as before afterwards.
    trained = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(trained)


def _run(prepared: Prepared, tiles: Sequence[Tile]) -> Iterator[FloatImage]:
    # The output of each tile, in their order.
    on_cpu = prepared.device.type == "cpu"
    size = 1 if on_cpu else GPU_BATCH
    batches = [tiles[start : start + size] for start in range(0, len(tiles), size)]

    def outputs(batch: Sequence[Tile]) -> FloatImage:
        return prepared(np.stack([read() for read in batch]))

    threads = torch.get_num_threads()
    if not on_cpu or threads == 1 or len(batches) < 2 * threads:
        for batch in batches:
            yield from outputs(batch)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=_use_one_thread) as pool:
            for found in pool.map(outputs, batches):
                yield from found
    finally:
        torch.set_num_threads(threads)


def _use_one_thread() -> None:
    torch.set_num_threads(1)


def _stretches(size: int, tile: int, overlap: int) -> list[Stretch]:
    # Of the tiles along a side of `size` pixels; the weights of a pixel sum to one.
    count = max(math.ceil((size - overlap) / max(tile - overlap, 1)), 1)
    # Evenly spread, so the last tile ends with the image.
    starts = np.linspace(0, size - tile, count).round().astype(int).tolist()
    unseen = overlap // 4
    # Pixel centres reach 0 and 1 half a pixel beyond the fading part.
    rise = (np.arange(tile) + 0.5 - unseen) / max(overlap - 2 * unseen, 1)
    rise = np.clip(rise, 0, 1)
    total = np.zeros(size)
    weights = []
    for start in starts:
        weight = np.ones(tile)
        if start > 0:
            weight *= rise
        if start + tile < size:
            weight *= rise[::-1]
        total[start : start + tile] += weight
        weights.append(weight)
    return [
        (start, (weight / total[start : start + tile]).astype(np.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]
