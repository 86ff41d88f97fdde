"""Which training data serve best? One network, trained on each, on known crystals.

The claim of the paper's section 4.3, measured: the network enhances real images of
known structure, atoms are found in what it made by one finder for all, and the crystal
is laid over them. Better data make a network whose atoms the crystal explains, and
whose image is closer to the theoretical one (`sfin.theory`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.images import read_image, to_grey_levels
from sfin.inference import enhance, tile_size
from sfin.lattice_fit import LatticeFit, fit_lattice
from sfin.lattice_table import lattice_table
from sfin.metrics import DATA_RANGE
from sfin.names import DATASET_NAMES, METHOD_NAMES, dataset_name, left_out, made_again
from sfin.networks.build import load_network
from sfin.parameters import Mode
from sfin.peak_finders import LaplacianFinder, find_by_laplacian
from sfin.table_formats import NONE, Cell, Grid
from sfin.theory import register_theory
from sfin.theory_scores import score_against_theory

INPUT = "input"
NAMES = {INPUT: "Input"} | DATASET_NAMES
# By heading: column of the table, how it is written, and whether more or less is good.
MEASURES = {
    "atoms found": ("atoms", "{:.0f}", None),
    "explained": ("bent_explained", "{:.1%}", max),
    "by chance": ("chance", "{:.1%}", None),
    "sites found": ("bent_found", "{:.1%}", max),
    "RMS along scan, pm": ("bent_rms_along_pm", "{:.1f}", min),
    "across, pm": ("bent_rms_across_pm", "{:.1f}", min),
    "PSNR against theory, dB": ("psnr", "{:.2f}", max),
    "SSIM": ("ssim", "{:.4f}", max),
}


def check_training_data(
    image: str | Path,
    weights: Sequence[str | Path],
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
) -> pd.DataFrame:
    """Measure what networks, each trained on other data, make of a real image.

    Parameters
    ----------
    image
        File of the image.
    weights
        Of the networks, all for `mode`.
    columns
        The crystal that the image shows.
    mode, pixel_size
        Of the image; Å, None to go by the file.

    Returns
    -------
    DataFrame
        A row for the image as recorded and one per network: `dataset`, ``input`` for
        the first; `method`, `epochs`, `scale` and `seed` of the network; and the
        columns of `sfin.lattice_table.lattice_table` or, where the crystal does not
        fit, `atoms` and the `problem`; `psnr` and `ssim` against the theoretical
        image, where the crystal fits the image as recorded.

    Raises
    ------
    InputError
        If a network is for another mode.
    """
    opened = read_image(image, pixel_size=pixel_size)
    grey = np.clip(to_grey_levels(opened.data)[0], 0, DATA_RANGE)
    measure = partial(
        _measure,
        name=opened.name,
        columns=columns,
        mode=mode,
        pixel_size=opened.pixel_size,
    )
    recorded, fit = measure(grey)
    theory = register_theory(grey, fit) if fit else None
    rows = [recorded]
    images = [grey]
    origins: list[dict[str, object]] = [{"dataset": INPUT, "method": ""}]
    for path in map(Path, weights):
        network, metadata = load_network(path)
        if metadata["mode"] != mode:
            raise InputError(
                f"{path} was trained on {metadata['mode']} images and {image} is "
                f"{mode}: give weights for {mode}."
            )
        restored = enhance(network, grey, tile_size(metadata)).clip(0, DATA_RANGE)
        rows.append(measure(restored)[0])
        images.append(restored)
        names = ("dataset", "method", "scale", "seed")
        origin = {name: metadata[name] for name in names}
        origins.append(origin | {"epochs": metadata["training"]["epochs"]})
    table = pd.concat(rows, ignore_index=True)
    if fit and theory:
        scores = [score_against_theory(image, theory, fit) for image in images]
        table["psnr"] = [score.psnr for score in scores]
        table["ssim"] = [score.ssim for score in scores]
    return pd.concat([pd.DataFrame(origins), table], axis=1)


def check_all(
    images: Sequence[tuple[str | Path, ProjectedColumns, float | None]],
    weights: Sequence[str | Path],
    mode: Mode,
) -> pd.DataFrame:
    """Put `check_training_data` of images, with crystal and pixel size, into one table.

    Raises
    ------
    InputError
        If there is no image whose structure is known, or a network is for another mode.
    """
    if not images or not weights:
        raise InputError(
            f"There is no {mode} image whose structure is named: name that of one in a "
            "file beside it, such as image.yaml with a line 'structure: SrTiO3_001'."
        )
    tables = [
        check_training_data(image, weights, columns, mode, pixel_size)
        for image, columns, pixel_size in images
    ]
    return pd.concat(tables, ignore_index=True)


def training_data_grid(table: pd.DataFrame) -> Grid:
    """Lay the check out for readers: a row per image and training data.

    Bold is the best of the networks on each image; the input does not compete.
    """
    rows = []
    for image, group in table.groupby("image", sort=False):
        networks = group[group["dataset"] != INPUT]
        for _, row in group.iterrows():
            cells = []
            for name, form, best in MEASURES.values():
                value = row.get(name, np.nan)
                wins = (
                    best is not None
                    and row["dataset"] != INPUT
                    and name in networks
                    and networks[name].count() > 1
                    and value == best(networks[name].dropna())
                )
                text = NONE if pd.isna(value) else form.format(value)
                cells.append(Cell(text, bool(wins)))
            name = NAMES.get(row["dataset"], row["dataset"])
            rows.append((f"{image}, {row['structure']}: {name}", tuple(cells)))
    heading = "Lattice of the atoms found"
    return Grid("Image: training data", ((heading, tuple(MEASURES)),), tuple(rows))


def caption(
    table: pd.DataFrame,
    provenance: Mapping[str, object],
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Say what was measured, which data came out best, and what cannot be said.

    Parameters
    ----------
    table
        Of `check_training_data`, of all images.
    provenance
        ``scale`` and ``seed`` of the run.
    version
        Version of this package.
    lacking
        Datasets of the paper's that it has not, each with the reason.
    """
    networks = table[table["dataset"] != INPUT]
    names = " and ".join(METHOD_NAMES[name] for name in networks["method"].unique())
    epochs = ", ".join(str(int(number)) for number in networks["epochs"].unique())
    return (
        f"{names}, after {epochs} epochs on each dataset, on real images of known "
        "structure. Atoms are the peaks of a Laplacian of Gaussian with Gaussian "
        "fits, by the same settings for all; explained: within a quarter of the "
        "distance of sites from one; sites found, and RMS of the distances, smooth "
        "bends of the image taken out; PSNR and SSIM against the theoretical image "
        "(docs/theory.md). Bold: best of the networks. A network that "
        f"draws a perfect lattice over a defect scores well too.{_verdict(networks)} "
        f"Scale {provenance['scale']}, seed {provenance['seed']}, sfin {version}."
        f"{made_again(networks['dataset'])}{left_out(lacking)}{_problems(table)}"
    )


def _measure(
    grey: NDArray[np.floating],
    name: str,
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
) -> tuple[pd.DataFrame, LatticeFit | None]:
    spots = find_by_laplacian(grey, mode, LaplacianFinder())
    try:
        fit = fit_lattice(
            *(spots.x, spots.y, grey.shape, columns, mode, pixel_size),
            amplitude=np.abs(spots.amplitude),
        )
    except InputError as error:
        row = {"image": name, "structure": columns.structure, "mode": mode}
        found = {"atoms": len(spots.x), "problem": str(error)}
        return pd.DataFrame([{**row, **found}]), None
    return lattice_table(fit, name), fit


def _verdict(networks: pd.DataFrame) -> str:
    """Count on how many images each dataset's atoms were explained best."""
    if "bent_explained" not in networks:
        return ""
    closest = dict.fromkeys(networks["dataset"], 0)
    wins = dict.fromkeys(networks["dataset"], 0)
    images = networks.groupby("image")
    for _, group in images:
        # Explaining three atoms perfectly is no success: what counts is both.
        score = (group["bent_explained"] * group["bent_found"]).fillna(0.0)
        for dataset in group.loc[score == score.max(), "dataset"]:
            wins[dataset] += 1
        if "psnr" in group:
            for dataset in group.loc[group["psnr"] == group["psnr"].max(), "dataset"]:
                closest[dataset] += 1
    return (
        f" Of {len(images)} images, highest product of explained and found: "
        f"{_counts(wins)}; closest to theory by PSNR: {_counts(closest)}."
    )


def _counts(wins: Mapping[str, int]) -> str:
    return ", ".join(f"{dataset_name(name)} {won}" for name, won in wins.items())


def _problems(table: pd.DataFrame) -> str:
    if "problem" not in table:
        return ""
    failed = table[table["problem"].notna()]
    parts = [
        f"{row['image']}, {NAMES.get(row['dataset'], row['dataset'])}: {row['problem']}"
        for row in failed.to_dict("records")
    ]
    return f" No lattice: {' '.join(parts)}" if parts else ""
