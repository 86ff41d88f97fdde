import numpy as np
import pytest
from PIL import Image

from sfin.datasets import load_atoms, load_pairs
from sfin.errors import InputError
from sfin.temimagenet_reader import (
    FOLDERS,
    DownloadSettings,
    find_images,
    group_of,
    read_temimagenet,
    split_images,
)

# Two fields of view of ten groups of eight images.
SETTINGS = DownloadSettings(8, 10, 1, 0.2, 0.2)
NUMBERS = range(1, 161)


def grey_of(kind, number):
    return (17 * list(FOLDERS.values()).index(kind) + number) % 256


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Make a miniature whose grey levels say which image is which."""
    folder = tmp_path_factory.mktemp("TEMImageNet")
    for kind in (*FOLDERS.values(), "circularMask"):
        (folder / kind).mkdir()
    for kind in FOLDERS.values():
        for number in NUMBERS:
            image = np.zeros((20, 24), np.uint8)
            image[4:-4, 6:-6] = grey_of(kind, number)
            Image.fromarray(image).save(folder / kind / f"{number:05d}.png")
    (folder / "params").mkdir()
    text = " 11.76 \n 0 \n 0 \n"
    (folder / "params/00004.txt").write_text(text)
    # Neither an image nor a complete set of them.
    (folder / "image/notes.txt").write_text("no image")
    (folder / "image/00999.png").write_bytes(b"")
    return folder


def read(folder, path, split, number, size=12, seed=1):
    read_temimagenet(
        *(folder, path, split, number, size, SETTINGS, {"scale": "test", "seed": seed}),
        scheduler="synchronous",
    )
    return load_pairs(path)


def test_images_that_are_there_in_every_kind_are_found(download):
    assert find_images(download) == [f"{number:05d}" for number in NUMBERS]


def test_groups_are_as_published():
    full = DownloadSettings()
    assert [group_of(f"{n:05d}", full) for n in (1, 3, 61, 62, 64, 66)] == [
        *(None, 0, 0, None, None, 1)
    ]
    # The next field of view begins again with the same structures.
    assert group_of(f"{3 + 63 * 57:05d}", full) == 0
    groups = {group_of(f"{n:05d}", full) for n in range(1, 14365)}
    assert groups == {None, *range(57)}


@pytest.mark.parametrize("seed", range(5))
def test_no_group_lies_in_two_splits(seed):
    names = [f"{number:05d}" for number in NUMBERS]
    parts = split_images(names, SETTINGS, seed)
    groups = {
        split: {group_of(name, SETTINGS) for name in part}
        for split, part in parts.items()
    }
    assert len(groups["test"]) == len(groups["validation"]) == 2
    assert sum(map(len, groups.values())) == 10
    assert set.union(*groups.values()) == set(range(10))
    # Neither do neighbours: at least the two edges of groups lie between.
    numbers = {split: np.array(part, int) for split, part in parts.items()}
    distance = np.abs(numbers["train"][:, None] - numbers["test"]).min()
    assert distance > 2 * SETTINGS.group_edge
    assert split_images(names, SETTINGS, seed) == parts


def test_other_seeds_test_on_other_groups():
    names = [f"{number:05d}" for number in NUMBERS]
    tested = {tuple(split_images(names, SETTINGS, s)["test"]) for s in range(5)}
    assert len(tested) > 1


def test_every_array_comes_from_its_folder(download, tmp_path):
    pairs = read(download, tmp_path / "train.zarr", "train", 30)
    numbers = pairs.drawn["image"]
    assert len(np.unique(numbers)) == 30
    for array, kind in FOLDERS.items():
        images = getattr(pairs, array)
        assert images.shape == (30, 12, 12)
        expected = [grey_of(kind, int(number)) for number in numbers]
        assert images[:, 6, 6].tolist() == expected
        # Cut from the middle: 20 × 24 pixels with a dark frame of 4 and 6.
        assert (images == images[:, 6:7, 6:7]).all()


def test_store_says_what_it_is_and_what_it_lacks(download, tmp_path):
    pairs = read(download, tmp_path / "all.zarr", "train", 30, size=20)
    assert pairs.attributes["origin"] == "published"
    assert pairs.attributes["absent"] == ["atoms"]
    assert pairs.attributes["structures"] == ["unknown"]
    known = pairs.drawn["image"] == 4
    assert pairs.drawn["pixel_size"][known] == pytest.approx(11.76 / 24)
    assert np.isnan(pairs.drawn["pixel_size"][~known]).all()
    with pytest.raises(InputError, match="holds no atoms"):
        load_atoms(tmp_path / "all.zarr")


def test_what_is_no_download_is_refused(download, tmp_path):
    with pytest.raises(InputError, match="no folder image"):
        find_images(tmp_path)
    for kind in FOLDERS.values():
        (tmp_path / kind).mkdir()
    with pytest.raises(InputError, match="share no image"):
        find_images(tmp_path)


def test_too_little_of_it_is_refused(download, tmp_path):
    # Two groups of six images without their edges, at two fields of view.
    with pytest.raises(InputError, match="has 24 images for the split test, fewer"):
        read(download, tmp_path / "a.zarr", "test", 25)
    with pytest.raises(InputError, match="fewer than the 30"):
        read(download, tmp_path / "a.zarr", "test", 3, size=30)
    with pytest.raises(InputError, match="too few"):
        split_images(["00002", "00003", "00012"], SETTINGS, 1)
    assert not (tmp_path / "a.zarr").exists()
