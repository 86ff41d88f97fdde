"""Counts of pictures whose pixels may be colours."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# ITU-R BT.601 luma, as Pillow and ImageJ weigh red, green and blue. The weights
# add up to one, so that a grey picture stored as RGB keeps its values exactly.
_WEIGHTS = np.array([0.299, 0.587, 0.114])


def luminance(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Luminance (ITU-R BT.601) of ``(..., 3 or 4)`` colours; alpha is dropped."""
    luminance: NDArray[np.float64] = pixels[..., :3].astype(np.float64) @ _WEIGHTS
    return luminance


def read_png(path: Path) -> NDArray[Any]:
    """Read the counts of a PNG of any colour type, transparency left out."""
    # Not RosettaSciIO's reader: 0.15 fails on grey images with transparency and
    # takes the red of a colour image whose green and blue are equal.
    from PIL import Image

    with Image.open(path, formats=["png"]) as image:
        match image.mode:
            case "P" | "PA":
                pixels = np.asarray(image.convert("RGB"))
            case "LA":
                pixels = np.asarray(image.getchannel("L"))
            case _:
                pixels = np.asarray(image)
    return luminance(pixels) if pixels.ndim == 3 else pixels


def read_npy(path: Path) -> NDArray[Any]:
    """Read an array that numpy saved; (rows, columns, 3 or 4) are colours."""
    pixels: NDArray[Any] = np.load(path, allow_pickle=False)
    # No image is three or four columns wide.
    if pixels.ndim == 3 and pixels.shape[-1] in (3, 4) and pixels.dtype.kind in "buif":
        return luminance(pixels)
    return pixels


def planar_signals(path: Path) -> list[dict[str, Any]]:
    """Read a TIFF whose colours are whole planes, one after the other, as frames.

    tifffile marks three or four frames of any image as such colours when it writes
    them, and RosettaSciIO reads no colours that are stored apart.

    Returns
    -------
    list of dict
        As RosettaSciIO gives signals; empty for any other TIFF.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        pages: list[Any] = [series.keyframe for series in tiff.series]
        if not pages or not all(
            page.photometric == tifffile.PHOTOMETRIC.RGB
            and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
            for page in pages
        ):
            return []
        return [
            {
                "data": series.asarray(),
                "axes": [],
                "original_metadata": {tag.name: tag.value for tag in page.tags},
            }
            for series, page in zip(tiff.series, pages, strict=True)
        ]
