"""Describe a rendered cell as Gaussian columns of known positions.

A column of atoms looks like a Gaussian once the finite source has blurred it, so
the cell is a background plus one Gaussian a column. Positions follow from the
structure; amplitude and sigma are shared by equivalent columns, which also
averages the phonon noise between them. All is done on the Fourier coefficients
of the cell, where the source is a factor and a periodic Gaussian is one term.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from sfin.columns import (
    ComplexArray,
    FloatArray,
    ProjectedColumns,
    cell_frequencies,
    cell_shape,
    gaussian_spectrum,
)
from sfin.errors import InputError
from sfin.parameters import Mode

if TYPE_CHECKING:
    from ase import Atoms

# Columns nearer than this cannot be told apart in the image: they are joined.
JOIN_DISTANCE = 0.9  # Å
# HAADF intensity goes about as this power of the atomic number.
ATOMIC_NUMBER_POWER = 1.7

SIGMA_BOUNDS = (0.25, 0.8)  # Å
SIGMA_START = 0.5  # Å
SIGMA_MARGIN = 0.02  # Å; the solver comes no nearer to a bound it is pushed to
RIDGE = 1e-3  # of each column's own weight; keeps overlapping columns apart
INVISIBLE = 0.03  # of the strongest column
IMAGE_SAMPLING = 0.1  # Å, of the cell that is kept

# Reach and blur of the neighbourhood by which columns are called equivalent.
NEIGHBOURHOOD = 5.0  # Å
NEIGHBOURHOOD_BLUR = 0.05  # Å

SIGN: Mapping[Mode, int] = {"haadf": 1, "bf": -1}


@dataclass(frozen=True)
class ColumnSites:
    """Projected columns: species, (n, 2) positions in Å, (n,) group numbers."""

    species: tuple[str, ...]
    positions: FloatArray
    group: NDArray[np.int64]


def fit_columns(
    name: str,
    cell: "Atoms",
    images: Mapping[Mode, NDArray[np.float32]],
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
        By mode, (rows, columns): one period, rendered with a point source.
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
        mode: _fit_image(name, mode, image, lattice, sites, source_size)
        for mode, image in images.items()
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
    )


def project_columns(cell: "Atoms") -> ColumnSites:
    """Project the atoms of a cell along z, and join what no image separates.

    The nearest two are joined first, at their centre weighted by atomic number
    to the power of 1.7, until all are at least 0.9 Å apart.
    """
    sides = cell.cell.lengths()[:2]
    positions = [np.array(position[:2]) for position in cell.positions]
    weights = list(cell.numbers.astype(float) ** ATOMIC_NUMBER_POWER)
    atoms = [Counter([number]) for number in cell.numbers.tolist()]
    while len(atoms) > 1:
        steps = _nearest_steps(np.array(positions), sides)
        distances = np.linalg.norm(steps, axis=2) + 1e3 * np.eye(len(atoms))
        i, j = sorted(divmod(int(distances.argmin()), len(atoms)))
        if distances[i, j] >= JOIN_DISTANCE:
            break
        share = weights[j] / (weights[i] + weights[j])
        positions[i] = positions[i] + share * steps[i, j]
        weights[i] += weights.pop(j)
        atoms[i] += atoms.pop(j)
        positions.pop(j)
    wrapped = np.array(positions) % sides
    wrapped[np.isclose(wrapped, sides, rtol=0, atol=1e-6)] = 0
    order = sorted(
        range(len(atoms)), key=lambda i: (-weights[i], *wrapped[i][::-1].round(4))
    )
    species = tuple(_formula(atoms[i]) for i in order)
    return ColumnSites(species, wrapped[order], _groups(species, wrapped[order], sides))


def _formula(atoms: Counter[int]) -> str:
    """Write the atoms of a column, the heaviest first: TiO2."""
    from ase.data import chemical_symbols

    return "".join(
        chemical_symbols[number] + (str(count) if count > 1 else "")
        for number, count in sorted(atoms.items(), reverse=True)
    )


def _nearest_steps(positions: FloatArray, sides: FloatArray) -> FloatArray:
    """Give the steps (n, n, 2) from each column to the nearest image of each other."""
    steps = positions[None] - positions[:, None]
    return np.asarray(steps - np.round(steps / sides) * sides, np.float64)


def _groups(
    species: tuple[str, ...], positions: FloatArray, sides: FloatArray
) -> NDArray[np.int64]:
    """Group columns so that those of alike surroundings share a number.

    Surroundings are the densities of each species against distance, blurred, so
    that neighbours at equal distances need no order.
    """
    reach = np.ceil(NEIGHBOURHOOD / sides).astype(int) + 1
    cells = np.stack(
        np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    everywhere = positions[:, None] + cells * sides
    radii = np.arange(0, NEIGHBOURHOOD, NEIGHBOURHOOD_BLUR)
    surroundings = np.empty((len(species), len(species), radii.size))
    kinds = sorted(set(species))
    for i, position in enumerate(positions):
        distances = np.linalg.norm(everywhere - position, axis=2)
        offsets = (distances[..., None] - radii) / NEIGHBOURHOOD_BLUR
        surroundings[i] = np.exp(-(offsets**2) / 2).sum(axis=1)
    density = np.stack(
        [
            surroundings[:, [other == kind for other in species]].sum(axis=1)
            for kind in kinds
        ],
        axis=1,
    )
    group = np.full(len(species), -1)
    for i, kind in enumerate(species):
        if group[i] < 0:
            alike = np.abs(density - density[i]).max(axis=(1, 2)) < 0.2
            same = np.array([other == kind for other in species])
            group[alike & same & (group < 0)] = group.max() + 1
    return group


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
