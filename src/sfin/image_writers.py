"""Write counts and their pixel size in the formats of Fiji and of people."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.signal_writers import image_axes

_LONGEST_LIST = 64  # longer ones in metadata are thumbnails and tables
_BAR_NEEDS_PIXELS = 96  # below this the scale bar would hide the specimen


def write_tif(
    path: Path,
    data: NDArray[Any],
    pixel_size: float | None,
    shown: tuple[float, float],
    metadata: Mapping[str, Any],
    labels: Sequence[str] = (),
) -> None:
    """Write counts as a TIFF that ImageJ and Fiji open calibrated.

    Counts of shape (pages, rows, columns) make a stack, with a label for each page.
    ``shown`` are the counts that Fiji displays as black and white at first. The
    ``note`` of the metadata stands under Image > Show Info, and below it the metadata
    of the original, a line each.
    """
    import tifffile

    calibration: dict[str, Any] = {}
    hints: dict[str, Any] = {"min": shown[0], "max": shown[1]}
    hints |= {"axes": "ZYX", "Labels": list(labels)} if labels else {"axes": "YX"}
    info = [str(metadata.get("note", "")), *_lines(metadata.get("original_metadata"))]
    if any(info):
        hints["Info"] = "\n".join(info).strip()
    down, across = image_axes(data.shape[-2:], pixel_size, metadata)
    if pixel_size is not None:
        hints["unit"] = "nm"
        calibration["resolution"] = (10.0 / pixel_size, 10.0 / pixel_size)
    elif across["units"] and across["scale"] > 0 and down["scale"] > 0:
        # No length, such as 1/nm; ImageJ escapes what is not ASCII.
        hints["unit"] = "".join(
            sign if sign.isascii() else f"\\u{ord(sign):04X}"
            for sign in across["units"]
        )
        calibration["resolution"] = (1.0 / across["scale"], 1.0 / down["scale"])
    tifffile.imwrite(
        path,
        data,
        imagej=True,
        photometric="minisblack",
        software="sfin",
        metadata=hints,
        **calibration,
    )


def _lines(entries: object, place: str = "") -> Iterator[str]:
    # As Fiji writes them: "group.name = value"; pictures within are left out.
    if isinstance(entries, Mapping):
        for key, value in entries.items():
            yield from _lines(value, f"{place}.{key}" if place else str(key))
    elif np.size(entries) <= _LONGEST_LIST:  # type: ignore[arg-type]
        yield f"{place} = {' '.join(str(entries).split())}"


def write_png(path: Path, grey: NDArray[np.uint8], pixel_size: float | None) -> None:
    """Write 8-bit grey levels with a scale bar, which counts pixels of unknown size.

    The bar covers part of the lower left corner; it is left out of images below
    96 pixels, which it would hide.
    """
    from PIL import Image

    picture = Image.fromarray(grey)
    if min(grey.shape) >= _BAR_NEEDS_PIXELS:
        _draw_scale_bar(picture, pixel_size)
    picture.save(path, format="png")


def _draw_scale_bar(picture: Any, pixel_size: float | None) -> None:
    import matplotlib
    from PIL import ImageDraw, ImageFont

    columns, rows = picture.size
    size = 1.0 if pixel_size is None else pixel_size
    length = _round_length(0.3 * columns * size)
    label = f"{length:g} px" if pixel_size is None else _length_label(length)
    bar = round(length / size)
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


def _round_length(longest: float) -> float:
    """Return the longest 1, 2 or 5 × 10ⁿ that fits."""
    decade = 10.0 ** math.floor(math.log10(longest))
    return max(step * decade for step in (1, 2, 5) if step * decade <= longest)


def _length_label(length: float) -> str:
    return f"{length / 10:g} nm" if length >= 10 else f"{length:g} Å"
