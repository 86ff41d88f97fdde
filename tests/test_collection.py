import shutil

import numpy as np
import pytest
from samples import ROOT

from sfin.collection import public_images, real_images, user_images
from sfin.errors import InputError

SOURCES = ROOT / "resources/real_images/sources.csv"


def drop(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        np.save(folder / "image.tmp.npy", np.eye(4))
        shutil.move(folder / "image.tmp.npy", folder / name)


def test_images_are_found_by_name_and_hidden_files_are_not(tmp_path):
    drop(tmp_path, "b.npy", "a.NPY", ".hidden.npy")
    assert list(user_images(tmp_path)) == ["a", "b"]


def test_folder_that_is_not_there_is_empty(tmp_path):
    assert user_images(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("names", "sentence"),
    [(["a.npy", "a.NPY"], "share a name"), (["a.doc"], "not a microscopy image")],
)
def test_files_that_cannot_be_used_are_refused(tmp_path, names, sentence):
    drop(tmp_path, *names)
    with pytest.raises(InputError, match=sentence):
        user_images(tmp_path)


def test_public_images_are_chosen_by_name_and_mode():
    names = ["temul_mos2", "atomap_abf"]
    assert list(public_images(SOURCES, names, ["haadf", "bf"])) == names
    assert list(public_images(SOURCES, names, ["bf"])) == ["atomap_abf"]
    with pytest.raises(InputError, match=r"'temul', which .*choose from temul_mos2"):
        public_images(SOURCES, ["temul"], ["bf"])


def test_public_images_come_beside_the_users(tmp_path):
    drop(tmp_path / "haadf", "mine.npy")
    public = public_images(SOURCES, ["temul_mos2", "atomap_abf"], ["haadf", "bf"])
    found = real_images(tmp_path, ["haadf", "bf"], public, "fetched")
    assert list(found["haadf"]) == ["mine", "temul_mos2"]
    assert str(found["bf"]["atomap_abf"]) == "fetched/bf/atomap_abf.hdf5"


def test_users_image_of_a_public_name_is_refused(tmp_path):
    drop(tmp_path / "haadf", "temul_mos2.npy")
    public = public_images(SOURCES, ["temul_mos2"], ["haadf"])
    with pytest.raises(InputError, match=r"temul_mos2\.npy has the name of a public"):
        real_images(tmp_path, ["haadf"], public, "fetched")


@pytest.mark.parametrize("place", [".", "HAADF"])
def test_image_in_the_folder_of_no_mode_is_refused(tmp_path, place):
    drop(tmp_path / "haadf", "mine.npy")
    drop(tmp_path / place, "lost.npy")
    with pytest.raises(InputError, match=r"folder of no mode.*haadf or .*bf"):
        real_images(tmp_path, ["haadf"], {}, "fetched")


def test_mode_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no bf image"):
        real_images(tmp_path, ["bf"], {}, "fetched")
