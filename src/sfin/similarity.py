"""How alike two samples of a noise parameter are (the measures of Table 3).

The paper says neither its bins nor what it does with empty ones. Its numbers
behave like histograms of about ten bins that real and synthetic values share,
natural logarithms, and an epsilon of 1e-10 in both shares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp, wasserstein_distance

FloatArray = NDArray[np.float64]

BINS = 10
EPSILON = 1e-10


@dataclass(frozen=True)
class Similarity:
    """How far a synthetic sample is from a real one.

    Attributes
    ----------
    kl_divergence
        Kullback–Leibler divergence of the synthetic histogram from the real
        one, KL(real ‖ synthetic), in nats: 0 if they are equal, near −ln ε if
        they do not meet.
    r_squared
        Share of the variance of the real histogram that the synthetic one
        explains: 1 if they are equal, below 0 if a flat line explains more.
    wasserstein
        Wasserstein distance in standard deviations of the real sample. It
        needs no bins, so it does not jump when one of them is empty.
    ks_statistic, ks_p_value
        Of the Kolmogorov–Smirnov test. Patches of one image are not
        independent, so the p-value is too small.
    reason
        Why the others are NaN; empty where none is.
    """

    kl_divergence: float
    r_squared: float
    wasserstein: float
    ks_statistic: float
    ks_p_value: float
    reason: str = ""


def compare(
    real: FloatArray,
    synthetic: FloatArray,
    bins: int = BINS,
    epsilon: float = EPSILON,
) -> Similarity:
    """Compare a parameter of synthetic images with that of real ones.

    Parameters
    ----------
    real, synthetic
        Values of the parameter, shapes (n,) and (m,), finite.
    bins
        Bins of the histograms, over the range of both samples together.
    epsilon
        Added to each share of both histograms in the divergence.

    Returns
    -------
    Similarity
        All NaN, with a reason, where there is no distribution to compare.
    """
    if real.size < 2:
        return _nothing(f"{real.size} real patch: two are needed for a distribution")
    if synthetic.size == 0:
        return _nothing("no synthetic image could be calibrated")
    deviation = float(real.std(ddof=1))
    if deviation <= 1e-9 * float(np.abs(real).max()):
        return _nothing("the same in all real patches")
    p, q = histograms(real, synthetic, bins)
    explained = r_squared(p, q)
    test = ks_2samp(real, synthetic)
    return Similarity(
        kl_divergence=kl_divergence(p, q, epsilon),
        r_squared=explained,
        wasserstein=float(wasserstein_distance(real, synthetic)) / deviation,
        ks_statistic=float(test.statistic),
        ks_p_value=float(test.pvalue),
        reason="R²: the real histogram is flat" if np.isnan(explained) else "",
    )


def histograms(
    real: FloatArray, synthetic: FloatArray, bins: int
) -> tuple[FloatArray, FloatArray]:
    """Count both samples in the same bins; each sums to 1, shape (bins,)."""
    low, high = (
        float(extreme(np.concatenate([real, synthetic])))
        for extreme in (np.min, np.max)
    )
    p, q = (
        np.histogram(sample, bins, (low, high))[0] / sample.size
        for sample in (real, synthetic)
    )
    return p, q


def kl_divergence(p: FloatArray, q: FloatArray, epsilon: float = EPSILON) -> float:
    """Take the Kullback–Leibler divergence Σ p ln((p + ε) / (q + ε))."""
    return float(np.sum(p * np.log((p + epsilon) / (q + epsilon))))


def r_squared(p: FloatArray, q: FloatArray) -> float:
    """Take 1 − Σ (p − q)² / Σ (p − mean p)²; NaN if `p` is flat."""
    total = float(np.sum((p - p.mean()) ** 2))
    if total <= 1e-12:
        return float("nan")
    return 1.0 - float(np.sum((p - q) ** 2)) / total


def _nothing(reason: str) -> Similarity:
    nan = float("nan")
    return Similarity(nan, nan, nan, nan, nan, reason)
