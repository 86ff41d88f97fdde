"""What the fit of a known crystal says of an image, as one row of a table."""

import numpy as np
import pandas as pd

from sfin.lattice_fit import LatticeFit
from sfin.lattice_geometry import Placement

PICOMETRES = 100  # per Å


def lattice_table(
    fit: LatticeFit, image: str, spectrum: Placement | None = None
) -> pd.DataFrame:
    """Make a table of one row, ready to be put under those of other images.

    Parameters
    ----------
    fit
        A crystal laid over the atoms of an image.
    image
        Name of the image.
    spectrum
        What the image's power spectrum says of the same lattice.

    Returns
    -------
    DataFrame
        ``image``, ``structure``, ``mode``, ``atoms``;
        ``first_length``, ``second_length``
        of the cell (px, and Å by the file's pixel size where that is known);
        ``ratio`` of the two, ``crystal_ratio``, ``ratio_deviation`` (relative) and
        its ``_error``, ``spectrum_ratio_deviation`` by the power spectrum;
        ``angle``, ``crystal_angle``, ``angle_error`` (degrees);
        ``pixel_size`` that the crystal implies and its ``_error`` (Å),
        ``file_pixel_size``, ``pixel_size_ratio``; ``scan_ratio`` and ``scan_shear``
        (degrees) with errors, ``distortion``: see `sfin.lattice_geometry.Placement`;
        ``rotation`` (degrees), ``mirrored``; ``radius`` within which an atom is
        explained (px, Å), ``chance``; ``explained`` and ``found`` with
        ``rms_along`` and ``rms_across`` the fast scan (px, pm), for the straight
        lattice and, beginning with ``bent_``, for one that bends with the image;
        ``motif_error_pm``, how far columns lie from their place within the cell;
        ``found_by_species``.
    """
    placement, errors = fit.placement, fit.errors
    lattice = fit.columns.lattice
    lengths = np.linalg.norm(placement.cell, axis=1)
    crystal_lengths = np.linalg.norm(lattice, axis=1)
    crystal_ratio = float(crystal_lengths[0] / crystal_lengths[1])
    cosine = lattice[0] @ lattice[1] / crystal_lengths.prod()
    file_pixel_size = np.nan if fit.file_pixel_size is None else fit.file_pixel_size
    spectrum_ratio = np.nan if spectrum is None else spectrum.ratio
    row: dict[str, object] = {
        "image": image,
        "structure": fit.columns.structure,
        "mode": fit.mode,
        "atoms": len(fit.positions),
        "first_length_px": lengths[0],
        "second_length_px": lengths[1],
        "first_length_angstrom": lengths[0] * file_pixel_size,
        "second_length_angstrom": lengths[1] * file_pixel_size,
        "ratio": placement.ratio,
        "crystal_ratio": crystal_ratio,
        "ratio_deviation": placement.ratio / crystal_ratio - 1,
        "ratio_deviation_error": errors.ratio / crystal_ratio,
        "spectrum_ratio_deviation": spectrum_ratio / crystal_ratio - 1,
        "angle": placement.angle,
        "crystal_angle": float(np.degrees(np.arccos(cosine))),
        "angle_error": errors.angle,
        "pixel_size": placement.pixel_size,
        "pixel_size_error": errors.pixel_size,
        "file_pixel_size": file_pixel_size,
        "pixel_size_ratio": placement.pixel_size / file_pixel_size,
        "scan_ratio": placement.scan_ratio,
        "scan_ratio_error": errors.scan_ratio,
        "scan_shear": placement.scan_shear,
        "scan_shear_error": errors.scan_shear,
        "distortion": placement.distortion,
        "rotation": placement.rotation,
        "mirrored": placement.mirrored,
        "radius_px": fit.radius,
        "radius_angstrom": fit.radius * placement.pixel_size,
        "chance": fit.chance,
    }
    for name, match in (("", fit.straight), ("bent_", fit.bent)):
        row[f"{name}explained"] = match.explained_fraction
        row[f"{name}found"] = match.found_fraction
        for side, rms in zip(("along", "across"), match.rms, strict=True):
            row[f"{name}rms_{side}_px"] = rms
            row[f"{name}rms_{side}_pm"] = rms * placement.pixel_size * PICOMETRES
    row["motif_error_pm"] = fit.motif_error * placement.pixel_size * PICOMETRES
    row["found_by_species"] = ", ".join(
        f"{species} {share:.3f}" for species, share in fit.found_by_species.items()
    )
    return pd.DataFrame([row])
