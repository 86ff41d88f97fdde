"""Scan noise and gradient against grey level, over all patches of a dataset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.calibrated_samples import REAL
from sfin.calibration_settings import CalibrationSettings
from sfin.calibration_summary import patches_at_hand
from sfin.datasets import load_pairs
from sfin.errors import InputError
from sfin.images import read_image, to_grey_levels
from sfin.noise_curves import Curve
from sfin.paper_estimator import decompose, noise_curves

FloatArray = NDArray[np.float64]

# A grey level counts where at least this share of the patches has it.
MINIMUM_SHARE = 0.2


@dataclass(frozen=True)
class Band:
    """A curve of many patches, at `level`; all arrays have shape (levels,).

    Attributes
    ----------
    level
        Grey level.
    median, low, high
        Over the patches: median, 16th and 84th percentile.
    """

    level: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Trend:
    """Scan noise and gradient of the patches of one dataset and mode.

    Attributes
    ----------
    dataset, mode
        ``real`` or the name of a dataset, and mode.
    scan_noise
        Standard deviation of the scan noise against grey level.
    gradient
        Mean Sobel gradient against grey level.
    patches
        How many patches.
    left_out
        How many more had too little contrast.
    flagged
        Whether these are real images none of which is raw.
    """

    dataset: str
    mode: str
    scan_noise: Band
    gradient: Band
    patches: int
    left_out: int
    flagged: bool = False

    def line(self) -> tuple[float, float, float]:
        """Fit the scan noise by the gradient: slope, intercept, correlation."""
        gradient, noise = self.gradient.median, self.scan_noise.median
        slope, intercept = np.polyfit(gradient, noise, 1)
        return float(slope), float(intercept), float(np.corrcoef(gradient, noise)[0, 1])


def measure_trends(
    stores: Sequence[str | Path],
    tables: Sequence[str | Path],
    images: Sequence[str | Path],
    settings: CalibrationSettings,
) -> list[Trend]:
    """Measure the noisy images of datasets, and real images, the real ones last.

    Parameters
    ----------
    stores
        Datasets; paths that end in dataset/mode/split.zarr.
    tables
        Patches of the real images, by `sfin.calibrated_images`, one per mode;
        those that are `used` are measured.
    images
        Files of the real images; paths that end in mode/image.suffix.
    settings
        Constants of the calibration.

    Raises
    ------
    InputError
        If no patch of a dataset has enough contrast.
    """
    trends = []
    for store in map(Path, stores):
        dataset, mode = store.parts[-3:-1]
        noisy = load_pairs(store).noisy
        trends.append(measure_trend(dataset, mode, noisy, settings))
    files = {(path.parent.name, path.stem): path for path in map(Path, images)}
    for table in tables:
        patches = real_patches(table, files, settings.patch_size)
        trend = measure_trend(REAL, Path(table).stem, patches, settings)
        warned = patches_at_hand(pd.read_csv(table))["warnings"].notna().all()
        trends.append(replace(trend, flagged=bool(warned)))
    return trends


def measure_trend(
    dataset: str,
    mode: str,
    patches: Iterable[NDArray[np.generic]],
    settings: CalibrationSettings,
) -> Trend:
    """Measure scan noise and gradient by the paper's estimator.

    Parameters
    ----------
    dataset, mode
        Names of what is measured.
    patches
        Grey levels (0–255), each of shape (rows, columns).
    settings
        Constants of the calibration.

    Raises
    ------
    InputError
        If no patch has enough contrast.
    """
    noise: list[Curve] = []
    gradient: list[Curve] = []
    left_out = 0
    for patch in patches:
        parts = decompose(patch.astype(np.float64), settings)
        try:
            curves = noise_curves(parts, settings)
        except InputError:
            left_out += 1
            continue
        noise.append(curves.scan_by_grey)
        gradient.append(curves.gradient_by_grey)
    if not noise:
        raise InputError(
            f"Figure 8 has nothing to draw: no patch of {dataset} {mode} has enough "
            "contrast."
        )
    width = settings.grey_bin_width
    return Trend(
        dataset, mode, band(noise, width), band(gradient, width), len(noise), left_out
    )


def band(curves: Sequence[Curve], width: float) -> Band:
    """Sum up curves over bins of one width, level by level.

    Levels that fewer than a fifth of the curves have are left out.
    """
    levels = [np.floor(curve.x / width).astype(int) for curve in curves]
    first = min(int(level.min()) for level in levels)
    last = max(int(level.max()) for level in levels)
    values = np.full((len(curves), last - first + 1), np.nan)
    for row, level, curve in zip(values, levels, curves, strict=True):
        row[level - first] = curve.y
    present = np.isfinite(values).sum(axis=0)
    kept = present >= max(1.0, MINIMUM_SHARE * len(curves))
    low, median, high = np.nanpercentile(values[:, kept], (16, 50, 84), axis=0)
    level = (np.arange(first, last + 1)[kept] + 0.5) * width
    return Band(level, median, low, high)


def real_patches(
    table: str | Path, images: Mapping[tuple[str, str], Path], patch_size: int
) -> Iterator[NDArray[np.float32]]:
    """Cut out the patches of real images that the calibration used.

    Parameters
    ----------
    table
        Patches of a mode, by `sfin.calibrated_images`.
    images
        File of each image, by mode and name.
    patch_size
        Edge of the patches, in pixels.
    """
    patches = pd.read_csv(table, dtype={"image": str})
    used = patches_at_hand(patches)
    for (mode, name), places in used.groupby(["mode", "image"], sort=False):
        grey, _ = to_grey_levels(read_image(images[str(mode), str(name)]).data)
        for row, column in zip(places["row"], places["column"], strict=True):
            yield grey[row : row + patch_size, column : column + patch_size]
