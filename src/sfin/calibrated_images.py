"""The calibration of whole image files: records on disk and their summary."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sfin.calibration import PatchCalibration, calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.image_quality import ImageQuality, assess
from sfin.image_quality import warnings as find_warnings
from sfin.images import Image, read_image, to_grey_levels
from sfin.parameters import Mode, NoiseDistribution, NoiseParameters, summarise

# Robust standard deviations from the median beyond which an image is broken:
# real images of six microscopes stay within 15.
OUTLIER = 20.0


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
    quality
        Measures that decide whether the calibration means something.
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
    quality: ImageQuality
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
    try:
        return calibrate_image(image, name, mode, settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def calibrate_image(
    image: Image, name: str, mode: Mode, settings: CalibrationSettings
) -> CalibratedImage:
    """Calibrate an image that was read.

    Parameters
    ----------
    image
        As from `sfin.images.read_image`.
    name, mode, settings
        As for `calibrate_file`.

    Raises
    ------
    InputError
        If it cannot be calibrated; the sentence does not name the file.
    """
    grey, _ = to_grey_levels(image.data)
    patches = calibrate(grey, mode, settings)
    quality = assess(image.data, patches)
    rows, columns = grey.shape
    return CalibratedImage(
        image=name,
        mode=mode,
        pixel_size=image.pixel_size,
        shape=(rows, columns),
        quality=quality,
        warnings=tuple(find_warnings(quality, settings)),
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
            row=patch["row"],
            column=patch["column"],
            parameters=NoiseParameters(**patch["parameters"]),
            standard_errors=NoiseParameters(**patch["standard_errors"])
            if patch["standard_errors"]
            else None,
        )
        for patch in entries["patches"]
    ]
    changed = {
        "shape": tuple(entries["shape"]),
        "quality": ImageQuality(**entries["quality"]),
        "warnings": tuple(entries["warnings"]),
        "patches": tuple(patches),
        "settings": CalibrationSettings(**entries["settings"]),
    }
    return CalibratedImage(**entries | changed)


def image_parameters(
    record: CalibratedImage,
) -> tuple[NoiseParameters, NoiseParameters | None]:
    """Take the mean noise of an image and its standard errors.

    With several patches the errors are those of the mean, from the spread of
    the patches; with one they are those of the patch.
    """
    values = np.array([list(vars(p.parameters).values()) for p in record.patches])
    mean = NoiseParameters(*map(float, values.mean(axis=0)))
    if len(values) == 1:
        return mean, record.patches[0].standard_errors
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return mean, NoiseParameters(*map(float, errors))


def trusted_images(records: Sequence[CalibratedImage]) -> list[CalibratedImage]:
    """Leave out images with warnings, unless there are no others, and outliers.

    An outlier is an image of which a parameter lies more than `OUTLIER` robust
    standard deviations from the median of all; there must be five or more.
    """
    trusted = [record for record in records if not record.warnings] or list(records)
    if len(trusted) < 5:
        return trusted
    means = [image_parameters(record)[0] for record in trusted]
    values = np.array([list(vars(mean).values()) for mean in means])
    away = np.abs(values - np.median(values, axis=0))
    # 1.4826 makes the median deviation that of a normal distribution; images
    # that agree to 1 % are no measure of what is far away.
    scale = 1.4826 * np.median(away, axis=0) + 0.01 * np.abs(np.median(values, axis=0))
    near = (away <= OUTLIER * scale).all(axis=1)
    return [record for record, is_near in zip(trusted, near, strict=True) if is_near]


def summarise_images(
    mode: Mode, records: Sequence[CalibratedImage]
) -> NoiseDistribution:
    """Describe the noise of all trusted images of a mode by one distribution.

    Raises
    ------
    InputError
        If there is no image.
    """
    used = trusted_images(records)
    distribution = summarise(
        mode,
        {
            record.image: [patch.parameters for patch in record.patches]
            for record in used
        },
    )
    warnings = [
        f"{record.image}: {text}" for record in used for text in record.warnings
    ]
    return replace(distribution, warnings=tuple(warnings))


def patch_table(records: Sequence[CalibratedImage]) -> pd.DataFrame:
    """List all patches of all images, a row each."""
    trusted = {record.image for record in trusted_images(records)}
    rows = [
        {
            "image": record.image,
            "mode": record.mode,
            "estimator": record.settings.estimator,
            "row": patch.row,
            "column": patch.column,
            **asdict(patch.parameters),
            **_errors(patch),
            "white_noise": record.quality.white_noise,
            "used": record.image in trusted,
            "warnings": "; ".join(record.warnings),
        }
        for record in records
        for patch in record.patches
    ]
    return pd.DataFrame(rows)


def _errors(patch: PatchCalibration) -> dict[str, float]:
    if patch.standard_errors is None:
        return {}
    errors = vars(patch.standard_errors)
    return {f"{name}_standard_error": value for name, value in errors.items()}
