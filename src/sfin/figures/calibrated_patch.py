"""Which patch of a calibrated image is drawn, and what is said of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sfin.calibrated_images import CalibratedImage
from sfin.calibration import PatchCalibration
from sfin.errors import InputError
from sfin.images import read_image, to_grey_levels

READING = (
    "Black lines: the paper's estimator. In (b), orange: brightest, blue: "
    "darkest place within the margin (dashed); their difference is its atom "
    "brightness. Light red: bins with too few pixels, left out of the fits. "
    "Atoms still seen in (f) were blurred away along the rows with the noise. Grey "
    "levels: 0 and 255 are the 0.1 and 99.9 percentiles of the image."
)


def central_patch(record: CalibratedImage) -> PatchCalibration:
    """Choose the calibrated patch nearest to the centre, the first of equals.

    Raises
    ------
    InputError
        If no patch was calibrated.
    """
    if not record.patches:
        raise InputError(
            f"No patch of {record.image} was calibrated, so there is none to draw."
        )
    size = record.settings.patch_size
    rows, columns = record.shape

    def distance(patch: PatchCalibration) -> int:
        # Twice the distance, in whole pixels: equals stay equal.
        down, right = 2 * patch.row + size - rows, 2 * patch.column + size - columns
        return down**2 + right**2

    return min(record.patches, key=distance)


def patch_region(
    record: CalibratedImage, patch: PatchCalibration
) -> tuple[slice, slice]:
    """Give rows and columns of a patch in its image."""
    size = record.settings.patch_size
    return slice(patch.row, patch.row + size), slice(patch.column, patch.column + size)


def read_grey_levels(path: str | Path, record: CalibratedImage) -> NDArray[np.float32]:
    """Read the image of a calibration as grey levels, (rows, columns).

    Raises
    ------
    InputError
        If the file cannot be read, or has another shape than was calibrated.
    """
    grey, _ = to_grey_levels(read_image(path).data)
    if grey.shape != record.shape:
        raise InputError(
            f"{path} is {grey.shape[0]} × {grey.shape[1]} pixels and its calibration "
            f"is of {record.shape[0]} × {record.shape[1]}: calibrate it again."
        )
    return grey


def describe(record: CalibratedImage, patch: PatchCalibration) -> str:
    """Say in sentences which patch is drawn, how to read it, and the settings."""
    size, own = record.settings.patch_size, record.settings
    return (
        f"Shown is the calibrated patch of {size} × {size} pixels nearest to the "
        f"centre of the {record.shape[0]} × {record.shape[1]} image, from row "
        f"{patch.row}, column {patch.column}. {READING} "
        f"Blurs {own.blur_sigma:g} px, along rows {own.row_blur_sigma:g} px; margin "
        f"{own.margin} px; bins of {own.grey_bin_width:g} grey level, of "
        f"{own.gradient_bin_width:g} in gradient, for λ of {own.shape_bin_width:g}, "
        f"with at least {100 * own.minimum_bin_fraction:g} % of the pixels. No "
        "scale and no seed: measured on a real image."
    )
