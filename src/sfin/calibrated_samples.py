"""Samples of noise parameters, of real images and of datasets, to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sfin.errors import InputError
from sfin.names import DATASET_NAMES, rank
from sfin.parameters import MODES, PARAMETER_NAMES

REAL = "real"


@dataclass(frozen=True)
class Sample:
    """The calibrated patches of the real images, or of a dataset, of one mode.

    Attributes
    ----------
    dataset, mode
        Name of the dataset, ``real`` for the real images, and mode.
    values
        Noise parameters, a row per calibrated patch.
    images
        Number of images the patches come from.
    left_out
        Images that could not be calibrated, or real ones left out with warnings.
    warnings
        Reasons not to trust what is in `values`.
    estimator
        Of the calibration; empty where the file does not say.
    scale, seed
        Of the dataset; None for the real images.
    patch_size, real_patch_size
        Edge in pixels of the patches of the dataset, and of those that the same
        settings cut from real images; None for the real images.
    shipped
        Whether these are the real images that come with sfin.
    """

    dataset: str
    mode: str
    values: pd.DataFrame
    images: int
    left_out: int
    warnings: tuple[str, ...]
    estimator: str
    scale: str | None = None
    seed: int | None = None
    patch_size: int | None = None
    real_patch_size: int | None = None
    shipped: bool = False


def read_samples(
    real: Sequence[str | Path], datasets: Sequence[str | Path]
) -> list[Sample]:
    """Read calibrations of real images and of datasets.

    Parameters
    ----------
    real
        Tables of patches by `sfin.calibrated_images`, one per mode; the rows
        that are not `used` are left out.
    datasets
        Tables by `sfin.calibrated_datasets`, one per dataset and mode.

    Returns
    -------
    list of Sample
        By mode, in the order of the paper, the real images last.

    Raises
    ------
    InputError
        If a file is no calibration, there are two of one dataset and mode, a
        mode has no real images, or two estimators were used.
    """
    samples = [_read_dataset(path) for path in datasets]
    samples += [_read_real(path) for path in real]
    found = [(sample.mode, sample.dataset) for sample in samples]
    for mode, dataset in found:
        if found.count((mode, dataset)) > 1:
            raise InputError(
                f"There are two calibrations of {dataset} {mode}; give one of each."
            )
        if (mode, REAL) not in found:
            raise InputError(
                f"{dataset} {mode} has no real images to be compared with: give "
                f"results/calibration/{mode}.csv too."
            )
    estimators = sorted({sample.estimator for sample in samples} - {""})
    if len(estimators) > 1:
        raise InputError(
            f"The images were calibrated by different estimators "
            f"({', '.join(estimators)}); calibrate all of them by one."
        )
    return sorted(samples, key=_rank)


def _rank(sample: Sample) -> tuple[int, int]:
    # As in the paper; the real images come last.
    place = len(DATASET_NAMES) + 1
    if sample.dataset != REAL:
        place = rank(DATASET_NAMES, sample.dataset)
    return rank(MODES, sample.mode), place


def _read_real(path: str | Path) -> Sample:
    table = _read(path, ["used", "shipped", "warnings"])
    used = table[table["used"]]
    return Sample(
        dataset=REAL,
        mode=str(table["mode"].iloc[0]),
        values=used[list(PARAMETER_NAMES)],
        images=used["image"].nunique(),
        left_out=table["image"].nunique() - used["image"].nunique(),
        shipped=bool(used["shipped"].all()),
        warnings=tuple(dict.fromkeys(used["warnings"].dropna())),
        estimator=str(used["estimator"].iloc[0]) if "estimator" in used else "",
    )


def _read_dataset(path: str | Path) -> Sample:
    sizes = ["patch_size", "real_patch_size"]
    table = _read(path, ["dataset", "scale", "seed", "problem", "estimator", *sizes])
    failed = table["problem"].notna()
    first = table.iloc[0]
    reasons = table.loc[failed, "problem"].value_counts()
    return Sample(
        dataset=str(first["dataset"]),
        mode=str(first["mode"]),
        values=table.loc[~failed, list(PARAMETER_NAMES)],
        images=table.loc[~failed, "image"].nunique(),
        left_out=table.loc[failed, "image"].nunique(),
        warnings=tuple(f"{count} times: {reason}" for reason, count in reasons.items()),
        estimator=str(first["estimator"]),
        scale=str(first["scale"]),
        seed=int(first["seed"]),
        patch_size=int(first["patch_size"]),
        real_patch_size=int(first["real_patch_size"]),
    )


def _read(path: str | Path, columns: list[str]) -> pd.DataFrame:
    """Read a table of calibrated patches that has at least a row."""
    needed = ["image", "mode", *PARAMETER_NAMES, *columns]
    try:
        table = pd.read_csv(path)
        empty = table[needed].empty
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no calibration; calibrate again.") from error
    if empty:
        raise InputError(f"{path} has no image; calibrate at least one.")
    return table
