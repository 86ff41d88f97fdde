"""Time the synthesis of pairs against a straightforward numpy version.

Run with ``python benchmarks/synthesis.py [--quick]``. Both draw 256 × 256 pairs with
all noise and both labels, interleaved, one thread; CPU time is what counts on a
shared machine. The last line is a JSON object.
"""

import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
from scipy import ndimage  # noqa: E402

from sfin.arrangements import ARRANGEMENTS, draw_scene  # noqa: E402
from sfin.columns import ProjectedColumns  # noqa: E402
from sfin.parameters import NoiseDistribution, NoiseParameters  # noqa: E402
from sfin.synthesis import SynthesisSettings, synthesise_pair  # noqa: E402

SIZE = 256
STRUCTURE = ProjectedColumns(
    structure="perovskite",
    lattice=np.eye(2) * 3.905,
    species=("Sr", "TiO"),
    positions=np.array([[0, 0], [0.5, 0.5]]) * 3.905,
    amplitude={"haadf": np.array([1, 0.44]), "bf": np.array([-1, -0.92])},
    sigma={"haadf": np.array([0.5, 0.5]), "bf": np.array([0.54, 0.52])},
    image={},
    r_squared={},
)
MEAN = NoiseParameters(140, 30, 0.11, 4.76, 0.07, 11.35, 0.27)
NOISE = NoiseDistribution(
    mode="haadf",
    mean=MEAN,
    variance=NoiseParameters(*[0.0] * 7),
    minimum=MEAN,
    maximum=MEAN,
    covariance=tuple((0.0,) * 7 for _ in range(7)),
    patches=1,
    images=(),
)
SETTINGS = SynthesisSettings.from_dict(
    {
        "size": SIZE,
        "correlated": False,
        "noise_factor": (1, 1),
        "brightness_factor": (1, 1),
        "clean_scale": "normalised",
        "detection_sigma": 1.0,
        "detection_threshold": 0.05,
        "superresolution_narrowing": 0.5,
        "arrangement": {"shares": dict.fromkeys(ARRANGEMENTS, 1.0)},
        "noise": {},
    }
)


def ours(seed: int) -> None:
    """Draw a pair with the library."""
    generator = np.random.Generator(np.random.SFC64(seed))
    synthesise_pair([STRUCTURE], NOISE, SETTINGS, generator)


def plain(seed: int) -> None:
    """Draw a pair the straightforward way: whole-image exponentials, row loops."""
    generator = np.random.default_rng(seed)
    columns = draw_scene(
        [STRUCTURE], "haadf", SIZE, SETTINGS.arrangement, generator
    ).columns
    row, column = np.mgrid[:SIZE, :SIZE]
    clean, dots = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE))
    for x, y, brightness, sigma in zip(*columns.arrays(), strict=True):
        distance = (column - x) ** 2 + (row - y) ** 2
        clean += brightness * np.exp(-distance / 2 / sigma**2)
        dots += 255 * np.exp(-distance / 2)
    clean /= max(clean.max(), 1e-9)
    nodes = generator.random((5, 5))
    image = 30 + 40 * ndimage.zoom(nodes, SIZE / 5, order=3)[:SIZE, :SIZE] + 140 * clean
    gradient = np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1))
    scan = np.empty_like(image)
    for line in range(SIZE):
        calm, rough = (
            np.interp(
                np.arange(SIZE), np.arange(0, SIZE + 10, 10), generator.normal(size=27)
            )
            for _ in range(2)
        )
        share = np.minimum(gradient[line] / 80, 1)
        scan[line] = (1 - share) * calm + share * rough
    image += (MEAN.scan_slope * gradient + MEAN.scan_intercept) * scan
    uniform, shape = generator.random(image.shape), MEAN.pointwise_shape
    noise = (uniform**shape - (1 - uniform) ** shape) / shape
    image += (
        noise / noise.std() * (MEAN.pointwise_slope * image + MEAN.pointwise_intercept)
    )
    for array in (image, 255 * clean, dots):
        np.clip(np.rint(array), 0, 255).astype(np.uint8)


def milliseconds(draw: object, number: int, first: int) -> float:
    """Time `number` draws: CPU milliseconds of one."""
    started = time.process_time()
    for seed in range(first, first + number):
        draw(seed)  # type: ignore[operator]
    return (time.process_time() - started) / number * 1e3


if __name__ == "__main__":
    rounds = 1 if "--quick" in sys.argv else 7
    ours(0)
    fast, slow = [], []
    for turn in range(rounds):
        fast.append(milliseconds(ours, 10 if rounds == 1 else 100, 1000 * turn))
        slow.append(milliseconds(plain, 1 if rounds == 1 else 4, 1000 * turn))
    mine, theirs = float(np.median(fast)), float(np.median(slow))
    print(f"{'':20}{'CPU ms per pair':>18}{'pairs per second':>20}")
    for name, value in (("sfin", mine), ("plain numpy", theirs)):
        print(f"{name:20}{value:18.2f}{1e3 / value:20.0f}")
    figures = {
        "pairs_per_second_per_core": round(1e3 / mine, 1),
        "ratio": round(theirs / mine, 1),
    }
    print(json.dumps(figures))
