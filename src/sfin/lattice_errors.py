"""How far what a lattice says depends on a part of the image."""

from dataclasses import dataclass

import numpy as np

from sfin.lattice_geometry import Placement
from sfin.lattice_start import FloatArray

# The image is cut in so many parts along each side.
PARTS = 4


@dataclass(frozen=True)
class Jackknife:
    """Standard errors: of the cell's ratio and angle, the pixel size, the scan.

    In the units of `Placement`.
    """

    ratio: float
    angle: float
    pixel_size: float
    scan_ratio: float
    scan_shear: float


def jackknife(
    placement: Placement,
    positions: FloatArray,
    crystal: FloatArray,
    shape: tuple[int, int],
) -> Jackknife:
    """Fit again without each of 16 parts of the image, and see how results vary.

    Neighbouring atoms are displaced together by the scan, so errors that count each
    atom as independent would be too small.
    """
    parts = np.floor(positions / np.array(shape[::-1]) * PARTS).clip(0, PARTS - 1)
    number = parts @ np.array([1, PARTS])
    values = [
        _values(placement.fitted_to(positions, crystal, (number != part).astype(float)))
        for part in np.unique(number)
    ]
    count = len(values)
    variance = np.var(values, axis=0) * (count - 1)
    # One part alone says nothing of its own spread.
    return Jackknife(*np.sqrt(variance) if count > 1 else np.full(5, np.nan))


def _values(placement: Placement) -> tuple[float, ...]:
    return (
        placement.ratio,
        placement.angle,
        placement.pixel_size,
        placement.scan_ratio,
        placement.scan_shear,
    )
