import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfin.errors import InputError
from sfin.evaluation import Origin, write_evaluation
from sfin.tables import caption, comparison_table, table1, write_table

PAPER = Path(__file__).parents[1] / "resources" / "paper_values.csv"
GROUPS = [("sfin", "bf"), ("temimagenet", "haadf"), ("sfin", "haadf")]
METHODS = ["sfin", "absf", "noisy", "bilateral"]


def write_scores(folder, origin, generator, images=4):
    scores = pd.DataFrame(
        {
            "image": range(images),
            "psnr": generator.uniform(10, 40, images),
            "ssim": generator.uniform(0.1, 0.9, images),
            "squared_error": generator.uniform(10, 400, images),
        }
    )
    for place, (name, value) in enumerate(asdict(origin).items()):
        scores.insert(place, name, value)
    path = folder / f"{origin.dataset}_{origin.mode}_{origin.method}.csv"
    write_evaluation(path, scores)
    return path


@pytest.fixture
def evaluations(tmp_path):
    generator = np.random.default_rng(0)
    return [
        write_scores(
            tmp_path,
            Origin("laptop", "enhancement", dataset, mode, method, 7),
            generator,
        )
        for dataset, mode in GROUPS
        for method in METHODS
    ]


def read_markdown(path):
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in rows}) == 1
    return rows[0], rows[2:]


def test_every_number_comes_from_its_evaluation(evaluations):
    table = table1(evaluations, PAPER)
    assert len(table) == len(evaluations)
    for path in evaluations:
        scores = pd.read_csv(path)
        origin = scores.iloc[0]
        keys = ["dataset", "mode", "method"]
        row = table[(table[keys] == origin[keys]).all(axis=1)].squeeze()
        assert row["psnr"] == scores["psnr"].mean()
        assert row["ssim"] == scores["ssim"].mean()
        assert row["psnr_standard_deviation"] == pytest.approx(scores["psnr"].std())
        assert row["ssim_standard_deviation"] == pytest.approx(scores["ssim"].std())
        pooled = 10 * np.log10(255**2 / scores["squared_error"].mean())
        assert row["psnr_pooled"] == pytest.approx(pooled)
        assert (row["images"], row["scale"], row["seed"]) == (4, "laptop", 7)


def test_paper_values_stand_in_their_columns_only(evaluations, tmp_path):
    table = table1(evaluations, PAPER)
    found = table.set_index(["dataset", "mode", "method"])
    assert found.loc[("sfin", "haadf", "sfin"), "paper_psnr"] == 38.48
    assert found.loc[("sfin", "bf", "sfin"), "paper_ssim"] == 0.9885
    assert found.loc[("temimagenet", "haadf", "absf"), "paper_psnr"] == 15.98
    assert found.loc[(slice(None), slice(None), "noisy"), "paper_psnr"].isna().all()
    # Another paper changes the paper's columns, and nothing else.
    other = tmp_path / "paper.csv"
    values = pd.read_csv(PAPER, dtype=str)
    values.loc[values["artifact"] == "Table 1", "value"] = "1.25"
    values.to_csv(other, index=False)
    changed = table1(evaluations, other)
    paper = ["paper_psnr", "paper_ssim"]
    pd.testing.assert_frame_equal(
        table.drop(columns=paper), changed.drop(columns=paper)
    )
    assert set(changed[paper].melt()["value"].dropna()) == {1.25}


def test_rows_and_groups_are_in_the_papers_order(evaluations):
    table = table1(evaluations[::-1], PAPER)
    groups = list(dict.fromkeys(zip(table["dataset"], table["mode"], strict=True)))
    assert groups == [("temimagenet", "haadf"), ("sfin", "haadf"), ("sfin", "bf")]
    assert list(table["method"][:4]) == ["noisy", "absf", "bilateral", "sfin"]


def test_markdown_holds_the_same_numbers(evaluations, tmp_path):
    table = table1(evaluations, PAPER)
    write_table(table, tmp_path / "table1", "A caption.")
    heads, rows = read_markdown(tmp_path / "table1.md")
    assert len(rows) == len(METHODS)
    assert heads[5:9] == [
        "SFIN data, HAADF: PSNR",
        "SFIN data, HAADF: SSIM",
        "SFIN data, HAADF: paper PSNR",
        "SFIN data, HAADF: paper SSIM",
    ]
    group = table[(table["dataset"] == "sfin") & (table["mode"] == "haadf")]
    for row, (_, values) in zip(rows, group.iterrows(), strict=True):
        psnr, ssim, paper_psnr, paper_ssim = row[5:9]
        assert psnr.strip("*") == (
            f"{values['psnr']:.2f} ± {values['psnr_standard_deviation']:.2f}"
        )
        assert ssim.strip("*").startswith(f"{values['ssim']:.4f}")
        assert ("**" in psnr) == (values["psnr"] == group["psnr"].max())
        assert ("**" in ssim) == (values["ssim"] == group["ssim"].max())
        if np.isnan(values["paper_psnr"]):
            assert (paper_psnr, paper_ssim) == ("–", "–")
        else:
            assert float(paper_psnr) == values["paper_psnr"]
            assert float(paper_ssim) == values["paper_ssim"]


def test_latex_is_well_formed_and_says_the_same(evaluations, tmp_path):
    table = table1(evaluations, PAPER)
    write_table(table, tmp_path / "table_1", "100 % of it & more_than that ± 1.")
    text = (tmp_path / "table_1.tex").read_text()
    assert text.isascii()
    assert re.findall(r"\\begin\{(\w+)", text) == ["table", "tabular"]
    assert re.findall(r"\\end\{(\w+)", text) == ["tabular", "table"]
    assert text.count("{") == text.count("}")
    assert r"100 \% of it \& more\_than that $\pm$ 1." in text
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip()
    rows = [line.removesuffix(r" \\").split(" & ") for line in body.splitlines()]
    _, expected = read_markdown(tmp_path / "table_1.md")
    for row, wanted in zip(rows, expected, strict=True):
        plain = [re.sub(r"\\textbf\{(.*)\}", r"**\1**", cell) for cell in row]
        plain = [cell.replace(r"$\pm$", "±").replace("--", "–") for cell in plain]
        assert plain == wanted


def test_csv_round_trip(evaluations, tmp_path):
    table = table1(evaluations, PAPER)
    write_table(table, tmp_path / "table1", "")
    read = pd.read_csv(tmp_path / "table1.csv")
    pd.testing.assert_frame_equal(read, table, check_exact=True, check_dtype=False)


def test_caption_names_scale_data_seed_and_version(evaluations):
    text = caption(table1(evaluations, PAPER), "Table 1", "1.2.3")
    for part in ("laptop", "SFIN data, BF: 4 test images", "seed 7", "sfin 1.2.3"):
        assert part in text
    assert "not the paper's" in text


def test_caption_says_what_is_left_out_and_why(evaluations):
    table = table1(evaluations, PAPER)
    assert "Left out" not in caption(table, "Table 1", "1")
    text = caption(table, "Table 1", "1", ["GAN, for a reason", "more"])
    assert "Left out: GAN, for a reason; more." in text


def test_infinite_and_single_scores(tmp_path):
    origin = Origin("test", "enhancement", "sfin", "haadf", "sfin", 0)
    path = write_scores(tmp_path, origin, np.random.default_rng(0), images=1)
    scores = pd.read_csv(path)
    scores["psnr"], scores["squared_error"] = np.inf, 0.0
    write_evaluation(path, scores)
    table = table1([path], PAPER)
    assert table["psnr"][0] == table["psnr_pooled"][0] == np.inf
    assert np.isnan(table["psnr_standard_deviation"][0])
    write_table(table, tmp_path / "table1", "")
    _, rows = read_markdown(tmp_path / "table1.md")
    assert rows[0][1] == "**∞**"


@pytest.mark.parametrize(
    ("artifact", "task", "dataset", "method", "psnr"),
    [
        ("Table 5", "enhancement", "sfin", "sfin_spatial", 34.61),
        ("Table 6", "detection", "sfin", "fcn", 26.82),
        ("Table 7", "superresolution", "temimagenet", "sfin", 41.74),
        ("Table 7", "superresolution", "temimagenet_published", "sfin", 41.74),
    ],
)
def test_other_tables(tmp_path, artifact, task, dataset, method, psnr):
    origin = Origin("test", task, dataset, "haadf", method, 0)
    path = write_scores(tmp_path, origin, np.random.default_rng(0))
    assert comparison_table([path], PAPER, artifact)["paper_psnr"][0] == psnr


def test_only_what_is_made_again_is_called_so(tmp_path):
    generator = np.random.default_rng(0)
    for dataset in ("sfin", "temimagenet", "temimagenet_published"):
        origin = Origin("test", "superresolution", dataset, "haadf", "sfin", 0)
        path = write_scores(tmp_path, origin, generator)
        table = comparison_table([path], PAPER, "Table 7")
        text = caption(table, "Table 7", "1.0")
        write_table(table, tmp_path / "table7", text)
        page = (tmp_path / "table7.md").read_text()
        assert ("TEMImageNet" in page) == (dataset != "sfin")
        assert ("(re-synthesised)" in page) == (dataset == "temimagenet")


def test_what_cannot_be_compared_is_refused(evaluations, tmp_path):
    generator = np.random.default_rng(1)
    with pytest.raises(InputError, match="two evaluations of absf"):
        table1([*evaluations, evaluations[1]], PAPER)
    with pytest.raises(InputError, match="no evaluation"):
        table1([], PAPER)
    base = asdict(Origin("laptop", "enhancement", "sfin", "bf", "fcn", 7))
    for change, images, message in [
        ({}, 5, "images"),
        ({"scale": "paper"}, 4, "scale"),
        ({"seed": 8}, 4, "seed"),
        ({"task": "detection"}, 4, "several tasks"),
    ]:
        path = write_scores(tmp_path, Origin(**base | change), generator, images)
        with pytest.raises(InputError, match=message):
            table1([*evaluations, path], PAPER)
