"""The seven noise parameters of a STEM image, and how they vary between images."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.files import write_whole

Mode = Literal["haadf", "bf"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class NoiseParameters:
    """Noise of one 256 × 256 patch, in 8-bit grey levels (paper, section 3.2).

    Attributes
    ----------
    atom_brightness
        Grey levels from the background to the extreme atom: positive in HAADF,
        negative in BF, where atoms are dark.
    background_brightness
        Grey level of the background: the darkest place of a HAADF patch, the
        brightest of a BF patch.
    scan_slope, scan_intercept
        Standard deviation of the scan noise = ``scan_slope`` × gradient +
        ``scan_intercept``, the gradient being the magnitude of the
        un-normalised 3 × 3 Sobel operator.
    pointwise_slope, pointwise_intercept
        Standard deviation of the pointwise noise = ``pointwise_slope`` × grey
        level + ``pointwise_intercept``.
    pointwise_shape
        Shape λ of the Tukey-lambda distribution of the pointwise noise
        (0.14 is close to a normal distribution, larger is flatter).
    """

    atom_brightness: float
    background_brightness: float
    scan_slope: float
    scan_intercept: float
    pointwise_slope: float
    pointwise_intercept: float
    pointwise_shape: float


PARAMETER_NAMES = tuple(field.name for field in fields(NoiseParameters))
# Those that every standard deviation of the noise is proportional to.
NOISE_NAMES = (
    "scan_slope",
    "scan_intercept",
    "pointwise_slope",
    "pointwise_intercept",
)


def multiply_noise(parameters: NoiseParameters, factor: float) -> NoiseParameters:
    """Multiply all standard deviations of the noise, at every level and gradient."""
    scaled = {name: factor * getattr(parameters, name) for name in NOISE_NAMES}
    return replace(parameters, **scaled)


@dataclass(frozen=True)
class NoiseDistribution:
    """How the noise parameters vary over the calibrated patches of one mode.

    Attributes
    ----------
    mode
        ``haadf`` or ``bf``.
    mean, variance, minimum, maximum
        Of each parameter, over the patches. The variance is the unbiased one,
        and zero where there is a single patch.
    covariance
        Of the parameters in their order, 7 rows of 7; its diagonal is the
        variance.
    patches
        Number of patches they were taken over.
    images
        Names of the images the patches come from.
    warnings
        What the noise rests on if not on raw images of the run, for captions; none
        where there are some.
    """

    mode: Mode
    mean: NoiseParameters
    variance: NoiseParameters
    minimum: NoiseParameters
    maximum: NoiseParameters
    covariance: tuple[tuple[float, ...], ...]
    patches: int
    images: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def draw(
        self, generator: np.random.Generator, correlated: bool = False
    ) -> NoiseParameters:
        """Draw the parameters of one image (paper, section 3.3).

        Each parameter is normally distributed, within the range that was
        measured: a draw beyond it is drawn again, so that it is never a noise
        nobody has seen (a negative brightness, a shape without a variance).

        Parameters
        ----------
        generator
            Source of randomness.
        correlated
            Whether parameters vary together as they were measured to; the
            paper draws each on its own.
        """
        mean, low, high = map(_array, (self.mean, self.minimum, self.maximum))
        values = mean
        beyond = np.ones(mean.size, dtype=np.bool_)
        for _ in range(100):
            if correlated:
                drawn = generator.multivariate_normal(
                    mean, np.array(self.covariance), method="eigh"
                )
                # One that is beyond its range takes all others with it.
                beyond[:] = beyond.any()
            else:
                drawn = generator.normal(mean, np.sqrt(_array(self.variance)))
            values = np.where(beyond, drawn, values)
            # Rounding: a parameter without variance is its own range.
            beyond = (values < low - 1e-9) | (values > high + 1e-9)
            if not beyond.any():
                break
        return NoiseParameters(*map(float, np.clip(values, low, high)))

    def to_dict(self) -> dict[str, object]:
        """Turn into plain dictionaries, ready for JSON."""
        lists = {
            "images": list(self.images),
            "warnings": list(self.warnings),
            "covariance": [list(row) for row in self.covariance],
        }
        return asdict(self) | lists


def _array(parameters: NoiseParameters) -> NDArray[np.float64]:
    return np.array([getattr(parameters, name) for name in PARAMETER_NAMES])


def summarise(
    mode: Mode, patches: Mapping[str, Iterable[NoiseParameters]]
) -> NoiseDistribution:
    """Describe the patches of several images by one distribution.

    Parameters
    ----------
    mode
        Mode of all the images.
    patches
        Noise parameters of the patches of each image, by image name.

    Raises
    ------
    InputError
        If there is no patch at all.
    """
    rows = [_array(patch) for image in patches.values() for patch in image]
    if not rows:
        raise InputError(
            f"No {mode} image could be calibrated: add a raw {mode} image to "
            f"resources/real_images/{mode}/."
        )
    values = np.stack(rows)
    covariance = np.zeros((7, 7))
    if len(rows) > 1:
        covariance = np.cov(values, rowvar=False)

    def parameters(row: NDArray[np.float64]) -> NoiseParameters:
        return NoiseParameters(*map(float, row))

    return NoiseDistribution(
        mode=mode,
        mean=parameters(values.mean(axis=0)),
        variance=parameters(np.diag(covariance)),
        minimum=parameters(values.min(axis=0)),
        maximum=parameters(values.max(axis=0)),
        covariance=tuple(tuple(map(float, row)) for row in covariance),
        patches=len(rows),
        images=tuple(patches),
    )


def distrust(mode: str, warnings: Sequence[str]) -> str:
    """Say what a mode's noise rests on if not on raw images; nothing otherwise."""
    return f" {mode.upper()} rests on {'; '.join(warnings)}." if warnings else ""


def write_distribution(path: str | Path, distribution: NoiseDistribution) -> None:
    """Write a distribution as JSON."""
    text = json.dumps(distribution.to_dict(), indent=2) + "\n"
    write_whole(path, text)


def read_distribution(path: str | Path) -> NoiseDistribution:
    """Read what `write_distribution` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is none, or damaged.
    """
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    for name in ("mean", "variance", "minimum", "maximum"):
        entries[name] = NoiseParameters(**entries[name])
    entries["covariance"] = tuple(map(tuple, entries["covariance"]))
    for name in ("images", "warnings"):
        entries[name] = tuple(map(str, entries[name]))
    distribution = NoiseDistribution(**entries)
    _check(distribution)
    return distribution


def _check(distribution: NoiseDistribution) -> None:
    number = len(PARAMETER_NAMES)
    ranges = distribution.minimum, distribution.mean, distribution.maximum
    rows = [_array(one) for one in (*ranges, distribution.variance)]
    rows += [np.array(row, np.float64) for row in distribution.covariance]
    if distribution.mode not in MODES:
        raise ValueError(f"its mode is {distribution.mode!r}")
    if [row.shape for row in rows] != [(number,)] * (4 + number):
        raise ValueError(f"its covariance is not {number} × {number} numbers")
    if not all(row.dtype.kind in "if" and np.isfinite(row).all() for row in rows):
        raise ValueError("it holds what is no finite number")
    if (rows[3] < 0).any() or (rows[0] > rows[2]).any():
        raise ValueError("a variance is negative, or a minimum above its maximum")
