import numpy as np
import pandas as pd
import pytest
import torch
from samples import perovskite

from sfin.arrangements import crystal
from sfin.errors import InputError
from sfin.images import Image, write_image
from sfin.labels import contrast
from sfin.networks.build import build_network, save_weights
from sfin.training_data_check import (
    INPUT,
    MEASURES,
    caption,
    check_all,
    check_training_data,
    training_data_grid,
)

NETWORK = {"width": 4}
PROVENANCE = {"scale": "test", "seed": 5}


@pytest.fixture
def image(tmp_path, generator):
    """Record a perovskite."""
    columns, _ = crystal(perovskite(), "haadf", 192, 0.1, 1.0, generator)
    grey = 200 * contrast(columns, 192) + generator.normal(20, 5, (192, 192))
    path = tmp_path / "image.tif"
    write_image(path, Image(grey.astype(np.float32), 0.1, "image", {}))
    return path


def untrained(folder, dataset, mode="haadf"):
    torch.manual_seed(0)
    path = folder / f"{dataset}.safetensors"
    metadata = {
        **PROVENANCE,
        **{"method": "atomsegnet", "network": NETWORK, "image_size": 64},
        **{"dataset": dataset, "mode": mode, "training": {"epochs": 3}},
    }
    save_weights(path, build_network("atomsegnet", NETWORK), metadata)
    return path


def measured(**values):
    """Make a row as the check does."""
    names = [name for name, _, _ in MEASURES.values()]
    row = {"image": "a", "structure": "Si_110", "method": "atomsegnet", "epochs": 3.0}
    return row | dict.fromkeys(names, 0.5) | values


def test_a_clean_crystal_explains_what_was_recorded(image, tmp_path):
    weights = [untrained(tmp_path, name) for name in ("temimagenet", "sfin")]
    table = check_training_data(image, weights, perovskite(), "haadf", None)
    assert list(table["dataset"]) == [INPUT, "temimagenet", "sfin"]
    recorded = table.iloc[0]
    assert recorded["bent_explained"] == pytest.approx(1, abs=0.02)
    assert recorded["bent_found"] == pytest.approx(1, abs=0.05)
    assert recorded["bent_rms_along_pm"] < 10
    assert recorded["psnr"] > table["psnr"][1]
    # The two hold the same weights, so their rows differ in the name alone.
    own = table.drop(columns="dataset")
    pd.testing.assert_series_equal(own.iloc[1], own.iloc[2], check_names=False)
    text = caption(table, PROVENANCE, "1.2", ["GAN, for a reason"])
    for part in (
        "AtomSegNet, after 3 epochs on each dataset",
        "follows TEMImageNet's recipe",
        "Scale test, seed 5, sfin 1.2.",
        "Left out: GAN, for a reason.",
    ):
        assert part in text


def test_an_image_without_a_crystal_says_why(tmp_path, generator):
    path = tmp_path / "noise.tif"
    grey = generator.normal(100, 10, (128, 128)).astype(np.float32)
    write_image(path, Image(grey, 0.1, "noise", {}))
    weights = [untrained(tmp_path, "sfin")]
    table = check_training_data(path, weights, perovskite(), "haadf", None)
    assert table["problem"].notna().any()
    assert "No lattice: noise, " in caption(table, PROVENANCE, "1")
    training_data_grid(table)


def test_the_best_network_is_bold_and_the_input_does_not_compete():
    rows = [
        measured(dataset=INPUT, bent_explained=1.0, bent_rms_along_pm=1.0),
        measured(dataset="gan", bent_explained=0.7, bent_rms_along_pm=5.0),
        measured(dataset="sfin", bent_explained=0.9, bent_rms_along_pm=np.nan),
    ]
    table = pd.DataFrame(rows)
    grid = training_data_grid(table)
    names = [name for name, _ in grid.rows]
    assert names == [f"a, Si_110: {name}" for name in ("Input", "GAN", "SFIN data")]
    explained = [
        cells[list(MEASURES).index("explained")].best for _, cells in grid.rows
    ]
    assert explained == [False, False, True]
    # A network alone is not the best of anything.
    spread = [
        cells[list(MEASURES).index("RMS along scan, pm")].best for _, cells in grid.rows
    ]
    assert spread == [False, False, False]


def test_few_atoms_that_fit_are_no_victory():
    rows = [
        measured(dataset="gan", bent_explained=1.0, bent_found=0.01, psnr=20.0),
        measured(dataset="sfin", bent_explained=0.9, bent_found=0.9, psnr=21.0),
        measured(image="b", dataset="gan", bent_explained=0.8, bent_found=0.8),
        measured(image="b", dataset="sfin", bent_explained=np.nan, bent_found=np.nan),
    ]
    rows[3]["psnr"] = 0.7
    text = caption(pd.DataFrame(rows), PROVENANCE, "1")
    assert "Of 2 images" in text
    assert "explained and found: GAN 1, SFIN data 1;" in text
    assert "theory by PSNR: GAN 0, SFIN data 2." in text


def test_what_cannot_be_checked_is_refused(image, tmp_path):
    weights = [untrained(tmp_path, "sfin", mode="bf")]
    with pytest.raises(InputError, match="trained on bf images"):
        check_all([(image, perovskite(), None)], weights, "haadf")
    with pytest.raises(InputError, match="structure is named"):
        check_all([], weights, "haadf")
