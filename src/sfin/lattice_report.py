"""Check detected atoms of real images against the crystal that the user names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, map_coordinates

from sfin import __version__
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.figures.atoms import atoms_figure
from sfin.figures.lattice_fit import lattice_figure
from sfin.images import read_image, to_grey_levels
from sfin.lattice_fit import fit_lattice
from sfin.lattice_spectrum import spectrum_placement
from sfin.lattice_table import lattice_table
from sfin.parameters import Mode
from sfin.table_formats import NONE, Cell, Grid

# Pixels that an atom's brightness is averaged over, and its surroundings.
ATOM, SURROUNDINGS = 2.0, 12.0


def check_lattice(
    image: str | Path,
    atoms: str | Path,
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
    provenance: str,
) -> tuple[pd.DataFrame, Figure]:
    """Fit a crystal to the atoms that were detected in an image file.

    Which column an atom is, is told by its contrast in the image: all dots of a
    network are about as high.

    Parameters
    ----------
    image, atoms
        File of the image, and the CSV of `sfin.atom_lists`.
    columns
        The crystal.
    mode, pixel_size
        Of the image; Å, None to go by the file.
    provenance
        For the caption, from `made_by`.

    Returns
    -------
    DataFrame
        One row, `sfin.lattice_table`; where the crystal does not fit, only the names
        and why, as ``problem``.
    Figure
        Of the fit, or of the atoms.
    """
    opened = read_image(image, pixel_size=pixel_size)
    grey = np.clip(to_grey_levels(opened.data)[0], 0, 255)
    table = pd.read_csv(atoms)
    x, y = table["x"].to_numpy(float), table["y"].to_numpy(float)
    smooth = gaussian_filter(grey, ATOM) - gaussian_filter(grey, SURROUNDINGS)
    contrast = map_coordinates(smooth, (y, x), order=1, mode="nearest")
    caption = f"{columns.structure} on atoms detected by SFIN. {provenance}"
    try:
        fit = fit_lattice(
            *(x, y, grey.shape, columns, mode, opened.pixel_size),
            amplitude=np.abs(contrast),
        )
    except InputError as error:
        row = {"image": opened.name, "structure": columns.structure, "mode": mode}
        failed = pd.DataFrame([row | {"atoms": len(x), "problem": str(error)}])
        places = np.column_stack([x, y])
        return failed, atoms_figure(
            grey, places, opened.name, opened.pixel_size, f"{caption} {error}"
        )
    spectrum = spectrum_placement(grey, fit.placement)
    return (
        lattice_table(fit, opened.name, spectrum),
        lattice_figure(grey, fit, opened.name, caption),
    )


def made_by(scale: str, seed: int) -> str:
    """Say at which scale and with which seed a picture was made."""
    return f"Scale {scale}, seed {seed}, sfin {__version__}."


def lattices_table(files: Sequence[str]) -> pd.DataFrame:
    """Put the rows of `check_lattice` below each other."""
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def lattices_grid(table: pd.DataFrame) -> Grid:
    """Lay the checks out for readers: a row per image."""
    columns = {
        "atoms": ("atoms", "{:.0f}"),
        "ratio of axes against crystal, atoms": ("ratio_deviation", "{:+.2%}"),
        "by spectrum": ("spectrum_ratio_deviation", "{:+.2%}"),
        "angle, °": ("angle", "{:.2f}"),
        "crystal's": ("crystal_angle", "{:.2f}"),
        "pixel size implied, Å": ("pixel_size", "{:.4f}"),
        "over file's": ("pixel_size_ratio", "{:.3f}"),
        "atoms explained": ("explained", "{:.1%}"),
        "by chance": ("chance", "{:.1%}"),
        "allowing for bends": ("bent_explained", "{:.1%}"),
        "sites found": ("bent_found", "{:.1%}"),
        "RMS along scan, pm": ("bent_rms_along_pm", "{:.1f}"),
        "across, pm": ("bent_rms_across_pm", "{:.1f}"),
    }
    rows = []
    for _, row in table.iterrows():
        values = [(row.get(name, np.nan), form) for name, form in columns.values()]
        cells = tuple(
            Cell(NONE if pd.isna(v) else form.format(v)) for v, form in values
        )
        rows.append((f"{row['image']}, {row['structure']}", cells))
    return Grid("Image", (("Lattice of detected atoms", tuple(columns)),), tuple(rows))


CAPTION = (
    "The lattice of known crystals on atoms that SFIN detected in real images. Ratio "
    "of the two cell lengths against the crystal's, by the atoms and, as a second "
    "opinion, by the spots of the raw image's power spectrum: where both agree, the "
    "image itself is distorted (scan, strain), not the detection. Explained: atoms "
    "within a quarter of the distance of sites from one; RMS of their distances, and "
    "sites found, with smooth bends of the image taken out. "
)
