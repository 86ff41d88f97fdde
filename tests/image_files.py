"""Small valid files of every format, to be cut, flipped and made to lie."""

import shutil
import struct
from pathlib import Path

import numpy as np


def counts(shape=(24, 30), kind=np.float32):
    """Make counts that are not symmetric in any way."""
    return np.random.default_rng(1).integers(1, 250, shape).astype(kind)


def signal(data, units="nm", scale=0.0127, title="HAADF", navigate=0, scale_y=None):
    """Describe an array as RosettaSciIO does."""
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "units": units,
            "scale": scale_y if name == "y" and scale_y else scale,
            "offset": 0.0,
            "size": size,
            "navigate": index < navigate,
            "is_binned": False,
            "index_in_array": index,
        }
        for index, (name, size) in enumerate(
            zip("utyx"[-data.ndim :], data.shape, strict=True)
        )
    ]
    return {
        "data": data,
        "axes": axes,
        "metadata": {"General": {"title": title}, "Signal": {"signal_type": ""}},
        "original_metadata": {"voltage": 200.0},
        "tmp_parameters": {},
        "learning_results": {},
        "models": {},
        "attributes": {"_lazy": False},
        "package_info": {"package": "", "package_version": ""},
    }


def write_hdf5(path, data, **described):
    """Write what HyperSpy calls .hspy, or Berkeley's .emd."""
    from rsciio import emd, hspy

    writer = emd if path.suffix == ".emd" else hspy
    writer.file_writer(str(path), signal(data, **described))
    return path


def write_tiff(path, data, **how):
    import tifffile

    tifffile.imwrite(path, data, **how)
    return path


def write_png(path, data):
    from PIL import Image

    Image.fromarray(data.astype(np.uint8)).save(path)
    return path


def write_npy(path, data, **how):
    np.save(path, data, **how)
    return path


def mrc_header(columns, rows, frames, mode):
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, columns, rows, frames, mode, *[0] * 6)
    struct.pack_into("<3i", header, 28, columns, rows, frames)
    struct.pack_into("<3f", header, 40, columns * 0.127, rows * 0.127, frames)
    struct.pack_into("<3f", header, 52, 90, 90, 90)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    header[208:216] = b"MAP \x44\x44\0\0"
    return bytes(header)


def write_mrc(path, data):
    mode = {"int8": 0, "int16": 1, "float32": 2, "complex64": 4, "uint16": 6}
    frames = data.shape[0] if data.ndim == 3 else 1
    rows, columns = data.shape[-2:]
    header = mrc_header(columns, rows, frames, mode[data.dtype.name])
    path.write_bytes(header + data.tobytes())
    return path


def write_zspy(path, data, zarr_format=2, **how):
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    root.attrs.update({"file_format": "ZSpy", "file_format_version": "3.3"})
    experiment = root.require_group("Experiments").require_group("HAADF")
    experiment.create_array("data", data=data, **how)
    for name in ("metadata", "original_metadata", "attributes", "learning_results"):
        experiment.create_group(name)
    experiment["metadata"].create_group("General").attrs["title"] = "HAADF"
    for index, axis in enumerate(signal(data)["axes"]):
        experiment.create_group(f"axis-{index}").attrs.update(axis)
    return path


def write_zipped_zspy(path, data):
    store = write_zspy(path.with_name("store.zspy"), data)
    zipped = Path(shutil.make_archive(str(path.with_name("store")), "zip", store))
    shutil.rmtree(store)
    return zipped.rename(path)


def write_ser(path, data):
    """Write an image, or a series of images, as TIA does."""
    frames = data[None] if data.ndim == 2 else data
    code = {"uint16": 2, "int32": 6, "float32": 7}[data.dtype.name]
    number, rows, columns = frames.shape
    head = struct.pack("<3H4I", 0x4949, 0x197, 0x210, 0x4122, 0x4152, number, number)
    dimension = struct.pack("<IddIII", number, 0.0, 1.0, 0, 0, 0)
    start = len(head) + 8 + len(dimension)
    element = struct.pack("<ddIddIHII", *(0, 1e-11, 0) * 2, code, columns, rows)
    size = len(element) + frames[0].nbytes + 8
    first = start + 8 * number
    offsets = [first + size * index for index in range(number)]
    tags = [first + size * index + size - 8 for index in range(number)]
    body = struct.pack(f"<{2 * number}I", *offsets, *tags)
    for frame in frames:
        body += element + frame[::-1].tobytes() + struct.pack("<HHI", 0x4152, 0, 1)
    path.write_bytes(head + struct.pack("<II", start, 1) + dimension + body)
    return path


def dm_number(code, layout, value):
    """Make the data of a tag that is one number."""
    return (code,), struct.pack(f"<{layout}", value)


def dm_text(text):
    return (20, 4, len(text)), text.encode("utf-16-le")


def write_dm(path, data):
    """Write an image as DigitalMicrograph does, DM3 or DM4 by the suffix."""
    code, kind = {"uint16": (4, 10), "int32": (3, 7), "float32": (6, 2)}[
        data.dtype.name
    ]
    dimensions = [
        {"Origin": dm_number(6, "f", 0), "Scale": dm_number(6, "f", 0.0127),
         "Units": dm_text("nm")}
        for _ in data.shape
    ]  # fmt: skip
    image = {
        "ImageData": {
            "Calibrations": {
                "Brightness": {
                    "Origin": dm_number(6, "f", 0),
                    "Scale": dm_number(6, "f", 1),
                    "Units": dm_text(""),
                },
                "Dimension": dimensions,
            },
            "Data": ((20, code, data.size), data.tobytes()),
            "DataType": dm_number(5, "I", kind),
            "Dimensions": [dm_number(5, "I", side) for side in data.shape[::-1]],
            "PixelDepth": dm_number(5, "I", data.itemsize),
        },
        "ImageTags": {"Microscope Info": {"Voltage": dm_number(6, "f", 2e5)}},
        "Name": dm_text("HAADF"),
        "UniqueID": [dm_number(5, "I", 1)],
    }
    source = [{"ImageRef": dm_number(5, "I", 0)}]
    return write_dm_tags(path, {"ImageList": [image], "ImageSourceList": source})


def write_dm_tags(path, tags):
    """Write tags: mappings and lists of tags, or pairs of a description and bytes."""
    wide = path.suffix == ".dm4"
    body = _dm_group(tags, "q" if wide else "i", root=True)
    size = struct.pack(">q" if wide else ">i", len(body))
    head = struct.pack(">i", 4 if wide else 3) + size + struct.pack(">i", 1)
    path.write_bytes(head + body + bytes(8))
    return path


def _dm_group(tags, length, root=False):
    entries = tags.items() if isinstance(tags, dict) else (("", tag) for tag in tags)
    body = b""
    for name, tag in entries:
        is_group = isinstance(tag, dict | list)
        body += struct.pack(">BH", 20 if is_group else 21, len(name)) + name.encode()
        if is_group:
            body += _dm_group(tag, length)
            continue
        described, content = tag
        data = b"%%%%" + struct.pack(
            f">{len(described) + 1}{length}", len(described), *described
        )
        if length == "q":
            body += struct.pack(">q", len(data) + len(content))
        body += data + content
    head = b"\1\0" + (
        struct.pack(">q", len(body)) if length == "q" and not root else b""
    )
    return head + struct.pack(f">{length}", len(tags)) + body


# Suffix and writer of each format; a store of Zarr is a folder, and zipped a file.
WRITERS = {
    "a.dm3": write_dm,
    "a.dm4": write_dm,
    "a.emd": write_hdf5,
    "a.hspy": write_hdf5,
    "a.ser": write_ser,
    "a.tif": write_tiff,
    "deflated.tif": lambda path, data: write_tiff(path, data, compression="zlib"),
    "a.mrc": write_mrc,
    "a.png": write_png,
    "a.npy": write_npy,
    "a.zspy": write_zspy,
    "zipped.zspy": write_zipped_zspy,
}
