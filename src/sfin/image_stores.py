"""How large an HDF5 file or a Zarr store is, and whether its chunks keep to it.

A chunk is decompressed whole before anybody compares it with its size: one that was
made to be a bomb fills the memory, however small its array is.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from sfin.errors import InputError
from sfin.image_limits import MOST_EXPANSION, Promise

if TYPE_CHECKING:
    import h5py

# What a chunk may have beyond its numbers: checksums, texts of no fixed length.
_SLACK = 2**20
_PIECE = 2**20
_MOST_OF_DEFLATE = 1032
_HDF5_DEFLATE = 1  # number of the filter
_DESCRIPTIONS = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
# Codecs of Zarr that say, or can be made to say, how long a chunk becomes; and those
# that do not make it longer. Others, above all Python's pickle, are not run.
_COMPRESSORS = frozenset({"blosc", "zstd", "gzip", "zlib", "lz4"})
_HARMLESS = frozenset(
    {
        *("bytes", "transpose", "shuffle", "delta", "astype", "bitround", "quantize"),
        *("vlen-utf8", "vlen-bytes", "vlen-array", "fixedscaleoffset", "packbits"),
        *("crc32", "crc32c", "adler32", "fletcher32"),
    }
)


def hdf5_promise(path: Path) -> Promise:
    """Add up all datasets of an HDF5 file, and check the chunks that zlib made."""
    import h5py

    found: list[Any] = []
    expanded = 0
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, item: found.append(item))
        for dataset in found:
            if isinstance(dataset, h5py.Dataset) and dataset.shape is not None:
                expanded += dataset.nbytes
                if dataset.chunks is not None:
                    _check_chunks(path, dataset)
    return Promise(expanded, path.stat().st_size, compressed=True)


def _check_chunks(path: Path, dataset: "h5py.Dataset") -> None:
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(n)[0] for n in range(creation.get_nfilters())]
    if filters.count(_HDF5_DEFLATE) > 1:
        raise _bomb(path)
    if _HDF5_DEFLATE not in filters:
        return
    chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
    stored: list[Any] = []
    dataset.id.chunk_iter(stored.append)
    for info in stored:
        if info.size * _MOST_OF_DEFLATE > chunk + _SLACK:
            _, content = dataset.id.read_direct_chunk(info.chunk_offset)
            if _inflated(content, chunk + _SLACK) > chunk + _SLACK:
                raise _bomb(path)


def zarr_promise(path: Path) -> Promise:
    """Add up all arrays of a Zarr store, zipped or not, and check their chunks."""
    import zarr

    store: zarr.storage.LocalStore | zarr.storage.ZipStore
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
        stored = sum(file.stat().st_size for file in files)
        store = zarr.storage.LocalStore(path)
    else:
        stored = path.stat().st_size
        _check_zip(path, stored)
        store = zarr.storage.ZipStore(path, mode="r")
    expanded = 0
    try:
        root = zarr.open_group(store, mode="r")
        for name, array in root.members(max_depth=None):
            if isinstance(array, zarr.Array):
                compressor = _compressor(path, array)
                chunk = math.prod(array.chunks) * array.dtype.itemsize
                expanded += max(array.nbytes, chunk)
                for content in _chunks(path, name):
                    if _expanded(content, compressor, chunk + _SLACK) > chunk + _SLACK:
                        raise _bomb(path)
    finally:
        store.close()
    return Promise(expanded, stored, compressed=True)


def _check_zip(path: Path, stored: int) -> None:
    with ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for entry in entries):
        raise InputError(
            f"{path} cannot be read: it is zipped in an uncommon way; zip it again "
            "with deflate or without compression."
        )
    if sum(entry.file_size for entry in entries) > MOST_EXPANSION * stored + _SLACK:
        raise _bomb(path)


def _compressor(path: Path, array: Any) -> str | None:
    """Name the compressor of an array, if it has one; refuse codecs that do harm."""
    described = array.metadata.to_dict()
    if "codecs" in described:
        names = [codec["name"] for codec in described["codecs"]]
    else:
        codecs = [described["compressor"], *(described["filters"] or ())]
        names = [codec["id"] for codec in codecs if codec is not None]
    names = [name.removeprefix("numcodecs.") for name in names]
    for name in names:
        if name not in _COMPRESSORS | _HARMLESS:
            raise InputError(
                f"{path} cannot be read: its numbers are packed with {name!r}, which "
                "could do harm; save the image as .hspy."
            )
    compressors = [name for name in names if name in _COMPRESSORS]
    if len(compressors) > 1:
        raise _bomb(path)
    return compressors[0] if compressors else None


def _chunks(path: Path, name: str) -> Iterator[bytes]:
    """Read what is stored of the chunks of an array, one after the other."""
    if path.is_dir():
        for file in (path / name).rglob("*"):
            if file.is_file() and file.name not in _DESCRIPTIONS:
                yield file.read_bytes()
        return
    with ZipFile(path) as archive:
        for entry in archive.infolist():
            inside = entry.filename.startswith(f"{name}/") and not entry.is_dir()
            if inside and Path(entry.filename).name not in _DESCRIPTIONS:
                yield archive.read(entry)


def _expanded(content: bytes, compressor: str | None, most: int) -> int:
    """Tell how long a chunk says it becomes; zlib says nothing, and is tried."""
    match compressor:
        case "blosc":
            return int(struct.unpack_from("<I", content, 4)[0])
        case "lz4":
            return int(struct.unpack_from("<I", content)[0])
        case "zstd":
            return _zstd_size(content)
        case "zlib" | "gzip":
            return _inflated(content, most)
    return len(content)


def _zstd_size(content: bytes) -> int:
    """Read the size in the header of a frame (RFC 8878, section 3.1.1)."""
    described = content[4]
    alone, code = described >> 5 & 1, described >> 6
    place = 5 + (1 - alone) + (0, 1, 2, 4)[described & 3]
    if code == 0 and not alone:
        raise ValueError("a chunk that does not say its size")
    layout = ("<B", "<H", "<I", "<Q")[code]
    return int(struct.unpack_from(layout, content, place)[0]) + 256 * (code == 1)


def _inflated(content: bytes, most: int) -> int:
    """Inflate no more than is needed to know whether there is more than `most`."""
    size = 0
    while content:
        member = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip
        while content and not member.eof and size <= most:
            size += len(member.decompress(content, _PIECE))
            content = member.unconsumed_tail
        # Gzip may have several members; what else comes behind is not looked at.
        goes_on = size <= most and member.unused_data.startswith(b"\x1f\x8b")
        content = member.unused_data if goes_on else b""
    return size


def _bomb(path: Path) -> InputError:
    return InputError(
        f"{path} cannot be read: a part of it would expand far beyond its image, so it "
        "is damaged or made to do harm; save the image anew as .tif or .hspy."
    )
