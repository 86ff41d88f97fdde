"""Read and write STEM images, and put their counts on one scale of grey levels."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.files import make_whole
from sfin.image_counts import usable_counts
from sfin.image_files import first_bytes
from sfin.image_formats import choose_dataset, load_datasets, square_pixel_size
from sfin.image_writers import write_png, write_tif
from sfin.signal_writers import described_signal, write_emd, write_hspy, write_zspy

_HDF5 = b"\x89HDF\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# How a file of each kind begins. An MRC file has no signature of its own.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".dm3": (b"\0\0\0\x03",),
    ".dm4": (b"\0\0\0\x04",),
    ".emd": (_HDF5,),
    ".ser": (b"II\x97\x01",),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".hspy": (_HDF5,),
    ".hdf5": (_HDF5,),
    ".zspy": (b"PK",),  # zipped; usually it is a folder
    ".mrc": (b"",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".npy": (b"\x93NUMPY",),
}
SUFFIXES: tuple[str, ...] = tuple(_SIGNATURES)

_PERCENTILES = (0.1, 99.9)


@dataclass(frozen=True, eq=False)
class Image:
    """One STEM image.

    Attributes
    ----------
    data
        Counts, float32, ``(rows, columns)``; the fast scan is the last axis.
    pixel_size
        Å per pixel, or None where nobody knows.
    name
        The file's name without its suffix.
    metadata
        ``title``, ``datasets`` (the titles of all images in the file),
        ``frame``, ``frames``, and ``metadata`` and ``original_metadata`` as
        RosettaSciIO read them.
    """

    data: NDArray[np.float32]
    pixel_size: float | None
    name: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GreyScale:
    """The straight line between counts and grey levels: counts = offset + gain × grey.

    Attributes
    ----------
    offset
        Counts at grey level 0.
    gain
        Counts per grey level, positive.
    """

    offset: float
    gain: float

    def to_counts(self, grey: NDArray[Any]) -> NDArray[np.float32]:
        """Map grey levels of any shape back to counts, float32."""
        counts = self.offset + self.gain * np.asarray(grey, dtype=np.float64)
        return counts.astype(np.float32)


def to_grey_levels(data: NDArray[Any]) -> tuple[NDArray[np.float32], GreyScale]:
    """Map counts linearly to 8-bit grey levels, the units of all noise parameters.

    The 0.1 and 99.9 percentiles become 0 and 255, whatever the counts are, also
    if they are 8-bit grey levels already: so a grey level means the same in
    every image, and the result does not change when the counts are multiplied
    by a positive number or shifted. A few hot or dead pixels do not set the
    scale. Nothing is clipped or rounded: the values beyond the percentiles are
    part of the noise that the calibration measures, and lie below 0 or above
    255.

    Parameters
    ----------
    data
        Counts of any real type and shape.

    Returns
    -------
    grey
        Grey levels, float32, same shape.
    scale
        The way back: ``scale.to_counts(grey)``.

    Raises
    ------
    InputError
        The image has no contrast between the two percentiles.
    """
    counts = np.array(data, dtype=np.float64)
    low, high = np.percentile(counts, _PERCENTILES)
    if not high > low:
        raise InputError(
            f"The image has no contrast: 99.8 % of its pixels hold {low:g}; give an "
            "image whose specimen fills more than a thousandth of it."
        )
    scale = GreyScale(offset=float(low), gain=float(high - low) / 255.0)
    counts -= scale.offset  # in place, for the sake of large images
    counts /= scale.gain
    return counts.astype(np.float32), scale


def check_image_file(path: str | os.PathLike[str]) -> None:
    """Check in no time that a file could be an image: name, size, first bytes.

    It is for the moment when a workflow is planned, and imports no reader.

    Raises
    ------
    InputError
        The file is missing, empty, closed to the reader, no file at all, of an
        unknown kind, or begins unlike its kind.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SIGNATURES:
        raise InputError(
            f"{path} is of no kind that can be read; convert it to one of "
            f"{', '.join(SUFFIXES)}."
        )
    start = first_bytes(path, 4096)
    if start is None:
        if suffix != ".zspy":
            raise InputError(f"{path} is a folder; give the {suffix} file itself.")
        if not any(os.path.exists(path / name) for name in (".zgroup", "zarr.json")):
            raise InputError(
                f"{path} is a folder but not a .zspy store; copy the store again "
                "with its hidden files, or save the image as .hspy."
            )
        return
    # HDF5 allows a block of the user's own before its signature.
    places = (0, 512, 1024, 2048) if _HDF5 in _SIGNATURES[suffix] else (0,)
    begins = any(start.startswith(_SIGNATURES[suffix], place) for place in places)
    if not begins or (suffix == ".mrc" and len(start) < 1024):
        raise InputError(
            f"{path} is not a {suffix} file, or is damaged, judging by its first "
            "bytes; correct its suffix, or copy it again."
        )


def read_image(
    path: str | os.PathLike[str],
    frame: int = 0,
    pixel_size: float | None = None,
    dataset: str | None = None,
    minimum_size: int = 0,
) -> Image:
    """Read one image from a file of a microscope, of HyperSpy, of ImageJ or numpy.

    Colours become luminance (ITU-R BT.601). Of several images in a file the one
    with the most pixels is taken, the first among equals.

    Parameters
    ----------
    path
        A file, or a ``.zspy`` store, with one of the `SUFFIXES`.
    frame
        Which image of a series, from 0.
    pixel_size
        Å per pixel; overrides what the file says.
    dataset
        Title of the image to take from a file that holds several.
    minimum_size
        Fewest rows and columns that will do.

    Returns
    -------
    Image
        Its counts with the pixel size, where it is known.

    Raises
    ------
    InputError
        The file cannot be read, or what it holds cannot be used as an image.

    Examples
    --------
    >>> import numpy as np
    >>> import sfin
    >>> np.save("scan.npy", np.random.default_rng(0).poisson(9, (256, 512)))
    >>> image = sfin.read_image("scan.npy", pixel_size=0.1)
    >>> image.name, image.data.shape, image.pixel_size
    ('scan', (256, 512), 0.1)
    """
    path = Path(path)
    if pixel_size is not None and not (math.isfinite(pixel_size) and pixel_size > 0):
        raise InputError(
            f"The pixel size {pixel_size:g} Å given for {path} is no length; give a "
            "positive number of Å."
        )
    check_image_file(path)
    datasets = load_datasets(path)
    chosen = choose_dataset(path, datasets, dataset)
    return Image(
        data=usable_counts(path, chosen.frames, frame, minimum_size),
        pixel_size=pixel_size or square_pixel_size(path, chosen),
        name=path.stem,
        metadata={
            "title": chosen.title,
            "datasets": [candidate.title for candidate in datasets],
            "frame": frame,
            "frames": len(chosen.frames),
            **chosen.metadata,
        },
    )


def write_image(
    path: str | os.PathLike[str], image: Image, eight_bit: bool = False
) -> None:
    """Write an image; the suffix says how.

    ``.tif`` (with ImageJ's calibration), ``.hspy``, ``.zspy`` and ``.emd`` (of the
    Berkeley lab) hold float32 counts, pixel size or units, the metadata of the original
    and the ``note`` in the image's metadata; ``.npy`` counts alone. ``.png`` is for
    people: 8-bit grey levels, clipped at the percentiles of `to_grey_levels`, with a
    scale bar, which counts pixels where their size is unknown. The same image makes the
    same bytes.

    Parameters
    ----------
    path
        Written whole or not at all.
    image
        What to write.
    eight_bit
        The data are grey levels: they are rounded, clipped to 0–255, and written as
        8-bit numbers.

    Raises
    ------
    InputError
        Another suffix; for ``.png``, an image without contrast; for ``.zspy``, a folder
        of that name that is none.
    """
    path = Path(path)
    data: NDArray[Any] = np.asarray(image.data, dtype=np.float32)
    if eight_bit:
        data = _eight_bit(data)
    make_whole(path, _writer(path, data, image))


def _writer(path: Path, data: NDArray[Any], image: Image) -> Callable[[Path], object]:
    pixel_size, metadata = image.pixel_size, image.metadata
    match path.suffix.lower():
        case ".tif" | ".tiff":
            low, high = map(float, np.percentile(data, _PERCENTILES))
            return lambda part: write_tif(part, data, pixel_size, (low, high), metadata)
        case ".hspy" | ".zspy" | ".emd" as suffix:
            signal = described_signal(data, pixel_size, image.name, metadata)
            if suffix == ".zspy" and path.is_dir():
                check_image_file(path)  # no other folder is replaced
            write = {".hspy": write_hspy, ".zspy": write_zspy, ".emd": write_emd}
            return lambda part: write[suffix](part, signal)
        case ".png":
            grey = _eight_bit(to_grey_levels(data)[0])
            return lambda part: write_png(part, grey, pixel_size)
        case ".npy":
            return lambda part: np.save(part, data)
    raise InputError(
        f"{path} cannot be written; end its name with .tif, .hspy, .zspy, .emd, .png "
        "or .npy."
    )


def _eight_bit(grey: NDArray[Any]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return levels
