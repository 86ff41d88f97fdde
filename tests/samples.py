"""Small made-up inputs that several tests share."""

from pathlib import Path

import numpy as np

from sfin.arrangements import ARRANGEMENTS
from sfin.columns import ProjectedColumns
from sfin.parameters import MODES, NoiseDistribution, NoiseParameters
from sfin.synthesis import SynthesisSettings

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


def noise(mode="haadf", **changes):
    """Noise like that of the paper's Table 2."""
    sign = 1 if mode == "haadf" else -1
    values = {
        "atom_brightness": sign * 140.0,
        "background_brightness": 30.0 if mode == "haadf" else 200.0,
        "scan_slope": 0.1,
        "scan_intercept": 4.7,
        "pointwise_slope": 0.07,
        "pointwise_intercept": 11.0,
        "pointwise_shape": 0.2,
    }
    return NoiseParameters(**values | changes)


def spread_noise(mode="haadf"):
    """Make a distribution around `noise`, a tenth wide."""
    mean = noise(mode)
    values = vars(mean)
    return NoiseDistribution(
        mode=mode,
        mean=mean,
        variance=NoiseParameters(**{k: (v / 10) ** 2 for k, v in values.items()}),
        minimum=NoiseParameters(**{k: v - abs(v) / 5 for k, v in values.items()}),
        maximum=NoiseParameters(**{k: v + abs(v) / 5 for k, v in values.items()}),
        covariance=tuple(
            tuple(row) for row in np.diag([(v / 10) ** 2 for v in values.values()])
        ),
        patches=9,
        images=("first", "second"),
    )


def perovskite(name="SrTiO3_001"):
    """Columns of a perovskite along [001], its oxygen invisible in HAADF."""
    positions = np.array([[0, 0], [0.5, 0.5], [0.5, 0], [0, 0.5]]) * 3.905
    return ProjectedColumns(
        structure=name,
        lattice=np.eye(2) * 3.905,
        species=("Sr", "TiO", "O", "O"),
        positions=positions,
        amplitude={
            "haadf": np.array([1, 0.44, 0, 0]),
            "bf": -np.array([1, 0.92, 0.46, 0.46]),
        },
        sigma={mode: np.array([0.5, 0.5, 0.44, 0.44]) for mode in MODES},
        image={mode: np.zeros((4, 4), np.float32) for mode in MODES},
        r_squared=dict.fromkeys(MODES, 1.0),
    )


def synthesis_settings(size):
    """Settings of a small dataset with all arrangements alike."""
    return SynthesisSettings.from_dict(
        {
            "size": size,
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


def spots_image(x, y, size, sigma):
    """Draw dots of 255 at x and y on nothing, shape (size, size)."""
    row, column = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    for across, down in zip(x, y, strict=True):
        square = (column - across) ** 2 + (row - down) ** 2
        image += 255 * np.exp(-square / (2 * sigma**2))
    return image


def merged(base, overlay):
    """Lay one config over another, as Snakemake does."""
    if not isinstance(base, dict) or not isinstance(overlay, dict):
        return overlay
    return base | {k: merged(base.get(k), v) for k, v in overlay.items()}
