"""A sheet of real and synthetic patches in random order, for a blind test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.calibration_summary import patches_at_hand
from sfin.dataset_records import DatasetRecord, read_images
from sfin.errors import InputError
from sfin.figures.style import (
    DOTS_PER_INCH,
    house_style,
    wrap_caption,
    write_figure,
)
from sfin.files import write_whole
from sfin.images import read_image, to_grey_levels
from sfin.parameters import MODES

GreyImage = NDArray[np.uint8]
EDGE = 6
GAP = 4  # pixels between patches


@dataclass(frozen=True)
class Tile:
    """A patch and what it is.

    Attributes
    ----------
    image
        Grey levels, clipped to 0–255, shape (edge, edge).
    kind
        ``real`` or ``synthetic``.
    source
        Name of the real image, or of the dataset.
    place
        Where in it.
    content
        Structure and arrangement of a synthetic patch.
    """

    image: GreyImage
    kind: str
    source: str
    place: str
    content: str = ""


def read_patches(path: str | Path) -> pd.DataFrame:
    """Read the patches of the real images of a mode, by `sfin.calibrated_images`."""
    return pd.read_csv(path, dtype={"image": str})


def choose_tiles(
    record: DatasetRecord,
    patches: pd.DataFrame,
    images: Mapping[str, Path],
    patch_size: int,
    seed: int,
) -> list[Tile]:
    """Choose half real and half synthetic patches, and mix them.

    Real patches are taken from as many images as possible; where there are too
    few, synthetic ones fill the sheet. Smaller synthetic images make real
    patches as small.

    Parameters
    ----------
    record
        Synthetic dataset.
    patches
        Patches of the real images, by `sfin.calibrated_images`; those that are
        `used` are chosen from.
    images
        File of each real image, by name.
    patch_size
        Edge of the patches, in pixels.
    seed
        Decides what is chosen, and the order.

    Raises
    ------
    InputError
        If there is neither a real nor a synthetic patch.
    """
    number = EDGE**2
    generator = np.random.default_rng([seed, MODES.index(record.attributes["mode"])])
    real = choose_evenly(patches_at_hand(patches), number // 2, generator)
    wanted = min(number - len(real), record.number)
    chosen = np.sort(generator.choice(record.number, wanted, replace=False))
    if not wanted and real.empty:
        raise InputError(f"{record.path} is empty and there is no real patch to show.")
    edge = min(patch_size, *record.arrays["noisy"][0][1:])
    tiles = _real_tiles(real, images, edge)
    if wanted:
        noisy = read_images(record.path, "noisy", list(chosen))[:, :edge, :edge]
        for index, image in zip(chosen, noisy, strict=True):
            content = f"{record.structures[index]} {record.arrangements[index]}"
            place = f"pair {index}"
            tiles.append(Tile(image, "synthetic", record.dataset, place, content))
    return [tiles[place] for place in generator.permutation(len(tiles))]


def choose_evenly(
    patches: pd.DataFrame, number: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Choose patches so that no image has two more of them than it must."""
    mixed = patches.iloc[generator.permutation(len(patches))]
    turn = mixed.groupby("image").cumcount()
    return mixed.iloc[np.argsort(turn.to_numpy(), kind="stable")[:number]]


def contact_sheet(
    tiles: Sequence[Tile],
    record: DatasetRecord,
    base_path: str | Path,
    key: str | Path,
    version: str,
) -> str:
    """Write the sheet as ``.png``, and what each patch is as CSV.

    Returns
    -------
    str
        The caption, which does not say which is which.
    """
    text = _caption(tiles, record, version)
    write_figure(base_path, draw([tile.image for tile in tiles], text), text, ("png",))
    rows = [
        {
            "row": place // EDGE + 1,
            "column": place % EDGE + 1,
            "kind": tile.kind,
            "source": tile.source,
            "place": tile.place,
            "content": tile.content,
        }
        for place, tile in enumerate(tiles)
    ]
    write_whole(key, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    return text


def draw(images: Sequence[GreyImage], caption: str) -> Figure:
    """Draw the patches in rows, one pixel of the file per pixel of a patch."""
    sheet = mosaic(images)
    rows, columns = sheet.shape
    width = columns / DOTS_PER_INCH
    lines, height = wrap_caption(caption, width)
    foot = round(height * DOTS_PER_INCH)
    with house_style():
        figure = Figure(
            figsize=(width, (rows + foot) / DOTS_PER_INCH), dpi=DOTS_PER_INCH
        )
        # As colours: matplotlib's grey map is off by one at some levels.
        figure.figimage(np.dstack([sheet] * 3), 0, foot)
        figure.text(0.01, 0.05 * DOTS_PER_INCH / (rows + foot), lines, fontsize=6.5)
    return figure


def mosaic(images: Sequence[GreyImage]) -> GreyImage:
    """Lay patches of one size out in rows of six, white between them."""
    edge = images[0].shape[0]
    rows = -(-len(images) // EDGE)
    step = edge + GAP
    sheet = np.full((rows * step - GAP, EDGE * step - GAP), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = place // EDGE * step, place % EDGE * step
        sheet[top : top + edge, left : left + edge] = image
    return sheet


def _real_tiles(
    patches: pd.DataFrame, images: Mapping[str, Path], edge: int
) -> list[Tile]:
    tiles = []
    for name, places in patches.groupby("image"):
        grey, _ = to_grey_levels(read_image(images[str(name)]).data)
        shown = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        for row, column in zip(places["row"], places["column"], strict=True):
            image = shown[row : row + edge, column : column + edge]
            place = f"row {row}, column {column}"
            tiles.append(Tile(image, "real", str(name), place))
    return tiles


def _caption(tiles: Sequence[Tile], record: DatasetRecord, version: str) -> str:
    real = [tile.source for tile in tiles if tile.kind == "real"]
    images = len(set(real))
    edge = tiles[0].image.shape[0]
    attributes = record.attributes
    few = (
        f" The calibration left no more than {len(real)} real patches."
        if len(real) < EDGE**2 // 2
        else ""
    )
    return (
        f"{attributes['mode'].upper()}: {len(real)} real patches, of "
        f"{images} {'image' if images == 1 else 'images'}, and "
        f"{len(tiles) - len(real)} synthetic ones, {edge} × {edge} pixels, grey "
        f"levels 0–255, in random order. Which are synthetic? Key beside it.{few}"
        " Scale "
        f"{attributes['scale']}, seed {attributes['seed']}, sfin {version}."
    )
