"""Filters without training: what Table 1 compares the networks with.

Which filters the paper means is uncertain. Its "ABSF" cites the bilateral filter of
Tomasi and Manduchi (1998), but in the microscopists' software ABSF is the average
background subtraction filter of Kilaas (1998). Its "Wiener" may be the HRTEM
filter of Marks (1996), Wiener's local filter, or, since the authors print the
same digits under that name in a later paper, a Gaussian. All five are here under
their own names. `absf` and `wiener` are the pair of the microscopists' software,
and are what Table 1 shows unless told otherwise.

Every filter takes and returns grey levels, float32 (rows, columns), of any
rectangle. None removes the background, and that decides their PSNR.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sfin.errors import InputError
from sfin.spectra import FourierFilter, subtract_background

FilterName = Literal["absf", "wiener", "wiener_local", "bilateral", "gaussian"]
FILTERS: tuple[FilterName, ...] = get_args(FilterName)


@dataclass(frozen=True)
class LocalWiener:
    """Settings of Wiener's filter on local statistics.

    Attributes
    ----------
    window
        Width in pixels of the square that mean and variance are taken in.
    """

    window: int = 5


@dataclass(frozen=True)
class Bilateral:
    """Settings of the bilateral filter.

    Attributes
    ----------
    distance
        Standard deviation in pixels of the weight of distance.
    difference
        Standard deviation in grey levels of the weight of difference.
    """

    distance: float = 3.0
    difference: float = 50.0


@dataclass(frozen=True)
class Gaussian:
    """Settings of the Gaussian blur.

    Attributes
    ----------
    deviation
        Standard deviation in pixels.
    """

    deviation: float = 2.0


@dataclass(frozen=True)
class FilterSettings:
    """Settings of every filter, under its name."""

    absf: FourierFilter = field(default_factory=FourierFilter)
    wiener: FourierFilter = field(default_factory=FourierFilter)
    wiener_local: LocalWiener = LocalWiener()
    bilateral: Bilateral = Bilateral()
    gaussian: Gaussian = Gaussian()


def filter_settings(configured: Mapping[str, Mapping[str, Any]]) -> FilterSettings:
    """Read the configuration's `filters`; what is absent there stays default.

    Raises
    ------
    InputError
        If the configuration names a filter or a setting that does not exist.
    """
    chosen: dict[str, Any] = {}
    for name, values in configured.items():
        if name not in FILTERS:
            raise InputError(
                f"filters: there is no filter {name!r}; "
                f"choose from {', '.join(FILTERS)}"
            )
        default = getattr(FilterSettings(), name)
        known = [setting.name for setting in fields(default)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InputError(
                f"filters: {name} has no setting {unknown[0]!r}; "
                f"choose from {', '.join(known)}"
            )
        chosen[name] = replace(default, **values)
    return FilterSettings(**chosen)


def apply_filter(
    method: FilterName, image: NDArray[np.floating], settings: FilterSettings
) -> NDArray[np.float32]:
    """Filter an image.

    Parameters
    ----------
    method
        Name of the filter.
    image
        Grey levels (rows, columns).
    settings
        Settings of all filters; those of `method` are used.

    Raises
    ------
    InputError
        If there is no such filter.
    """
    match method:
        case "absf":
            return absf(image, settings.absf)
        case "wiener":
            return wiener(image, settings.wiener)
        case "wiener_local":
            return wiener_local(image, settings.wiener_local)
        case "bilateral":
            return bilateral(image, settings.bilateral)
        case "gaussian":
            return gaussian(image, settings.gaussian)
        case _:
            raise InputError(
                f"There is no filter {method!r}; choose from {', '.join(FILTERS)}"
            )


def absf(image: NDArray[np.floating], settings: FourierFilter) -> NDArray[np.float32]:
    """Average background subtraction filter (Kilaas 1998, J. Microsc. 190, 45).

    Of every Fourier coefficient, the amplitude of the background at its radius
    is taken away: F → F · max(0, 1 − B/|F|).

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        How the background B is measured, and the final low-pass.
    """
    return subtract_background(image, settings, power=1)


def wiener(image: NDArray[np.floating], settings: FourierFilter) -> NDArray[np.float32]:
    """Wiener filter of lattice images (Marks 1996, Ultramicroscopy 62, 43).

    Of every Fourier coefficient, the power of the background at its radius is
    taken away: F → F · max(0, 1 − B²/|F|²).

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        How the background B is measured, and the final low-pass.
    """
    return subtract_background(image, settings, power=2)


def wiener_local(
    image: NDArray[np.floating], settings: LocalWiener
) -> NDArray[np.float32]:
    """Wiener filter on local mean and variance (as ``scipy.signal.wiener``).

    The variance of the noise is the mean of the local variances. At the borders
    the image is mirrored, where SciPy's function takes it for black.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        Width of the window.
    """
    grey = image.astype(np.float64)
    mean = ndimage.uniform_filter(grey, settings.window)
    variance = ndimage.uniform_filter((grey - grey.mean()) ** 2, settings.window)
    variance = np.maximum(variance - (mean - grey.mean()) ** 2, 0.0)
    noise = variance.mean()
    if noise == 0.0:
        return image.astype(np.float32)
    share = np.maximum(variance - noise, 0.0) / np.maximum(variance, noise)
    restored: NDArray[np.float32] = (mean + share * (grey - mean)).astype(np.float32)
    return restored


def bilateral(image: NDArray[np.floating], settings: Bilateral) -> NDArray[np.float32]:
    """Bilateral filter (Tomasi and Manduchi 1998).

    A mean in which neighbours weigh less the farther they are and the more
    their grey level differs: both weights are Gaussians.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        The two standard deviations.
    """
    grey = image.astype(np.float32)
    rows, columns = grey.shape
    reach = int(np.ceil(3 * settings.distance))
    padded = np.pad(grey, reach, mode="symmetric")
    total = np.zeros_like(grey)
    weights = np.zeros_like(grey)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            neighbour = padded[
                reach + down : reach + down + rows,
                reach + right : reach + right + columns,
            ]
            distance = (down**2 + right**2) / settings.distance**2
            difference = ((neighbour - grey) / settings.difference) ** 2
            weight = np.exp(-0.5 * (distance + difference))
            total += weight * neighbour
            weights += weight
    return total / weights


def gaussian(image: NDArray[np.floating], settings: Gaussian) -> NDArray[np.float32]:
    """Gaussian blur, the image mirrored at its borders.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        The standard deviation.
    """
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(
        image.astype(np.float32), settings.deviation
    )
    return blurred
