import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_files import write_hdf5, write_mrc, write_tiff, write_zspy

from sfin.errors import InputError
from sfin.images import (
    SUFFIXES,
    Image,
    check_image_file,
    read_image,
    to_grey_levels,
    write_image,
)

SHARED = Path(__file__).parents[1].parent / "shared" / "real_images"


@pytest.fixture
def counts():
    """A 24 × 30 image of counts, not symmetric in any way."""
    return np.random.default_rng(1).integers(0, 250, (24, 30)).astype(np.float32)


def refused(path, *words, **kwargs):
    with pytest.raises(InputError) as caught:
        read_image(path, **kwargs)
    message = str(caught.value)
    assert path.name in message
    assert message.endswith(".")
    assert "\n" not in message
    for word in words:
        assert word in message


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("suffix", [".tif", ".hspy", ".npy"])
@pytest.mark.parametrize("pixel_size", [0.1234567, None])
def test_what_is_written_is_read_back(tmp_path, counts, suffix, pixel_size):
    image = Image(counts * 1e4 + 0.1, pixel_size, "specimen")
    write_image(tmp_path / "new" / f"a{suffix}", image)
    back = read_image(tmp_path / "new" / f"a{suffix}")
    assert back.data.dtype == np.float32
    assert back.data.flags.c_contiguous
    np.testing.assert_array_equal(back.data, image.data)
    if suffix == ".npy" or pixel_size is None:
        assert back.pixel_size is None
    else:
        assert back.pixel_size == pytest.approx(pixel_size, rel=1e-6)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "?"])
def test_every_kind_of_number_in_tiff_and_npy(tmp_path, counts, kind, order):
    values = counts > 100 if kind == "?" else counts // 2
    values = values.astype(np.dtype(kind).newbyteorder(order))
    write_tiff(tmp_path / "a.tif", values, byteorder=order)
    np.save(tmp_path / "a.npy", values)
    for name in ("a.tif", "a.npy"):
        image = read_image(tmp_path / name)
        assert image.data.dtype == np.dtype("=f4")
        np.testing.assert_array_equal(image.data, values.astype(np.float32))


def test_png_of_every_colour_type(tmp_path, counts):
    from PIL import Image as Picture

    grey = Picture.fromarray(counts.astype(np.uint8))
    for mode in ("L", "LA", "RGB", "RGBA", "P"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(read_image(tmp_path / f"{mode}.png").data, counts)
    deep = (counts * 200).astype(np.uint16)
    Picture.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png").data, deep)
    bilevel = counts > 100
    Picture.fromarray(bilevel).save(tmp_path / "bilevel.png")
    np.testing.assert_array_equal(read_image(tmp_path / "bilevel.png").data, bilevel)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colours_become_luminance(tmp_path, counts, suffix):
    from PIL import Image as Picture

    colours = np.stack([counts, counts[::-1] // 3, counts[::-1] // 3], -1)
    colours = colours.astype(np.uint8)
    path = tmp_path / f"colour{suffix}"
    if suffix == ".png":
        Picture.fromarray(colours).save(path)
    else:
        write_tiff(path, colours, photometric="rgb")
    expected = np.asarray(Picture.fromarray(colours).convert("L"), dtype=np.float32)
    np.testing.assert_allclose(read_image(path).data, expected, atol=0.6)


@pytest.mark.parametrize("kind", [np.float32, np.uint16, np.uint8])
@pytest.mark.parametrize("frames", [3, 4])
def test_frames_that_tifffile_marks_as_colours_are_frames(tmp_path, kind, frames):
    series = np.random.default_rng(0).integers(1, 250, (frames, 40, 50)).astype(kind)
    # What it does unasked, with a warning.
    marked = {"photometric": "rgb", "planarconfig": "separate"}
    path = write_tiff(tmp_path / "movie.tif", series, **marked)
    for frame in range(frames):
        image = read_image(path, frame)
        np.testing.assert_array_equal(image.data, series[frame])
        assert image.metadata["frames"] == frames
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match="damaged or cut short"):
        read_image(path)


def test_series_in_every_format(tmp_path, counts):
    series = np.stack([counts, counts[::-1], counts[:, ::-1]])
    imagej = {"resolution": (78.74, 78.74), "metadata": {"unit": "nm", "axes": "TYX"}}
    paths = [
        write_tiff(tmp_path / "a.tif", series, imagej=True, **imagej),
        write_mrc(tmp_path / "a.mrc", series),
        write_hdf5(tmp_path / "a.hspy", series, navigate=1),
        write_zspy(tmp_path / "a.zspy", series, zarr_format=2),
    ]
    for path in paths:
        for frame in range(3):
            image = read_image(path, frame=frame)
            np.testing.assert_array_equal(image.data, series[frame])
            assert image.pixel_size == pytest.approx(0.127, rel=1e-5)
            assert image.metadata["frames"] == 3
        refused(path, "Frame 3", "0 to 2", frame=3)
        refused(path, "Frame -1", frame=-1)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zspy_store_and_zip(tmp_path, counts, zarr_format):
    path = write_zspy(tmp_path / "a.zspy", counts, zarr_format)
    zipped = Path(shutil.make_archive(str(tmp_path / "b"), "zip", path))
    for store in (path, zipped.rename(tmp_path / "b.zspy")):
        image = read_image(store)
        np.testing.assert_array_equal(image.data, counts)
        assert image.pixel_size == pytest.approx(0.127)
        assert image.metadata["title"] == "HAADF"


def test_berkeley_emd_and_mrc(tmp_path, counts):
    for path in (
        write_hdf5(tmp_path / "a.emd", counts),
        write_mrc(tmp_path / "a.mrc", counts),
    ):
        image = read_image(path)
        np.testing.assert_array_equal(image.data, counts)
        assert image.pixel_size == pytest.approx(0.127, rel=1e-5)


def test_of_several_datasets_the_largest_or_the_named(tmp_path, counts):
    import h5py

    write_hdf5(tmp_path / "a.hspy", counts[:5, :5], title="thumbnail")
    for title, data in (("HAADF", counts), ("BF", 250 - counts)):
        write_hdf5(tmp_path / "other.hspy", data, title=title)
        with (
            h5py.File(tmp_path / "other.hspy") as source,
            h5py.File(tmp_path / "a.hspy", "a") as file,
        ):
            source.copy(f"Experiments/{title}", file["Experiments"])
        (tmp_path / "other.hspy").unlink()
    image = read_image(tmp_path / "a.hspy", dataset="haadf")
    np.testing.assert_array_equal(image.data, counts)
    largest = read_image(tmp_path / "a.hspy")
    assert largest.data.shape == counts.shape
    assert sorted(largest.metadata["datasets"]) == ["BF", "HAADF", "thumbnail"]
    refused(tmp_path / "a.hspy", "'ABF'", "'HAADF'", "'BF'", dataset="ABF")


# ---------------------------------------------------------------- pixel size


@pytest.mark.parametrize(
    ("units", "scale", "angstrom"),
    [
        ("Å", 0.2, 0.2),
        ("\u212b", 0.2, 0.2),
        ("nm", 0.02, 0.2),
        ("pm", 20.0, 0.2),
        ("µm", 2e-5, 0.2),
        ("\u03bcm", 2e-5, 0.2),
        ("m", 2e-11, 0.2),
        ("nm", -0.02, 0.2),
        ("nm", 0.0, None),
        ("1/nm", 0.02, None),
        ("nm^-1", 0.02, None),
        ("mrad", 0.02, None),
        ("", 1.0, None),
    ],
)
def test_units_become_angstrom(tmp_path, counts, units, scale, angstrom):
    path = write_hdf5(tmp_path / "a.hspy", counts, units=units, scale=scale)
    found = read_image(path).pixel_size
    assert found == (None if angstrom is None else pytest.approx(angstrom))
    assert read_image(path, pixel_size=0.3).pixel_size == 0.3


@pytest.mark.parametrize(
    ("unit", "angstrom"), [("\\u00B5m", 1e3), ("micron", 1e3), ("pixel", None)]
)
def test_units_as_fiji_writes_them(tmp_path, counts, unit, angstrom):
    path = write_tiff(
        tmp_path / "a.tif",
        counts,
        imagej=True,
        resolution=(10, 10),
        metadata={"unit": unit},
    )
    assert read_image(path).pixel_size == angstrom


def test_pixels_must_be_square(tmp_path, counts):
    path = write_hdf5(tmp_path / "a.hspy", counts, scale=0.02, scale_y=0.0201)
    assert read_image(path).pixel_size == pytest.approx(0.2005, rel=1e-3)
    path = write_hdf5(tmp_path / "b.hspy", counts, scale=0.02, scale_y=0.0203)
    refused(path, "square", "0.203 × 0.2")
    assert read_image(path, pixel_size=0.2).pixel_size == 0.2
    refused(path, "positive", pixel_size=0.0)
    refused(path, "positive", pixel_size=float("nan"))


# ---------------------------------------------------------------- refusals


def test_refuses_what_is_no_usable_image(tmp_path, counts):
    def saved(name, data):
        np.save(tmp_path / name, data)
        return tmp_path / name

    hole = counts.copy()
    hole[3, 4] = np.nan
    refused(saved("nan.npy", hole), "NaN")
    refused(saved("large.npy", counts.astype(np.float64) * 1e300), "infinite")
    refused(saved("constant.npy", np.full((9, 9), 7)), "constant", "7")
    refused(saved("complex.npy", counts * 1j), "complex")
    refused(saved("text.npy", np.full((9, 9), "a")), "values")
    refused(saved("line.npy", counts[0]), "no image", "30")
    refused(saved("none.npy", counts[:0]), "without pixels")
    refused(saved("small.npy", counts), "24 × 30", "25", minimum_size=25)
    refused(saved("frame.npy", counts), "Frame 1", frame=1)
    assert read_image(saved("enough.npy", counts), minimum_size=24).name == "enough"
    np.save(tmp_path / "pickle.npy", np.array([{}, 1]), allow_pickle=True)
    refused(tmp_path / "pickle.npy", "cannot be read")


def test_refuses_spectra(tmp_path, counts):
    cube = np.stack([counts] * 4)
    write_hdf5(tmp_path / "cube.hspy", cube, navigate=2)
    refused(tmp_path / "cube.hspy", "spectra", "4 × 24 × 30")
    write_hdf5(tmp_path / "energies.hspy", counts, units="eV")
    refused(tmp_path / "energies.hspy", "spectra")


def test_refuses_damaged_files(tmp_path, counts):
    write_image(tmp_path / "a.tif", Image(counts, 0.1, "a"))
    write_image(tmp_path / "a.png", Image(counts, 0.1, "a"))
    write_image(tmp_path / "a.npy", Image(counts, 0.1, "a"))
    write_image(tmp_path / "a.hspy", Image(counts, 0.1, "a"))
    write_hdf5(tmp_path / "a.emd", counts)
    write_mrc(tmp_path / "a.mrc", counts)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for fraction in (0.9, 0.5):
            path.write_bytes(whole[: int(len(whole) * fraction)])
            refused(path, "cannot be read")
    (tmp_path / "b.zspy").mkdir()
    (tmp_path / "b.zspy" / "zarr.json").write_text("{")
    refused(tmp_path / "b.zspy", "cannot be read")


def test_quick_check_refuses_without_a_reader(tmp_path, counts):
    for suffix in SUFFIXES:
        refused(tmp_path / f"missing{suffix}", "does not exist")
        (tmp_path / f"empty{suffix}").touch()
        refused(tmp_path / f"empty{suffix}", "empty")
        (tmp_path / f"text{suffix}").write_text("name,mode\n")
        refused(tmp_path / f"text{suffix}", "first bytes")
        (tmp_path / f"folder{suffix}").mkdir()
        refused(tmp_path / f"folder{suffix}", "folder")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8")
    refused(tmp_path / "a.jpg", ".dm3", ".npy")
    write_tiff(tmp_path / "UPPER.TIF", counts)
    check_image_file(tmp_path / "UPPER.TIF")
    read_image(tmp_path / "UPPER.TIF")
    refused((tmp_path / "UPPER.TIF").rename(tmp_path / "a.dm3"), "first bytes")


def test_import_and_quick_check_load_no_reader(tmp_path, counts):
    np.save(tmp_path / "a.npy", counts)
    code = (
        "import sys; from sfin.images import check_image_file; "
        "check_image_file(sys.argv[1]); "
        "print({'rsciio', 'PIL', 'matplotlib', 'zarr'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.npy")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[1] / "src")},
    )
    assert done.stdout.strip() == "set()"


# ---------------------------------------------------------------- grey levels


@pytest.mark.parametrize(
    ("gain", "offset"), [(1.0, 0.0), (1e-6, 3.0), (2e5, -1e6), (0.01, 500.0)]
)
def test_grey_levels_do_not_depend_on_the_unit_of_counts(counts, gain, offset):
    grey, _ = to_grey_levels(counts)
    data = counts.astype(np.float64) * gain + offset
    other, scale = to_grey_levels(data)
    np.testing.assert_allclose(other, grey, atol=1e-3)
    assert other.dtype == np.float32
    # Grey levels up to 255 in float32 are exact to 2e-5.
    assert scale.to_counts(other).dtype == np.float32
    np.testing.assert_allclose(
        scale.to_counts(other), data, rtol=2e-7, atol=2e-5 * scale.gain
    )


def test_grey_levels_are_not_clipped_and_ignore_hot_pixels(counts):
    grey, _ = to_grey_levels(counts)
    low, high = np.percentile(grey, [0.1, 99.9])
    assert low == pytest.approx(0, abs=1e-3)
    assert high == pytest.approx(255, abs=1e-3)
    large = np.random.default_rng(2).normal(1000, 50, (200, 200))
    calm, calm_scale = to_grey_levels(large)
    large[5, 5] = 1e6
    hot, hot_scale = to_grey_levels(large)
    assert hot[5, 5] > 1e5
    assert calm.min() < 0
    assert hot_scale.gain == pytest.approx(calm_scale.gain, rel=0.02)


def test_eight_bit_images_are_mapped_like_all_others():
    dark = np.random.default_rng(3).integers(20, 60, (64, 64)).astype(np.uint8)
    np.testing.assert_allclose(
        to_grey_levels(dark)[0],
        to_grey_levels(dark.astype(np.uint16) * 256)[0],
        atol=1e-4,
    )


def test_grey_levels_need_contrast():
    with pytest.raises(InputError, match="contrast"):
        to_grey_levels(np.full((20, 20), 3.0))


# ---------------------------------------------------------------- writing


def test_same_image_same_bytes(tmp_path, counts):
    image = Image(np.tile(counts, (5, 5)), 0.2, "specimen", {"original_metadata": {}})
    for suffix in (".tif", ".hspy", ".png", ".npy"):
        write_image(tmp_path / f"a{suffix}", image)
        first = (tmp_path / f"a{suffix}").read_bytes()
        write_image(tmp_path / f"a{suffix}", image)
        assert (tmp_path / f"a{suffix}").read_bytes() == first


def test_metadata_survives_in_hspy(tmp_path, counts):
    original = read_image(write_hdf5(tmp_path / "a.hspy", counts))
    write_image(tmp_path / "b.hspy", Image(counts, 0.1, "clean", original.metadata))
    back = read_image(tmp_path / "b.hspy")
    assert back.metadata["original_metadata"]["voltage"] == 200.0
    assert back.metadata["title"] == "clean"
    assert original.metadata["title"] == "HAADF"


@pytest.mark.parametrize("pixel_size", [0.1, None])
def test_png_shows_the_image_and_a_bar_of_the_right_length(tmp_path, pixel_size):
    rows, columns = 300, 400
    ramp = np.linspace(0, 1, rows)[:, None] + np.linspace(0, 1, columns)
    plain = to_grey_levels(ramp)[0].clip(0, 255)
    with_bar = read_image(write(tmp_path / "a.png", ramp, pixel_size)).data
    changed = np.argwhere(np.abs(plain - with_bar) > 0.51)
    assert changed[:, 0].min() > rows * 0.75
    assert changed[:, 1].max() < columns * 0.4
    # 0.3 × 400 × 0.1 Å = 12 Å leaves room for 10 Å = 100 pixels, as 120 pixels do.
    longest = max(
        len(run)
        for row in (with_bar == 255).astype(int)[250:]
        for run in "".join(map(str, row)).split("0")
    )
    assert longest == 100
    # The bars are alike, their labels are not.
    other = read_image(write(tmp_path / "b.png", ramp, 100.0)).data
    assert np.abs(other - with_bar).max() > 100


@pytest.mark.parametrize("pixel_size", [0.1, None])
def test_png_of_a_small_image_has_no_bar(tmp_path, pixel_size):
    ramp = np.linspace(0, 1, 90)[:, None] + np.linspace(0, 1, 100)
    shown = read_image(write(tmp_path / "a.png", ramp, pixel_size)).data
    np.testing.assert_allclose(shown, to_grey_levels(ramp)[0].clip(0, 255), atol=0.51)


def write(path, data, pixel_size):
    write_image(path, Image(data.astype(np.float32), pixel_size, path.stem))
    return path


def test_writing_refuses_and_leaves_nothing(tmp_path, counts):
    with pytest.raises(InputError, match=r"\.hspy"):
        write_image(tmp_path / "a.dm3", Image(counts, None, "a"))
    with pytest.raises(InputError, match="contrast"):
        write_image(tmp_path / "a.png", Image(counts * 0, None, "a"))
    for suffix in (".tif", ".hspy", ".png", ".npy"):
        (tmp_path / f"in_the_way{suffix}").mkdir()
        with pytest.raises(OSError, match="in_the_way"):
            write_image(tmp_path / f"in_the_way{suffix}", Image(counts, None, "a"))
        (tmp_path / f"in_the_way{suffix}").rmdir()
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- real images


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/real_images")
def test_real_images(tmp_path):
    with (SHARED / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    for row in rows:
        path = SHARED / row["file"]
        image = read_image(path)
        assert image.data.shape == tuple(map(int, row["shape"].split("x")))
        calibrated = path.suffix in (".dm3", ".ser") and row["pixel_size_A"][0] == "0"
        if calibrated:
            expected = float(row["pixel_size_A"])
            assert image.pixel_size == pytest.approx(expected, rel=1e-4)
        else:
            assert image.pixel_size is None
        grey, scale = to_grey_levels(image.data)
        counts = scale.to_counts(grey)
        np.testing.assert_allclose(
            counts, image.data, rtol=2e-7, atol=2e-5 * scale.gain
        )
        if path.suffix in (".dm3", ".ser"):
            cut = tmp_path / path.name
            cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            refused(cut, "cannot be read")
            write_image(tmp_path / "a.hspy", image)
            back = read_image(tmp_path / "a.hspy")
            np.testing.assert_array_equal(back.data, image.data)
