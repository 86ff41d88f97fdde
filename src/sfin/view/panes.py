"""The panes of a page: an image in real space, and its frequencies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.figures.comparison import (
    contrast_limits,
    spectrum_reach,
    visible_part,
    visible_spectrum,
)
from sfin.trust import Trust
from sfin.view.pictures import Pane, data_uri, image_pane, legend

# Units of a spectrum's pane per cycle per pixel.
FREQUENCY_UNITS = 1024
SPECTRUM_COLOURS = "magma"


@dataclass(frozen=True)
class Spectra:
    """Power spectra of one range of frequencies.

    Attributes
    ----------
    panes
        Of each spectrum.
    zero
        Where frequency zero lies in them, x and y in units of the panes.
    """

    panes: tuple[Pane, ...]
    zero: tuple[float, float]


def image_panes(trust: Trust) -> tuple[Pane, ...]:
    """Show the input, the enhanced image, what is left over, and the deviation."""
    uncertain, left = trust.check.uncertain, trust.parts.residual
    noisy, enhanced = trust.check.opened.grey, uncertain.first
    spread = float(np.percentile(np.abs(left), 99.5)) or 1.0
    highest = float(np.percentile(uncertain.deviation, 99.8)) or 1.0
    return (
        image_pane(
            "input",
            "Input",
            "The image as it was recorded, in grey levels.",
            noisy,
            contrast_limits(noisy),
        ),
        image_pane(
            "enhanced",
            "Enhanced",
            "The network's answer to the input.",
            enhanced,
            contrast_limits(enhanced),
        ),
        image_pane(
            "residual",
            "Residual",
            "Input without what the enhanced image explains, and without background: "
            "it should look like noise. Atoms in it were lost, or changed in "
            "brightness.",
            left,
            (-spread, spread),
            "RdBu_r",
        ),
        image_pane(
            "uncertainty",
            "Uncertainty",
            f"Standard deviation of {uncertain.answers} answers, to the image and its "
            "mirror images: bright where the network wavers. It is no error bar.",
            uncertain.deviation,
            (0.0, highest),
            "viridis",
        ),
    )


def spectrum_panes(trust: Trust) -> Spectra:
    """Show power spectra: input, signal on its scale, residual over its noise."""
    noisy, white = trust.check.opened.grey, trust.whiteness
    size = trust.check.opened.image.pixel_size
    spectrum, highest = visible_spectrum(noisy, size)
    low, high = (float(each) for each in np.percentile(spectrum, (1, 99.95)))
    shared = low, max(high, low + 1e-6)
    power, _ = visible_part(white.spectrum, size)
    left = np.log10(np.maximum(power, 1e-3))
    extent = noisy.shape, highest
    panes = (
        _spectrum_pane(
            "input-spectrum",
            "Input",
            "Power spectrum of the input: bright spots are the lattice.",
            spectrum,
            extent,
            shared,
        ),
        _spectrum_pane(
            "enhanced-spectrum",
            "Enhanced",
            "Power spectrum of the enhanced image, as bright as the input and on its "
            "scale. Frequencies beyond those of the input are the network's idea of "
            "an atom, no resolution gained.",
            visible_spectrum(trust.parts.signal, size)[0],
            extent,
            shared,
        ),
        _spectrum_pane(
            "residual-spectrum",
            f"Residual, whiteness {white.score:.2f}",
            "Power of the residual over that of noise, whose logarithm is 0. "
            "Spots at the places of the lattice are signal that was lost, moved or "
            "changed in brightness; others, far out or on the axes, are probably "
            "interference of the scan or the detector. Whiteness is 1 for noise, 0 for "
            "structure alone.",
            left,
            extent,
            (-0.5, max(float(left.max()), 1.2)),
            "log₁₀",
        ),
    )
    down, right = (
        (spectrum_reach(length, highest)[0] + 0.5) / length * FREQUENCY_UNITS
        for length in noisy.shape
    )
    return Spectra(panes, (right, down))


def _spectrum_pane(
    key: str,
    title: str,
    description: str,
    spectrum: NDArray[np.float64],
    extent: tuple[tuple[int, ...], float],
    limits: tuple[float, float],
    unit: str = "",
) -> Pane:
    # `extent`: shape of the image, and the highest frequency that is shown.
    shape, highest = extent
    height, width = (
        shown * spectrum_reach(length, highest)[1] / length * FREQUENCY_UNITS
        for shown, length in zip(spectrum.shape, shape, strict=True)
    )
    return Pane(
        key,
        title,
        description,
        data_uri(spectrum, limits, SPECTRUM_COLOURS),
        width,
        height,
        width / spectrum.shape[1],
        legend(limits, SPECTRUM_COLOURS, unit) if unit else None,
    )
