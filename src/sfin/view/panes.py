"""The panes of a page: an image in real space, and its frequencies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.enhancement_check import EnhancementCheck
from sfin.figures.comparison import contrast_limits, spectrum_reach, visible_spectrum
from sfin.view.pictures import Pane, data_uri, image_pane

# Units of a spectrum's pane per cycle per pixel.
FREQUENCY_UNITS = 1024
SPECTRUM_COLOURS = "magma"


@dataclass(frozen=True)
class Spectra:
    """Power spectra that share one scale of colours.

    Attributes
    ----------
    panes
        Of each spectrum.
    zero
        Where frequency zero lies in them, x and y in units of the panes.
    """

    panes: tuple[Pane, ...]
    zero: tuple[float, float]


def image_panes(check: EnhancementCheck) -> tuple[Pane, ...]:
    """Show the input, the enhanced image, what is left over, and the deviation."""
    uncertain, left = check.uncertain, check.residual
    noisy = check.opened.grey
    spread = float(np.percentile(np.abs(left.image), 99.5)) or 1.0
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
            f"The enhanced image, the mean of {uncertain.answers} answers of the "
            "network to the image and its mirror images.",
            uncertain.mean,
            contrast_limits(uncertain.mean),
        ),
        image_pane(
            "residual",
            "Residual",
            "Input without what the enhanced image explains, and without background: "
            "it should look like noise. Atoms in it were lost, or changed in "
            "brightness.",
            left.image,
            (-spread, spread),
            "RdBu_r",
        ),
        image_pane(
            "uncertainty",
            "Uncertainty",
            f"Standard deviation of the {uncertain.answers} answers: bright where the "
            "network wavers. It is no error bar.",
            uncertain.deviation,
            (0.0, highest),
            "viridis",
        ),
    )


def spectrum_panes(check: EnhancementCheck) -> Spectra:
    """Show power spectra of input, enhanced image and residual on one scale."""
    size, left = check.opened.image.pixel_size, check.residual
    # As bright as the input has it, so that powers compare.
    matched = np.float32(left.gain) * check.uncertain.mean
    shown = {
        "input": ("Input", check.opened.grey),
        "enhanced": ("Enhanced", matched),
        "residual": ("Residual", left.image),
    }
    spectra = {key: visible_spectrum(image, size) for key, (_, image) in shown.items()}
    low, high = np.percentile(spectra["input"][0], (1, 99.95))
    limits = float(low), max(float(high), float(low) + 1e-6)
    descriptions = _descriptions()
    panes = tuple(
        _spectrum_pane(
            f"{key}-spectrum",
            shown[key][0],
            descriptions[key],
            spectrum,
            (check.opened.grey.shape, highest),
            limits,
        )
        for key, (spectrum, highest) in spectra.items()
    )
    highest = spectra["input"][1]
    down, right = (
        (spectrum_reach(length, highest)[0] + 0.5) / length * FREQUENCY_UNITS
        for length in check.opened.grey.shape
    )
    return Spectra(panes, (right, down))


def _descriptions() -> Mapping[str, str]:
    return {
        "input": "Power spectrum of the input: bright spots are the lattice.",
        "enhanced": "Power spectrum of the enhanced image. Frequencies beyond those of "
        "the input are the network's idea of an atom, no resolution gained.",
        "residual": "Power spectrum of the residual. Bright lattice spots are signal "
        "that was lost, or brightness that was changed.",
    }


def _spectrum_pane(
    key: str,
    title: str,
    description: str,
    spectrum: NDArray[np.float64],
    extent: tuple[tuple[int, ...], float],
    limits: tuple[float, float],
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
    )
