"""A structure as its projected atom columns: what synthesis needs to know of it."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import zarr
import zarr.errors
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.parameters import MODES, Mode

FORMAT = "sfin-columns/1"

# Coarser pixels than this cannot carry a Gaussian: its spectrum at their Nyquist
# frequency would exceed one millionth of its peak.
COARSEST_PIXEL = 0.6  # of the smallest sigma

# Below this share of explained variance a contrast is no sum of Gaussians.
LEAST_R_SQUARED = 0.90

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class ProjectedColumns:
    """One periodic cell of a structure, seen along its zone axis.

    The image of a mode is ``background + scale × image``; both numbers, in
    fractions of the incident beam, stand in `attributes` under the mode.

    Attributes
    ----------
    structure
        Name of the structure, such as SrTiO3_001.
    lattice
        (2, 2) row vectors (x, y) of the cell, in Å.
    species
        Atoms of each of the n columns along one repeat of the beam direction.
    positions
        (n, 2) x and y of the columns, in Å; x runs along the rows of the image.
    amplitude
        By mode, (n,) peak of each column over the background, relative to the
        strongest column: 0 to 1 in HAADF, −1 to 0 in BF; 0 is invisible.
    sigma
        By mode, (n,) standard deviation of each column in Å, with the finite
        source (`source_size`) in it.
    image
        By mode, (rows, columns) float32: the rendered cell, blurred by the
        source, in the units of `amplitude` over the background. Empty where the
        columns come from the shipped table.
    r_squared
        By mode, the share of the image's variance that the columns explain.
    further_images
        By further detector, the rendered cell like `image`, but in fractions of
        the incident beam.
    attributes
        How it was made: settings, seed, versions; background and scale by mode.
    """

    structure: str
    lattice: FloatArray
    species: tuple[str, ...]
    positions: FloatArray
    amplitude: Mapping[Mode, FloatArray]
    sigma: Mapping[Mode, FloatArray]
    image: Mapping[Mode, NDArray[np.float32]]
    r_squared: Mapping[Mode, float]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    further_images: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def poor_modes(self) -> tuple[Mode, ...]:
        """Modes whose contrast is not a sum of Gaussians: R² below 0.90."""
        return tuple(mode for mode in MODES if self.r_squared[mode] < LEAST_R_SQUARED)

    def write(self, path: str | Path) -> None:
        """Write a Zarr v3 group; the same columns give the same bytes.

        What was at `path` is replaced only when all is written.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            new, old = Path(folder, "new"), Path(folder, "old")
            self._write_group(new)
            if path.exists():
                os.replace(path, old)
            os.replace(new, path)

    def _write_group(self, path: Path) -> None:
        group = zarr.create_group(
            path,
            attributes={
                "format": FORMAT,
                "structure": self.structure,
                "species": list(self.species),
                **self.attributes,
            },
        )
        _add(group, "lattice", self.lattice, ("vector", "xy"), "Å")
        _add(group, "positions", self.positions, ("column", "xy"), "Å")
        for mode in MODES:
            part = group.create_group(
                mode,
                attributes={
                    "r_squared": float(self.r_squared[mode]),
                    "sum_of_gaussians": mode not in self.poor_modes,
                },
            )
            _add(part, "amplitude", self.amplitude[mode], ("column",), "relative")
            _add(part, "sigma", self.sigma[mode], ("column",), "Å")
            if mode in self.image:
                image = np.asarray(self.image[mode], np.float32)
                _add(part, "image", image, ("y", "x"), "relative")
        further = group.create_group("further_images")
        for name, image in self.further_images.items():
            _add(further, name, image, ("y", "x"), "fraction of the beam")
        with warnings.catch_warnings():
            # Zarr 3 reads and writes consolidated metadata; its specification
            # alone has not caught up, which is no news for the reader of a log.
            warnings.filterwarnings(
                "ignore",
                message="Consolidated metadata is currently not part",
                category=zarr.errors.ZarrUserWarning,
            )
            zarr.consolidate_metadata(group.store)


def read_columns(path: str | Path) -> ProjectedColumns:
    """Read what `ProjectedColumns.write` has written.

    Raises
    ------
    InputError
        There is no such store at `path`.
    """
    path = Path(path)
    try:
        group = zarr.open_group(path, mode="r")
    except (OSError, ValueError, zarr.errors.GroupNotFoundError) as error:
        raise InputError(
            f"{path} is no Zarr group: run `snakemake {path}` to render it."
        ) from error
    attributes = dict(group.attrs)
    if attributes.pop("format", None) != FORMAT:
        raise InputError(
            f"{path} holds no projected columns of format {FORMAT}: render it again."
        )
    modes = {mode: zarr.open_group(path, path=mode, mode="r") for mode in MODES}
    return ProjectedColumns(
        structure=str(attributes.pop("structure")),
        lattice=_array(group, "lattice"),
        species=tuple(map(str, attributes.pop("species"))),  # type: ignore[arg-type]
        positions=_array(group, "positions"),
        amplitude={mode: _array(part, "amplitude") for mode, part in modes.items()},
        sigma={mode: _array(part, "sigma") for mode, part in modes.items()},
        image={
            mode: _array(part, "image").astype(np.float32)
            for mode, part in modes.items()
            if "image" in part
        },
        r_squared={
            mode: float(part.attrs["r_squared"])  # type: ignore[arg-type]
            for mode, part in modes.items()
        },
        attributes=attributes,
        further_images={
            name: np.asarray(array[...], np.float32)
            for name, array in zarr.open_group(
                path, path="further_images", mode="r"
            ).arrays()
        },
    )


def gaussian_cell(
    columns: ProjectedColumns, mode: Mode, sampling: float
) -> NDArray[np.float32]:
    """Draw one periodic cell as the sum of its Gaussian columns.

    Parameters
    ----------
    sampling
        Greatest pixel size, in Å; the cell takes a whole number of pixels.

    Returns
    -------
    (rows, columns) float32
        In the units of `ProjectedColumns.image`, over a background of 0.

    Raises
    ------
    InputError
        The pixels are too coarse for the smallest column.
    """
    return draw_cell(
        columns.lattice,
        columns.positions,
        columns.amplitude[mode],
        columns.sigma[mode],
        cell_shape(columns.lattice, sampling),
    ).astype(np.float32)


def cell_shape(lattice: FloatArray, sampling: float) -> tuple[int, int]:
    """Even numbers of rows and columns whose pixels are `sampling` Å at most."""
    across, down = (
        2 * int(np.ceil(length / sampling / 2 - 1e-9))
        for length in np.linalg.norm(lattice, axis=1)
    )
    return down, across


def draw_cell(
    lattice: FloatArray,
    positions: FloatArray,
    amplitude: FloatArray,
    sigma: FloatArray,
    shape: tuple[int, int],
) -> FloatArray:
    """Draw the periodic sum of Gaussians on a grid of `shape` pixels."""
    rows, across = shape
    pixel = np.linalg.norm(lattice, axis=1) / (across, rows)
    coarsest = COARSEST_PIXEL * sigma.min()
    if pixel.max() > coarsest:
        raise InputError(
            f"pixels of {pixel.max():.3f} Å cannot show a column of sigma "
            f"{sigma.min():.3f} Å: ask for {coarsest:.3f} Å or less."
        )
    spectrum = gaussian_spectrum(lattice, positions, sigma, shape) @ amplitude
    return np.fft.ifft2(spectrum.reshape(shape)).real * rows * across


def gaussian_spectrum(
    lattice: FloatArray,
    positions: FloatArray,
    sigma: FloatArray,
    shape: tuple[int, int],
) -> ComplexArray:
    """Fourier coefficients of periodic Gaussians of peak one.

    Exact: the sum over all neighbouring cells is what a Fourier series is.

    Returns
    -------
    (rows × columns, n) complex128
        Coefficients in the order of `numpy.fft.fft2`, divided by its number of
        pixels, so that they do not depend on `shape`.
    """
    frequencies = cell_frequencies(lattice, shape)
    phase = frequencies @ positions.T
    envelope = (frequencies**2).sum(axis=1)[:, None] * sigma**2
    area = abs(np.linalg.det(lattice))
    height = 2 * np.pi * sigma**2 / area
    spectrum = height * np.exp(-2 * np.pi**2 * envelope - 2j * np.pi * phase)
    return np.asarray(spectrum, np.complex128)


def cell_frequencies(lattice: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Spatial frequencies (x, y) of `numpy.fft.fft2` on a cell, in 1/Å.

    Returns
    -------
    (rows × columns, 2) float64
    """
    rows, across = shape
    down = np.fft.fftfreq(rows, 1 / rows)
    right = np.fft.fftfreq(across, 1 / across)
    indices = np.stack(np.meshgrid(right, down), axis=-1).reshape(-1, 2)
    return np.asarray(indices @ np.linalg.inv(lattice).T, np.float64)


def _add(
    group: zarr.Group,
    name: str,
    values: NDArray[Any],
    dimensions: tuple[str, ...],
    unit: str,
) -> None:
    group.create_array(
        name,
        data=np.ascontiguousarray(values),
        chunks=values.shape,
        dimension_names=dimensions,
        attributes={"unit": unit},
    )


def _array(group: zarr.Group, name: str) -> FloatArray:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return np.asarray(array[...], np.float64)
