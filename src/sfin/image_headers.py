"""How large an image file says it is, before any of its counts are read.

RosettaSciIO believes headers: one of 200 bytes can make it reserve a terabyte. What
is in them is read here once more, and `sfin.image_limits` judges it.
"""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sfin.digitalmicrograph_tags import expanded_tags
from sfin.errors import InputError
from sfin.image_limits import Promise
from sfin.image_stores import hdf5_promise, zarr_promise

# Bytes of a count, by the codes of each format.
_SER = {1: 1, 2: 2, 3: 4, 4: 1, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 16}
_MRC = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
_PNG = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # channels
_SER_SPECTRUM = 16672
# TIA writes one or two; each takes time and memory, whatever it says.
_MOST_SER_DIMENSIONS = 16


def read_promise(path: Path) -> Promise:
    """Read from the header of an image file, or store, how large it is.

    Raises
    ------
    InputError
        If the file has what `sfin` reads from no file.
    Exception
        Of whatever kind, if the header is damaged.
    """
    if path.suffix.lower() == ".zspy":
        return zarr_promise(path)
    if path.suffix.lower() in (".emd", ".hspy", ".hdf5"):
        return hdf5_promise(path)
    stored = path.stat().st_size
    if path.suffix.lower() in (".tif", ".tiff"):
        return _tiff(path, stored)
    with path.open("rb") as file:
        match path.suffix.lower():
            case ".dm3" | ".dm4":
                return Promise(expanded_tags(file, stored), stored, compressed=True)
            case ".ser":
                return _ser(file, stored)
            case ".mrc":
                return Promise(_mrc(file), stored, compressed=False)
            case ".png":
                return Promise(_png(path, file), stored, compressed=True)
            case _:
                return Promise(_npy(path, file), stored, compressed=False)


def _ser(file: BinaryIO, stored: int) -> Promise:
    version, data_type, _, _, elements = _unpack(file, "<4xH4I")
    offset = "<I" if version <= 528 else "<Q"
    (offsets,) = _unpack(file, offset)
    (dimensions,) = _unpack(file, "<I")
    if dimensions > _MOST_SER_DIMENSIONS:
        raise ValueError(f"{dimensions} dimensions")
    positions = 1
    for _ in range(dimensions):
        (steps,) = _unpack(file, "<I20x")
        positions *= steps
        for _ in ("description", "unit"):
            (length,) = _unpack(file, "<I")
            if length > stored:
                raise ValueError("a text that ends behind the file")
            file.seek(length, 1)
    file.seek(offsets)
    (first,) = _unpack(file, offset)
    if data_type == _SER_SPECTRUM:
        file.seek(first + 20)
        code, counts = _unpack(file, "<HI")
    else:
        file.seek(first + 40)
        code, columns, rows = _unpack(file, "<HII")
        counts = columns * rows
    size = counts * _SER[code]
    if elements * size > stored:
        return Promise(elements * size, stored, compressed=False)
    # Positions that were not reached before a scan was stopped are filled.
    return Promise(max(positions, elements) * size, stored, compressed=True)


def _mrc(file: BinaryIO) -> int:
    columns, rows, frames, mode = _unpack(file, "<4I")
    file.seek(92)
    (extended,) = _unpack(file, "<I")
    return int(1024 + extended + columns * rows * frames * _MRC[mode])


def _png(path: Path, file: BinaryIO) -> int:
    from PIL import Image

    columns, rows, depth, colour = _unpack(file, ">16xIIBB")
    if columns * rows > 2 * (Image.MAX_IMAGE_PIXELS or math.inf):
        raise InputError(
            f"{path} has {rows} × {columns} pixels, more than are read from a PNG: "
            "save it as .tif."
        )
    return int(columns * rows * _PNG[colour] * max(depth // 8, 1))


def _npy(path: Path, file: BinaryIO) -> int:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    if dtype.hasobject:
        raise InputError(
            f"{path} cannot be read: it holds Python objects, which could run a "
            "program of whoever made it; save the counts alone, as numbers."
        )
    return int(file.tell() + math.prod(shape) * dtype.itemsize)


def _tiff(path: Path, stored: int) -> Promise:
    import tifffile

    expanded, compressed = 0, False
    with tifffile.TiffFile(path) as tiff:
        for series in tiff.series:
            page: Any = series.keyframe
            expanded += series.nbytes
            compressed |= page.compression != 1 or page.bitspersample % 8 != 0
    return Promise(expanded, stored, compressed)


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
