"""Datasets beside ours: what tables, cards and Figure 9 say of them."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from samples import ROOT, perovskite, spread_noise, synthesis_settings

from sfin.applicability import HERE, PAPER, SITUATIONS, caption4, table4, write_table4
from sfin.dataset_card import card, write_card
from sfin.dataset_records import read_record
from sfin.datasets import UNKNOWN
from sfin.errors import InputError
from sfin.figures.figure9 import Panel, draw, figure9
from sfin.images import Image, write_image
from sfin.names import (
    DATASET_NAMES,
    PAPER_DATASETS,
    absent_data,
    absent_trainings,
    left_out,
    made_again,
    rank,
)
from sfin.networks.build import build_network, save_weights
from sfin.synthesis import synthesise_dataset
from sfin.temimagenet_synthesis import synthesise_temimagenet
from sfin.temimagenet_views import TemimagenetSettings

PAPER_VALUES = ROOT / "resources/paper_values.csv"
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
RECIPE = replace(
    TemimagenetSettings.from_dict(CONFIG["temimagenet"]["settings"]),
    structures={"first": 3, "second": 1},
    particles=["second"],
)
PROVENANCE = {"scale": "test", "seed": 5}
NETWORK = {"width": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make 40 pairs of ours and of TEMImageNet's recipe."""
    root = tmp_path_factory.mktemp("results") / "datasets"
    structures = [perovskite("first"), perovskite("second")]
    for dataset in ("sfin", "temimagenet"):
        (root / dataset / "haadf").mkdir(parents=True)
    synthesise_temimagenet(
        *(root / "temimagenet/haadf/train.zarr", "train"),
        {structure.structure: structure for structure in structures},
        *(40, 64, RECIPE, PROVENANCE),
        scheduler="synchronous",
    )
    synthesise_dataset(
        *(root / "sfin/haadf/train.zarr", "train", structures, spread_noise("haadf")),
        *(40, synthesis_settings(64), PROVENANCE),
        scheduler="synchronous",
    )
    return root


@pytest.fixture(scope="module")
def stores(folder):
    return [
        folder / dataset / "haadf/train.zarr" for dataset in ("temimagenet", "sfin")
    ]


@pytest.fixture(scope="module")
def records(stores):
    return [read_record(store) for store in stores]


def cells(table, dataset, source=HERE):
    rows = table[(table["dataset"] == dataset) & (table["source"] == source)]
    return dict(zip(rows["situation"], rows["value"], strict=True))


def published(record):
    """Pretend that a dataset came from a download, which says little of its images."""
    drawn = {
        "pixel_size": np.full(record.number, np.nan),
        **dict.fromkeys(("structure", "arrangement"), np.zeros(record.number, int)),
    }
    attributes = {
        **{
            name: record.attributes[name] for name in ("scale", "seed", "mode", "split")
        },
        **{name: [UNKNOWN] for name in ("structures", "arrangements")},
        **{"settings": {"size": 64}, "version": "1", "origin": "published"},
    }
    path = record.path.parents[2] / "temimagenet_published/haadf/train.zarr"
    return replace(record, path=path, drawn=drawn, attributes=attributes)


def test_table4_follows_what_each_dataset_says(records):
    table = table4(records, PAPER_VALUES)
    theirs, ours = (cells(table, name) for name in ("temimagenet", "sfin"))
    assert theirs == {
        **dict.fromkeys(("random_scale", "random_rotation"), "discrete"),
        **dict.fromkeys(("atomic_defects", "ion_embeddings", "interfaces"), "no"),
        **{"pattern_number": "2", "bf_mode": "no"},
    }
    assert (ours["random_scale"], ours["atomic_defects"]) == ("continuous", "yes")
    # Other draws, other cells: nothing is filled in from the paper.
    drawn = records[0].drawn | {"rotation": np.arange(40.0)}
    again = table4([replace(records[0], drawn=drawn)], PAPER_VALUES)
    assert cells(again, "temimagenet") == theirs | {"random_rotation": "continuous"}
    assert cells(again, "temimagenet", PAPER) == cells(table, "temimagenet", PAPER)


def test_table4_does_not_know_what_a_download_does_not_say(records, tmp_path):
    table = table4([published(records[0])], PAPER_VALUES)
    found = cells(table, "temimagenet_published")
    assert found.pop("bf_mode") == "no"
    assert set(found.values()) == {UNKNOWN}
    text = caption4([published(records[0])], table, "1")
    write_table4(table, tmp_path / "table4", text)
    page = (tmp_path / "table4.md").read_text()
    assert "| TEMImageNet, here | ? | ? | ? | ? | ? | ? | ✗ |" in page
    assert "re-synthesised" not in page
    # What the paper prints of it stands once.
    assert page.count("| TEMImageNet, paper |") == 1


def test_table4_has_all_rows_in_the_papers_order(records, tmp_path):
    table = table4(records[::-1], PAPER_VALUES)
    text = caption4(records, table, "1", ["GAN, for a reason"])
    write_table4(table, tmp_path / "table4", text)
    page = (tmp_path / "table4.md").read_text()
    rows = re.findall(r"^\| ([^|]*), (here|paper) \|", page, re.M)
    assert rows == [
        ("GAN", "paper"),
        ("TEMImageNet (re-synthesised)", "here"),
        ("TEMImageNet", "paper"),
        ("SFIN data", "here"),
        ("Ours", "paper"),
    ]
    assert "follows TEMImageNet's recipe" in text
    assert "Left out: GAN, for a reason." in text
    assert "TEMImageNet (re-synthesised): Pattern Number (2 here, 13 there" in text
    assert len(table) == 5 * len(SITUATIONS)


def test_cards_say_no_more_than_the_dataset(records, tmp_path):
    for record in (records[0], published(records[0])):
        write_card(record, tmp_path / "card.md", tmp_path / "card.html")
        page = (tmp_path / "card.md").read_text()
        assert record.attributes["origin"] in page
        assert "calibrat" not in page
        assert ("re-synthesised" in page) == (record.dataset == "temimagenet")
    titles = [section.heading for section in card(records[1])]
    assert "Real images behind the noise" in titles
    write_card(records[0], tmp_path / "card.md", tmp_path / "card.html")
    page = (tmp_path / "card.md").read_text()
    assert "| field of view (Å) |" in page
    assert "| crystal |" in page


def test_every_dataset_has_its_names_and_the_two_of_temimagenet_differ():
    assert DATASET_NAMES.keys() == PAPER_DATASETS.keys()
    assert len(set(DATASET_NAMES.values())) == len(DATASET_NAMES)
    assert "re-synthesised" in made_again(["sfin", "temimagenet"])
    assert made_again(["sfin", "temimagenet_published"]) == ""
    assert [rank("ab", sign) for sign in "abc"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("modes", "gan", "data"),
    [
        (["haadf", "bf"], True, ""),
        (["haadf", "bf"], False, " Left out: GAN, which the config does not use."),
        (["haadf"], True, " Left out: all of BF, which is not among the modes."),
        (["bf"], False, " Left out: all of HAADF, which is not among the modes."),
    ],
)
def test_what_is_lacking_has_a_reason(modes, gan, data):
    assert left_out(absent_data(modes, gan)) == data
    trainings = absent_trainings(modes, compared=False)
    assert any("comparison_trainings" in text for text in trainings) == (
        "haadf" in modes
    )
    assert absent_trainings(["haadf", "bf"], compared=True) == []


def train(folder, dataset, mode="haadf", epochs=3):
    """Pretend that a network was trained on a dataset."""
    torch.manual_seed(len(dataset))
    path = folder / "models/enhancement" / dataset / mode / "atomsegnet.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        **PROVENANCE,
        **{"method": "atomsegnet", "network": NETWORK, "image_size": 48},
        **{"dataset": dataset, "mode": mode, "task": "enhancement"},
        "training": {"epochs": epochs},
    }
    save_weights(path, build_network("atomsegnet", NETWORK), metadata)
    return path


@pytest.fixture
def real(tmp_path, generator):
    data = generator.normal(100, 20, (80, 96)).astype(np.float32)
    write_image(tmp_path / "mine.tif", Image(data, 0.1, "mine", {}))
    return tmp_path / "mine.tif"


def test_figure9_has_the_input_and_a_column_per_dataset(real, stores, tmp_path):
    weights = [train(tmp_path, name) for name in ("temimagenet", "sfin")]
    given = (real, weights, stores, "the first")
    text = figure9(*given, None, tmp_path / "a", "1.2", ["GAN, for a reason"])
    again = figure9(*given, None, tmp_path / "b", "1.2", ["GAN, for a reason"])
    assert text == again
    for part in (
        "mine (the first)",
        "trained alike on each dataset (40 pairs, 3 epochs)",
        "Pixel size of the image: 0.1 Å; of the training: TEMImageNet (re-synthesised)",
        "Scale test, seed 5, sfin 1.2",
        "follows TEMImageNet's recipe",
        "Left out: GAN, for a reason.",
    ):
        assert part in text
    for suffix in ("png", "pdf"):
        pages = [(tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab"]
        assert pages[0] == pages[1]
    weights[0] = train(tmp_path, "temimagenet", epochs=9)
    text = figure9(*given, None, tmp_path / "c", "1")
    assert "not all trained alike" in text
    assert "TEMImageNet (re-synthesised): 40 pairs, 9 epochs" in text


def test_figure9_shows_grey_levels_as_they_are(generator):
    images = generator.integers(0, 255, (3, 70, 70), dtype=np.uint8)
    panels = [Panel(f"panel {number}", image) for number, image in enumerate(images)]
    figure = draw(panels, 0.1, "caption")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 9
    for column, image in enumerate(images):
        whole, part, _ = shown[3 * column : 3 * column + 3]
        np.testing.assert_array_equal(whole.images[0].get_array(), image)
        np.testing.assert_array_equal(part.images[0].get_array(), image[3:67, 3:67])
        assert whole.images[0].get_clim() == part.images[0].get_clim() == (0, 255)
    assert len({axes.images[0].get_clim() for axes in shown[2::3]}) == 1


def test_figure9_refuses_what_it_cannot_compare(real, stores, tmp_path):
    with pytest.raises(InputError, match="put haadf into modes"):
        figure9(real, [], [], "the first", None, tmp_path / "a", "1")
    weights = [train(tmp_path, "sfin", mode="bf")]
    with pytest.raises(InputError, match="trained on bf images"):
        figure9(real, weights, stores[1:], "the first", None, tmp_path / "a", "1")
    assert not list(tmp_path.glob("a.*"))
