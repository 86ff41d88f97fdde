"""Describe a rendered cell as Gaussian columns of known positions.

A column of atoms looks like a Gaussian once the finite source has blurred it, so
the cell is a background plus one Gaussian a column. Positions follow from the
structure; amplitude and sigma are shared by equivalent columns, which also
averages the phonon noise between them. All is done on the Fourier coefficients
of the cell, where the source is a factor and a periodic Gaussian is one term.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from sfin.column_sites import ColumnSites, project_columns
from sfin.columns import (
    ComplexArray,
    FloatArray,
    ProjectedColumns,
    cell_frequencies,
    cell_shape,
    gaussian_spectrum,
)
from sfin.errors import InputError
from sfin.parameters import MODES, Mode

if TYPE_CHECKING:
    from ase import Atoms

SIGMA_BOUNDS = (0.25, 0.8)  # Å
SIGMA_START = 0.5  # Å
SIGMA_MARGIN = 0.02  # Å; the solver comes no nearer to a bound it is pushed to
RIDGE = 1e-3  # of each column's own weight; keeps overlapping columns apart
INVISIBLE = 0.03  # of the strongest column
IMAGE_SAMPLING = 0.1  # Å, of the cell that is kept

SIGN: Mapping[Mode, int] = {"haadf": 1, "bf": -1}


def fit_columns(
    name: str,
    cell: "Atoms",
    images: Mapping[str, NDArray[np.float32]],
    source_size: float,
    attributes: Mapping[str, Any],
) -> ProjectedColumns:
    """Fit the columns of a cell to its rendered images.

    Parameters
    ----------
    name
        Of the structure.
    cell
        Orthogonal cell, the beam along z.
    images
        By mode, (rows, columns): one period, rendered with a point source; those
        of further detectors are blurred and kept.
    source_size
        Full width at half maximum of the source, in Å.
    attributes
        What to record with the columns.

    Raises
    ------
    InputError
        No column stands out with the sign of its mode.
    """
    lattice = np.diag(cell.cell.lengths()[:2])
    sites = project_columns(cell)
    fits = {
        mode: _fit_image(name, mode, images[mode], lattice, sites, source_size)
        for mode in MODES
        if mode in images
    }
    return ProjectedColumns(
        structure=name,
        lattice=lattice,
        species=sites.species,
        positions=sites.positions,
        amplitude={mode: fit.amplitude[sites.group] for mode, fit in fits.items()},
        sigma={mode: fit.sigma[sites.group] for mode, fit in fits.items()},
        image={mode: fit.image for mode, fit in fits.items()},
        r_squared={mode: fit.r_squared for mode, fit in fits.items()},
        attributes={
            **attributes,
            **{
                mode: {"background": fit.background, "scale": fit.scale}
                for mode, fit in fits.items()
            },
        },
        further_images={
            detector: _draw(
                _blurred_spectrum(image, lattice, source_size),
                cell_shape(lattice, IMAGE_SAMPLING),
            ).astype(np.float32)
            for detector, image in images.items()
            if detector not in MODES
        },
    )


@dataclass(frozen=True)
class _ImageFit:
    """Relative amplitude and sigma by group; the image in the same units."""

    amplitude: FloatArray
    sigma: FloatArray
    background: float
    scale: float
    image: NDArray[np.float32]
    r_squared: float


def _fit_image(
    name: str,
    mode: Mode,
    image: NDArray[np.float32],
    lattice: FloatArray,
    sites: ColumnSites,
    source_size: float,
) -> _ImageFit:
    blurred = _blurred_spectrum(image, lattice, source_size)
    shape = image.shape[0], image.shape[1]
    # The background has a hand in coefficient 0 alone: leave it out of the fit.
    target = blurred.ravel()[1:]

    def basis(sigma: FloatArray) -> ComplexArray:
        spectrum = gaussian_spectrum(
            lattice, sites.positions, sigma[sites.group], shape
        )
        columns = [
            spectrum[:, sites.group == group].sum(axis=1) for group in range(len(sigma))
        ]
        return np.stack(columns, axis=1)

    def residual(sigma: FloatArray) -> FloatArray:
        matrix = basis(sigma)[1:]
        misfit = (matrix @ _amplitudes(matrix, target) - target) / np.linalg.norm(
            target
        )
        return np.concatenate([misfit.real, misfit.imag])

    start = np.full(int(sites.group.max()) + 1, SIGMA_START)
    sigma = np.asarray(
        least_squares(residual, start, bounds=SIGMA_BOUNDS, x_scale=0.1).x, np.float64
    )
    amplitude = _amplitudes(basis(sigma)[1:], target) * SIGN[mode]
    if amplitude.max() <= 0:
        raise InputError(
            f"no column of {name} stands out in {mode}: change the thickness, the "
            f"defocus or {mode}_angles."
        )
    visible = amplitude >= INVISIBLE * amplitude.max()
    sigma = _settle_sigma(sigma, visible)
    matrix = basis(sigma) * visible
    amplitude = np.zeros(len(sigma))
    amplitude[visible] = _amplitudes(matrix[1:, visible], target)
    scale = float(np.abs(amplitude).max())
    misfit = np.linalg.norm(matrix[1:] @ amplitude - target) / np.linalg.norm(target)
    background = float((blurred.ravel()[0] - matrix[0] @ amplitude).real)
    drawn = _draw(blurred, cell_shape(lattice, IMAGE_SAMPLING))
    return _ImageFit(
        amplitude=amplitude / scale,
        sigma=sigma,
        background=background,
        scale=scale,
        image=((drawn - background) / scale).astype(np.float32),
        r_squared=float(1 - misfit**2),
    )


def _blurred_spectrum(
    image: NDArray[np.float32], lattice: FloatArray, source_size: float
) -> ComplexArray:
    """Fourier coefficients (rows, columns) of an image blurred by the source."""
    shape = image.shape[0], image.shape[1]
    source_sigma = source_size / math.sqrt(8 * math.log(2))
    squares = (cell_frequencies(lattice, shape) ** 2).sum(axis=1).reshape(shape)
    spectrum = np.fft.fft2(image.astype(np.float64)) / image.size
    return np.asarray(spectrum * np.exp(-2 * (np.pi * source_sigma) ** 2 * squares))


def _amplitudes(matrix: ComplexArray, target: ComplexArray) -> FloatArray:
    """Real linear least squares with a slight ridge."""
    normal = (matrix.conj().T @ matrix).real
    normal += RIDGE * np.diag(np.diag(normal))
    return np.asarray(np.linalg.solve(normal, (matrix.conj().T @ target).real))


def _settle_sigma(sigma: FloatArray, visible: NDArray[np.bool_]) -> FloatArray:
    """Give columns too weak to have a size of their own that of the others."""
    least, greatest = SIGMA_BOUNDS
    inside = (sigma > least + SIGMA_MARGIN) & (sigma < greatest - SIGMA_MARGIN)
    settled = visible & inside
    if not settled.any():
        return sigma
    return np.where(settled, sigma, np.median(sigma[settled]))


def _draw(spectrum: ComplexArray, shape: tuple[int, int]) -> FloatArray:
    """Draw Fourier coefficients on a finer grid; exact for a periodic cell."""
    rows, columns = (np.fft.fftfreq(n, 1 / n).astype(int) for n in spectrum.shape)
    padded = np.zeros(shape, np.complex128)
    padded[np.ix_(rows, columns)] = spectrum
    return np.asarray(np.fft.ifft2(padded).real * padded.size)
