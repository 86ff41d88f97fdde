from pathlib import Path

import numpy as np
import pytest

from sfin.collection import public_images, user_images
from sfin.errors import InputError
from sfin.sidecars import (
    Sidecar,
    image_to_compare,
    known_structures,
    movies,
    read_sidecar,
    sidecar_path,
)

SOURCES = Path(__file__).parents[1] / "resources/real_images/sources.csv"
STRUCTURES = ["SrTiO3_001", "MoS2_001"]


def write(folder, text, name="image.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sidecar_names_the_structure(tmp_path):
    path = write(tmp_path, "structure: SrTiO3_001\n")
    assert read_sidecar(path, STRUCTURES) == Sidecar("SrTiO3_001", None)
    path = write(tmp_path, "structure: MoS2_001  # [001]\npixel_size: 0.125\n")
    assert read_sidecar(path, STRUCTURES) == Sidecar("MoS2_001", 0.125)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no list of fields"),
        ("SrTiO3_001", "is no list of fields"),
        ("structure: [", "cannot be read as YAML"),
        ("pixel_size: 0.1", "lacks the field 'structure'"),
        ("structure: SrTiO3_001\nzone_axis: [0, 0, 1]", "a structure's name says it"),
        ("structure: SrTiO3_001\npixelsize: 0.1", "unknown field 'pixelsize'"),
        ("structure: SrTiO3", "'SrTiO3', which nothing describes: choose from SrT"),
        ("structure: [SrTiO3_001]", "which nothing describes"),
        ("structure: SrTiO3_001\npixel_size: -0.1", "positive number of Å"),
        ("structure: SrTiO3_001\npixel_size: 100", "larger pixels show no atoms"),
        ("structure: SrTiO3_001\npixel_size: .nan", "positive number of Å"),
        ("structure: SrTiO3_001\npixel_size: 0.1 Å", "give a number of Å"),
        ("structure: SrTiO3_001\npixel_size: true", "give a number of Å"),
    ],
)
def test_a_wrong_sidecar_is_named_in_one_sentence(tmp_path, text, sentence):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=sentence) as error:
        read_sidecar(path, STRUCTURES)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_structures_are_known_from_sidecars_and_from_the_list(tmp_path):
    mine, fetched = tmp_path / "mine", tmp_path / "fetched"
    mine.mkdir()
    for name in ("described", "not_described"):
        np.save(mine / f"{name}.npy", np.eye(4))
    write(mine, "structure: SrTiO3_001", "described.yaml")
    public = public_images(SOURCES, ["temul_mos2", "atomap_adf"], ["haadf"])
    images = user_images(mine) | {
        name: fetched / "haadf" / name for name in ("temul_mos2", "atomap_adf")
    }
    assert known_structures(images, public, fetched, STRUCTURES) == {
        "described": Sidecar("SrTiO3_001"),
        "temul_mos2": Sidecar("MoS2_001", public["temul_mos2"].pixel_size),
    }
    with pytest.raises(InputError, match="'temul_mos2' in the list of public images"):
        known_structures(images, public, fetched, ["SrTiO3_001"])


def test_the_image_to_compare_is_the_users_first_of_known_structure(tmp_path):
    images = {name: tmp_path / "mine" / name for name in ("a", "b", "c")}
    images |= {"public": tmp_path / "fetched/public"}

    def chosen(known):
        return image_to_compare(images, known, tmp_path / "fetched")[0]

    assert chosen(["public", "c", "b"]) == "b"
    assert chosen(["public"]) == chosen([]) == "a"
    first, second = (
        image_to_compare(images, known, tmp_path / "fetched")[1] for known in ("b", "")
    )
    assert first != second


def test_a_users_image_does_not_take_the_structure_of_a_public_one(tmp_path):
    np.save(tmp_path / "temul_mos2.npy", np.eye(4))
    public = public_images(SOURCES, ["temul_mos2"], ["haadf"])
    images = user_images(tmp_path)
    assert known_structures(images, public, tmp_path / "fetched", STRUCTURES) == {}


def test_a_sidecar_is_no_image_but_needs_one(tmp_path):
    np.save(tmp_path / "image.npy", np.eye(4))
    write(tmp_path, "structure: SrTiO3_001")
    assert list(user_images(tmp_path)) == ["image"]
    assert sidecar_path(tmp_path / "image.npy") == tmp_path / "image.yaml"
    write(tmp_path, "structure: SrTiO3_001", "imaeg.yaml")
    with pytest.raises(InputError, match=r"imaeg.yaml describes no image .*\(image\)"):
        user_images(tmp_path)


def test_frames_of_one_area_are_a_movie(tmp_path):
    images = {name: tmp_path / f"{name}.tif" for name in ("a", "b", "c", "d")}
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text("movie: area-1\npixel_size: 0.1\n")
    found = movies(images, ["MoS2_001"])
    assert list(found) == ["area-1"]
    assert found["area-1"]["b"] == Sidecar(None, 0.1, "area-1")
    # Of none is the structure known.
    assert known_structures(images, {}, "fetched", ["MoS2_001"]) == {}
    (tmp_path / "c.yaml").unlink()
    with pytest.raises(InputError, match="has the frames a, b alone"):
        movies(images, ["MoS2_001"])
    (tmp_path / "a.yaml").write_text("movie: a/b\n")
    with pytest.raises(InputError, match="letters, digits"):
        movies(images, ["MoS2_001"])
