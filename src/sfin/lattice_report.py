"""Check detected atoms of real images against the crystal that the user names."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from sfin import __version__
from sfin.columns import ProjectedColumns
from sfin.crystal_choice import lay_named
from sfin.errors import InputError
from sfin.figures.atoms import atoms_figure
from sfin.figures.lattice_fit import lattice_figure
from sfin.images import Image, read_image, to_grey_levels
from sfin.lattice_fit import LatticeFit
from sfin.lattice_spectrum import spectrum_placement
from sfin.lattice_table import lattice_table
from sfin.parameters import Mode
from sfin.table_formats import NONE, Cell, Grid
from sfin.theory import Theory

GreyImage = NDArray[np.float32]
# Pixels that an atom's brightness is averaged over, and its surroundings.
ATOM, SURROUNDINGS = 2.0, 12.0


def check_lattice(
    image: str | Path,
    atoms: str | Path,
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
    provenance: str,
    others: Collection[ProjectedColumns] = (),
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
    others
        Crystals that are tried where this one does not fit.

    Returns
    -------
    DataFrame
        One row, `sfin.lattice_table`; where the crystal does not fit, only the names
        and why, as ``problem``, with those of the others that do.
    Figure
        Of the fit, or of the atoms.
    """
    caption = f"{columns.structure} on atoms detected by SFIN. {provenance}"
    try:
        opened, grey, fit, _ = lay_crystal(
            image, atoms, columns, mode, pixel_size, others
        )
    except InputError as error:
        opened, grey, places, _ = _read(image, atoms, pixel_size)
        row = {"image": opened.name, "structure": columns.structure, "mode": mode}
        failed = pd.DataFrame([row | {"atoms": len(places), "problem": str(error)}])
        return failed, atoms_figure(
            grey, places, opened.name, opened.pixel_size, f"{caption} {error}"
        )
    spectrum = spectrum_placement(grey, fit.placement)
    return (
        lattice_table(fit, opened.name, spectrum),
        lattice_figure(grey, fit, opened.name, caption),
    )


def lay_crystal(
    image: str | Path,
    atoms: str | Path,
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
    others: Collection[ProjectedColumns] = (),
) -> tuple[Image, GreyImage, LatticeFit, Theory]:
    """Read an image and its atoms, and lay its crystal over them.

    Parameters
    ----------
    image, atoms, columns, mode, pixel_size, others
        As for `check_lattice`.

    Returns
    -------
    image, grey, fit, theory
        The image as read, its grey levels within 0–255, the crystal's place, and the
        image it should then be.

    Raises
    ------
    InputError
        If the crystal does not fit; the sentence names those of the others that do.
    """
    opened, grey, places, contrast = _read(image, atoms, pixel_size)
    laid = lay_named(
        *(grey, places, np.abs(contrast), columns, mode, opened.pixel_size, others)
    )
    return opened, grey, *laid


def _read(
    image: str | Path, atoms: str | Path, pixel_size: float | None
) -> tuple[Image, GreyImage, NDArray[np.float64], NDArray[np.floating]]:
    # An image, its grey levels, (n, 2) places of its atoms and the contrast at each.
    opened = read_image(image, pixel_size=pixel_size)
    grey = np.clip(to_grey_levels(opened.data)[0], 0, 255)
    places = pd.read_csv(atoms)[["x", "y"]].to_numpy(float)
    smooth = gaussian_filter(grey, ATOM) - gaussian_filter(grey, SURROUNDINGS)
    contrast = map_coordinates(smooth, places.T[::-1], order=1, mode="nearest")
    return opened, grey, places, contrast


def made_by(scale: str, seed: int) -> str:
    """Say at which scale and with which seed a picture was made."""
    return f"Scale {scale}, seed {seed}, sfin {__version__}."


def lattices_table(files: Sequence[str]) -> pd.DataFrame:
    """Put the rows of `check_lattice` below each other."""
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def refused(table: pd.DataFrame) -> str:
    """Say below a table which images' crystals do not fit, and why.

    Parameters
    ----------
    table
        Rows with ``image`` and, where a crystal does not fit, its ``problem``.
    """
    if "problem" not in table:
        return ""
    rows = table.dropna(subset=["problem"])
    return "".join(
        f"Refused: {row['image']}. {row['problem']} " for _, row in rows.iterrows()
    )


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
        name = f"{row['image']}, {row['structure']}"
        fits = pd.isna(row.get("problem", np.nan))
        rows.append((name if fits else f"{name}: refused", cells))
    return Grid("Image", (("Lattice of detected atoms", tuple(columns)),), tuple(rows))


CAPTION = (
    "The lattice of known crystals on atoms that SFIN detected in real images. Ratio "
    "of the two cell lengths against the crystal's, by the atoms and, as a second "
    "opinion, by the spots of the raw image's power spectrum: where both agree, the "
    "image itself is distorted (scan, strain), not the detection. Explained: atoms "
    "within a quarter of the distance of sites from one; RMS of their distances, and "
    "sites found, with smooth bends of the image taken out. "
)
