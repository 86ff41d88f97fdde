"""Files that are damaged, lie, or hold no image: one sentence, and little memory."""

import json
import os
import struct
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from image_files import (
    WRITERS,
    counts,
    dm_number,
    mrc_header,
    write_dm_tags,
    write_hdf5,
    write_npy,
    write_png,
    write_ser,
    write_tiff,
    write_zspy,
)

from sfin.errors import InputError
from sfin.image_limits import Promise, check_promise
from sfin.images import read_image

# What reading a bomb may add to the memory of a process, MiB: readers are imported.
MOST_MEMORY = 150
ZEROS = 4 * 2**30


def refused(path, *words):
    with pytest.raises(InputError) as caught:
        read_image(path)
    message = str(caught.value)
    assert str(path) in message
    assert message.endswith(".")
    assert "\n" not in message.replace(str(path), "")
    for word in words:
        assert word in message, message


# ---------------------------------------------------------------- bombs


@cache
def deflated_zeros(size, form=zlib.MAX_WBITS):
    """Compress zeros in no time: a block that ends in a full flush can be repeated."""
    block = 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, form)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    body = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + body * (size // block) + packer.flush()


def png_chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(path, columns, rows, *chunks, content=b""):
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    image = png_chunk(b"IDAT", content or deflated_zeros(2**24))
    parts = [b"\x89PNG\r\n\x1a\n", header, *chunks, image, png_chunk(b"IEND", b"")]
    path.write_bytes(b"".join(parts))


def tiff_bomb(path, side, content, stored):
    """Write a page of deflated counts, 8 bits, in one strip."""
    tags = [
        *((256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 8 if content else 1)),
        *((262, 3, 1), (273, 4, 146), (277, 3, 1), (278, 4, side), (279, 4, stored)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, n) for tag, kind, n in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    path.write_bytes(head.ljust(146, b"\0") + content)


def hdf5_bomb(path, shape, chunks, content):
    """Put deflated zeros into every chunk, or nothing into any."""
    write_hdf5(path, counts())
    with h5py.File(path, "a") as file:
        found = []
        file.visititems(lambda _, item: found.append(item))
        old = max(
            (item for item in found if isinstance(item, h5py.Dataset) and item.ndim),
            key=lambda item: item.size,
        )
        group, name, attributes = old.parent, old.name, dict(old.attrs)
        del file[name]
        how = {"shape": shape, "dtype": "f4", "chunks": chunks, "compression": "gzip"}
        new = group.create_dataset(name.rsplit("/", 1)[1], **how)
        new.attrs.update(attributes)
        if content:
            for corner in np.ndindex(*np.floor_divide(shape, chunks)):
                offset = tuple(np.multiply(corner, chunks))
                new.id.write_direct_chunk(offset, content)


def zspy_bomb(path, compressor, content):
    import numcodecs

    codec = numcodecs.get_codec({"id": compressor})
    write_zspy(path, counts(), compressors=codec)
    chunk = path / "Experiments/HAADF/data/0.0"
    assert chunk.exists()
    chunk.write_bytes(content)


def endless_dm(path):
    """Write an array of 10^17 structures without fields."""
    write_dm_tags(path, {"Endless": ((20, 15, 0, 0, 10**9), b"")})


def huge_dm(path):
    image = {
        "ImageData": {
            "Data": ((20, 6, 2**31 - 1), b""),
            "Dimensions": [dm_number(5, "I", 10**6)] * 2,
        }
    }
    write_dm_tags(path, {"ImageList": [image]})


def huge_ser(path):
    write_ser(path, counts())
    whole = bytearray(path.read_bytes())
    sides = whole.index(struct.pack("<II", 30, 24))
    struct.pack_into("<II", whole, sides, 10**6, 10**6)
    path.write_bytes(whole)


def many_positions(path):
    """Write a scan of 10^8 positions that was stopped at the first."""
    write_ser(path, counts())
    whole = bytearray(path.read_bytes())
    struct.pack_into("<I", whole, 30, 10**8)
    path.write_bytes(whole)


def huge_npy(path):
    with path.open("wb") as file:
        described = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
        np.lib.format.write_array_header_1_0(file, described)


def empty_zspy(path):
    """Write an array of 10^12 counts, none of which is there."""
    import zarr

    write_zspy(path, counts())
    group = zarr.open_group(path, mode="a")["Experiments/HAADF"]
    how = {"shape": (10**6, 10**6), "chunks": (1000, 1000), "dtype": "f4"}
    group.create_array("data", overwrite=True, **how)


def zipped_zspy(path):
    """Zip a store with an entry that says it is four GiB of zeros."""
    from zipfile import ZIP_DEFLATED, ZipFile

    store = write_zspy(path.with_name("store.zspy"), counts())
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for file in store.rglob("*"):
            archive.write(file, file.relative_to(store))
        with archive.open("bomb", "w", force_zip64=True) as entry:
            entry.write(bytes(2**24))
    whole = path.read_bytes()
    # The directory at the end says how long it becomes.
    place = whole.rindex(struct.pack("<I", 2**24))
    path.write_bytes(whole[:place] + struct.pack("<I", ZEROS - 1) + whole[place + 4 :])


HUGE = (10**6, 10**6)
BOMBS = {
    "chunks.hspy": lambda p: hdf5_bomb(p, HUGE, (1000, 1000), b""),
    "zeros.emd": lambda p: hdf5_bomb(
        p, (2**16, 2**15), (2**12, 2**12), deflated_zeros(2**26)
    ),
    "chunk.hspy": lambda p: hdf5_bomb(p, (24, 30), (24, 30), deflated_zeros(ZEROS)),
    "gzip.zspy": lambda p: zspy_bomb(p, "gzip", deflated_zeros(ZEROS, 31)),
    "zlib.zspy": lambda p: zspy_bomb(p, "zlib", deflated_zeros(ZEROS)),
    "blosc.zspy": lambda p: zspy_bomb(
        p, "blosc", struct.pack("<4B3I", 2, 1, 0x11, 4, 2**31 - 17, 2**20, 30)
    ),
    "zstd.zspy": lambda p: zspy_bomb(
        p, "zstd", b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40) + bytes(9)
    ),
    "empty.zspy": empty_zspy,
    "zipped.zspy": zipped_zspy,
    "pixels.png": lambda p: png(p, 30_000, 30_000),
    "zeros.png": lambda p: png(p, 13_000, 13_000),
    "text.png": lambda p: png(
        p, 30, 24, png_chunk(b"zTXt", b"a\0\0" + deflated_zeros(ZEROS))
    ),
    "profile.png": lambda p: png(
        p, 30, 24, png_chunk(b"iCCP", b"a\0\0" + deflated_zeros(ZEROS))
    ),
    "zeros.tif": lambda p: tiff_bomb(p, 60_000, deflated_zeros(2**24), 2**14),
    "strip.tif": lambda p: tiff_bomb(
        p, 30, deflated_zeros(ZEROS), len(deflated_zeros(ZEROS))
    ),
    "header.tif": lambda p: tiff_bomb(p, 60_000, b"", 3_600_000_000),
    "header.mrc": lambda p: p.write_bytes(mrc_header(*HUGE, 1, 2)),
    "header.ser": huge_ser,
    "positions.ser": many_positions,
    "header.npy": huge_npy,
    "header.dm3": huge_dm,
    "header.dm4": huge_dm,
    "endless.dm3": endless_dm,
    "endless.dm4": endless_dm,
}


def test_bombs_are_refused_before_they_are_expanded(tmp_path):
    for name, write in BOMBS.items():
        write(tmp_path / name)
    code = (
        "import resource, sys\n"
        "from sfin.errors import InputError\n"
        "from sfin.images import read_image\n"
        "def peak():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "start = peak()\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read_image(path)\n"
        "        print(path, 'was read', peak() - start, sep='|')\n"
        "    except InputError as error:\n"
        "        print(path, error, peak() - start, sep='|')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *(str(tmp_path / name) for name in BOMBS)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "src")},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == len(BOMBS)
    for path, message, memory in lines:
        assert int(memory) < MOST_MEMORY, (path, memory)
        assert message.startswith(path), message
        assert message.endswith("."), message


def test_what_deflate_makes_small_is_read_up_to_a_limit(tmp_path):
    # Half of it nothing but zeros, as where a beam was blanked.
    image = np.zeros((1000, 1000), np.uint8)
    image[:500] = counts((500, 1000), np.uint8)
    np.testing.assert_array_equal(
        read_image(write_png(tmp_path / "a.png", image)).data, image
    )


@pytest.mark.parametrize(
    ("promise", "words"),
    [
        (Promise(2000, 1000, compressed=False), ("cut short", "1.95 KiB", "1e+03")),
        (Promise(2**40, 2**20, compressed=True), ("expand to 1024 GiB", "without")),
        (Promise(2**50, 2**50, compressed=False), ("memory", "cut it into parts")),
    ],
)
def test_limits_say_what_is_too_much(tmp_path, promise, words):
    with pytest.raises(InputError) as caught:
        check_promise(tmp_path, promise)
    for word in words:
        assert word in str(caught.value)


def test_what_is_not_compressed_may_take_all_its_file(tmp_path):
    check_promise(tmp_path, Promise(2**20, 2**20, compressed=False))
    check_promise(tmp_path, Promise(2**26, 100, compressed=True))


# ---------------------------------------------------------------- no programs


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_pickles_are_never_run(tmp_path):
    import numcodecs

    ran = tmp_path / "ran"
    objects = np.array([[Payload(ran)]], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    refused(tmp_path / "a.npy", "Python objects")
    write_zspy(tmp_path / "a.zspy", counts())
    described = tmp_path / "a.zspy/Experiments/HAADF/data/.zarray"
    text = json.loads(described.read_text())
    text |= {"compressor": None, "filters": [{"id": "pickle", "protocol": 5}]}
    described.write_text(json.dumps(text))
    chunk = described.with_name("0.0")
    chunk.write_bytes(numcodecs.Pickle().encode(objects))
    refused(tmp_path / "a.zspy", "'pickle'", ".hspy")
    assert not ran.exists()


# ---------------------------------------------------------------- no images


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("shape", "word"), [((1, 1), "constant"), ((1, 40), None)])
def test_images_of_a_pixel_a_row_or_a_column(tmp_path, name, shape, word):
    data = counts(shape)
    path = WRITERS[name](tmp_path / name, data)
    try:
        image = read_image(path)
    except InputError:
        # Some formats leave out what has one pixel: a line is left, no image.
        refused(path)
        return
    assert word is None
    np.testing.assert_array_equal(image.data, data)


@pytest.mark.parametrize("name", ["a.npy", "a.zspy"])
@pytest.mark.parametrize("shape", [(0, 30), (24, 0), (0, 24, 30)])
def test_images_without_pixels(tmp_path, name, shape):
    path = WRITERS[name](tmp_path / name, np.zeros(shape, np.float32))
    refused(path)


@pytest.mark.parametrize("name", ["a.npy", "a.hspy", "a.zspy", "a.emd", "a.tif"])
def test_four_dimensions_are_no_image(tmp_path, name):
    refused(WRITERS[name](tmp_path / name, counts((2, 5, 24, 30))), "2 × 5 × 24 × 30")


@pytest.mark.parametrize(
    "name", ["a.npy", "a.hspy", "a.zspy", "a.emd", "a.tif", "a.mrc"]
)
def test_values_that_are_no_counts(tmp_path, name):
    data = counts()
    for value in (np.nan, np.inf):
        data[2, 3] = value
        refused(WRITERS[name](tmp_path / name, data), "NaN or infinite")
        (tmp_path / name).is_file() and (tmp_path / name).unlink()
    refused(WRITERS[name](tmp_path / name, np.full_like(data, 7)), "constant")
    (tmp_path / name).is_file() and (tmp_path / name).unlink()
    refused(WRITERS[name](tmp_path / name, counts().astype(np.complex64)), "complex")


def test_texts_and_records_are_no_image(tmp_path):
    refused(write_npy(tmp_path / "a.npy", np.full((9, 9), "a")))
    refused(write_npy(tmp_path / "b.npy", np.zeros((9, 9), [("x", "f4"), ("y", "i2")])))
    refused(write_npy(tmp_path / "c.npy", np.zeros((9, 9), "M8[s]")))


@pytest.mark.parametrize("name", ["a.npy", "a.png", "a.tif"])
def test_colours_are_luminance(tmp_path, name):
    colours = counts((24, 30, 3), np.uint8)
    how = {"photometric": "rgb"} if name == "a.tif" else {}
    image = read_image(WRITERS[name](tmp_path / name, colours, **how))
    expected = colours @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(image.data, expected, rtol=1e-6)


# ---------------------------------------------------------------- no files


def test_links_folders_and_pipes(tmp_path):
    image = write_tiff(tmp_path / "a.tif", counts())
    link = tmp_path / "link.tif"
    link.symlink_to(image)
    assert read_image(link).name == "link"
    dangling = tmp_path / "dangling.tif"
    dangling.symlink_to(tmp_path / "nothing.tif")
    refused(dangling, "link to what does not exist")
    loop = tmp_path / "loop.tif"
    loop.symlink_to(loop)
    refused(loop, "link")
    (tmp_path / "folder.tif").mkdir()
    refused(tmp_path / "folder.tif", "folder")
    os.mkfifo(tmp_path / "pipe.tif")
    refused(tmp_path / "pipe.tif", "pipe")
    refused(image / "b.tif", "does not exist")
    refused(tmp_path / ("n" * 300 + ".tif"), "name")


@pytest.fixture
def nobody():
    """Be somebody else for a test: root may read everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_file_that_may_not_be_read(tmp_path, request):
    path = write_tiff(tmp_path / "a.tif", counts())
    store = write_zspy(tmp_path / "a.zspy", counts())
    path.chmod(0)
    store.chmod(0)
    request.getfixturevalue("nobody")
    try:
        refused(path, "cannot be opened", "Permission denied", "permissions")
        refused(store)
    finally:
        if os.geteuid() != 65534:
            store.chmod(0o700)


NAMES = ["ü 漢字.tif", " a b .tif", "a\nb.tif", "-a.tif", "a'\"$\\frac{$.tif", "A.TIF"]


@pytest.mark.parametrize("name", NAMES)
def test_uncommon_names(tmp_path, name):
    path = write_tiff(tmp_path / name, counts())
    assert read_image(path).name == Path(name).stem
    path.write_bytes(path.read_bytes()[:100])
    refused(path)
