"""Close the loop: inject known noise, calibrate it, and see what comes back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.arrangements import NO_SPECIES, Columns
from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.labels import contrast
from sfin.noise import NoiseSettings, add_noise
from sfin.parameters import MODES, PARAMETER_NAMES, Mode, NoiseParameters
from sfin.pixel_loops import sobel_magnitude

ESTIMATORS = ("paper", "debiased")
GOALS = {
    "pointwise_deviation": 0.03,
    "scan_deviation": 0.08,
    "pointwise_shape": 0.04,
    "atom_brightness": 0.05,
    "background_brightness": 0.05,
}


@dataclass(frozen=True)
class PaperNoise:
    """Noise of the real images of one mode, as the paper's Table 2 prints it.

    Attributes
    ----------
    noise
        The parameters; brightnesses halfway between least and greatest.
    atom_range, background_range
        Differences between the greatest and the least brightness.
    """

    noise: NoiseParameters
    atom_range: float
    background_range: float


def read_paper_noise(path: str | Path, mode: Mode) -> PaperNoise:
    """Read Table 2's real images from the CSV of the paper's printed numbers."""
    table = pd.read_csv(path)
    chosen = table[
        (table["artifact"] == "Table 2")
        & (table["dataset"] == "Real")
        & (table["mode"] == mode.upper())
    ]
    value = chosen.set_index("metric")["value"].astype(float)
    atoms, background = (
        value[[f"{name}_min", f"{name}_max"]].to_numpy()
        for name in ("atom_brightness", "background")
    )
    # Printed without its sign.
    sign = 1 if mode == "haadf" else -1
    return PaperNoise(
        NoiseParameters(
            atom_brightness=sign * float(atoms.mean()),
            background_brightness=float(background.mean()),
            scan_slope=float(value["scan_k"]),
            scan_intercept=float(value["scan_b"]),
            pointwise_slope=float(value["pointwise_k"]),
            pointwise_intercept=float(value["pointwise_b"]),
            pointwise_shape=float(value["pointwise_lambda"]),
        ),
        float(np.ptp(atoms)),
        float(np.ptp(background)),
    )


@dataclass(frozen=True)
class ClosureGrid:
    """What is injected: every combination of these, each drawn anew.

    Attributes
    ----------
    atom_sigma
        Standard deviations of the atoms, in pixels.
    spacing
        Distances between them, in standard deviations.
    level
        Factors on the noise of the paper's Table 2.
    shape
        Tukey-lambda shapes.
    arrangement
        ``lattice`` (a square one, rotated at random) or ``random``.
    patches
        Edges of the image, in patches: 1 is one patch, 2 is four.
    """

    atom_sigma: Sequence[float] = (2, 3, 4, 6, 8, 12)
    spacing: Sequence[float] = (4.5, 6)
    level: Sequence[float] = (0.1, 0.3, 1, 3)
    shape: Sequence[float] = (-0.1, 0.1, 0.27, 0.45)
    arrangement: Sequence[str] = ("lattice", "random")
    patches: Sequence[int] = (1, 2)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through all combinations, those of many patches only at one level."""
        names = list(vars(self))
        for values in product(*vars(self).values()):
            point = dict(zip(names, values, strict=True))
            if point["patches"] == 1 or point["level"] == 1:
                yield point


def close_loop(
    mode: Mode,
    grid: ClosureGrid,
    settings: CalibrationSettings,
    noise: NoiseSettings,
    table2: PaperNoise,
    generator: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Inject and calibrate every point of a grid.

    Returns
    -------
    DataFrame
        A row for each point and estimator: the point, the injected and the
        found value of each parameter, and the standard deviations in the
        middle of the grey levels and of the gradients.
    """
    points = list(grid)
    rows = []
    for done, point in enumerate(points, 1):
        injected = _injected(table2.noise, point)
        atoms = draw_atoms(point, settings.patch_size * point["patches"], generator)
        image = add_noise(atoms, injected, noise, generator)
        grey, gradient = _middle(atoms, injected)
        for estimator in ESTIMATORS:
            chosen = CalibrationSettings(**vars(settings) | {"estimator": estimator})
            try:
                patches = calibrate(image, mode, chosen)
            except InputError as error:
                rows.append(
                    {
                        **point,
                        "mode": mode,
                        "estimator": estimator,
                        "refused": str(error),
                    }
                )
                continue
            found = _mean([patch.parameters for patch in patches])
            row = {**point, "mode": mode, "estimator": estimator, "refused": ""}
            row["range_atom_brightness"] = table2.atom_range
            row["range_background_brightness"] = table2.background_range
            for name, noise_of in (("injected", injected), ("found", found)):
                row |= {f"{name}_{key}": value for key, value in vars(noise_of).items()}
                row |= {
                    f"{name}_scan_deviation": _deviation(
                        noise_of.scan_slope, noise_of.scan_intercept, gradient
                    ),
                    f"{name}_pointwise_deviation": _deviation(
                        noise_of.pointwise_slope, noise_of.pointwise_intercept, grey
                    ),
                }
            rows.append(row)
        if progress:
            progress(done, len(points))
    return pd.DataFrame(rows)


def close_modes(
    grid: ClosureGrid,
    settings: CalibrationSettings,
    noise: NoiseSettings,
    paper_values: str | Path,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Close the loop in both modes, each with random numbers of its own."""
    rows = []
    for index, mode in enumerate(MODES):
        table2 = read_paper_noise(paper_values, mode)
        generator = np.random.default_rng([seed, index])
        rows.append(
            close_loop(mode, grid, settings, noise, table2, generator, progress)
        )
    return pd.concat(rows, ignore_index=True)


def draw_atoms(
    point: Mapping[str, Any], size: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the contrast of one point of the grid, 0 to 1, shape (size, size)."""
    sigma = float(point["atom_sigma"])
    distance = sigma * float(point["spacing"])
    if point["arrangement"] == "random":
        number = int(0.7 * (size / distance) ** 2) + 3
        x, y = generator.uniform(0, size, (2, number))
        brightness = generator.uniform(0.3, 1, number)
    else:
        steps = np.arange(-size, size, distance)
        angle = generator.uniform(0, 2 * np.pi)
        across, down = (array.ravel() for array in np.meshgrid(steps, steps))
        x = size / 2 + across * np.cos(angle) - down * np.sin(angle)
        y = size / 2 + across * np.sin(angle) + down * np.cos(angle)
        near = (np.abs(x - size / 2) < size) & (np.abs(y - size / 2) < size)
        x, y = x[near], y[near]
        brightness = np.ones(x.size)
    species = np.full(x.size, NO_SPECIES)
    return contrast(Columns(x, y, brightness, np.full(x.size, sigma), species), size)


def summarise_closure(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the median error of each quantity over the grid.

    Returns
    -------
    DataFrame
        ``quantity, estimator, mode, error, spread, bias, goal, points, refused``:
        the median absolute error, the interquartile range of the errors and
        their median. Errors of standard deviations, slopes and intercepts are
        relative; those of the brightnesses are shares of their range in Table 2;
        that of the shape is absolute. One patch only: see the column `patches`
        of the rows for many.
    """
    quantities = ("scan_deviation", "pointwise_deviation", *PARAMETER_NAMES)
    one = rows[rows["patches"] == 1]
    summary = []
    for (estimator, mode), group in one.groupby(["estimator", "mode"], sort=False):
        for quantity in quantities:
            error = errors(group[group["refused"] == ""], quantity)
            summary.append(
                {
                    "quantity": quantity,
                    "estimator": estimator,
                    "mode": mode,
                    "error": error.abs().median(),
                    "spread": error.quantile(0.75) - error.quantile(0.25),
                    "bias": error.median(),
                    "goal": GOALS.get(quantity, np.nan),
                    "points": len(group),
                    "refused": int((group["refused"] != "").sum()),
                }
            )
    return pd.DataFrame(summary)


def errors(rows: pd.DataFrame, quantity: str) -> "pd.Series[float]":
    """Compare what was found with what was injected; see `summarise_closure`."""
    injected, found = rows[f"injected_{quantity}"], rows[f"found_{quantity}"]
    scale: pd.Series[float] | float = injected.abs()
    if quantity == "pointwise_shape":
        scale = 1.0
    elif quantity.endswith("brightness"):
        scale = rows[f"range_{quantity}"]
    error: pd.Series[float] = (found - injected) / scale
    return error


def _injected(noise: NoiseParameters, point: Mapping[str, Any]) -> NoiseParameters:
    scaled = {
        name: value * point["level"]
        for name, value in vars(noise).items()
        if name.endswith(("slope", "intercept"))
    }
    return NoiseParameters(**vars(noise) | scaled | {"pointwise_shape": point["shape"]})


def _middle(
    atoms: NDArray[np.float32], parameters: NoiseParameters
) -> tuple[float, float]:
    """Give the grey level and the gradient halfway up the atoms."""
    image = np.float32(parameters.atom_brightness) * atoms
    grey = parameters.background_brightness + parameters.atom_brightness / 2
    return grey, float(np.percentile(sobel_magnitude(image), 99)) / 2


def _deviation(slope: float, intercept: float, at: float) -> float:
    return slope * at + intercept


def _mean(parameters: Sequence[NoiseParameters]) -> NoiseParameters:
    values = np.array([list(vars(each).values()) for each in parameters])
    return NoiseParameters(*map(float, values.mean(axis=0)))
