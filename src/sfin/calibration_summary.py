"""What the calibrations of all images of a mode say together, and which count."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from sfin.calibrated_images import CalibratedImage, image_parameters
from sfin.calibration import PatchCalibration
from sfin.parameters import Mode, NoiseDistribution, summarise

# Robust standard deviations from the median beyond which an image is broken:
# real images of six microscopes stay within 15.
OUTLIER = 20.0


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
    mode: Mode,
    records: Sequence[CalibratedImage],
    shipped: Sequence[CalibratedImage] = (),
) -> NoiseDistribution:
    """Describe the noise of all trusted images of a mode by one distribution.

    Parameters
    ----------
    mode
        Of all the images.
    records
        Images of the run.
    shipped
        What comes with sfin, taken if none of `records` is raw; none: records with
        warnings are taken then.

    Raises
    ------
    InputError
        If there is no image.
    """
    replaced = _replaced(records, shipped)
    used = list(shipped) if replaced else trusted_images(records)
    distribution = summarise(
        mode,
        {
            record.image: [patch.parameters for patch in record.patches]
            for record in used
        },
    )
    flagged = records if replaced else used
    reasons = "; ".join(
        f"{record.image}: {text}" for record in flagged for text in record.warnings
    )
    if not reasons:
        return distribution
    text = f"noise that is not to be trusted ({reasons}) and says little of raw images"
    if replaced:
        text = (
            f"the noise of {len(used)} raw images that come with sfin, for no image of "
            f"this run is raw ({reasons})"
        )
    return replace(distribution, warnings=(text,))


def _replaced(
    records: Sequence[CalibratedImage], shipped: Sequence[CalibratedImage]
) -> bool:
    return bool(shipped) and all(record.warnings for record in records)


def patch_table(
    records: Sequence[CalibratedImage], shipped: Sequence[CalibratedImage] = ()
) -> pd.DataFrame:
    """List all patches of all images, a row each.

    ``used`` are those that the noise of the mode is taken from; ``shipped`` those
    that come with sfin, which are listed only where they are used.
    """
    replaced = _replaced(records, shipped)
    trusted = [] if replaced else [record.image for record in trusted_images(records)]
    listed = [(record, record.image in trusted, False) for record in records]
    if replaced:
        listed += [(record, True, True) for record in shipped]
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
            "used": used,
            "shipped": comes_with_sfin,
            "warnings": "; ".join(record.warnings),
        }
        for record, used, comes_with_sfin in listed
        for patch in record.patches
    ]
    return pd.DataFrame(rows)


def patches_at_hand(table: pd.DataFrame) -> pd.DataFrame:
    """Choose patches that can be looked at, of what `patch_table` lists.

    Those that are used, or those of the run's own images where the noise is that of
    images which are not here.
    """
    own = table[~table["shipped"]]
    return own[own["used"]] if own["used"].any() else own


def _errors(patch: PatchCalibration) -> dict[str, float]:
    if patch.standard_errors is None:
        return {}
    errors = vars(patch.standard_errors)
    return {f"{name}_standard_error": value for name, value in errors.items()}
