"""Measure the noise of a STEM image from the image itself (paper, section 3.2).

An image is cut into patches, since the background differs between places, and
each is calibrated on its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.paper_estimator import estimate
from sfin.parameters import Mode, NoiseParameters

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class PatchCalibration:
    """The noise of one patch and where it lies (its first row and column)."""

    row: int
    column: int
    parameters: NoiseParameters


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
    return [
        PatchCalibration(
            row,
            column,
            estimate(image[row : row + size, column : column + size], mode, settings),
        )
        for row, column in starts
    ]


def white_noise_ratio(image: FloatArray) -> float:
    """Compare the power near the Nyquist frequency with that at half of it.

    Raw images hold white noise and give 0.4 to 1; filtered, averaged or
    resampled ones lie below 0.25. Along the columns only, because scan noise
    is smooth along the rows.
    """
    centred = np.asarray(image, dtype=np.float64)
    centred = centred - centred.mean()
    window = np.hanning(centred.shape[0])[:, None] * np.hanning(centred.shape[1])
    power = np.abs(np.fft.rfft2(centred * window)) ** 2
    vertical = np.abs(np.fft.fftfreq(centred.shape[0]))[:, None]
    horizontal = np.fft.rfftfreq(centred.shape[1])[None, :]
    radius = np.hypot(vertical, horizontal)
    # Medians: the peaks of a lattice may lie in either band.
    near = np.median(power[(radius > 0.42) & (radius <= 0.5)])
    middle = np.median(power[(radius > 0.2) & (radius <= 0.3)])
    return float(near / middle) if middle > 0 else 0.0
