"""The calibration of whole image files: records on disk and their summary."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from sfin.calibration import PatchCalibration, calibrate, white_noise_ratio
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.images import read_image, to_grey_levels
from sfin.parameters import Mode, NoiseDistribution, NoiseParameters, summarise


@dataclass(frozen=True)
class CalibratedImage:
    """What calibration found in one image.

    Attributes
    ----------
    image, mode
        Name and mode of the image.
    pixel_size
        In Å, if known.
    shape
        Rows and columns of the image.
    white_noise
        Power near the Nyquist frequency relative to that at half of it.
    warnings
        Reasons not to trust the calibration; none for a raw image.
    patches
        The noise of each patch.
    settings
        Constants of the calibration.
    """

    image: str
    mode: Mode
    pixel_size: float | None
    shape: tuple[int, int]
    white_noise: float
    warnings: tuple[str, ...]
    patches: tuple[PatchCalibration, ...]
    settings: CalibrationSettings


def calibrate_file(
    path: str | Path,
    name: str,
    mode: Mode,
    settings: CalibrationSettings,
    pixel_size: float | None = None,
) -> CalibratedImage:
    """Calibrate an image file.

    Parameters
    ----------
    path
        File of any format `sfin.images.read_image` reads.
    name
        Name of the image in tables.
    mode
        Mode of the image.
    settings
        Constants of the calibration.
    pixel_size
        In Å, for files that do not say it themselves.

    Raises
    ------
    InputError
        If the file cannot be read or calibrated; the sentence names it.
    """
    image = read_image(path, pixel_size=pixel_size)
    grey, _ = to_grey_levels(image.data)
    try:
        patches = calibrate(grey, mode, settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    ratio = white_noise_ratio(grey)
    warnings = []
    if ratio < settings.minimum_white_noise:
        warnings.append(
            f"filtered, averaged or resampled: {ratio:.2f} of the white noise is "
            f"left near the Nyquist frequency, a raw image keeps at least "
            f"{settings.minimum_white_noise:.2f}"
        )
    rows, columns = grey.shape
    return CalibratedImage(
        image=name,
        mode=mode,
        pixel_size=image.pixel_size,
        shape=(rows, columns),
        white_noise=ratio,
        warnings=tuple(warnings),
        patches=tuple(patches),
        settings=settings,
    )


def write_calibrated_image(path: str | Path, record: CalibratedImage) -> None:
    """Write the calibration of one image as JSON."""
    text = json.dumps(asdict(record), indent=2) + "\n"
    write_whole(path, text)


def read_calibrated_image(path: str | Path) -> CalibratedImage:
    """Read what `write_calibrated_image` wrote."""
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    patches = [
        PatchCalibration(
            patch["row"], patch["column"], NoiseParameters(**patch["parameters"])
        )
        for patch in entries["patches"]
    ]
    changed = {
        "shape": tuple(entries["shape"]),
        "warnings": tuple(entries["warnings"]),
        "patches": tuple(patches),
        "settings": CalibrationSettings(**entries["settings"]),
    }
    return CalibratedImage(**entries | changed)


def trusted_images(records: Sequence[CalibratedImage]) -> list[CalibratedImage]:
    """Leave out images with warnings, unless there are no others."""
    trusted = [record for record in records if not record.warnings]
    return trusted or list(records)


def summarise_images(
    mode: Mode, records: Sequence[CalibratedImage]
) -> NoiseDistribution:
    """Describe the noise of all trusted images of a mode by one distribution.

    Raises
    ------
    InputError
        If there is no image.
    """
    return summarise(
        mode,
        {
            record.image: [patch.parameters for patch in record.patches]
            for record in trusted_images(records)
        },
    )


def patch_table(records: Sequence[CalibratedImage]) -> pd.DataFrame:
    """List all patches of all images, a row each."""
    trusted = {record.image for record in trusted_images(records)}
    rows = [
        {
            "image": record.image,
            "mode": record.mode,
            "row": patch.row,
            "column": patch.column,
            **asdict(patch.parameters),
            "white_noise": record.white_noise,
            "used": record.image in trusted,
            "warnings": "; ".join(record.warnings),
        }
        for record in records
        for patch in record.patches
    ]
    return pd.DataFrame(rows)
