"""Pictures that stand inside a page: 8-bit, without loss, as data URIs."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sfin.figures.style import reduced

# Pixels of a side; of larger images blocks are averaged.
LARGEST_SHOWN = 2048
GREY = "gray"
# Colours of a map that its legend names; between them it fades.
STOPS = 9


@dataclass(frozen=True)
class Legend:
    """What the colours of a picture mean.

    Attributes
    ----------
    low, high
        Values at its two ends.
    unit
        Of both.
    colours
        From low to high, as CSS writes them.
    """

    low: float
    high: float
    unit: str
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Pane:
    """A picture of the page.

    Attributes
    ----------
    key
        Name, such as ``input``.
    title, description
        Short, and for those who cannot see it.
    source
        Data URI.
    width, height
        What the picture covers: pixels of the image, or of a spectrum cycles per
        pixel times a constant that all spectra share.
    magnification
        Units of width per pixel of the picture.
    legend
        Of its colours; None where they have no unit.
    """

    key: str
    title: str
    description: str
    source: str
    width: float
    height: float
    magnification: float
    legend: Legend | None = None


def binning(shape: Sequence[int]) -> int:
    """Give the pixels of an image, along each side, that become one of its picture."""
    return -(-max(shape) // LARGEST_SHOWN)


def image_pane(
    key: str,
    title: str,
    description: str,
    image: NDArray[np.floating],
    limits: tuple[float, float],
    colours: str = GREY,
) -> Pane:
    """Make a pane of an image in grey levels, binned where it is large.

    Parameters
    ----------
    key, title, description
        Of the pane.
    image
        Grey levels (rows, columns).
    limits
        Grey levels of the first and the last colour.
    colours
        Name of a colour map of matplotlib.
    """
    factor = binning(image.shape)
    shown = reduced(image, factor)
    rows, columns = shown.shape
    return Pane(
        key,
        title,
        description,
        data_uri(shown, limits, colours),
        columns * factor,
        rows * factor,
        factor,
        None if colours == GREY else legend(limits, colours, "grey levels"),
    )


def data_uri(
    image: NDArray[np.generic], limits: tuple[float, float], colours: str = GREY
) -> str:
    """Write an image as PNG of 256 grey levels or colours, inside a data URI."""
    low, high = limits
    level = (image.astype(np.float64) - low) * (255 / (high - low))
    picture = Image.fromarray(np.clip(np.rint(level), 0, 255).astype(np.uint8))
    if colours != GREY:
        picture.putpalette(_colour_table(colours, 256).tobytes())
    content = io.BytesIO()
    picture.save(content, format="png")
    return f"data:image/png;base64,{b64encode(content.getvalue()).decode('ascii')}"


def legend(limits: tuple[float, float], colours: str, unit: str) -> Legend:
    """Tell what the colours of `data_uri` mean."""
    names = tuple(f"rgb({r} {g} {b})" for r, g, b in _colour_table(colours, STOPS))
    return Legend(*limits, unit, names)


def _colour_table(colours: str, count: int) -> NDArray[np.uint8]:
    # Red, green and blue (count, 3).
    return mpl.colormaps[colours](np.linspace(0, 1, count), bytes=True)[:, :3]
