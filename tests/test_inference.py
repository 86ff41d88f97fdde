"""Enhancing with tiles: seamless, exact for local networks, small in memory."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sfin.errors import InputError
from sfin.inference import enhance, prepare, tile_size
from sfin.networks.build import build_network


class Blur(nn.Module):
    """A local network: the mean of 5 × 5 pixels, zeros outside the image."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def forward(self, image: Tensor) -> Tensor:
        assert torch.is_inference_mode_enabled()
        assert not self.training
        self.largest = max(self.largest, image.numel())
        kernel = torch.full((1, 1, 5, 5), 1 / 25)
        return functional.conv2d(image, kernel, padding=2)


class TileNumber(nn.Module):
    """Answers each tile with one grey level, rising from tile to tile."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, image: Tensor) -> Tensor:
        self.count += 1
        return torch.full_like(image, float(self.count))


def picture(rows: int, columns: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 255, (rows, columns)).astype(np.float32)


@pytest.mark.parametrize("size", [(100, 64), (65, 190), (129, 131), (64, 64)])
@pytest.mark.parametrize("overlap", [12, 31, 32])
def test_tiles_equal_the_whole_for_a_local_network(
    size: tuple[int, int], overlap: int
) -> None:
    # The blur reaches 2 pixels, less than the quarter of the overlap that does
    # not count: nothing of the tiles' edges may show.
    image = picture(*size)
    with torch.inference_mode():
        whole = Blur().eval()(torch.tensor(image)[None, None])[0, 0].numpy()
    tiled = enhance(Blur(), image, tile=64, overlap=overlap, device="cpu")
    assert tiled.dtype == np.float32
    np.testing.assert_allclose(tiled, whole, rtol=1e-5, atol=1e-3)


def test_a_constant_image_stays_constant() -> None:
    tiled = enhance(nn.Identity(), np.full((150, 90), 17.0), tile=64, overlap=20)
    np.testing.assert_allclose(tiled, 17, rtol=1e-6)


def test_neighbouring_tiles_fade_into_each_other() -> None:
    # Two tiles of grey levels 1 and 2: one rise, no jump, no ripple.
    row = enhance(TileNumber(), picture(64, 96), 64, 32, "cpu")[10]
    steps = np.diff(row)
    assert (row[0], row[-1]) == (1, 2)
    assert (steps >= 0).all()
    assert steps.max() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 5), (40, 200)])
def test_small_images_are_reflected(size: tuple[int, int]) -> None:
    image = picture(*size)
    blur = Blur()
    enhanced = enhance(blur, image, tile=64, overlap=16, device="cpu")
    assert enhanced.shape == size
    assert blur.largest == 64 * 64
    beyond = [(0, 9 if side < 64 else 0) for side in size]
    padded = enhance(Blur(), np.pad(image, beyond, "reflect"), 64, 16, "cpu")
    expected = padded[: size[0], : size[1]]
    np.testing.assert_allclose(enhanced, expected, rtol=1e-5, atol=1e-3)


def test_memory_is_that_of_one_tile() -> None:
    blur = Blur()
    enhance(blur, picture(300, 500), tile=64, overlap=16, device="cpu")
    assert blur.largest == 64 * 64


def test_moving_the_image_moves_the_result() -> None:
    image = picture(160, 160)
    enhanced = enhance(Blur(), image, 64, 16, "cpu")
    moved = enhance(Blur(), image[7:, 3:], 64, 16, "cpu")
    # But for the borders of the image, which are elsewhere.
    np.testing.assert_allclose(moved[2:, 2:], enhanced[9:, 5:], rtol=1e-5, atol=1e-3)


def test_one_tile_is_the_network_itself() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network("sfin", {"channels": 4, "pairs": 1})
    image = picture(64, 64)
    tiled = enhance(network, image, tile=64, overlap=16, device="cpu")
    assert network.training
    with torch.inference_mode():
        whole = network.eval()(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(tiled, whole, rtol=1e-5, atol=1e-3)


def test_tiles_are_as_large_as_what_was_trained_on() -> None:
    assert tile_size({"image_size": 64}) == 64


def test_unusable_input_is_refused() -> None:
    with pytest.raises(InputError, match="rows and columns"):
        enhance(Blur(), np.zeros((3, 8, 8)))
    with pytest.raises(InputError, match="finite"):
        enhance(Blur(), np.full((8, 8), np.nan))
    with pytest.raises(InputError, match="overlap"):
        enhance(Blur(), np.zeros((8, 8)), tile=64, overlap=40)


@pytest.mark.parametrize("side", [32, None])
def test_threads_share_the_tiles_and_change_nothing(side: int | None) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network("sfin", {"channels": 4, "pairs": 1})
    image, threads = picture(90, 70), torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 2):
            torch.set_num_threads(number)
            found.append(enhance(network, image, side, 8, "cpu"))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(found[1], found[2])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-3)


def test_the_whole_image_at_once_is_one_tile() -> None:
    blur = Blur()
    image = picture(70, 90)
    whole = enhance(blur, image, tile=None, device="cpu")
    assert blur.largest == image.size
    tiled = enhance(Blur(), image, tile=64, overlap=32, device="cpu")
    np.testing.assert_allclose(whole, tiled, rtol=1e-5, atol=1e-3)


def test_a_prepared_network_gives_the_same_bytes() -> None:
    network = build_network("fcn", {"width": 4})
    image = picture(50, 50)
    prepared = prepare(network, "cpu")
    assert np.array_equal(
        enhance(prepared, image, 32), enhance(network, image, 32, device="cpu")
    )


@pytest.mark.parametrize("method", ["sfin", "fcn"])
def test_bfloat16_is_close_where_the_processor_has_it(method: str) -> None:
    settings = {"channels": 8, "pairs": 1} if method == "sfin" else {"width": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(method, settings)
    image = picture(32, 32)
    try:
        narrow = enhance(network, image, 32, device="cpu", precision="bfloat16")
    except InputError:
        pytest.skip("this processor has no bfloat16")
    wide = enhance(network, image, 32, device="cpu")
    off = np.linalg.norm(narrow - wide) / np.linalg.norm(wide)
    assert 0 < off < 0.1
