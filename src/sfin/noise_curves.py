"""Noise as a function of grey level or gradient: bins, curves and their lines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.tukey_lambda import tukey_lambda_shape

FloatArray = NDArray[np.floating]


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
    padded = np.pad(image, 1, mode="symmetric")
    across = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    down = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    horizontal = across[:, 2:] - across[:, :-2]
    vertical = down[2:] - down[:-2]
    magnitude: FloatArray = np.sqrt(horizontal**2 + vertical**2)
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
    count, x, y = _bin_means(bin_width, minimum_fraction, variable, values)
    return Curve(x, y, count)


def deviation_curve(
    variable: FloatArray, noise: FloatArray, bin_width: float, minimum_fraction: float
) -> Curve:
    """Take the standard deviation of a noise in bins of a variable.

    Parameters and errors are those of `mean_curve`.
    """
    # Far from zero the difference of squares would lose digits; noise is not.
    count, x, mean, square = _bin_means(
        bin_width, minimum_fraction, variable, noise, noise**2
    )
    return Curve(x, np.sqrt(np.maximum(square - mean**2, 0)), count)


def _bin_means(
    bin_width: float, minimum_fraction: float, variable: FloatArray, *values: FloatArray
) -> tuple[FloatArray, ...]:
    """Count pixels in bins of a variable; take means of it and of other values."""
    bins = _bins(variable, bin_width)
    count = np.bincount(bins).astype(np.float64)
    kept = count >= max(2.0, minimum_fraction * variable.size)
    require_contrast(kept.sum() > 1)
    means = (
        np.bincount(bins, array.ravel())[kept] / count[kept]
        for array in (variable, *values)
    )
    return count[kept], *means


def shape_curve(
    grey: FloatArray, noise: FloatArray, bin_width: float, minimum_fraction: float
) -> Curve:
    """Fit the Tukey-lambda shape of a noise in bins of grey level.

    Bins with fewer than 100 pixels are left out too: their shape means nothing.
    """
    # numpy sorts small integers by radix, five times as fast.
    bins = _bins(grey, bin_width).astype(np.int16)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=bins.min() - 1))
    stops = np.append(starts[1:], bins.size)
    minimum = max(100.0, minimum_fraction * grey.size)
    kept = [
        slice(start, stop)
        for start, stop in zip(starts, stops, strict=True)
        if stop - start >= minimum
    ]
    levels, values = grey.ravel()[order], noise.ravel()[order]
    return Curve(
        x=np.array([levels[part].mean() for part in kept]),
        y=np.array([tukey_lambda_shape(values[part]) for part in kept]),
        count=np.array([float(part.stop - part.start) for part in kept]),
    )


class Bins:
    """Bins of a variable, summed separately for each part of a patch.

    Parameters
    ----------
    variable
        Any shape.
    width
        Of a bin, in units of the variable.
    minimum_fraction
        Bins with a smaller share of the pixels are left out.
    part
        Number of the part that each pixel belongs to, of the same shape.

    Attributes
    ----------
    x
        Mean of the variable in each bin, shape (bins,).
    count
        Pixels of each part in each bin, shape (parts, bins).

    Raises
    ------
    InputError
        If fewer than two bins hold enough pixels for a line to be fitted.
    """

    def __init__(
        self,
        variable: FloatArray,
        width: float,
        minimum_fraction: float,
        part: NDArray[np.intp],
    ) -> None:
        bins = _bins(variable, width)
        self._number = int(bins.max()) + 1
        self._parts = int(part.max()) + 1
        self._index = part.ravel() * self._number + bins
        count = np.bincount(bins, minlength=self._number)
        self._kept = count >= max(2.0, minimum_fraction * variable.size)
        require_contrast(self._kept.sum() > 1)
        self.count = self.sum(np.ones(variable.shape))
        self.x = self.sum(variable).sum(axis=0) / self.count.sum(axis=0)

    def sum(self, values: FloatArray) -> FloatArray:
        """Add up values in each part and bin: shape (parts, bins)."""
        size = self._parts * self._number
        sums = np.bincount(self._index, values.ravel(), minlength=size)
        table: FloatArray = sums.reshape(self._parts, self._number).astype(np.float64)
        return table[:, self._kept]


def require_contrast(enough: bool) -> None:
    """Refuse an image without contrast.

    Raises
    ------
    InputError
        If there is not enough.
    """
    if not enough:
        raise InputError(
            "The image has too little contrast to be calibrated: it needs atoms "
            "on a background, in focus."
        )


def _bins(variable: FloatArray, width: float) -> NDArray[np.intp]:
    index: NDArray[np.intp] = np.floor(variable.ravel() / width).astype(np.intp)
    index -= index.min()
    return index
