"""Remove the background of a denoised image and scale it like the clean one.

A white top-hat: the background is a morphological opening of the image by a disk
wider than an atom, smoothed, and what stands above it are the atoms. In BF atoms are
dark, so the image is turned over before and after (a black top-hat). The result is
then stretched so that its brightest place is 255 and its background 0, as in the
clean images. Disk and scale are measured in the image itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.morphology import disk, opening

from sfin.brightness import atom_size
from sfin.parameters import Mode

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class BackgroundRemoval:
    """Settings of the top-hat and of the scale after it.

    Attributes
    ----------
    size
        Radius of the disk, relative to the standard deviation of the atoms as
        `sfin.brightness.atom_size` estimates it.
    smoothing
        Standard deviation of the Gaussian that smooths the opening, relative to
        the radius of the disk.
    brightest, darkest
        Percentiles of the result that become 255 and 0; what little noise is left
        makes the very greatest and least values too extreme.
    """

    size: float = 5.0
    smoothing: float = 0.5
    brightest: float = 99.9
    darkest: float = 1.0


def upright(image: NDArray[np.floating], mode: Mode) -> Float32Array:
    """Turn a BF image over, so that atoms are bright."""
    grey = np.asarray(image, dtype=np.float32)
    return grey if mode == "haadf" else np.float32(255) - grey


def disk_radius(noisy: NDArray[np.floating], mode: Mode, size: float) -> int:
    """Choose the radius of the disk, in pixels, by the size of the atoms.

    Parameters
    ----------
    noisy
        Image as recorded, grey levels (rows, columns): the estimate rests on noise
        that is independent between rows, which no filter leaves so.
    mode
        Whether atoms are bright or dark.
    size
        Radius relative to the estimated standard deviation of the atoms.
    """
    return max(round(size * atom_size(upright(noisy, mode))), 1)


def opened(image: NDArray[np.floating], mode: Mode, radius: int) -> Float32Array:
    """Open an image, turned over in BF, by a disk: what is left has no atoms."""
    # A sequence of small footprints makes nearly the same disk, much faster.
    footprint = disk(radius, decomposition="sequence")  # type: ignore[no-untyped-call]
    found: Float32Array = opening(upright(image, mode), footprint)
    return found


def flatten(
    image: NDArray[np.floating],
    opening_of_it: Float32Array,
    radius: int,
    mode: Mode,
    settings: BackgroundRemoval,
) -> Float32Array:
    """Subtract a background and stretch what is left to the scale of clean images.

    Parameters
    ----------
    image
        Denoised grey levels (rows, columns).
    opening_of_it, radius
        Made by `opened` with this radius, in pixels.
    mode
        Whether atoms are bright or dark.
    settings
        Smoothing of the background, and the percentiles of the scale.

    Returns
    -------
    ndarray
        Grey levels (rows, columns), not clipped: background 0 and brightest atom
        255 in HAADF, background 255 and darkest atom 0 in BF.
    """
    background = gaussian_filter(opening_of_it, settings.smoothing * radius)
    atoms = upright(image, mode) - background
    darkest, brightest = np.percentile(atoms, [settings.darkest, settings.brightest])
    # A flat image has no atoms to stretch.
    gain = 255.0 / (brightest - darkest) if brightest > darkest else 0.0
    return upright(gain * (atoms - darkest), mode)


def remove_background(
    image: NDArray[np.floating],
    noisy: NDArray[np.floating],
    mode: Mode,
    settings: BackgroundRemoval,
) -> Float32Array:
    """Remove the background of a denoised image, and scale it like the clean one.

    Parameters
    ----------
    image
        Denoised grey levels (rows, columns).
    noisy
        The image as recorded, which tells the size of the atoms.
    mode
        Whether atoms are bright or dark.
    settings
        Size of the disk and percentiles of the scale.

    Returns
    -------
    ndarray
        As of `flatten`.
    """
    radius = disk_radius(noisy, mode, settings.size)
    return flatten(image, opened(image, mode, radius), radius, mode, settings)
