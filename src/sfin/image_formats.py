"""What is inside a microscope's file: arrays, pixel sizes in Å, metadata.

Everything that depends on a format or on RosettaSciIO's ways of reading it is
here; `sfin.images` judges whether the array can be used.
"""

import gc
import logging
import math
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.image_colours import luminance, planar_signals, read_npy, read_png
from sfin.image_headers import read_promise
from sfin.image_limits import check_promise

# How many Å one unit of length is, after Unicode normalisation and lower case.
_ANGSTROM = {
    **dict.fromkeys(["pm", "picometer", "picometers"], 1e-2),
    **dict.fromkeys(["å", "a", "ang", "angstrom", "angstroms", "ångström"], 1.0),
    **dict.fromkeys(["nm", "nanometer", "nanometers", "nanometre"], 1e1),
    **dict.fromkeys(["μm", "um", "micron", "microns", "micrometer"], 1e4),
    **dict.fromkeys(["mm", "millimeter", "millimeters"], 1e7),
    **dict.fromkeys(["m", "meter", "meters", "metre"], 1e10),
}
_ENERGY = {"ev", "kev"}

# Characters of what a library says is wrong; some quote half of the file.
_LONGEST = 300
_SQUARE = 0.01  # height and width of a square pixel agree this well


@dataclass(frozen=True, eq=False)
class Dataset:
    """One image, or one series of images, inside a file.

    Attributes
    ----------
    title
        The signal's name, such as the detector's.
    frames
        Counts, ``(frames, rows, columns)``, in the file's own type.
    pixel_sizes
        Height and width of a pixel in Å; None where the file does not say, or
        says it in a unit that is not a length in real space.
    metadata
        ``metadata`` and ``original_metadata`` as RosettaSciIO gives them; ``axes``:
        of rows and columns ``name``, ``units``, ``scale``, ``offset``, ``size``.
    """

    title: str
    frames: NDArray[Any]
    pixel_sizes: tuple[float | None, float | None]
    metadata: dict[str, Any]


def load_datasets(path: Path) -> list[Dataset]:
    """Read every image and image series of a file, in the order of the file.

    Raises
    ------
    InputError
        The file cannot be read, or holds no image.
    """
    trouble = None
    signals: list[dict[str, Any]] = []
    found: list[Dataset] = []
    with _quiet():
        try:
            check_promise(path, read_promise(path))
            signals = _read_signals(path)
            found = [
                _dataset(signal, f"dataset {index}")
                for index, signal in enumerate(signals)
                if _is_image(signal)
            ]
        except InputError:
            raise
        except MemoryError:
            trouble = "it is too large for the memory"
        except Exception as error:
            trouble = " ".join(f"{type(error).__name__} {error}".split()).rstrip(". ")
        if trouble is not None:
            # A reader that fails leaves its file open; close it here and quietly.
            gc.collect()
    if trouble is not None:
        raise InputError(
            f"{path} cannot be read as a {path.suffix} image ({trouble[:_LONGEST]}); "
            "it may be damaged or cut short: copy it again, or save it anew as .tif or "
            ".hspy."
        )
    if not found:
        shapes = ", ".join(
            " × ".join(map(str, signal["data"].shape)) or "a single number"
            for signal in signals
        )
        raise InputError(
            f"{path} holds no image, only spectra or other data ({shapes or 'none'}); "
            "export the image itself, for example the survey image, to its own file."
        )
    return found


def choose_dataset(path: Path, datasets: list[Dataset], title: str | None) -> Dataset:
    """Return the dataset of that title; without one, the first of the largest.

    Raises
    ------
    InputError
        No dataset has that title.
    """
    if title is None:
        # max() keeps the first of equals, such as the detectors of one scan.
        return max(datasets, key=lambda one: math.prod(one.frames.shape[-2:]))
    for candidate in datasets:
        if candidate.title.casefold() == title.casefold():
            return candidate
    raise InputError(
        f"{path} has no image called '{title}'; it has "
        f"{', '.join(repr(candidate.title) for candidate in datasets)}."
    )


def square_pixel_size(path: Path, chosen: Dataset) -> float | None:
    """Return the pixel size in Å, None if unknown.

    Raises
    ------
    InputError
        Height and width of a pixel differ by more than 1 %.
    """
    height, width = chosen.pixel_sizes
    if height is None or width is None:
        return None
    if abs(height - width) > _SQUARE * min(height, width):
        raise InputError(
            f"The pixels of {path} are not square, {height:g} × {width:g} Å; resample "
            "the image to square pixels, or give the true pixel size yourself."
        )
    return math.sqrt(height * width)


def _read_signals(path: Path) -> list[dict[str, Any]]:
    """Read a file into RosettaSciIO's dictionaries: data, axes and metadata."""
    name = str(path)
    match path.suffix.lower():
        case ".dm3" | ".dm4":
            from rsciio import digitalmicrograph

            return list(digitalmicrograph.file_reader(name))
        case ".emd":
            from rsciio import emd

            # Velox only: its spectra can be a thousand times as large as the images.
            return list(emd.file_reader(name, select_type="images"))
        case ".ser":
            from rsciio import tia

            return list(tia.file_reader(name))
        case ".tif" | ".tiff":
            from rsciio import tiff

            if signals := planar_signals(path):
                return signals
            return [_with_imagej_unit(signal) for signal in tiff.file_reader(name)]
        case ".hspy" | ".hdf5":
            from rsciio import hspy

            return list(hspy.file_reader(name))
        case ".zspy":
            from rsciio import zspy  # its reader, unlike its writer, suits zarr 3

            return list(zspy.file_reader(name))
        case ".mrc":
            from rsciio import mrc

            return list(mrc.file_reader(name))
        case ".png":
            return [{"data": read_png(path), "axes": []}]
        case _:
            return [{"data": read_npy(path), "axes": []}]


def _with_imagej_unit(signal: dict[str, Any]) -> dict[str, Any]:
    # RosettaSciIO 0.15 takes ImageJ's scale, but of its units only "micron".
    tags = signal["original_metadata"]
    description = tags.get("ImageDescription")
    if not (isinstance(description, str) and description.startswith("ImageJ=")):
        return signal
    found = re.search(r"^unit=(.*)$", description, re.MULTILINE)
    if found and "XResolution" in tags:
        # ImageJ escapes what is not ASCII, such as \u00B5m.
        unit = re.sub(r"\\u(\w{4})", lambda sign: chr(int(sign[1], 16)), found[1])
        for axis in signal["axes"][-2:]:
            axis["units"] = unit
    return signal


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what is known to be harmless; all that matters is raised."""
    from PIL import Image

    # They log what they also raise; asyncio, what zarr has dropped.
    loggers = [logging.getLogger(name) for name in ("rsciio", "tifffile", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # The MRC reader never closes its file, the TIFF reader not on failure.
        warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
        # A scan of 10,000 × 10,000 pixels is large, not an attack.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        # HyperSpy's newer files only add groups that an image does not need.
        warnings.filterwarnings("ignore", "This file was written using a newer")
        # TIA: concerns the axis between the frames, which is not used.
        warnings.filterwarnings("ignore", "The navigation axes units could not")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _is_image(signal: Mapping[str, Any]) -> bool:
    data, axes = signal["data"], signal["axes"]
    if data.ndim not in (2, 3) or data.dtype.kind == "O":
        return False
    if data.dtype.names is not None and not {*"RGB"} <= {*data.dtype.names}:
        return False
    if any(str(axis.get("units")).lower() in _ENERGY for axis in axes):
        return False
    # A spectrum at each scan position: positions to navigate, one signal axis.
    navigated = sum(axis.get("navigate") is True for axis in axes)
    return navigated == 0 or data.ndim - navigated != 1


def _dataset(signal: Mapping[str, Any], title: str) -> Dataset:
    data, axes = np.asarray(signal["data"]), signal["axes"]
    if data.dtype.names is not None:
        data = luminance(np.stack([data[channel] for channel in "RGB"], axis=-1))
    metadata = signal.get("metadata", {})
    sizes = [axis_pixel_size(axis) for axis in axes[-2:]] or [None, None]
    return Dataset(
        title=metadata.get("General", {}).get("title") or title,
        frames=data.reshape((-1, *data.shape[-2:])) if data.size else data[None],
        pixel_sizes=(sizes[0], sizes[1]),
        metadata={
            "axes": [_plain_axis(axis) for axis in axes[-2:] if "scale" in axis],
            "metadata": metadata,
            "original_metadata": signal.get("original_metadata", {}),
        },
    )


def _plain_axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    units, name = axis.get("units"), axis.get("name")
    return {
        "name": name if isinstance(name, str) else "",
        "units": units if isinstance(units, str) else "",
        "scale": float(axis["scale"]),
        "offset": float(axis.get("offset") or 0.0),
        "size": int(axis["size"]),
    }


def axis_pixel_size(axis: Mapping[str, Any]) -> float | None:
    """Give the size of a pixel along an axis in Å; None where it is no length."""
    unit = unicodedata.normalize("NFKC", str(axis.get("units"))).strip().lower()
    size = abs(float(axis.get("scale") or 0.0)) * _ANGSTROM.get(unit, 0.0)
    return size if math.isfinite(size) and size > 0 else None
