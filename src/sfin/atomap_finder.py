"""Atomap (Nord et al. 2017, Adv. Struct. Chem. Imaging 3, 9), as its users call it."""

import logging
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sfin.atom_scale import estimate_separation, estimate_sigma, inside_image
from sfin.background_removal import upright
from sfin.optional_methods import require
from sfin.parameters import Mode

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class AtomapFinder:
    """Settings of Atomap.

    Attributes
    ----------
    separation
        Least distance of two atoms, relative to the one estimated in the image.
    smoothing
        Standard deviation of the blur before peaks are looked for, in those of the
        atoms; the Gaussians are fitted to the image as recorded.
    threshold
        Least height of a peak over the background, relative to the highest.
    refinement
        ``gaussian``: centre of mass, then a two-dimensional Gaussian, as its manual
        says; ``centre_of_mass`` alone; or ``none``.
    neighbour_share
        Radius of what is fitted, relative to the distance of the nearest neighbour.
    """

    separation: float = 0.6
    smoothing: float = 0.7
    threshold: float = 0.15
    refinement: Literal["gaussian", "centre_of_mass", "none"] = "gaussian"
    neighbour_share: float = 0.4


def find_by_atomap(
    image: NDArray[np.floating], mode: Mode, settings: AtomapFinder
) -> tuple[FloatArray, FloatArray]:
    """Find atoms by Atomap: peaks, centre of mass, two-dimensional Gaussians.

    Parameters
    ----------
    image
        Grey levels (rows, columns), as recorded.
    mode
        Whether atoms are bright or dark.
    settings
        Separation, threshold and refinement.

    Returns
    -------
    x, y
        In pixels.

    Raises
    ------
    InputError
        If `atomap` is not installed.
    """
    require("atomap")
    with warnings.catch_warnings():
        # HyperSpy's of its own parts, and those of fits that fail.
        warnings.simplefilter("ignore")
        # The package can only be imported from its front door.
        import atomap.api as atomap
        import hyperspy.api as hyperspy

        # One line for every atom whose fit fails.
        logging.getLogger("hyperspy").setLevel(logging.ERROR)
        bright = np.asarray(upright(image, mode), dtype=np.float64)
        sigma = estimate_sigma(bright)
        smooth = gaussian_filter(bright, settings.smoothing * sigma)
        flat = smooth - gaussian_filter(bright, 6 * sigma)
        separation = max(settings.separation * estimate_separation(bright), 1.0)
        places = atomap.get_atom_positions(
            hyperspy.signals.Signal2D(flat),
            separation=separation,
            threshold_rel=settings.threshold,
        )
        number = len(places)
        if number < 2 or settings.refinement == "none":
            x, y = np.reshape(places, (-1, 2)).T.astype(np.float64)
            return x, y
        lattice = atomap.Sublattice(places, image=smooth, original_image=bright)
        lattice.find_nearest_neighbors(nearest_neighbors=min(9, number))
        share = {"percent_to_nn": settings.neighbour_share, "show_progressbar": False}
        lattice.refine_atom_positions_using_center_of_mass(smooth, **share)
        if settings.refinement == "gaussian":
            lattice.refine_atom_positions_using_2d_gaussian(
                bright, rotation_enabled=False, **share
            )
        x, y = (
            np.asarray(position, dtype=np.float64)
            for position in (lattice.x_position, lattice.y_position)
        )
    # What is not a number lies nowhere.
    found = inside_image(x, y, bright.shape)
    return x[found], y[found]
