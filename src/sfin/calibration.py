"""Measure the noise of a STEM image from the image itself (paper, section 3.2).

An image is cut into patches, since the background differs between places, and
each is calibrated on its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin import debiased_estimator, paper_estimator
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.parameters import Mode, NoiseParameters

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class PatchCalibration:
    """The noise of one patch.

    Attributes
    ----------
    row, column
        First row and column of the patch.
    parameters
        The noise.
    standard_errors
        Of each parameter; None from the paper's estimator, which has none.
    """

    row: int
    column: int
    parameters: NoiseParameters
    standard_errors: NoiseParameters | None


def calibrate(
    image: FloatArray, mode: Mode, settings: CalibrationSettings
) -> list[PatchCalibration]:
    """Calibrate every whole patch of an image.

    Parameters
    ----------
    image
        Grey levels (0–255), shape (rows, columns), fast scan along the rows.
    mode
        Whether atoms are bright (``haadf``) or dark (``bf``).
    settings
        Constants of the method.

    Returns
    -------
    list of PatchCalibration
        One for each whole patch, centred in the image as a grid.

    Raises
    ------
    InputError
        If the image is smaller than a patch, or a patch has too little contrast.
    """
    size = settings.patch_size
    rows, columns = image.shape
    if rows < size or columns < size:
        raise InputError(
            f"The image is {rows} × {columns} pixels, smaller than a patch of "
            f"{size} × {size}: use a larger image or a smaller calibration.patch_size."
        )
    starts = [
        (row, column)
        for row in range(rows % size // 2, rows - size + 1, size)
        for column in range(columns % size // 2, columns - size + 1, size)
    ]
    found = []
    for row, column in starts:
        patch = image[row : row + size, column : column + size]
        if settings.estimator == "paper":
            noise = paper_estimator.estimate(patch, mode, settings)
            found.append(PatchCalibration(row, column, noise, None))
        else:
            estimate = debiased_estimator.estimate(patch, mode, settings)
            noise, errors = estimate.parameters, estimate.standard_errors
            found.append(PatchCalibration(row, column, noise, errors))
    return found
