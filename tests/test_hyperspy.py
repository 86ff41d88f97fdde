"""HyperSpy's signals: axes, metadata, and nothing computed before it is asked for."""

from pathlib import Path

import dask
import numpy as np
import pytest
import torch
from untrained_networks import train

import sfin.hyperspy
from sfin.enhancement import CAVEAT, enhance_file
from sfin.errors import InputError
from sfin.images import Image, read_image, write_image

hs = pytest.importorskip("hyperspy.api")
hs.preferences.General.show_progressbar = False


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Run where nothing but this network is trained."""
    monkeypatch.chdir(tmp_path)
    return Path("results/models", train("enhancement", "haadf"), "weights.safetensors")


def images(*navigation, dtype=np.uint16):
    """Make a signal of images of 40 × 56, calibrated in Å along x and y."""
    counts = np.random.default_rng(0).integers(100, 900, (*navigation, 40, 56))
    signal = hs.signals.Signal2D(counts.astype(dtype))
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        axis.name, axis.units, axis.scale, axis.offset = name, "Å", 0.2, -3.0
    for number, axis in enumerate(signal.axes_manager.navigation_axes):
        axis.name, axis.units, axis.scale = f"series {number}", "s", 1.5
    signal.metadata.General.title = "HAADF"
    signal.metadata.General.notes = "third specimen"
    signal.original_metadata.set_item("Microscope.voltage", 200.0)
    return signal


def described(signal):
    return [
        (axis.name, axis.units, axis.scale, axis.offset, axis.size, axis.navigate)
        for axis in signal.axes_manager._axes
    ]


def enhance(signal, weights):
    return sfin.hyperspy.enhance(signal, mode="haadf", weights=weights)


@pytest.mark.parametrize("navigation", [(), (3,), (2, 3)])
def test_axes_and_metadata_are_kept(weights, navigation):
    signal = images(*navigation)
    before = signal.data.copy()
    found = enhance(signal, weights)
    assert type(found) is type(signal)
    assert found.data.dtype == np.float32
    assert found.data.shape == signal.data.shape
    assert described(found) == described(signal)
    assert found.metadata.General.title == "HAADF"
    assert found.original_metadata.Microscope.voltage == 200.0
    first, *_ = notes = found.metadata.General.notes.splitlines()
    assert first == "third specimen"
    assert notes[1].startswith("sfin trained for enhancement at scale test")
    assert notes[1].endswith(CAVEAT)
    np.testing.assert_array_equal(signal.data, before)
    assert signal.metadata.General.notes == "third specimen"


def test_a_signal_is_enhanced_as_a_file_is(tmp_path, weights):
    signal = images()
    write_image(tmp_path / "a.hspy", Image(signal.data, 0.2, "a"))
    _, expected, note = enhance_file(tmp_path / "a.hspy", weights, "haadf")
    found = enhance(signal, weights)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-4)
    assert note in found.metadata.General.notes


def test_each_image_is_enhanced_for_itself(weights):
    signal = images(2, 3)
    signal.data[1, 2] *= 10
    found = enhance(signal, weights)
    alone = enhance(signal.inav[2, 1], weights)
    np.testing.assert_allclose(found.data[1, 2], alone.data, rtol=1e-4)


def test_a_lazy_signal_stays_lazy_until_it_is_computed(weights):
    computed = []

    def block(block_info=None):
        computed.append(block_info[None]["chunk-location"])
        return images(4).data[:2]

    signal = images(4).as_lazy()
    # Two images in a chunk, and chunks that cut the images.
    signal.data = dask.array.map_blocks(
        block, chunks=((2, 2), (40,), (56,)), dtype=np.uint16, meta=np.empty((0, 0, 0))
    ).rechunk((2, 20, 56))
    found = enhance(signal, weights)
    assert found._lazy
    assert type(found) is type(signal)
    assert computed == []
    assert described(found) == described(signal)
    assert CAVEAT in found.metadata.General.notes
    one = found.inav[1]
    one.compute()
    # The other chunk was left alone.
    assert {place[0] for place in computed} == {0}
    whole = images(4)
    np.testing.assert_allclose(one.data, enhance(whole, weights).data[1], rtol=1e-4)


def test_threads_are_as_before(weights):
    threads = torch.get_num_threads()
    with dask.config.set(scheduler="synchronous"):
        found = enhance(images(2).as_lazy(), weights)
        found.compute()
    assert torch.get_num_threads() == threads


def test_enhanced_signals_are_written_and_read(tmp_path, weights):
    found = enhance(images(), weights)
    found.save(tmp_path / "e.hspy")
    back = read_image(tmp_path / "e.hspy")
    np.testing.assert_array_equal(back.data, found.data)
    assert back.pixel_size == pytest.approx(0.2)
    # And what sfin writes is what HyperSpy reads, in the units of the original.
    write_image(tmp_path / "again.hspy", back)
    again = hs.load(tmp_path / "again.hspy")
    assert described(again) == described(found)
    assert again.metadata.General.notes == found.metadata.General.notes


def test_refuses_what_is_no_signal_of_images(weights):
    def refused(signal, *words):
        with pytest.raises(InputError) as caught:
            enhance(signal, weights)
        message = str(caught.value)
        assert message.endswith(".")
        assert "\n" not in message
        assert message[0].isupper()
        assert all(word in message for word in words), message

    refused(np.ones((9, 9)), "ndarray", "hyperspy.api.load")
    spectra = images(2).transpose(signal_axes=1)
    spectra.metadata.General.title = "EELS"
    refused(spectra, "'EELS'", "dimension 1", "transpose(signal_axes=2)")
    refused(images(2, dtype=complex), "'HAADF'", "complex")
    blank = images(3)
    blank.data[1] = 7
    refused(blank, "'HAADF'", "constant", "7")
    hole = images(dtype=float)
    hole.data[1, 1] = np.nan
    refused(hole, "'HAADF'", "NaN")
    with pytest.raises(InputError, match="haadf"):
        sfin.hyperspy.enhance(images(), mode="bf", weights=weights)
