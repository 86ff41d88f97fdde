"""The calibration of synthetic images, with the settings of the real ones."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.datasets import Pairs
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.parameters import PARAMETER_NAMES, Mode

# Grey levels, or grey levels per grey level, that no noise of 8-bit images exceeds.
LIMITS = dict.fromkeys(PARAMETER_NAMES, 255.0) | {
    "atom_brightness": 510.0,
    "background_brightness": 510.0,
    "scan_slope": 2.0,
    "pointwise_slope": 2.0,
}


def calibrate_pairs(
    pairs: Pairs,
    mode: Mode,
    settings: CalibrationSettings,
    origin: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Calibrate the noisy images of a dataset as if they were real.

    Parameters
    ----------
    pairs
        Dataset.
    mode
        Of its images.
    settings
        Constants of the calibration. Where images are smaller than a patch, the
        whole image is the patch.
    origin
        What every row says about where the dataset comes from: ``dataset``,
        ``scale``, ``seed``.
    progress
        Called with the images that are done and their number.

    Returns
    -------
    DataFrame
        A row per patch (an image of 256 × 256 pixels is one): `origin`, the
        number of the image, the place of the patch, the seven parameters,
        `estimator`, `patch_size`, and `real_patch_size`, which the settings ask
        for. An image that cannot be calibrated has one row, whose parameters
        are missing and whose `problem` says why.
    """
    edge = min(settings.patch_size, *pairs.noisy.shape[1:])
    own = replace(settings, patch_size=edge)
    missing = dict.fromkeys(PARAMETER_NAMES, float("nan"))
    rows: list[dict[str, Any]] = []
    for index, image in enumerate(pairs.noisy):
        number = {**origin, "mode": mode, "image": index}
        try:
            patches = calibrate(image.astype(np.float32), mode, own)
        except InputError as error:
            rows.append(number | missing | {"problem": str(error)})
            patches = []
        for patch in patches:
            values = asdict(patch.parameters)
            place = {"row": patch.row, "column": patch.column}
            problem = _impossible(values)
            rows.append(
                number | place | (missing if problem else values) | {"problem": problem}
            )
        if progress:
            progress(index + 1, len(pairs.noisy))
    table = pd.DataFrame(rows)
    return table.assign(
        estimator=settings.estimator,
        patch_size=edge,
        real_patch_size=settings.patch_size,
    )


def _impossible(values: Mapping[str, float]) -> str:
    # Why these cannot be the noise of an 8-bit image; "" if they can. Whose noise is of
    # another kind, such as a GAN's, may lead the estimator anywhere.
    for name, limit in LIMITS.items():
        if not abs(values[name]) <= limit:
            return f"its {name.replace('_', ' ')} comes out beyond ±{limit:g}"
    return ""


def write_calibrated_dataset(path: str | Path, table: pd.DataFrame) -> None:
    """Write the calibration of a dataset as CSV."""
    write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def summary(table: pd.DataFrame) -> str:
    """Say how many images could be calibrated, and why the others could not."""
    failed = table[table["problem"] != ""]
    lines = [
        f"{table['image'].nunique()} images, {len(table) - len(failed)} patches of "
        f"{table['patch_size'].iloc[0]} × {table['patch_size'].iloc[0]} pixels "
        f"calibrated ({table['estimator'].iloc[0]} estimator), {len(failed)} not"
    ]
    counts = failed["problem"].value_counts()
    lines += [f"{count} images: {problem}" for problem, count in counts.items()]
    lines.append(table[list(PARAMETER_NAMES)].describe().T.to_string())
    return "\n".join(lines)
