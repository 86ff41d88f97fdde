"""Write counts as HyperSpy's signals: axes, metadata, and what was done to them."""

import json
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.image_formats import axis_pixel_size

# What the Berkeley lab's EMD has groups for; all else goes to its comments.
_EMD_GROUPS = ("microscope", "sample", "user", "comments")


def image_axes(
    shape: tuple[int, ...], pixel_size: float | None, metadata: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Describe the axes of an image, those of its original where they still hold.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In Å, or None.
    metadata
        Of the image; its ``axes`` have ``name``, ``units``, ``scale``, ``offset`` and
        ``size``.

    Returns
    -------
    list of dict
        As RosettaSciIO takes them: y, then x. They are in nm where the axes of the
        original do not say that pixel size.
    """
    axes = metadata.get("axes", [])
    if [axis["size"] for axis in axes] != list(shape) or not _say(axes, pixel_size):
        units, scale = ("", 1.0) if pixel_size is None else ("nm", pixel_size / 10.0)
        axes = [
            {"name": name, "units": units, "scale": scale, "offset": 0.0, "size": size}
            for name, size in zip("yx", shape, strict=True)
        ]
    kind = {"_type": "UniformDataAxis", "navigate": False, "is_binned": False}
    return [kind | axis for axis in axes]


def _say(axes: Sequence[Mapping[str, Any]], pixel_size: float | None) -> bool:
    sizes = [axis_pixel_size(axis) for axis in axes]
    if pixel_size is None or None in sizes:
        return pixel_size is None and None in sizes
    return math.isclose(math.prod(filter(None, sizes)), pixel_size**2, rel_tol=1e-6)


def described_signal(
    data: NDArray[Any],
    pixel_size: float | None,
    name: str,
    metadata: Mapping[str, Any],
) -> dict[str, Any]:
    """Put counts, axes and metadata together as RosettaSciIO takes them.

    Parameters
    ----------
    data
        Counts (rows, columns).
    pixel_size
        In Å, or None.
    name
        Becomes the title.
    metadata
        As of `sfin.images.Image`; its ``note`` comes after the notes of the original.
    """
    described = deepcopy(dict(metadata.get("metadata", {})))
    general = {**described.get("General", {}), "title": name}
    if note := metadata.get("note"):
        general["notes"] = "\n".join(filter(None, [general.get("notes"), note]))
    described["General"] = general
    described["Signal"] = {**described.get("Signal", {}), "signal_type": ""}
    return {
        "data": data,
        "axes": image_axes(data.shape, pixel_size, metadata),
        "metadata": described,
        "original_metadata": deepcopy(dict(metadata.get("original_metadata") or {})),
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
        "attributes": {"_lazy": False},
        "package_info": {"package": "", "package_version": ""},
    }


def write_hspy(path: Path, signal: Mapping[str, Any]) -> None:
    """Write a signal as HyperSpy's HDF5."""
    from rsciio import hspy

    hspy.file_writer(str(path), signal)


def write_zspy(path: Path, signal: Mapping[str, Any]) -> None:
    """Write a signal as HyperSpy's Zarr store, a folder.

    Not with RosettaSciIO 0.15, whose writer needs zarr 2. Format 2 is what HyperSpy
    reads with either.
    """
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=2)
    root.attrs.update({"file_format": "ZSpy", "file_format_version": "3.3"})
    title = signal["metadata"]["General"]["title"].replace("/", "-")
    experiment = root.create_group("Experiments").create_group(title or "__unnamed__")
    experiment.create_array("data", data=signal["data"])
    experiment.attrs.update(signal["package_info"])
    for name in ("metadata", "original_metadata", "attributes", "learning_results"):
        _fill(experiment.create_group(name), signal[name])
    for index, axis in enumerate(signal["axes"]):
        _fill(experiment.create_group(f"axis-{index}"), axis)


def _fill(group: Any, entries: Mapping[str, Any]) -> None:
    attributes = {}
    for key, value in entries.items():
        if isinstance(value, Mapping):
            # The key names a folder.
            name = str(key).replace("/", "-")
            _fill(group.create_group(name if name.strip(".") else "_"), value)
        else:
            attributes[str(key)] = "_None_" if value is None else _plain(value)
    group.attrs.update(attributes)


def write_emd(path: Path, signal: Mapping[str, Any]) -> None:
    """Write a signal as the Berkeley lab's EMD.

    The format has no place for metadata but four groups of plain values: their
    ``comments`` get ``notes``, and ``metadata`` and ``original_metadata`` as JSON.
    """
    import h5py
    from rsciio import emd

    original = signal["original_metadata"]
    groups = {name: _scalars(original.get(name)) for name in _EMD_GROUPS}
    general = signal["metadata"]["General"]
    groups["comments"] |= {
        "notes": str(general.get("notes", "")),
        **{
            name: json.dumps(_plain(signal[name]), ensure_ascii=False)
            for name in ("metadata", "original_metadata")
        },
    }
    title = general["title"].replace("/", "-")
    known = {
        # RosettaSciIO puts units in brackets, even those that are not there.
        "axes": [axis | {"units": axis["units"] or None} for axis in signal["axes"]],
        "metadata": {"General": {"title": title}, "Signal": {"signal_type": ""}},
        "original_metadata": groups,
    }
    # Before HDF5 1.8 an attribute had 64 KiB at most; metadata have more.
    with h5py.File(path, "w", libver=("v108", "v108")) as file:
        emd.file_writer(file, {**signal, **known})


def _scalars(group: object) -> dict[str, Any]:
    entries = group if isinstance(group, Mapping) else {}
    return {
        str(key): _plain(value)
        for key, value in entries.items()
        if isinstance(value, str | int | float | np.generic)
    }


def _plain(value: object) -> Any:
    """Turn what readers make of metadata into what JSON has words for."""
    match value:
        case Mapping():
            return {str(key): _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case bytes():
            return value.decode("utf-8", errors="replace")
        case str() | bool() | int() | float() | None:
            return value
    return str(value)
