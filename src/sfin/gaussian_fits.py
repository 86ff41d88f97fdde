"""Fit two-dimensional Gaussians to the atoms of an image, all of them together.

Least squares in a disk around each atom, with the present fits of all its neighbours
subtracted, in turns until they settle: what StatSTEM (De Backer et al. 2016,
Ultramicroscopy 171, 104) and Atomap (Nord et al. 2017, Adv. Struct. Chem. Imaging 3,
9) do, for all atoms at once.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sfin.pixel_loops import add_spots

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FitSettings:
    """How Gaussians are fitted.

    Attributes
    ----------
    reach
        Radius of the disk that is fitted, in standard deviations of the atoms.
    turns
        Steps of Gauss and Newton, with the neighbours subtracted anew each time.
    widest
        Greatest factor between the fitted standard deviation and the one at the
        start, either way.
    farthest
        Greatest distance from the start, in standard deviations; a fit that would
        go farther stays at the start.
    """

    reach: float = 1.75
    turns: int = 12
    widest: float = 1.6
    farthest: float = 1.5


@dataclass(frozen=True)
class GaussianSpots:
    """Fitted atoms; arrays of shape (n,), in pixels and grey levels."""

    x: FloatArray
    y: FloatArray
    amplitude: FloatArray
    sigma: FloatArray


def fit_gaussians(
    image: NDArray[np.floating], start: GaussianSpots, settings: FitSettings
) -> GaussianSpots:
    """Fit a Gaussian on a local background to each atom.

    Parameters
    ----------
    image
        Grey levels (rows, columns), atoms bright.
    start
        First guess of each atom.
    settings
        How to fit.

    Returns
    -------
    GaussianSpots
        In the order of the start; atoms whose fit ran away are left where they were.
    """
    if not start.x.size:
        return start
    rows, columns = image.shape
    # Pixels of the disk of each atom; those beyond the edges have no weight.
    half = int(np.ceil(settings.reach * float(start.sigma.max())))
    down, right = np.mgrid[-half : half + 1, -half : half + 1].reshape(2, -1)
    row = np.rint(start.y).astype(np.intp)[:, None] + down
    column = np.rint(start.x).astype(np.intp)[:, None] + right
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    row_seen, column_seen = row.clip(0, rows - 1), column.clip(0, columns - 1)
    now, background = start, np.zeros_like(start.x)
    for _ in range(settings.turns):
        model = np.zeros(image.shape, np.float32)
        add_spots(
            model,
            *(
                values.astype(np.float32)
                for values in (now.x, now.y, now.amplitude, now.sigma)
            ),
        )
        rest = (image - model)[row_seen, column_seen]
        dx, dy = column - now.x[:, None], row - now.y[:, None]
        disk = inside & (dx**2 + dy**2 <= (settings.reach * now.sigma[:, None]) ** 2)
        step = _step(rest - background[:, None], dx, dy, disk, now)
        background = background + step[:, 4]
        now = _bounded(now, start, step, settings)
    lost = np.hypot(now.x - start.x, now.y - start.y) > settings.farthest * start.sigma
    return replace(
        now, x=np.where(lost, start.x, now.x), y=np.where(lost, start.y, now.y)
    )


def _step(
    rest: FloatArray,
    dx: FloatArray,
    dy: FloatArray,
    disk: NDArray[np.bool_],
    now: GaussianSpots,
) -> FloatArray:
    """Solve each atom's normal equations: amplitude, x, y, sigma and background."""
    sigma, amplitude = now.sigma[:, None], now.amplitude[:, None]
    square = dx**2 + dy**2
    shape = np.exp(-square / (2 * sigma**2))
    slope = amplitude * shape / sigma**2
    slopes = np.stack(
        [shape, slope * dx, slope * dy, slope * square / sigma, np.ones_like(shape)],
        axis=-1,
    )
    slopes *= disk[..., None]
    normal = slopes.transpose(0, 2, 1) @ slopes
    gradient = (slopes * rest[..., None]).sum(axis=1)
    # Levenberg and Marquardt: no step where the data say nothing.
    diagonal = np.einsum("nii->ni", normal)
    diagonal += 0.02 * diagonal + 1e-6
    solution: FloatArray = np.linalg.solve(normal, gradient[..., None])[..., 0]
    return solution


def _bounded(
    now: GaussianSpots, start: GaussianSpots, step: FloatArray, settings: FitSettings
) -> GaussianSpots:
    # Neighbours move at the same time: together they would overshoot.
    change = 0.7 * step
    move = np.clip(
        change[:, 1:3], -0.3 * start.sigma[:, None], 0.3 * start.sigma[:, None]
    )
    sigma = now.sigma + np.clip(change[:, 3], -0.1 * start.sigma, 0.1 * start.sigma)
    return GaussianSpots(
        x=now.x + move[:, 0],
        y=now.y + move[:, 1],
        amplitude=np.maximum(now.amplitude + change[:, 0], 0.0),
        sigma=sigma.clip(start.sigma / settings.widest, start.sigma * settings.widest),
    )
