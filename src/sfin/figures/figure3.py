"""Figure 3: the calibration of one real image."""

from collections.abc import Sequence
from pathlib import Path

from sfin.calibrated_images import read_calibrated_image
from sfin.calibration_summary import trusted_images
from sfin.errors import InputError
from sfin.figures.calibrated_patch import (
    central_patch,
    describe,
    patch_region,
    read_grey_levels,
)
from sfin.figures.calibration import calibration_figure
from sfin.figures.style import write_figure


def figure3(
    image_paths: Sequence[str | Path],
    record_paths: Sequence[str | Path],
    base_path: str | Path,
    version: str,
) -> str:
    """Draw Figure 3 for the first image that can be trusted, and write it.

    Parameters
    ----------
    image_paths, record_paths
        Image files of one mode and their calibrations, in the same order.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.

    Returns
    -------
    str
        The caption. The files hold it too.

    Raises
    ------
    InputError
        If there is no image, or one cannot be read.
    """
    records = [read_calibrated_image(path) for path in record_paths]
    if not records:
        raise InputError("There is no calibrated image to draw Figure 3 of.")
    place = records.index(trusted_images(records)[0])
    record = records[place]
    patch = central_patch(record)
    mode = record.mode.upper()
    choice = f"the first trusted {mode} image of the config"
    if record.warnings:
        choice = f"no {mode} image is trusted; this one: {'; '.join(record.warnings)}"
    caption = (
        f"Figure 3. Calibration of scan noise and pointwise noise of the real {mode} "
        f"image {record.image} ({choice}). {describe(record, patch)} sfin {version}."
    )
    figure = calibration_figure(
        read_grey_levels(image_paths[place], record)[patch_region(record, patch)],
        record.mode,
        record.settings,
        f"{record.image}, {mode}",
        record.pixel_size,
        caption,
    )
    write_figure(base_path, figure, caption)
    return caption
