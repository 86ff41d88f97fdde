"""What is written in any format is read back: counts, pixel size, units, metadata."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from samples import SHARED
from typer.testing import CliRunner
from untrained_networks import train

from sfin.cli.main import app
from sfin.errors import InputError
from sfin.images import Image, read_image, write_image

FORMATS = (".tif", ".hspy", ".zspy", ".emd")
SIGNALS = (".hspy", ".zspy", ".emd")
IMAGES = SHARED / "real_images"


@pytest.fixture
def counts():
    return np.random.default_rng(1).normal(3000, 500, (24, 30)).astype(np.float32)


def calibrated(units, scale=0.0127, offset=-1.5):
    """Axes as `read_image` leaves them in the metadata of an image of 24 × 30."""
    return {
        "axes": [
            {"name": name, "units": units, "scale": scale, "offset": offset, "size": n}
            for name, n in zip("yx", (24, 30), strict=True)
        ]
    }


def again(tmp_path, image, suffix, **kwargs):
    write_image(tmp_path / f"written{suffix}", image, **kwargs)
    assert [path.name for path in tmp_path.iterdir()] == [f"written{suffix}"]
    return read_image(tmp_path / f"written{suffix}")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("units", "pixel_size"),
    [("nm", 0.127), ("Å", 0.0127), ("pm", 0.000127), ("1/nm", None), ("1/px", None),
     ("µm^-1", None), ("", None)],
)  # fmt: skip
def test_counts_units_and_pixel_size(tmp_path, counts, suffix, units, pixel_size):
    image = Image(counts, pixel_size, "specimen", calibrated(units))
    back = again(tmp_path, image, suffix)
    assert back.data.dtype == np.float32
    np.testing.assert_array_equal(back.data, counts)
    if pixel_size is None:
        assert back.pixel_size is None
    else:
        assert back.pixel_size == pytest.approx(pixel_size, rel=1e-6)
    for axis in back.metadata["axes"]:
        if suffix == ".tif" and pixel_size is not None:
            # ImageJ's calibration, always in nm.
            assert axis["units"] == "nm"
        elif units or suffix != ".tif":
            assert same_unit(axis["units"], units)
            assert axis["scale"] == pytest.approx(0.0127, rel=1e-6)
        if suffix != ".tif":
            assert axis["offset"] == pytest.approx(-1.5)


def same_unit(found, wanted):
    # RosettaSciIO reads the units of an EMD in words of its own.
    same = {"1 / nm": "1/nm", "1 / px": "1/px", "1 / µm": "µm^-1", "1/µm": "µm^-1"}
    return same.get(found, found).replace("μ", "µ") == wanted


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_pixel_size_that_the_user_gave_counts(tmp_path, counts, suffix):
    image = Image(counts, 0.2, "specimen", calibrated("nm"))
    assert again(tmp_path, image, suffix).pixel_size == pytest.approx(0.2, rel=1e-6)


@pytest.mark.parametrize("suffix", FORMATS)
def test_grey_levels_take_a_byte_each(tmp_path, counts, suffix):
    image = Image(counts / 4 - 600, None, "specimen")
    back = again(tmp_path, image, suffix, eight_bit=True)
    np.testing.assert_array_equal(back.data, np.rint(image.data.clip(0, 255)))
    assert {0, 255} < set(back.data.flat)
    assert stored_type(tmp_path / f"written{suffix}") == np.uint8


def stored_type(path):
    match path.suffix:
        case ".tif":
            return tifffile.imread(path).dtype
        case ".zspy":
            return zarr.open_group(path, mode="r")["Experiments/specimen/data"].dtype
    place = "signals" if path.suffix == ".emd" else "Experiments"
    with h5py.File(path) as file:
        return file[f"{place}/specimen/data"].dtype


# ---------------------------------------------------------------- metadata

# What makers of microscopes write, and what formats have no words for.
ORIGINAL = {
    "Microscope": {"voltage": np.float64(200.0), "lens / mode": "Diffraktion, 3 µm"},
    "tags": {"empty": {}, "none": None, "list": [1, 2.5], "names": ["HAADF", "ABF"]},
    "bytes": b"abc\0",
    "nested": [{"a": 1}, {"b": np.int32(2)}],
    "large": "x" * 70000,
}


def noted(counts):
    metadata = {
        "metadata": {"General": {"title": "HAADF", "notes": "cold stage"}},
        "original_metadata": ORIGINAL,
        "note": "sfin, seed 1. Not for quantification.",
    }
    return Image(counts, 0.1, "specimen", metadata)


@pytest.mark.parametrize("suffix", [".hspy", ".zspy"])
def test_metadata_and_note_in_signals(tmp_path, counts, suffix):
    back = again(tmp_path, noted(counts), suffix).metadata
    general = back["metadata"]["General"]
    assert general["title"] == "specimen"
    assert general["notes"] == "cold stage\nsfin, seed 1. Not for quantification."
    original = back["original_metadata"]
    assert original["Microscope"]["voltage"] == 200.0
    assert "Diffraktion, 3 µm" in original["Microscope"].values()
    assert list(original["tags"]["list"]) == [1, 2.5]
    assert list(original["tags"]["names"]) == ["HAADF", "ABF"]
    assert original["tags"]["none"] is None
    assert original["large"] == ORIGINAL["large"]


def test_metadata_and_note_in_emd(tmp_path, counts):
    comments = again(tmp_path, noted(counts), ".emd").metadata["original_metadata"][
        "comments"
    ]
    assert comments["notes"] == "cold stage\nsfin, seed 1. Not for quantification."
    original = json.loads(comments["original_metadata"])
    assert original["Microscope"] == {
        "voltage": 200.0,
        "lens / mode": "Diffraktion, 3 µm",
    }
    assert original["large"] == ORIGINAL["large"]
    assert original["nested"] == [{"a": 1}, {"b": 2}]


def test_groups_of_an_emd_stay_where_they_were(tmp_path, counts):
    original = {"microscope": {"name": "TEAM 0.5", "voltage": 80}, "user": "text"}
    image = Image(counts, 0.1, "specimen", {"original_metadata": original})
    back = again(tmp_path, image, ".emd").metadata["original_metadata"]
    assert back["microscope"] == {"name": "TEAM 0.5", "voltage": 80}


def test_metadata_and_note_in_tiff(tmp_path, counts):
    write_image(tmp_path / "a.tif", noted(counts))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        info = file.imagej_metadata["Info"].splitlines()
    assert info[0] == "sfin, seed 1. Not for quantification."
    assert "Microscope.voltage = 200.0" in info
    assert "Microscope.lens / mode = Diffraktion, 3 µm" in info


# ---------------------------------------------------------------- whole or not at all


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_replaced_whole(tmp_path, counts, suffix):
    again(tmp_path, Image(counts, 0.1, "first"), suffix)
    back = again(tmp_path, Image(counts[:20] + 1, 0.2, "second"), suffix)
    np.testing.assert_array_equal(back.data, counts[:20] + 1)
    assert len(back.metadata["datasets"]) == 1


@pytest.mark.parametrize("suffix", SIGNALS)
def test_same_image_same_bytes(tmp_path, counts, suffix):
    def stored(path):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        return {p.name: p.read_bytes() for p in files if p.is_file()}

    again(tmp_path, noted(counts), suffix)
    first = stored(tmp_path / f"written{suffix}")
    again(tmp_path, noted(counts), suffix)
    assert stored(tmp_path / f"written{suffix}") == first


def test_no_other_folder_is_replaced(tmp_path, counts):
    (tmp_path / "mine.zspy").mkdir()
    (tmp_path / "mine.zspy" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"mine\.zspy is a folder but not a"):
        write_image(tmp_path / "mine.zspy", Image(counts, None, "mine"))
    assert [path.name for path in tmp_path.rglob("*")] == ["mine.zspy", "thesis.txt"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_writer_that_fails_leaves_nothing(tmp_path, counts, suffix):
    again(tmp_path, Image(counts, 0.1, "first"), suffix)

    class Odd:
        """Nobody can write it, nor copy it."""

        def __deepcopy__(self, memo):
            raise OSError("disk full")

        __str__ = __deepcopy__

        def __array__(self, *args, **kwargs):
            raise OSError("disk full")

    broken = Image(counts + 1, 0.1, "second", {"original_metadata": {"a": Odd()}})
    with pytest.raises(OSError, match="disk full"):
        write_image(tmp_path / f"written{suffix}", broken)
    assert [path.name for path in tmp_path.iterdir()] == [f"written{suffix}"]
    np.testing.assert_array_equal(
        read_image(tmp_path / f"written{suffix}").data, counts
    )


# ---------------------------------------------------------------- sfin enhance


def enhance(folder, *options):
    given = "enhance", folder / "a.hspy", "-o", folder / "out", "--mode", "haadf"
    return CliRunner().invoke(app, [*map(str, given), *options])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Run where a network is trained and an image of 60 × 70 lies."""
    monkeypatch.chdir(tmp_path)
    train("enhancement", "haadf")
    counts = np.random.default_rng(0).normal(1000, 50, (60, 70)).astype(np.float32)
    write_image(tmp_path / "a.hspy", Image(counts, 0.1, "a", noted(counts).metadata))
    return tmp_path


def test_enhance_writes_the_formats_it_is_asked_for(folder):
    answer = enhance(folder, "--format", "hspy,emd", "--format", "ZSPY")
    assert answer.exit_code == 0, answer.output
    names = ["a.comparison.png", "a.emd", "a.hspy", "a.png", "a.zspy"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == names
    first, *others = (read_image(folder / "out" / f"a{suffix}") for suffix in SIGNALS)
    assert 500 < first.data.mean() < 2000
    assert "not for quantification" in first.metadata["metadata"]["General"]["notes"]
    for image in (first, *others):
        np.testing.assert_array_equal(image.data, first.data)
        assert image.pixel_size == pytest.approx(0.1)


def test_enhance_writes_grey_levels_where_asked(folder):
    assert enhance(folder, "--grey-levels").exit_code == 0
    assert tifffile.imread(folder / "out/a.tif").dtype == np.uint8


def test_enhance_refuses_formats_that_it_cannot_write(folder):
    answer = enhance(folder, "--format", "tif,dm4")
    assert answer.exit_code == 2
    assert "'dm4' is none of tif, hspy, zspy, emd." in " ".join(answer.stderr.split())
    assert not (folder / "out").exists()


# ---------------------------------------------------------------- HyperSpy


@pytest.mark.parametrize("suffix", SIGNALS)
def test_hyperspy_reads_what_is_written(tmp_path, counts, suffix):
    hs = pytest.importorskip("hyperspy.api")
    image = noted(counts)
    write_image(tmp_path / f"a{suffix}", image)
    signal = hs.load(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(signal.data, counts)
    assert signal.axes_manager.signal_shape == (30, 24)
    for axis in signal.axes_manager.signal_axes:
        assert (axis.units, axis.scale) == ("nm", pytest.approx(0.01))


# ---------------------------------------------------------------- real images


@pytest.mark.skipif(not IMAGES.exists(), reason="needs ../shared/real_images")
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    "name",
    [
        "haadf/vecmap_PZO.dm3",
        "haadf/scifireaders_SI_survey.dm3",
        "haadf/ncempy_STO_Titan80kV.ser",
        "haadf/statstem_Pb.tif",
        "haadf/atomsegnet_Si110_5nm.png",
    ],
)
def test_real_images(tmp_path, name, suffix):
    image = read_image(IMAGES / name)
    back = again(tmp_path, image, suffix)
    np.testing.assert_array_equal(back.data, image.data)
    if image.pixel_size is None:
        assert back.pixel_size is None
    else:
        assert back.pixel_size == pytest.approx(image.pixel_size, rel=1e-6)
    if suffix in (".hspy", ".zspy"):
        found = dict(leaves(back.metadata["original_metadata"]))
        for place, value in leaves(image.metadata["original_metadata"]):
            np.testing.assert_array_equal(np.asarray(found[place]), np.asarray(value))


def leaves(entries, place=""):
    for key, value in (entries or {}).items():
        if isinstance(value, dict):
            yield from leaves(value, f"{place}.{key}")
        elif not isinstance(value, list | tuple | bytes | Path):
            yield f"{place}.{key}", value
