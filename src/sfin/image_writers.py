"""Write counts and their pixel size in the formats of Fiji, HyperSpy and people."""

import math
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAR_NEEDS_PIXELS = 96  # below this the scale bar would hide the specimen


def write_tif(
    path: Path,
    data: NDArray[np.float32],
    pixel_size: float | None,
    shown: tuple[float, float],
    note: str,
) -> None:
    """Write counts as a 32-bit TIFF that ImageJ and Fiji open calibrated.

    ``shown`` are the counts that Fiji displays as black and white at first, ``note``
    stands under Image > Show Info.
    """
    import tifffile

    calibration: dict[str, Any] = {}
    hints: dict[str, Any] = {"axes": "YX", "min": shown[0], "max": shown[1]}
    if note:
        hints["Info"] = note
    if pixel_size is not None:
        pixels_per_nm = 10.0 / pixel_size
        calibration["resolution"] = (pixels_per_nm, pixels_per_nm)
        hints["unit"] = "nm"
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        photometric="minisblack",
        software="sfin",
        metadata=hints,
        **calibration,
    )


def write_hspy(
    path: Path,
    data: NDArray[np.float32],
    pixel_size: float | None,
    name: str,
    metadata: Mapping[str, Any],
) -> None:
    """Write counts as a HyperSpy signal, with the metadata of its original."""
    from rsciio import hspy

    described = deepcopy(dict(metadata.get("metadata", {})))
    described["General"] = {**described.get("General", {}), "title": name}
    described["Signal"] = {**described.get("Signal", {}), "signal_type": ""}
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": axis_name,
            "units": "nm" if pixel_size is not None else "",
            "scale": pixel_size / 10.0 if pixel_size is not None else 1.0,
            "offset": 0.0,
            "size": size,
            "navigate": False,
            "is_binned": False,
        }
        for axis_name, size in zip("yx", data.shape, strict=True)
    ]
    signal = {
        "data": data,
        "axes": axes,
        "metadata": described,
        "original_metadata": deepcopy(dict(metadata.get("original_metadata", {}))),
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
        "attributes": {"_lazy": False},
        "package_info": {"package": "", "package_version": ""},
    }
    hspy.file_writer(str(path), signal)


def write_png(path: Path, grey: NDArray[np.uint8], pixel_size: float | None) -> None:
    """Write 8-bit grey levels, with a scale bar if the pixel size is known.

    The bar covers part of the lower left corner; it is left out of images below
    96 pixels, which it would hide.
    """
    from PIL import Image

    picture = Image.fromarray(grey)
    if pixel_size is not None and min(grey.shape) >= _BAR_NEEDS_PIXELS:
        _draw_scale_bar(picture, pixel_size)
    picture.save(path, format="png")


def _draw_scale_bar(picture: Any, pixel_size: float) -> None:
    import matplotlib
    from PIL import ImageDraw, ImageFont

    columns, rows = picture.size
    length, label = _round_length(0.3 * columns * pixel_size)
    bar = round(length / pixel_size)
    side = min(rows, columns)
    margin, thickness = max(4, side // 50), max(3, side // 90)
    # The font that comes with matplotlib: the same everywhere, and it has an Å.
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(file), max(13, side // 22))
    _, top, text, bottom = font.getbbox(label)
    width = max(bar, math.ceil(text)) + 2 * margin
    height = math.ceil(bottom - top) + thickness + 3 * margin
    corner = (margin, rows - margin - height, margin + width, rows - margin)
    picture.paste(picture.crop(corner).point(lambda level: level // 4), corner)
    draw = ImageDraw.Draw(picture)
    start = 2 * margin + max(0, bar - math.ceil(text)) // 2
    draw.text((start, corner[1] + margin - top), label, fill=255, font=font)
    low = corner[3] - margin
    draw.rectangle((2 * margin, low - thickness, 2 * margin + bar - 1, low - 1), 255)


def _round_length(longest: float) -> tuple[float, str]:
    """Return the longest 1, 2 or 5 × 10ⁿ Å that fits, in Å and in words."""
    decade = 10.0 ** math.floor(math.log10(longest))
    length = max(step * decade for step in (1, 2, 5) if step * decade <= longest)
    return length, f"{length / 10:g} nm" if length >= 10 else f"{length:g} Å"
