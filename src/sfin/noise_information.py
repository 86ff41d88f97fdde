"""Fisher information of an image under the noise model, row by row.

The noise is that of `sfin.noise`, to second order:

- Rows are independent. The scan noise of a row is diag(u) Bᵀ z with normal knots z,
  for each of its two patterns, u being its share of the deviation: a covariance that
  depends, by the gradient, on the atoms themselves.
- Pointwise noise has the variance (slope × grey level + intercept)², and slope² ×
  the variance of the scan noise, which it is multiplied with. The location
  information of a Tukey-lambda density over that of a normal one (`shape_information`:
  1.00 at λ = 0.14, 1.17 at 0.28, 1.95 at 0.39) divides this variance.
- The information that lies in the deviations is that of normal noise.

Rounding and clipping only take information away and are left out.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import coo_array, csr_array, kron

from sfin.noise import NoiseSettings, unit_spline
from sfin.parameters import NoiseParameters
from sfin.tukey_lambda import tukey_lambda_deviation

FloatArray = NDArray[np.float64]
# From λ = 0.5 on the information is infinite: a density with sharp ends.
SHARPEST_SHAPE = 0.45


def fisher_information(
    image: FloatArray,
    slopes: csr_array,
    parameters: NoiseParameters,
    noise: NoiseSettings,
) -> tuple[FloatArray, FloatArray]:
    """Give the information that the brightness and the deviations of pixels hold.

    Parameters
    ----------
    image
        Grey levels without noise (rows, columns), fast scan along the rows.
    slopes
        Derivatives of the image by what is unknown, sparse, (pixels, unknowns).
    parameters
        Of the noise of this image.
    noise
        What the parameters leave open.

    Returns
    -------
    brightness
        (unknowns, unknowns): all that weighted least squares make use of.
    deviations
        As much again: what the noise, which depends on the atoms, tells of them.
    """
    rows, columns = image.shape
    brightness, deviations = np.zeros((2, slopes.shape[1], slopes.shape[1]))
    horizontal, vertical = _sobel(rows, columns)
    across, down = horizontal @ image.ravel(), vertical @ image.ravel()
    gradient = np.hypot(across, down)
    safe = np.maximum(gradient, 1e-9)
    # Derivatives of the magnitude of the gradient, by all parameters.
    steepening = (horizontal @ slopes).multiply((across / safe)[:, None]) + (
        vertical @ slopes
    ).multiply((down / safe)[:, None])
    steepening = csr_array(steepening)
    spline = unit_spline(columns, noise.scan_knot_spacing).astype(np.float64)
    step = 1e-3 * noise.scan_blend_gradient
    shares = _scan_shares(gradient, parameters, noise)
    bends = _scan_shares(gradient + step, parameters, noise)
    bends = (bends - _scan_shares(gradient - step, parameters, noise)) / (2 * step)
    level = np.maximum(
        parameters.pointwise_slope * image.ravel() + parameters.pointwise_intercept, 0
    )
    gain = parameters.pointwise_slope * (level > 0)
    factor = shape_information(round(parameters.pointwise_shape, 6))
    scan_variance = (shares**2).sum(axis=0)
    # Nothing is known exactly: pixels are rounded, at least.
    variance = np.maximum((level**2 + (gain**2) * scan_variance) / factor, 1 / 12)
    by_level = 2 * gain * level / factor
    by_gradient = 2 * gain**2 * (shares * bends).sum(axis=0) / factor
    for row in range(rows):
        here = slice(row * columns, (row + 1) * columns)
        brightening = slopes[here]
        steepened = steepening[here]
        active = np.union1d(brightening.indices, steepened.indices)
        brighter = brightening[:, active].toarray()
        covariance = _RowNoise(variance[here], shares[:, here], spline)
        steeper = steepened[:, active].toarray()
        changes = np.concatenate(
            [
                by_level[here, None] * brighter + by_gradient[here, None] * steeper,
                *(bends[:, here, None] * steeper),
            ]
        ).astype(np.float32)
        place = np.ix_(active, active)
        brightness[place] += brighter.T @ (covariance.inverse @ brighter)
        # Single precision is twice as fast, and good to six digits of this.
        form = covariance.deviation_information().astype(np.float32)
        deviations[place] += changes.T @ (form @ changes)
    return brightness, deviations


@lru_cache(maxsize=1024)
def shape_information(shape: float) -> float:
    """Give the location information of Tukey-lambda over that of normal noise.

    With the quantile Q and the density f = 1 / Q′ at the probability p it is the
    variance times the integral of (d f / d p)². At least 1; from λ = 0.5 on it is
    infinite, and that of 0.45 is given.
    """
    shape = min(shape, SHARPEST_SHAPE)

    def integrand(t: float) -> float:
        # With p = e⁻ᵗ / 2, and both parts of the fraction freed of their infinities.
        p = np.exp(-t) / 2
        bend = p**-shape - p ** (2 - 2 * shape) * (1 - p) ** (shape - 2)
        slope = 1 + (p / (1 - p)) ** (1 - shape)
        return float(((1 - shape) * bend / slope**2) ** 2 * p)

    half, _ = quad(integrand, 0, 400, limit=200)
    return float(2 * half * tukey_lambda_deviation(shape) ** 2)


class _RowNoise:
    """Covariance of the noise in one row, V + Σ diag(u) BᵀB diag(u)."""

    def __init__(
        self, variance: FloatArray, shares: FloatArray, spline: FloatArray
    ) -> None:
        self._shares, self._spline = shares, spline
        loads = np.concatenate([spline * share for share in shares])
        weighed = loads / variance
        inner = np.eye(len(loads)) + weighed @ loads.T
        solved = cho_solve(cho_factor(inner), weighed)
        self.inverse: FloatArray = np.diag(1 / variance) - weighed.T @ solved

    def deviation_information(self) -> FloatArray:
        """Give ½ tr(P ∂C P ∂C) as a form in changes of V and of each pattern's u.

        With ∂C = Σ diag(a) R + Rᵀ diag(a), R being I / 2 for V and BᵀB diag(u) for a
        pattern, each block is (R P) ∘ (R′ P)ᵀ + (R P R′ᵀ) ∘ P.
        """
        inverse, spline = self.inverse, self._spline
        knots = [spline * share for share in self._shares]
        halves = [knot @ inverse for knot in knots]
        right = [inverse / 2, *(spline.T @ half for half in halves)]
        blocks = []
        for k in range(3):
            line = []
            for m in range(3):
                if k == 0:
                    both = right[m].T / 2
                elif m == 0:
                    both = right[k] / 2
                else:
                    both = spline.T @ (halves[k - 1] @ knots[m - 1].T) @ spline
                line.append(right[k] * right[m].T + both * inverse)
            blocks.append(line)
        form: FloatArray = np.block(blocks)
        return form


def _scan_shares(
    gradient: FloatArray, parameters: NoiseParameters, noise: NoiseSettings
) -> FloatArray:
    """Give the deviation of each of the two patterns of scan noise, (2, pixels)."""
    rough = np.clip(gradient / noise.scan_blend_gradient, 0, 1)
    deviation = np.maximum(
        parameters.scan_slope * gradient + parameters.scan_intercept, 0
    )
    shares = np.stack([1 - rough, rough])
    parts: FloatArray = deviation * shares / np.sqrt((shares**2).sum(axis=0))
    return parts


@lru_cache(maxsize=4)
def _sobel(rows: int, columns: int) -> tuple[csr_array, csr_array]:
    """Write the un-normalised 3 × 3 Sobel operators as matrices over the pixels."""
    smooth, slope = (
        [_continued(size, weights) for weights in ((1.0, 2.0, 1.0), (-1.0, 0.0, 1.0))]
        for size in (rows, columns)
    )
    across = kron(smooth[0], slope[1])
    down = kron(smooth[1], slope[0])
    return csr_array(across), csr_array(down)


def _continued(size: int, weights: tuple[float, float, float]) -> csr_array:
    """Correlate a line with three weights, its ends continued."""
    place = np.arange(size)
    entries = np.repeat(weights, size)
    seen = np.concatenate([(place + shift).clip(0, size - 1) for shift in (-1, 0, 1)])
    return csr_array(
        coo_array((entries, (np.tile(place, 3), seen)), shape=(size, size))
    )
