"""Loops over pixels that numpy would run many times through memory."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
# Standard deviations to which a spot is drawn; beyond, it is below 4e-6 of its peak.
REACH = 5.0


@njit(cache=True, nogil=True, error_model="numpy")
def add_spots(
    image: Float32Array,
    x: Float32Array,
    y: Float32Array,
    brightness: Float32Array,
    sigma: Float32Array,
) -> None:
    """Add two-dimensional Gaussian spots to an image, in place.

    Parameters
    ----------
    image
        Shape (rows, columns).
    x, y, brightness, sigma
        Shape (n,): centre along the row and along the column, peak, and
        standard deviation, in pixels.
    """
    rows, columns = image.shape
    across = np.empty(columns, np.float32)
    for spot in range(x.size):
        reach = np.float32(REACH) * sigma[spot]
        left = max(0, int(np.ceil(x[spot] - reach)))
        right = min(columns - 1, int(np.floor(x[spot] + reach)))
        top = max(0, int(np.ceil(y[spot] - reach)))
        bottom = min(rows - 1, int(np.floor(y[spot] + reach)))
        width = np.float32(-0.5) / (sigma[spot] * sigma[spot])
        for column in range(left, right + 1):
            distance = np.float32(column) - x[spot]
            across[column] = np.exp(distance * distance * width)
        for row in range(top, bottom + 1):
            distance = np.float32(row) - y[spot]
            down = brightness[spot] * np.exp(distance * distance * width)
            for column in range(left, right + 1):
                image[row, column] += down * across[column]


@njit(cache=True, nogil=True, error_model="numpy")
def sobel_magnitude(image: Float32Array) -> Float32Array:
    """Take the magnitude of the un-normalised 3 × 3 Sobel gradient.

    The image is continued by its outermost pixels.
    """
    rows, columns = image.shape
    magnitude = np.empty_like(image)
    # The two parts of the separable filter along the column of the image, with one
    # more pixel at each end: the loops over pixels are free of cases.
    smooth, slope = np.empty(columns + 2, np.float32), np.empty(columns + 2, np.float32)
    for row in range(rows):
        above, here = image[max(row - 1, 0)], image[row]
        below = image[min(row + 1, rows - 1)]
        for column in range(columns):
            smooth[column + 1] = (
                above[column] + np.float32(2) * here[column] + below[column]
            )
            slope[column + 1] = below[column] - above[column]
        for ends in (smooth, slope):
            ends[0], ends[columns + 1] = ends[1], ends[columns]
        line = magnitude[row]
        for column in range(columns):
            horizontal = smooth[column + 2] - smooth[column]
            vertical = (
                slope[column] + np.float32(2) * slope[column + 1] + slope[column + 2]
            )
            line[column] = np.sqrt(horizontal * horizontal + vertical * vertical)
    return magnitude


@njit(cache=True, nogil=True, error_model="numpy")
def blend_scan_noise(
    gradient: Float32Array,
    calm: Float32Array,
    rough: Float32Array,
    slope: np.float32,
    intercept: np.float32,
    blend: np.float32,
) -> Float32Array:
    """Blend two patterns by the gradient and scale them to their deviation."""
    rows, columns = gradient.shape
    noise = np.empty_like(gradient)
    one = np.float32(1)
    for row in range(rows):
        for column in range(columns):
            steepness = gradient[row, column]
            share = min(steepness / blend, one)
            deviation = max(slope * steepness + intercept, np.float32(0))
            rest = one - share
            # Independent patterns add in quadrature: keep the deviation asked for.
            scale = deviation / np.sqrt(share * share + rest * rest)
            noise[row, column] = scale * (
                rest * calm[row, column] + share * rough[row, column]
            )
    return noise


@njit(cache=True, nogil=True, error_model="numpy")
def scale_by_level(
    image: Float32Array, unit: Float32Array, slope: np.float32, intercept: np.float32
) -> Float32Array:
    """Multiply noise by slope × grey level + intercept where that is positive."""
    noise = np.empty_like(image)
    rows, columns = image.shape
    for row in range(rows):
        for column in range(columns):
            deviation = max(slope * image[row, column] + intercept, np.float32(0))
            noise[row, column] = deviation * unit[row, column]
    return noise


@njit(cache=True, nogil=True, error_model="numpy")
def to_bytes(image: Float32Array) -> NDArray[np.uint8]:
    """Round to the nearest integer, halves to even, and clip to 0–255."""
    rows, columns = image.shape
    levels = np.empty((rows, columns), np.uint8)
    for row in range(rows):
        for column in range(columns):
            value = np.rint(image[row, column])
            levels[row, column] = np.uint8(
                min(max(value, np.float32(0)), np.float32(255))
            )
    return levels
