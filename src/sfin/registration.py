"""Measure whether noisy images show their atoms where their labels have them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import KDTree
from skimage.filters import window
from skimage.registration import phase_cross_correlation

from sfin.datasets import load_atoms, load_pairs
from sfin.files import write_whole

Float64Array = NDArray[np.float64]
Atoms = dict[str, NDArray[np.generic]]
# Pixels: beyond this a label no longer lies on its atoms.
LIMIT = 0.5
# Steps per pixel in which shifts are measured.
STEPS = 20
# Fewer atoms than these do not say where they are, in noise.
FEWEST = 4
# Standard deviations of the blur against backgrounds, in those of the atoms.
BACKGROUND = 3.0


@dataclass(frozen=True)
class Shift:
    """Where one patch of a noisy image lies, relative to its labels.

    Attributes
    ----------
    image, row, column
        Number of the pair, and first pixel of the patch.
    image_x, image_y
        Shift of the noisy image against the clean one in pixels, by
        cross-correlation. In a lattice it is known up to lattice vectors, and the
        shortest counts.
    atoms_x, atoms_y
        Shift in pixels at which the noisy image is brightest on all atoms of the
        label, not further than half way to their neighbours; NaN with too few atoms.
    correlation
        Of noisy and clean image, both without background, as they lie.
    """

    image: int
    row: int
    column: int
    image_x: float
    image_y: float
    atoms_x: float
    atoms_y: float
    correlation: float


def image_shift(noisy: Float64Array, clean: Float64Array) -> tuple[float, float]:
    """Find the shift x, y of a noisy image against a clean one, in pixels.

    Both fall off to their edges first: that makes the shortest of all shifts that
    match two lattices the best.
    """
    taper = window("hann", noisy.shape)  # type: ignore[no-untyped-call]
    moving, fixed = ((image - image.mean()) * taper for image in (noisy, clean))
    # Whitened, as `normalization="phase"` does it, noise would outvote the atoms.
    shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        fixed, moving, upsample_factor=STEPS, normalization=None
    )
    # What would move the noisy image back.
    return 0.0 - float(shift[1]), 0.0 - float(shift[0])


def atom_shift(
    noisy: Float64Array, x: Float64Array, y: Float64Array
) -> tuple[float, float]:
    """Find the shift x, y at which an image is brightest on all of these places.

    Parameters
    ----------
    noisy
        Image without background, blurred as wide as its atoms.
    x, y
        Places in pixels, two or more.
    """
    distances, _ = KDTree(np.column_stack([x, y])).query(np.column_stack([x, y]), k=2)
    reach = min(np.median(distances[:, 1]) / 2, max(noisy.shape) / 8)
    axis = np.arange(-np.ceil(reach * 4), np.ceil(reach * 4) + 1) / 4
    across, down = (axis[grid] for grid in np.indices((axis.size, axis.size))[::-1])
    near = np.hypot(across, down) <= reach
    across, down = across[near], down[near]
    brightness = _brightness(noisy, x, y, across, down)
    best = int(brightness.argmax())
    # A paraboloid through the places around the best one.
    close = np.hypot(across - across[best], down - down[best]) < 0.6
    u, v = across[close] - across[best], down[close] - down[best]
    design = np.column_stack([np.ones_like(u), u, v, u * u, u * v, v * v])
    _, a, b, c, d, e = np.linalg.lstsq(design, brightness[close], rcond=None)[0]
    bend = 4 * c * e - d * d
    if c < 0 < bend:
        du, dv = (d * b - 2 * e * a) / bend, (d * a - 2 * c * b) / bend
        if np.hypot(du, dv) <= 0.5:
            return float(across[best] + du), float(down[best] + dv)
    return float(across[best]), float(down[best])


def _brightness(
    noisy: Float64Array,
    x: Float64Array,
    y: Float64Array,
    across: Float64Array,
    down: Float64Array,
) -> Float64Array:
    places = np.stack([y[:, None] + down, x[:, None] + across])
    values = map_coordinates(noisy, places, order=3, mode="nearest")
    mean: Float64Array = values.mean(axis=0)
    return mean


def measure_pair(
    number: int,
    noisy: NDArray[np.uint8],
    clean: NDArray[np.uint8],
    atoms: Atoms,
    edge: int,
) -> list[Shift]:
    """Measure the shifts of one pair in patches.

    Parameters
    ----------
    number
        Of the pair.
    noisy, clean
        Grey levels (rows, columns).
    atoms
        ``x``, ``y`` and ``sigma`` in pixels.
    edge
        Of the patches in pixels; those that do not fit are left out.
    """
    x, y, sigma = (np.asarray(atoms[name], np.float64) for name in ("x", "y", "sigma"))
    size = float(np.median(sigma)) if sigma.size else 2.0
    flat, wanted = (
        gaussian_filter(image.astype(np.float64), size / 2)
        - gaussian_filter(image.astype(np.float64), BACKGROUND * size)
        for image in (noisy, clean)
    )
    shifts = []
    for row in range(0, noisy.shape[0] - edge + 1, edge):
        for column in range(0, noisy.shape[1] - edge + 1, edge):
            patch = np.s_[row : row + edge, column : column + edge]
            if np.ptp(clean[patch]) == 0 or np.ptp(noisy[patch]) == 0:
                continue
            inside = (x >= column) & (x < column + edge)
            inside &= (y >= row) & (y < row + edge)
            places = (np.nan, np.nan)
            if np.count_nonzero(inside) >= FEWEST:
                places = atom_shift(flat, x[inside], y[inside])
            shifts.append(
                Shift(
                    *(number, row, column),
                    *image_shift(flat[patch], wanted[patch]),
                    *places,
                    float(
                        np.corrcoef(flat[patch].ravel(), wanted[patch].ravel())[0, 1]
                    ),
                )
            )
    return shifts


def measure_registration(stores: Sequence[str | Path], edge: int) -> pd.DataFrame:
    """Measure the shifts of all pairs of some datasets.

    Parameters
    ----------
    stores
        Datasets with atoms, in paths that end in dataset/mode/split.zarr.
    edge
        Of the patches in pixels.

    Returns
    -------
    DataFrame
        A row per patch: ``dataset``, ``split`` and the fields of `Shift`.
    """
    tables = []
    for path in map(Path, stores):
        pairs, atoms = load_pairs(path), load_atoms(path)
        rows = [
            asdict(shift)
            for number, listed in enumerate(atoms)
            for shift in measure_pair(
                number, pairs.noisy[number], pairs.clean[number], dict(listed), edge
            )
        ]
        origin = {"dataset": path.parts[-3], "split": path.stem}
        tables.append(pd.DataFrame([origin | row for row in rows]))
    return pd.concat(tables, ignore_index=True)


def write_registration(path: str | Path, table: pd.DataFrame) -> None:
    """Write `measure_registration`'s table as CSV, to a thousandth of a pixel."""
    write_whole(path, table.round(3).to_csv(index=False, lineterminator="\n"))


def summarise_shifts(table: pd.DataFrame) -> pd.DataFrame:
    """Say for each dataset and split how far its patches are shifted.

    Returns
    -------
    DataFrame
        ``patches``; ``mean_x`` and ``mean_y``, the shift of the atoms of all; the
        ``median`` and ``beyond``, the share above `LIMIT`, of how far the atoms of a
        patch are shifted; ``image_median``, of the shifts of images; ``correlation``,
        the median. In pixels.
    """
    atoms, images = (
        np.hypot(table[f"{name}_x"].to_numpy(), table[f"{name}_y"].to_numpy())
        for name in ("atoms", "image")
    )
    beyond = np.where(np.isnan(atoms), np.nan, atoms > LIMIT)
    measured = table.assign(atoms=atoms, images=images, beyond=beyond)
    groups = measured.groupby(["dataset", "split"], sort=False)
    return groups.agg(
        patches=("image", "size"),
        mean_x=("atoms_x", "mean"),
        mean_y=("atoms_y", "mean"),
        median=("atoms", "median"),
        beyond=("beyond", "mean"),
        image_median=("images", "median"),
        correlation=("correlation", "median"),
    ).reset_index()


def complaint(summary: pd.DataFrame, dataset: str) -> str:
    """Say in a sentence that the labels of a dataset are off; nothing if they are not.

    They are if the median shift, of atoms or of images, or the mean shift of the atoms
    is more than `LIMIT`, or if no atoms could be compared.
    """
    rows = summary[summary["dataset"] == dataset]
    mean = np.hypot(rows["mean_x"], rows["mean_y"]).max()
    worst = max(rows["median"].max(), rows["image_median"].max(), mean)
    if worst <= LIMIT:
        return ""
    return (
        f"The labels of {dataset} are not registered: they lie {worst:.1f} pixels "
        f"beside the atoms, more than {LIMIT}; a network trained on them learns to "
        "move atoms."
    )
