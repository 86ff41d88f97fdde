"""Imitate the noise of a real image, calibrate the imitation, and compare."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sfin.calibrated_images import CalibratedImage, image_parameters
from sfin.calibration import calibrate
from sfin.calibration_summary import summarise_images
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.parameters import PARAMETER_NAMES
from sfin.synthesis import SynthesisSettings, synthesise_pair

GOAL = 0.10
SHAPE_GOAL = 0.05


def remeasure(
    records: Sequence[CalibratedImage],
    structures: Sequence[ProjectedColumns],
    settings: SynthesisSettings,
    number: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Synthesise images from the calibration of each real one and calibrate them.

    Parameters
    ----------
    records
        Real images; those with warnings are left out.
    structures, settings
        What synthetic images are drawn from, as for a dataset.
    number
        Synthetic images per real one.
    seed
        Of the synthetic images.
    progress
        Called with the images that are done and their number.

    Returns
    -------
    DataFrame
        ``image, mode, estimator, quantity, real, synthetic, error``: the mean
        over the patches of the real image, the median over the synthetic ones,
        and their difference, relative but for the shape.
    """
    trusted = [record for record in records if not record.warnings]
    rows = []
    for done, record in enumerate(trusted, 1):
        distribution = summarise_images(record.mode, [record])
        # Of the size of the real patches, whatever that of the dataset.
        drawn = replace(settings, size=record.settings.patch_size)
        found = []
        for index in range(number):
            generator = np.random.default_rng([seed, done, index])
            pair = synthesise_pair(structures, distribution, drawn, generator)
            try:
                patch = calibrate(
                    pair.noisy.astype(np.float32), record.mode, record.settings
                )[0]
            except InputError:
                continue
            found.append(list(vars(patch.parameters).values()))
        if not found:
            raise InputError(
                f"No imitation of {record.image} could be calibrated: its calibration "
                "makes images without contrast; look at its picture in "
                f"results/calibration/{record.mode}/."
            )
        synthetic = np.median(found, axis=0)
        real = image_parameters(record)[0]
        for name, value in zip(PARAMETER_NAMES, synthetic, strict=True):
            truth = getattr(real, name)
            scale = 1.0 if name == "pointwise_shape" else abs(truth)
            rows.append(
                {
                    "image": record.image,
                    "mode": record.mode,
                    "estimator": record.settings.estimator,
                    "quantity": name,
                    "real": truth,
                    "synthetic": float(value),
                    "error": float(value - truth) / scale if scale else np.nan,
                }
            )
        if progress:
            progress(done, len(trusted))
    columns = ["image", "mode", "estimator", "quantity", "real", "synthetic", "error"]
    return pd.DataFrame(rows, columns=columns)


def summarise_remeasurement(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the median error of each quantity over the images of a mode.

    Returns
    -------
    DataFrame
        The columns of `sfin.closure.summarise_closure`; quantities are named
        ``remeasured_`` and the parameter.
    """
    summary = []
    keys = ["estimator", "mode", "quantity"]
    for (estimator, mode, quantity), group in rows.groupby(keys, sort=False):
        error = group["error"]
        summary.append(
            {
                "quantity": f"remeasured_{quantity}",
                "estimator": estimator,
                "mode": mode,
                "error": error.abs().median(),
                "spread": error.quantile(0.75) - error.quantile(0.25),
                "bias": error.median(),
                "goal": SHAPE_GOAL if quantity == "pointwise_shape" else GOAL,
                "points": len(group),
                "refused": 0,
            }
        )
    return pd.DataFrame(summary)
