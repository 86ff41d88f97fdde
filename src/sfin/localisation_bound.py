"""How well atoms can be located at all: the Cramér–Rao bound of the noise model.

No unbiased estimator that sees one image and has no further knowledge has a smaller
error than √(F⁻¹), F being the Fisher information (Rao 1945; for images of atoms den
Dekker et al. 2005, Ultramicroscopy 104, 83), here that of `sfin.noise_information`.
All atoms of the image are unknown together, so what neighbours cost each other is in
it. A network may know more than the image (that atoms have one size, that crystals
repeat), and may then be better.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import coo_array, csr_array, hstack

from sfin.gaussian_fits import GaussianSpots
from sfin.noise import NoiseSettings
from sfin.noise_information import fisher_information
from sfin.parameters import NoiseParameters
from sfin.pixel_loops import REACH, add_spots

FloatArray = NDArray[np.float64]
# Standard deviations to which the slopes of an atom are looked at; beyond, they are
# below a thousandth.
SLOPE_REACH = 4.0
# What is known beforehand, in standard deviations and heights of an atom: so little
# that it only matters for atoms that cannot be told apart.
VAGUE = 10.0


@dataclass(frozen=True)
class BoundSettings:
    """What is not known beforehand, besides x, y and height of every atom.

    Attributes
    ----------
    unknown_sigma
        Whether the standard deviation of each atom is estimated too.
    background_nodes
        Nodes per side of the background, which are estimated too; 0: it is known.
    """

    unknown_sigma: bool = True
    background_nodes: int = 6


@dataclass(frozen=True)
class LocalisationBound:
    """Least root mean square distances to the true positions, in pixels, (n,).

    Attributes
    ----------
    any_method
        Of whatever method.
    least_squares
        Of methods that look at the brightness of pixels alone: the noise depends on
        the atoms and tells where they are, which weighted least squares do not see.
    """

    any_method: FloatArray
    least_squares: FloatArray


def localisation_bound(
    noiseless: NDArray[np.generic],
    atoms: GaussianSpots,
    parameters: NoiseParameters,
    noise: NoiseSettings,
    settings: BoundSettings,
) -> LocalisationBound:
    """Bound the error of the position of each atom, all of them being unknown.

    Parameters
    ----------
    noiseless
        Grey levels without noise (rows, columns), with background.
    atoms
        x, y and sigma in pixels; ``amplitude`` in grey levels, negative for dark
        atoms (see `atoms_in_grey_levels`).
    parameters
        Of the noise of this image.
    noise
        What the parameters leave open.
    settings
        What else is unknown.

    Returns
    -------
    LocalisationBound
        Of each atom.
    """
    number = atoms.x.size
    if not number:
        return LocalisationBound(np.zeros(0), np.zeros(0))
    image = np.asarray(noiseless, dtype=np.float64)
    slopes, prior = _derivatives(image.shape, atoms, settings)
    brightness, deviations = fisher_information(image, slopes, parameters, noise)
    brightness += np.diag(prior)
    return LocalisationBound(
        _error(brightness + deviations, number), _error(brightness, number)
    )


def atoms_in_grey_levels(
    clean: NDArray[np.generic], atoms: Mapping[str, NDArray[np.floating]], height: float
) -> GaussianSpots:
    """Give the atoms of a dataset's image with the heights they have in it.

    An image is scaled so that the greatest sum of its atoms is the brightness that
    was drawn; by how much is not stored, but follows from the clean image.

    Parameters
    ----------
    clean
        Atoms without background (rows, columns); only its scale is free.
    atoms
        As stored: x, y, sigma and relative brightness.
    height
        Grey levels of the greatest sum in the noisy image; negative for dark atoms.
    """
    x, y, brightness, sigma = (
        np.asarray(atoms[name], dtype=np.float64)
        for name in ("x", "y", "brightness", "sigma")
    )
    sums = np.zeros(clean.shape, np.float32)
    add_spots(sums, *(v.astype(np.float32) for v in (x, y, brightness, sigma)))
    # Atoms beyond the edges are not stored: look where they do not reach.
    edge = int(np.ceil(REACH * sigma.max(initial=0.0)))
    inner = (slice(edge, -edge or None),) * 2
    if 2 * edge + 16 > min(clean.shape) or not sums[inner].any():
        inner = (slice(None),) * 2
    drawn, seen = sums[inner], np.asarray(clean, dtype=np.float64)[inner]
    greatest = float((drawn**2).sum()) / max(float((seen * drawn).sum()), 1e-12)
    greatest *= float(np.asarray(clean, dtype=np.float64).max(initial=0.0))
    return GaussianSpots(x, y, height * brightness / max(greatest, 1e-12), sigma)


def _error(information: FloatArray, number: int) -> FloatArray:
    """Invert the information; x and y are the first 2 × `number` unknowns."""
    # One unit for all unknowns: else the inverse has no digits left.
    unit = 1 / np.sqrt(np.diag(information))
    factor = cho_factor(information * np.outer(unit, unit), overwrite_a=True)
    inverse = cho_solve(factor, np.eye(len(unit), 2 * number))
    variance = np.diag(inverse) * unit[: 2 * number] ** 2
    error: FloatArray = np.sqrt(variance[:number] + variance[number:])
    return error


def _derivatives(
    shape: tuple[int, ...], atoms: GaussianSpots, settings: BoundSettings
) -> tuple[csr_array, FloatArray]:
    """Differentiate the image by x, y, brightness and sigma of all, and background.

    Returns
    -------
    derivatives
        Sparse, shape (pixels, parameters).
    prior
        Information that there is beforehand on each parameter.
    """
    rows, columns = shape
    places, values, owners = [], [], []
    spots = zip(atoms.x, atoms.y, atoms.amplitude, atoms.sigma, strict=True)
    for number, (x, y, height, sigma) in enumerate(spots):
        reach = SLOPE_REACH * sigma
        row = np.arange(max(0, np.ceil(y - reach)), min(rows - 1, y + reach) + 1)
        column = np.arange(max(0, np.ceil(x - reach)), min(columns - 1, x + reach) + 1)
        dy, dx = row[:, None] - y, column - x
        spot = np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
        place = (row[:, None] * columns + column).astype(np.int64).ravel()
        slope = height * spot / sigma**2
        values += [slope * dx, slope * dy, spot, slope * (dx**2 + dy**2) / sigma]
        places += [place] * 4
        owners += [np.full(place.size, k * atoms.x.size + number) for k in range(4)]
    if not settings.unknown_sigma:
        values, places, owners = (
            [array for k, array in enumerate(arrays) if k % 4 < 3]
            for arrays in (values, places, owners)
        )
    kinds = 4 if settings.unknown_sigma else 3
    entries = np.concatenate([value.ravel() for value in values])
    derivatives = coo_array(
        (entries, (np.concatenate(places), np.concatenate(owners))),
        shape=(rows * columns, kinds * atoms.x.size),
    )
    scales = (atoms.sigma, atoms.sigma, np.abs(atoms.amplitude), atoms.sigma)
    prior = 1 / (VAGUE * np.concatenate(scales[:kinds])) ** 2
    nodes = settings.background_nodes
    if nodes:
        # The background is a bicubic spline (`sfin.noise.background`).
        spline = CubicSpline(np.arange(nodes), np.eye(nodes))
        along = [spline(np.linspace(0, nodes - 1, size)) for size in shape]
        derivatives = hstack([derivatives, csr_array(np.kron(*along))])
        prior = np.concatenate([prior, np.full(nodes**2, 1 / 255.0**2)])
    return csr_array(derivatives), prior
