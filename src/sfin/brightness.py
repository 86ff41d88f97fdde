"""How bright atoms and background of a denoised patch are (paper, equation 2)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import grey_opening, uniform_filter

from sfin.calibration_settings import CalibrationSettings
from sfin.parameters import Mode

FloatArray = NDArray[np.floating]


def brightness(
    smooth: FloatArray, mode: Mode, settings: CalibrationSettings
) -> tuple[float, float]:
    """Measure atoms over the background around them, and the background.

    The paper takes the range of the whole blurred patch for the brightness of
    the atoms, to which a background that varies adds its own range. Here the
    background is first found by a morphological opening, which removes what is
    narrower than its window.

    Parameters
    ----------
    smooth
        Denoised grey levels, shape (rows, columns).
    mode
        Whether atoms are bright or dark.
    settings
        Size of the window and of the margin.

    Returns
    -------
    atom_brightness, background_brightness
        Grey levels; the first is negative in BF.
    """
    sign = 1.0 if mode == "haadf" else -1.0
    upright = sign * smooth
    # Every second pixel will do for what is wider than the atoms.
    coarse = upright[::2, ::2]
    window = settings.background_window * 2 * atom_size(coarse)
    coarse = grey_opening(coarse, 2 * round(window / 4) + 1)
    smoothed = uniform_filter(coarse, max(round(window / 4), 1))
    rows, columns = upright.shape
    background = smoothed.repeat(2, axis=0).repeat(2, axis=1)[:rows, :columns]
    inside = (slice(settings.margin, -settings.margin or None),) * 2
    atoms = float((upright - background)[inside].max())
    return sign * atoms, sign * float(background.min())


def atom_size(image: FloatArray) -> float:
    """Estimate the standard deviation of the atoms, in pixels.

    The covariance of Gaussian spots with themselves is a Gaussian √2 as wide;
    its width is read off the first few distances along the columns, where noise
    is independent.
    """
    detail = image - uniform_filter(image, 31)
    distances = np.arange(1, 4)
    covariance = np.array([np.mean(detail[:-d] * detail[d:]) for d in distances])
    used = covariance > 0.3 * covariance[0]
    # Two points make a line; without contrast there is none, and no atom either.
    used[:2] = True
    logarithm = np.log(np.maximum(covariance[used], 1e-9))
    slope = np.polyfit(distances[used] ** 2, logarithm, 1)[0]
    return float(np.sqrt(1 / (4 * max(-slope, 1e-3))))
