"""Take an image apart into signal, background and the two kinds of noise.

Equation 1 of the paper, backwards: the image is the clean one plus background, scan
noise and pointwise noise. The enhanced image stands for the clean one. Of the rest,
what a smooth surface follows is background; what the pixels of a row share is scan
noise; what is left is pointwise noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.sparse.linalg import LinearOperator, cg

from sfin.debiased_estimator import local_variances
from sfin.errors import InputError
from sfin.noise_curves import sobel_magnitude
from sfin.parameters import Mode, NoiseParameters

FloatArray = NDArray[np.floating]

# Pixels between the knots of the background: it follows waves of twice that length,
# which is what `sfin.noise` makes, and leaves atoms alone.
BACKGROUND_SPACING = 48
# Pixels along a row over which scan noise may be alike.
REACH = 64
# Rows that are solved for at once, for the memory's sake.
ROWS = 256
# Least pointwise deviation, as a share of all noise: without any, nothing tells the
# two kinds apart.
LEAST_POINTWISE = 0.05


@dataclass(frozen=True)
class ImageParts:
    """What an image is the sum of; grey levels, float64 (rows, columns).

    Attributes
    ----------
    signal
        The enhanced image, 0 where there is no atom (negative in BF), as bright as the
        input shows it.
    background
        Smooth part.
    scan_noise
        Most likely scan noise. A best estimate of what noise hides is weaker than the
        truth: the rest of it is in `pointwise_noise`.
    pointwise_noise
        What remains: also all that the enhanced image fails to explain, if it is no
        longer along a row than a few pixels.
    gain
        Grey levels of the input per grey level of the enhanced image.
    """

    signal: FloatArray
    background: FloatArray
    scan_noise: FloatArray
    pointwise_noise: FloatArray
    gain: float

    @property
    def noiseless(self) -> FloatArray:
        """Signal and background."""
        return self.signal + self.background

    @property
    def residual(self) -> FloatArray:
        """What signal and background leave over: all noise, if all is well."""
        return self.scan_noise + self.pointwise_noise


def take_apart(
    grey: FloatArray,
    enhanced: FloatArray,
    mode: Mode,
    noise: NoiseParameters | None,
) -> ImageParts:
    """Take an image apart with the help of its enhanced image.

    Gain and background are the least squares of a cubic spline surface together with
    the enhanced image. Scan noise is the mean of all scan noises that the rest allows
    (a Gaussian process along each row): its deviation follows the gradient and that of
    the pointwise noise the grey level, as calibrated, and how alike neighbouring
    pixels are is read off differences between rows, which lose the atoms.

    Parameters
    ----------
    grey
        Grey levels of the image (rows, columns), fast scan along the rows, not
        clipped.
    enhanced
        Grey levels (rows, columns).
    mode
        Whether atoms are bright or dark.
    noise
        Of the image. None if it cannot be measured; the deviations are then taken as
        the same everywhere.

    Raises
    ------
    InputError
        If the two images differ in shape or are smaller than 32 × 32.
    """
    if grey.shape != enhanced.shape or min(grey.shape) < 32:
        raise InputError(
            f"An image of shape {grey.shape} cannot be taken apart by an enhanced "
            f"image of shape {enhanced.shape}: give two of one shape, at least 32 × 32."
        )
    image = np.asarray(grey, np.float64)
    atoms = np.asarray(enhanced, np.float64) - (255.0 if mode == "bf" else 0.0)
    # A projection: what is left of both is free of all smooth surfaces.
    model = atoms - smooth_surface(atoms)
    power = float(np.vdot(model, model))
    gain = float(np.vdot(model, image)) / power if power > 1e-9 * atoms.size else 0.0
    signal = gain * atoms
    background = smooth_surface(image - signal)
    rest = image - signal - background
    scan = _scan_noise(rest, image, signal + background, noise)
    return ImageParts(signal, background, scan, rest - scan, gain)


def smooth_surface(image: FloatArray) -> FloatArray:
    """Fit a cubic spline surface, by least squares."""
    down, right = (_spline_basis(size) for size in image.shape)
    surface: FloatArray = down @ (down.T @ image @ right) @ right.T
    return surface


def _spline_basis(size: int) -> FloatArray:
    # Orthonormal, (size, functions).
    intervals = max(round((size - 1) / BACKGROUND_SPACING), 1)
    knots = np.linspace(0, size - 1, intervals + 1)
    padded = np.concatenate([[0.0] * 3, knots, [size - 1.0] * 3])
    design = BSpline.design_matrix(np.arange(size, dtype=np.float64), padded, 3)
    return np.asarray(np.linalg.qr(design.toarray())[0])


def _scan_noise(
    rest: FloatArray,
    image: FloatArray,
    noiseless: FloatArray,
    noise: NoiseParameters | None,
) -> FloatArray:
    total, shared = (float(part.mean()) for part in local_variances(image))
    least = LEAST_POINTWISE * np.sqrt(max(total, 1e-12))
    if shared <= 0:
        return np.zeros_like(rest)
    if noise is None:
        scan = np.full_like(rest, np.sqrt(shared))
        pointwise = np.full_like(rest, np.sqrt(max(total - shared, 0.0)))
    else:
        gradient = sobel_magnitude(noiseless)
        scan = np.maximum(noise.scan_slope * gradient + noise.scan_intercept, 0.0)
        pointwise = noise.pointwise_slope * noiseless + noise.pointwise_intercept
    pointwise = np.maximum(pointwise, least)
    spectrum = _row_spectrum(image, shared)
    blocks = [slice(start, start + ROWS) for start in range(0, len(rest), ROWS)]
    return np.concatenate(
        [_most_likely(rest[b], scan[b], pointwise[b], spectrum) for b in blocks]
    )


def _row_spectrum(image: FloatArray, shared: float) -> FloatArray:
    # Of scan noise of variance one, along rows that are padded to twice their length.
    rows = np.diff(np.asarray(image, np.float32), n=5, axis=0)
    rows /= np.sqrt(np.float32(252))
    columns = rows.shape[1]
    reach = min(REACH, columns // 4)
    covariance = np.zeros(2 * columns)
    covariance[0] = 1.0
    for step in range(1, reach + 1):
        alike = float(np.mean(rows[:, :-step] * rows[:, step:])) / shared
        # Far pixels are alike by chance: a Hann window.
        window = np.cos(np.pi / 2 * step / (reach + 1)) ** 2
        covariance[step] = covariance[-step] = alike * window
    spectrum = np.maximum(np.fft.rfft(covariance).real, 0.0)
    return np.asarray(spectrum / np.fft.irfft(spectrum)[0])


def _most_likely(
    rest: FloatArray, scan: FloatArray, pointwise: FloatArray, spectrum: FloatArray
) -> FloatArray:
    # Mean of s u given s u + p w = rest, where u has the spectrum and w is white:
    # s K g v with (1 + g K g) v = rest / p and g = s / p.
    ratio = scan / pointwise
    columns = rest.shape[1]

    def blur(rows: FloatArray) -> FloatArray:
        padded = np.fft.rfft(rows, 2 * columns, axis=1)
        return np.asarray(np.fft.irfft(padded * spectrum, axis=1)[:, :columns])

    def system(flat: FloatArray) -> FloatArray:
        rows = flat.reshape(rest.shape)
        return np.asarray(rows + ratio * blur(ratio * rows)).ravel()

    operator = LinearOperator((rest.size,) * 2, matvec=system, dtype=np.float64)
    # What forty steps leave open is far below the noise of the estimate itself.
    solution, _ = cg(operator, (rest / pointwise).ravel(), rtol=1e-3, maxiter=40)
    return np.asarray(scan * blur(ratio * solution.reshape(rest.shape)))
