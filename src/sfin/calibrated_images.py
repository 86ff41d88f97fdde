"""The calibration of whole image files, and its records on disk."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sfin.calibration import PatchCalibration, calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.image_quality import ImageQuality, assess
from sfin.image_quality import warnings as find_warnings
from sfin.images import Image, read_image, to_grey_levels
from sfin.parameters import Mode, NoiseParameters


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

    def __repr__(self) -> str:
        """Say in a line what was measured; the patches would fill a screen."""
        rows, columns = self.shape
        count = len(self.patches)
        doubts = f"; not to be trusted: {'; '.join(self.warnings)}"
        return (
            f"<Calibration of {self.image}, {self.mode}, {rows} × {columns} pixels, "
            f"{count} patch{'es' * (count != 1)}; `noise`, `patches`, `quality`"
            f"{doubts if self.warnings else ''}>"
        )

    @property
    def noise(self) -> NoiseParameters:
        """Mean noise of the patches."""
        return image_parameters(self)[0]


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
    return _record(json.loads(Path(path).read_text(encoding="utf-8")))


def read_shipped(path: str | Path) -> list[CalibratedImage]:
    """Read the images whose calibrations come with sfin, of one mode.

    Parameters
    ----------
    path
        A file in ``resources/calibration``: a list of what `write_calibrated_image`
        writes.
    """
    return [_record(each) for each in json.loads(Path(path).read_text("utf-8"))]


def _record(entries: dict[str, Any]) -> CalibratedImage:
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
