import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread
from samples import ROOT, perovskite, spread_noise

from sfin.applicability import (
    HERE,
    PAPER,
    SITUATIONS,
    caption4,
    findings,
    table4,
    variation,
    write_table4,
)
from sfin.dataset_card import (
    count_table,
    counts,
    histogram,
    parameter_table,
    write_card,
)
from sfin.dataset_records import read_images, read_record
from sfin.datasets import load_pairs
from sfin.documents import Section, TextTable, markdown_document, web_document
from sfin.errors import InputError
from sfin.figures.contact_sheet import (
    EDGE,
    GAP,
    choose_tiles,
    contact_sheet,
    mosaic,
    read_patches,
)
from sfin.figures.figure4 import ORDER, draw, figure4, first_examples
from sfin.images import Image, write_image
from sfin.parameters import PARAMETER_NAMES
from sfin.synthesis import SynthesisSettings, synthesise_dataset

PAPER_VALUES = ROOT / "resources/paper_values.csv"
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
ENTRIES = CONFIG["synthesis"]["settings"] | {"size": 64}


def make(folder, mode, number=70, dataset="sfin", warnings=(), **arrangement):
    path = folder / dataset / mode / "train.zarr"
    path.parent.mkdir(parents=True)
    entries = ENTRIES | {"arrangement": ENTRIES["arrangement"] | arrangement}
    synthesise_dataset(
        path,
        "train",
        [perovskite("first"), perovskite("second")],
        replace(spread_noise(mode), warnings=warnings),
        number,
        SynthesisSettings.from_dict(entries),
        {"scale": "test", "seed": 5},
    )
    return path


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    return [make(folder, mode) for mode in ("haadf", "bf")]


@pytest.fixture(scope="module")
def records(stores):
    return [read_record(store) for store in stores]


def values(records):
    return {situation: value for situation, (value, _) in findings(records).items()}


def with_arrangement(record, **changes):
    """Pretend that a dataset was made with other settings."""
    settings = record.attributes["settings"]
    changed = settings | {"arrangement": settings["arrangement"] | changes}
    return replace(record, attributes=record.attributes | {"settings": changed})


def test_a_record_is_the_dataset_without_its_images(stores, records):
    pairs = load_pairs(stores[0])
    assert records[0].drawn.keys() == pairs.drawn.keys()
    assert records[0].number == len(pairs.noisy) == 70
    assert (records[0].dataset, records[0].attributes) == ("sfin", pairs.attributes)
    assert records[0].arrays["noisy"][0] == pairs.noisy.shape
    np.testing.assert_array_equal(
        read_images(stores[0], "clean", [9, 3]), pairs.clean[[9, 3]]
    )
    with pytest.raises(InputError, match="not a finished dataset"):
        read_record(stores[0].parent / "absent.zarr")


def test_cells_of_a_dataset_with_everything(records):
    assert values(records) == {
        "random_scale": "continuous",
        "random_rotation": "continuous",
        "atomic_defects": "yes",
        "ion_embeddings": "yes",
        "interfaces": "yes",
        "pattern_number": "2",
        "bf_mode": "yes",
    }
    assert values(records[:1])["bf_mode"] == "no"


def test_cells_of_a_dataset_with_nothing(tmp_path):
    plain = {"shares": {"periodic": 1.0}, "pixel_size": [0.1, 0.1]}
    record = read_record(make(tmp_path, "haadf", 8, **plain))
    found = values([record])
    rotation, patterns = found.pop("random_rotation"), found.pop("pattern_number")
    assert (rotation, patterns) == ("continuous", "2")
    assert set(found.values()) == {"no"}


@pytest.mark.parametrize(
    ("changes", "situation"),
    [
        ({"defect_share": 0}, "atomic_defects"),
        ({"embedding_share": 0}, "ion_embeddings"),
    ],
)
def test_an_arrangement_that_changes_nothing_does_not_count(
    records, changes, situation
):
    before = values(records)
    after = values([with_arrangement(record, **changes) for record in records])
    assert after == before | {situation: "no"}


@pytest.mark.parametrize(
    ("arrangement", "situation"),
    [
        ("defect", "atomic_defects"),
        ("embedding", "ion_embeddings"),
        ("interface", "interfaces"),
    ],
)
def test_an_arrangement_never_drawn_does_not_count(records, arrangement, situation):
    def without(record):
        codes = record.drawn["arrangement"].copy()
        names = record.attributes["arrangements"]
        codes[codes == names.index(arrangement)] = names.index("periodic")
        return replace(record, drawn=record.drawn | {"arrangement": codes})

    assert values([without(r) for r in records]) == values(records) | {situation: "no"}


def test_patterns_and_sizes_are_those_drawn(records):
    one = {
        "structure": np.zeros(70, np.uint16),
        "pixel_size": np.repeat(np.float32([0.1, 0.2]), 35),
    }
    found = values([replace(r, drawn=r.drawn | one) for r in records])
    assert (found["pattern_number"], found["random_scale"]) == ("1", "discrete")


def test_variation():
    assert variation(np.ones(9))[0] == "no"
    assert variation(np.tile([1, 2], 5))[0] == "discrete"
    assert variation(np.linspace(0, 1, 9))[0] == "continuous"


def test_rotation_is_that_of_the_crystals_drawn(records):
    records = [replace(record, drawn=dict(record.drawn)) for record in records]
    assert findings(records)["random_rotation"][0] == "continuous"
    for record in records:
        record.drawn["rotation"] = np.where(np.arange(record.number) % 2, 0.0, 90.0)
    assert findings(records)["random_rotation"][0] == "discrete"
    for record in records:
        record.drawn["rotation"] = np.full(record.number, np.nan)
    assert findings(records)["random_rotation"][0] == "no"


def test_table4_keeps_measured_and_claimed_apart(records, tmp_path):
    table = table4(records, PAPER_VALUES)
    assert list(table[table["source"] == HERE]["dataset"].unique()) == ["sfin"]
    claims = table[table["source"] == PAPER].set_index(["dataset", "situation"])
    assert len(claims) == 3 * len(SITUATIONS)
    assert claims.loc[("temimagenet", "pattern_number"), "value"] == "13"
    assert claims.loc[("gan", "atomic_defects"), "value"] == "yes"
    text = caption4(records, table, "1.2.3")
    for part in ("scale test, seed 5", "HAADF train: 70 pairs", "sfin 1.2.3"):
        assert part in text
    assert "Unlike the paper's: SFIN data: Pattern Number (2 here, 15 there" in text
    write_table4(table, tmp_path / "table4", text)
    page = (tmp_path / "table4.md").read_text()
    assert "| SFIN data, here | Continuous | Continuous | ✓ | ✓ | ✓ | 2 | ✓ |" in page
    assert "| TEMImageNet, paper | Discrete | Discrete | ✗ | ✗ | ✗ | 13 | ✗ |" in page
    latex = (tmp_path / "table4.tex").read_text()
    assert "✓" not in latex
    assert r"$\checkmark$" in latex
    assert "✓" in (tmp_path / "table4.html").read_text()
    assert len(pd.read_csv(tmp_path / "table4.csv")) == len(table)


def test_table4_refuses_what_it_cannot_judge(records):
    with pytest.raises(InputError, match="at least one store"):
        table4([], PAPER_VALUES)
    with pytest.raises(InputError, match="make it again"):
        findings([with_arrangement(records[0], unknown=1)])


def test_counts_of_a_card_sum_to_the_pairs(records):
    table = counts(records[0])
    assert table.to_numpy().sum() == records[0].number
    for name in table.columns:
        assert table[name].sum() == np.count_nonzero(records[0].arrangements == name)
    shown = count_table(records[0])
    assert shown.rows[-1][-2] == str(records[0].number)
    second = np.count_nonzero(records[0].drawn["second_structure"] >= 0)
    assert second > 0
    assert shown.rows[-1][-1] == str(second)
    assert shown.rows[0][0] == "first"


def test_a_card_compares_drawn_and_calibrated_parameters(records):
    rows = {row[0]: row[1:] for row in parameter_table(records[1]).rows}
    others = {"pixel size (Å)", "rotation (°)", "second rotation (°)"}
    assert len(rows) == len(PARAMETER_NAMES) + len(others)
    drawn = records[1].drawn["atom_brightness"].astype(float)
    row = rows["atom brightness"]
    assert float(row[0]) == pytest.approx(drawn.mean(), rel=1e-3)
    assert float(row[3]) == pytest.approx(drawn.max(), rel=1e-3)
    assert [float(text) for text in row[4:8]] == [-140, 14, -168, -112]
    assert rows["pixel size (Å)"][4:8] == ("–",) * 4


def test_histograms_have_a_bar_per_full_bin():
    assert histogram(np.arange(16.0)) == "█" * 16
    assert histogram(np.array([0.0, 0, 0, 0, 1])) == "█" + "·" * 14 + "▂"


def test_cards_are_written_with_their_warnings(tmp_path, records):
    write_card(records[0], tmp_path / "card.md", tmp_path / "card.html")
    text = (tmp_path / "card.md").read_text()
    assert text.startswith("# SFIN data, HAADF, train\n")
    assert "Warnings: none." in text
    assert "not to be trusted" not in text
    assert "| arrangement.defect_share | 0.15 |" in text
    assert "2 real images: first, second" in text
    path = make(tmp_path, "bf", 4, warnings=("averaged",))
    write_card(read_record(path), tmp_path / "card.md", tmp_path / "card.html")
    for file in ("card.md", "card.html"):
        assert "It rests on averaged." in (tmp_path / file).read_text()


def test_documents_escape_and_align():
    section = Section(
        "A < B", ("x & y",), TextTable(("n", "v"), (("a", "<1"),)), "f(1)"
    )
    page = web_document("T", [section])
    for text in ("A < B", "x & y", "<1"):
        assert html.escape(text) in page
        assert text not in page
    assert "| n | v |\n| :-- | --: |\n| a | <1 |" in markdown_document("T", [section])


def test_figure4_shows_the_first_pair_of_each_arrangement(stores, records, tmp_path):
    examples = first_examples(records[0])
    pairs = load_pairs(stores[0])
    for name in ORDER:
        index = list(records[0].arrangements).index(name)
        assert examples[name].index == index
        np.testing.assert_array_equal(examples[name].noisy, pairs.noisy[index])
        np.testing.assert_array_equal(examples[name].clean, pairs.clean[index])
    texts = [figure4(stores, tmp_path / name, "1.2.3") for name in ("a", "b")]
    assert texts[0] == texts[1]
    assert f"pairs periodic {examples['periodic'].index}," in texts[0]
    assert "scale test, seed 5" in texts[0]
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (
            tmp_path / f"b.{suffix}"
        ).read_bytes()


def test_figure4_says_what_was_never_drawn(records):
    examples = {"periodic": first_examples(records[0])["periodic"]}
    axes = draw(["HAADF"], [examples], "caption").axes
    assert [a.get_title() for a in axes[:5]] == [name.capitalize() for name in ORDER]
    assert sum(len(a.images) for a in axes) == 2
    missing = [t for a in axes for t in a.texts if t.get_text() == "none drawn"]
    assert len(missing) == 8


@pytest.fixture
def real(tmp_path):
    """Make two real images of four and one usable patches, and one unusable."""
    generator = np.random.default_rng(1)
    rows, images = [], {}
    for name, places in (("1", 4), ("2", 1), ("3", 1)):
        path = tmp_path / f"{name}.tif"
        data = generator.normal(100, 20, (128, 128)).astype(np.float32)
        write_image(path, Image(data, None, name))
        images[name] = path
        rows += [
            (name, 64 * (i // 2), 64 * (i % 2), name != "3") for i in range(places)
        ]
    table = pd.DataFrame(rows, columns=["image", "row", "column", "used"])
    table["shipped"] = False
    table.to_csv(tmp_path / "patches.csv", index=False)
    return read_patches(tmp_path / "patches.csv"), images


def test_a_contact_sheet_holds_every_patch_once(records, real, tmp_path):
    patches, images = real
    tiles = choose_tiles(records[0], patches, images, 64, seed=5)
    assert len(tiles) == len({tile.image.tobytes() for tile in tiles}) == EDGE**2
    kinds = [tile.kind for tile in tiles]
    # All five usable patches, and synthetic ones for the rest, mixed.
    assert kinds.count("real") == 5
    assert "3" not in {tile.source for tile in tiles}
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)
    for tile in tiles:
        if tile.kind == "synthetic":
            index = int(tile.place.removeprefix("pair "))
            noisy = read_images(records[0].path, "noisy", [index])[0]
            np.testing.assert_array_equal(tile.image, noisy)
    text = contact_sheet(tiles, records[0], tmp_path / "sheet", tmp_path / "key", "1")
    assert "5 real patches, of 2 images, and 31 synthetic" in text
    assert "no more than 5" in text
    sheet = mosaic([tile.image for tile in tiles])
    shown = np.rint(imread(tmp_path / "sheet.png")[: len(sheet), :, 0] * 255)
    np.testing.assert_array_equal(shown, sheet)
    key = pd.read_csv(tmp_path / "key", dtype=str)
    assert list(key["kind"]) == kinds
    assert not key.duplicated(["row", "column"]).any()
    assert not key.duplicated(["source", "place"]).any()


def test_a_contact_sheet_shows_pixels_as_they_are(records, real):
    patches, images = real
    tiles = choose_tiles(records[0], patches, images, 64, seed=5)
    sheet = mosaic([tile.image for tile in tiles])
    assert sheet.shape == (EDGE * 64 + (EDGE - 1) * GAP,) * 2
    for place, tile in enumerate(tiles):
        top, left = place // EDGE * (64 + GAP), place % EDGE * (64 + GAP)
        np.testing.assert_array_equal(
            sheet[top : top + 64, left : left + 64], tile.image
        )


def test_contact_sheets_are_even_and_seeded(records, real):
    patches, images = real
    more = pd.concat(
        [
            patches[patches["used"]].assign(row=row, column=column)
            for row in range(0, 64, 8)
            for column in (0, 8)
        ]
    ).drop_duplicates()
    first, again, other = (
        choose_tiles(records[0], more, images, 64, seed) for seed in (5, 5, 6)
    )
    names = [tile.source for tile in first if tile.kind == "real"]
    assert len(names) == EDGE**2 // 2
    assert names.count("1") == names.count("2")
    assert [(t.source, t.place) for t in first] == [(t.source, t.place) for t in again]
    assert [(t.source, t.place) for t in first] != [(t.source, t.place) for t in other]


def test_small_synthetic_images_make_real_patches_as_small(records, real):
    patches, images = real
    tiles = choose_tiles(records[0], patches, images, 100, seed=5)
    assert {tile.image.shape for tile in tiles} == {(64, 64)}
