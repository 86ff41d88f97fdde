"""How fast an image is calibrated, beside a plain version in numpy and scipy.

Both calibrate one image of 256 × 256 pixels, in turn, several times over; medians
are compared, of CPU time above all, which a busy machine disturbs least. One
thread. The plain version is the paper's section 3.2 written down directly: a mask
and a standard deviation per bin, and a search for the shape λ per bin. Then the
time for larger images. The last line is one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from threadpoolctl import threadpool_limits

from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.noise import NoiseSettings, add_noise
from sfin.parameters import NoiseParameters

FloatArray = NDArray[np.floating]

# Near the paper's Table 2.
NOISE = NoiseParameters(
    atom_brightness=140.0,
    background_brightness=30.0,
    scan_slope=0.1,
    scan_intercept=4.7,
    pointwise_slope=0.07,
    pointwise_intercept=11.0,
    pointwise_shape=0.2,
)
SIZE = 256
SPACING = 32  # pixels between atoms


def lattice(seed: int) -> FloatArray:
    """Make a noisy lattice of 256 × 256 pixels in grey levels."""
    wave = np.cos(np.arange(SIZE) * 2 * np.pi / SPACING)
    atoms = ((wave[:, None] + wave) / 4 + 0.5).astype(np.float32)
    generator = np.random.default_rng(seed)
    return add_noise(atoms, NOISE, NoiseSettings(), generator)


def plain(image: FloatArray, settings: CalibrationSettings) -> NoiseParameters:
    """Calibrate one image of atoms that are bright, as one would write it first."""
    grey = np.asarray(image, dtype=np.float64)
    blurred = ndimage.gaussian_filter(grey, settings.blur_sigma)
    row_blurred = ndimage.gaussian_filter1d(grey, settings.row_blur_sigma, axis=1)
    gradient = np.hypot(ndimage.sobel(blurred, 0), ndimage.sobel(blurred, 1))
    margin = settings.margin
    inside = slice(margin, -margin), slice(margin, -margin)
    level, gradient = blurred[inside], gradient[inside]
    scan, pointwise = (row_blurred - blurred)[inside], (grey - row_blurred)[inside]
    scan_line = plain_line(gradient, scan, settings.gradient_bin_width, settings)
    pointwise_line = plain_line(level, pointwise, settings.grey_bin_width, settings)
    shapes = []
    for mask in masks(level, settings.shape_bin_width):
        if mask.sum() >= max(100, settings.minimum_bin_fraction * level.size):
            # Three points keep the search off the second maximum beyond 2.
            shapes.append(stats.ppcc_max(pointwise[mask], brack=(-0.4, 0.14, 1.4)))
    return NoiseParameters(
        float(level.max() - level.min()),
        float(level.min()),
        *scan_line,
        *pointwise_line,
        float(np.median(shapes)),
    )


def masks(variable: FloatArray, width: float) -> list[NDArray[np.bool_]]:
    """Give one mask per bin."""
    bins = np.floor(variable / width)
    return [bins == place for place in np.arange(bins.min(), bins.max() + 1)]


def plain_line(
    variable: FloatArray,
    noise: FloatArray,
    width: float,
    settings: CalibrationSettings,
) -> tuple[float, float]:
    """Fit a standard deviation against a variable: slope and intercept."""
    places, deviations = [], []
    for mask in masks(variable, width):
        if mask.sum() >= settings.minimum_bin_fraction * variable.size:
            places.append(variable[mask].mean())
            deviations.append(np.std(noise[mask]))
    slope, intercept = np.polyfit(places, deviations, 1)
    return float(slope), float(intercept)


def interleaved(
    candidates: dict[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Time candidates in turn: median CPU and wall milliseconds of each."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for call in candidates.values():
        call()  # the first call pays for imports and caches
    for _ in range(rounds):
        for name, call in candidates.items():
            cpu, wall = time.process_time(), time.perf_counter()
            call()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            spent[name].append((1e3 * cpu, 1e3 * wall))
    return {
        name: (median(cpu for cpu, _ in times), median(wall for _, wall in times))
        for name, times in spent.items()
    }


def main() -> None:
    """Print both tables and the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, small images")
    quick = parser.parse_args().quick
    default = CalibrationSettings()
    versions = {
        name: replace(default, estimator=name)
        for name in dict.fromkeys((default.estimator, "paper"))
    }
    image = lattice(0)

    calls: dict[str, Callable[[], object]] = {
        f"sfin, {name}": lambda s=settings: calibrate(image, "haadf", s)
        for name, settings in versions.items()
    }
    calls["numpy and scipy"] = lambda: plain(image, default)
    times = interleaved(calls, 1 if quick else 9)
    reference = times["numpy and scipy"][0]
    print(f"Calibrate {SIZE} × {SIZE} pixels, one thread, medians")
    print(f"{'':18}{'CPU (ms)':>10}{'wall (ms)':>11}{'CPU ratio':>11}")
    for name, (cpu, wall) in times.items():
        print(f"{name:18}{cpu:10.2f}{wall:11.2f}{reference / cpu:11.1f}")

    (patch,) = calibrate(image, "haadf", versions["paper"])
    print("\nThe same answer: paper's estimator here, plain version")
    for name, value in vars(plain(image, default)).items():
        print(f"{name:24}{getattr(patch.parameters, name):10.3f}{value:10.3f}")

    print("\nLarger images: CPU milliseconds, and milliseconds per 256 × 256")
    print(f"{'pixels':>12}" + "".join(f"{name:>22}" for name in versions))
    for copies in (1, 2) if quick else (1, 2, 4, 8, 16):
        large = np.tile(image, (copies, copies))
        large_calls: dict[str, Callable[[], object]] = {
            name: lambda s=settings, i=large: calibrate(i, "haadf", s)
            for name, settings in versions.items()
        }
        found = interleaved(large_calls, 1 if copies > 4 or quick else 3)
        row = (f"{cpu:12.1f}{cpu / copies**2:10.2f}" for cpu, _ in found.values())
        print(f"{copies * SIZE:>10}²{'':1}" + "".join(row))

    figures = {}
    for name in versions:
        cpu, _ = times[f"sfin, {name}"]
        mark = "" if name == default.estimator else f"_{name}"
        figures[f"ratio{mark}"] = round(reference / cpu, 1)
        figures[f"milliseconds_256{mark}"] = round(cpu, 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
