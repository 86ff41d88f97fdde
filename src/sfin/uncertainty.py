"""How far the answers of a network differ when the same image is shown otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sfin.errors import InputError
from sfin.inference import Precision, Prepared, enhance, prepare

FloatImage = NDArray[np.float32]

# Axes to mirror. A quarter turn would lay the fast scan along the columns, and with
# it the noise of neighbouring pixels: no network has seen such an image.
SYMMETRIES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1))


@dataclass(frozen=True)
class UncertainImage:
    """An enhanced image and how sure it is.

    Attributes
    ----------
    mean
        Of all answers, grey levels, float32 (rows, columns). A little closer to the
        truth than one answer.
    deviation
        Standard deviation of the answers, same unit and shape. It says how far one
        answer is from another, not how far all of them are from the truth.
    answers
        Their number.
    first
        The answer of the first network to the image as it is, not mirrored.
    """

    mean: FloatImage
    deviation: FloatImage
    answers: int
    first: FloatImage


def enhance_with_uncertainty(
    networks: Sequence[nn.Module | Prepared],
    image: NDArray[np.generic],
    tile: int | None = 256,
    overlap: int | None = None,
    device: str = "auto",
    precision: Precision = "float32",
) -> UncertainImage:
    """Enhance an image and its mirror images, by one network or several.

    The physics of a scan knows no left and right, nor up and down, but a trained
    network does a little: where the image leaves it a choice, its answers differ.

    Parameters
    ----------
    networks
        One, or an ensemble: trained alike from different seeds.
    image
        Grey levels 0–255 (rows, columns), fast scan along the rows.
    tile, overlap, device, precision
        As for `sfin.inference.enhance`.

    Raises
    ------
    InputError
        If there is no network, or for the reasons of `sfin.inference.enhance`.
    """
    if not networks:
        raise InputError(
            "Nothing can be enhanced without a network: give at least one."
        )
    mean = np.zeros(image.shape, np.float32)
    squares = np.zeros_like(mean)
    first: FloatImage | None = None
    answers = 0
    for network in networks:
        if not isinstance(network, Prepared):
            network = prepare(network, device, precision)
        for axes in SYMMETRIES:
            shown = np.flip(image, axes) if axes else image
            answer = enhance(network, shown, tile, overlap)
            answer = np.flip(answer, axes) if axes else answer
            first = answer if first is None else first
            # Welford's sums: two images of memory, however many answers.
            answers += 1
            difference = answer - mean
            mean += difference / answers
            squares += difference * (answer - mean)
    assert first is not None
    return UncertainImage(mean, np.sqrt(squares / (answers - 1)), answers, first)
