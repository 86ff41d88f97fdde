"""Add to a clean STEM image the noise that its microscope would (section 3.3).

The image is background + atoms + scan noise + pointwise noise. This is the
model that `sfin.calibration` inverts; the two share only `sfin.parameters`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from sfin.parameters import NoiseParameters
from sfin.pixel_loops import blend_scan_noise, scale_by_level, sobel_magnitude
from sfin.tukey_lambda import tukey_lambda_deviation, tukey_lambda_quantile

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class NoiseSettings:
    """What the calibrated parameters leave open.

    Attributes
    ----------
    background_nodes
        Fewest and most nodes per side of the random matrix that is upsampled
        to the background (Perlin noise, bicubic).
    background_range
        Least and greatest difference between the brightest and the darkest
        place of the background, in grey levels; less where it would saturate.
    scan_knot_spacing
        Pixels along the fast scan between independent values of the scan noise.
    scan_blend_gradient
        Sobel gradient (grey levels) at which the first of the two scan-noise
        patterns has given way to the second.
    """

    background_nodes: tuple[int, int] = (3, 6)
    background_range: tuple[float, float] = (10.0, 60.0)
    scan_knot_spacing: float = 10.0
    scan_blend_gradient: float = 80.0


def add_noise(
    atoms: Float32Array,
    parameters: NoiseParameters,
    settings: NoiseSettings,
    generator: np.random.Generator,
) -> Float32Array:
    """Turn the contrast of the atoms into a noisy image.

    Parameters
    ----------
    atoms
        Contrast of the atoms, 0 (background) to 1 (extreme atom), shape
        (rows, columns), fast scan along the rows.
    parameters
        Noise of this image; the sign of ``atom_brightness`` tells whether
        atoms are bright (HAADF) or dark (BF).
    settings
        What the parameters leave open.
    generator
        Source of randomness.

    Returns
    -------
    array
        Grey levels, not clipped, shape (rows, columns).
    """
    image = noiseless_image(atoms, parameters, settings, generator)
    return disturb(image, parameters, settings, generator)


def noiseless_image(
    atoms: Float32Array,
    parameters: NoiseParameters,
    settings: NoiseSettings,
    generator: np.random.Generator,
) -> Float32Array:
    """Put the atoms, as bright as in the noisy image, on a background.

    Parameters and result are those of `add_noise`.
    """
    image = background(atoms.shape, parameters, settings, generator)
    image += np.float32(parameters.atom_brightness) * atoms
    return image


def disturb(
    image: Float32Array,
    parameters: NoiseParameters,
    settings: NoiseSettings,
    generator: np.random.Generator,
) -> Float32Array:
    """Add scan noise and then pointwise noise to what `noiseless_image` gives."""
    scan = scan_noise(sobel_magnitude(image), parameters, settings, generator)
    scanned = image + scan
    return scanned + pointwise_noise(scanned, parameters, generator)


def background(
    shape: tuple[int, ...],
    parameters: NoiseParameters,
    settings: NoiseSettings,
    generator: np.random.Generator,
) -> Float32Array:
    """Make a smooth background by upsampling uniform noise bicubically.

    Its darkest place has the background brightness in HAADF, its brightest
    one in BF, which is what the calibration measures there.
    """
    rows, columns = shape
    low, high = settings.background_nodes
    nodes = int(generator.integers(low, high + 1))
    matrix = generator.random((nodes, nodes), dtype=np.float32)
    smooth = _upsampling(nodes, rows) @ matrix @ _upsampling(nodes, columns).T
    darkest, brightest = smooth.min(), smooth.max()
    height = generator.uniform(*settings.background_range)
    # The microscopist sets gain and offset so that image and background fit.
    atoms, base = parameters.atom_brightness, parameters.background_brightness
    room = 255 - base - atoms if atoms > 0 else base + atoms
    height = min(height, max(room, settings.background_range[0]))
    gain = np.float32(height / (brightest - darkest))
    level = np.float32(base) - gain * (darkest if atoms > 0 else brightest)
    result: Float32Array = smooth * gain + level
    return result


def scan_noise(
    gradient: Float32Array,
    parameters: NoiseParameters,
    settings: NoiseSettings,
    generator: np.random.Generator,
) -> Float32Array:
    """Blend two one-dimensional Perlin patterns by the gradient of the image.

    Each row is independent and smooth along the fast scan. The standard
    deviation is ``scan_slope`` × gradient + ``scan_intercept`` everywhere.
    """
    rows, columns = gradient.shape
    interpolation = unit_spline(columns, settings.scan_knot_spacing)
    knots = generator.standard_normal(
        (2, rows, interpolation.shape[0]), dtype=np.float32
    )
    calm, rough = knots @ interpolation
    noise: Float32Array = blend_scan_noise(
        gradient,
        calm,
        rough,
        np.float32(parameters.scan_slope),
        np.float32(parameters.scan_intercept),
        np.float32(settings.scan_blend_gradient),
    )
    return noise


def pointwise_noise(
    image: Float32Array, parameters: NoiseParameters, generator: np.random.Generator
) -> Float32Array:
    """Draw Tukey-lambda noise, independent between pixels.

    Its standard deviation is ``pointwise_slope`` × grey level +
    ``pointwise_intercept``, never below zero.
    """
    shape = parameters.pointwise_shape
    # The open interval: p = 0 has no finite quantile for λ ≤ 0.
    uniform = np.clip(
        generator.random(image.shape, dtype=np.float32),
        np.float32(2**-25),
        np.float32(1 - 2**-24),
    )
    unit = tukey_lambda_quantile(uniform, shape)
    unit *= np.float32(1 / tukey_lambda_deviation(shape))
    noise: Float32Array = scale_by_level(
        image,
        unit,
        np.float32(parameters.pointwise_slope),
        np.float32(parameters.pointwise_intercept),
    )
    return noise


@lru_cache(maxsize=64)
def _upsampling(nodes: int, size: int) -> Float32Array:
    """Interpolate `nodes` values over `size` pixels by a cubic spline: a matrix."""
    spline = CubicSpline(np.arange(nodes), np.eye(nodes))
    matrix: Float32Array = spline(np.linspace(0, nodes - 1, size)).astype(np.float32)
    return matrix


@lru_cache(maxsize=16)
def unit_spline(size: int, spacing: float) -> Float32Array:
    """Interpolate normal knots so that each pixel keeps a variance of one.

    Returns
    -------
    array
        Shape (knots, size): each row is the share of one knot in the pixels.
    """
    knots = int(np.ceil((size - 1) / spacing)) + 1
    spline = CubicSpline(np.arange(knots), np.eye(knots))
    matrix = spline(np.arange(size) / spacing).T
    result: Float32Array = (matrix / np.linalg.norm(matrix, axis=0)).astype(np.float32)
    return result
