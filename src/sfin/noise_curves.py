"""Noise as a function of grey level or gradient: bins, curves and their lines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel

from sfin.errors import InputError
from sfin.tukey_lambda import tukey_lambda_shape

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A quantity in bins of a variable; all arrays have shape (bins,).

    Attributes
    ----------
    x
        Mean of the variable in each bin.
    y
        The quantity: a standard deviation, a mean or a shape.
    count
        Pixels in each bin.
    """

    x: FloatArray
    y: FloatArray
    count: FloatArray

    def fit(self) -> tuple[float, float]:
        """Fit a straight line, unweighted: slope and intercept."""
        slope, intercept = np.polyfit(self.x, self.y, 1)
        return float(slope), float(intercept)


def sobel_magnitude(image: FloatArray) -> FloatArray:
    """Take the magnitude of the un-normalised 3 × 3 Sobel gradient."""
    magnitude: FloatArray = np.hypot(sobel(image, axis=0), sobel(image, axis=1))
    return magnitude


def mean_curve(
    variable: FloatArray, values: FloatArray, bin_width: float, minimum_fraction: float
) -> Curve:
    """Take the mean of values in bins of a variable.

    Parameters
    ----------
    variable, values
        Arrays of one shape.
    bin_width
        In units of the variable.
    minimum_fraction
        Bins with a smaller share of the pixels are left out.

    Raises
    ------
    InputError
        If fewer than two bins hold enough pixels for a line to be fitted.
    """
    bins = _bins(variable, bin_width)
    count = np.bincount(bins).astype(np.float64)
    kept = count >= max(2.0, minimum_fraction * variable.size)
    if kept.sum() < 2:
        raise InputError(
            "The image has too little contrast to be calibrated: it needs atoms "
            "on a background, in focus."
        )
    x, y = (
        np.bincount(bins, array.ravel())[kept] / count[kept]
        for array in (variable, values)
    )
    return Curve(x, y, count[kept])


def deviation_curve(
    variable: FloatArray, noise: FloatArray, bin_width: float, minimum_fraction: float
) -> Curve:
    """Take the standard deviation of a noise in bins of a variable.

    Parameters and errors are those of `mean_curve`.
    """
    first = mean_curve(variable, noise, bin_width, minimum_fraction)
    # Far from zero the difference of squares would lose digits; noise is not.
    second = mean_curve(variable, noise**2, bin_width, minimum_fraction)
    variance = np.maximum(second.y - first.y**2, 0)
    return Curve(first.x, np.sqrt(variance), first.count)


def shape_curve(
    grey: FloatArray, noise: FloatArray, bin_width: float, minimum_fraction: float
) -> Curve:
    """Fit the Tukey-lambda shape of a noise in bins of grey level.

    Bins with fewer than 100 pixels are left out too: their shape means nothing.
    """
    bins = _bins(grey, bin_width)
    order = np.argsort(bins, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(bins[order])) + 1)
    minimum = max(100.0, minimum_fraction * grey.size)
    kept = [part for part in parts if part.size >= minimum]
    values = noise.ravel()
    return Curve(
        x=np.array([grey.ravel()[part].mean() for part in kept]),
        y=np.array([tukey_lambda_shape(values[part]) for part in kept]),
        count=np.array([float(part.size) for part in kept]),
    )


def _bins(variable: FloatArray, width: float) -> NDArray[np.intp]:
    index: NDArray[np.intp] = np.floor(variable.ravel() / width).astype(np.intp)
    index -= index.min()
    return index
