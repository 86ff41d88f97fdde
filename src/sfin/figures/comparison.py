"""A real image before and after: what was kept, and what was taken away."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.figures.style import (
    add_panel,
    frame,
    house_style,
    mark_region,
    name_text,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
)
from sfin.spectra import power_spectrum

# A STEM transfers next to nothing beyond, so that spectra stop here (1/Å).
HIGHEST_FREQUENCY = 1.5
SPECTRUM_PIXELS = 512


# A microscopist would else read the spectrum of the enhanced image as resolution.
READING = (
    "Above the images: the counts that are black and white. Frequencies of the "
    "enhanced image beyond those of the input are the network's idea of an atom, no "
    "resolution gained."
)


def comparison_figure(
    noisy: NDArray[np.floating],
    enhanced: NDArray[np.floating],
    name: str,
    pixel_size: float | None,
    note: str = "",
) -> Figure:
    """Draw a real image, the enhanced one, and their difference.

    Rows: the whole field, its middle enlarged, and the power spectra. The
    difference, and the spectrum of the enhanced image, are taken after that image
    is brought to the grey scale of the input by least squares, because a network
    that removes the background also sets the brightness of atoms. What remains
    should be noise and background: lattice spots in its spectrum are signal that
    was lost, others probably interference of the scan. The three spectra share one
    scale. Titles say the counts that are drawn black and white.

    Parameters
    ----------
    noisy, enhanced
        Images in counts, (rows, columns).
    name
        Name of the image, for the title.
    pixel_size
        Å per pixel; None if unknown, and scale bars then count pixels.
    note
        What enhanced it: method, weights, version. Written small at the foot.

    Returns
    -------
    Figure
        To be written by `sfin.figures.style.write_figure`.

    Raises
    ------
    InputError
        If the two images differ in shape.
    """
    if noisy.shape != enhanced.shape:
        raise InputError(
            f"{name} has shape {noisy.shape} and its enhanced image {enhanced.shape}; "
            "enhance this image again."
        )
    gain, offset = brightness_match(enhanced, noisy)
    matched = gain * enhanced + offset
    residual = noisy - matched
    spread = float(np.percentile(np.abs(residual), 99.5)) or 1.0
    panels = [
        ("Input", noisy, contrast_limits(noisy)),
        ("Enhanced", enhanced, contrast_limits(enhanced)),
        (
            _residual_name(gain, offset),
            residual,
            (-spread, spread),
        ),
    ]
    rows, columns = noisy.shape
    region = middle_region(noisy.shape)
    spectra = [
        visible_spectrum(image, pixel_size) for image in (noisy, matched, residual)
    ]
    # One scale for the three, from the input's: darker means power taken away.
    spectrum_limits = tuple(np.percentile(spectra[0][0], (1.0, 99.9)))

    width, gap, left, top = 2.2, 0.05, 0.3, 0.62
    heights = [width * rows / columns, width, width]
    highest = _frequency_text(spectra[0][1], pixel_size)
    labels = ["Field of view", "Enlarged", f"Power spectrum (log₁₀), to {highest}"]
    total_width = left + 3 * (width + gap)
    lines, foot = wrap_caption(f"{note} {READING}".strip(), total_width - left)
    total_height = top + sum(heights) + 3 * gap + foot + 0.1
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        tops = [top + sum(heights[:row]) + row * gap for row in range(3)]
        for column, (title, image, limits) in enumerate(panels):
            place = left + column * (width + gap)
            whole, part, spectrum = (
                add_panel(figure, place, tops[row], width, heights[row])
                for row in range(3)
            )
            show_image(whole, image, limits)
            mark_region(whole, region)
            whole.set_title(f"{title}\n{_counts_text(*limits)}", pad=4)
            show_image(part, image[region], limits)
            frame(part)
            show_spectrum(spectrum, *spectra[column], spectrum_limits)
            if column == 0:
                scale_bar(whole, pixel_size)
                scale_bar(part, pixel_size)
                scale_bar(spectrum, pixel_size, reciprocal=True)
        for row, label in enumerate(labels):
            figure.text(
                0.15 / total_width,
                1 - (tops[row] + heights[row] / 2) / total_height,
                label,
                rotation="vertical",
                ha="center",
                va="center",
            )
        top, right = 1 - 0.16 / total_height, 1 - gap / total_width
        figure.text(left / total_width, top, name_text(name), va="center")
        size = f"{columns} × {rows} px, {_pixel_text(pixel_size)}"
        figure.text(right, top, size, va="center", ha="right")
        write_caption(figure, lines, left)
    return figure


def _pixel_text(pixel_size: float | None) -> str:
    return "pixel size unknown" if pixel_size is None else f"{pixel_size:.4g} Å per px"


def _frequency_text(highest: float, pixel_size: float | None) -> str:
    # `highest` in cycles per pixel.
    if pixel_size is None:
        return f"{highest:.3g} px⁻¹"
    return f"{highest / pixel_size:.3g} Å⁻¹"


def _counts_text(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)} counts"


def _number(value: float) -> str:
    shown = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return shown.replace("-", "−")


def brightness_match(
    image: NDArray[np.floating], reference: NDArray[np.floating]
) -> tuple[float, float]:
    """Find gain and offset that bring an image closest to another's brightness.

    Least squares; the gain of a constant image is 0.
    """
    flat = image.astype(np.float64).ravel()
    wanted = reference.astype(np.float64).ravel()
    deviation = flat - flat.mean()
    power = float(deviation @ deviation)
    gain = float(deviation @ (wanted - wanted.mean())) / power if power else 0.0
    return gain, float(wanted.mean() - gain * flat.mean())


def _residual_name(gain: float, offset: float) -> str:
    sign = "−" if offset < 0 else "+"
    return f"Input − ({gain:.3g} × enhanced {sign} {_number(abs(offset))})"


def contrast_limits(image: NDArray[np.floating]) -> tuple[float, float]:
    """Leave out the darkest and the brightest 0.2 % of an image's pixels."""
    low, high = np.percentile(image, (0.2, 99.8))
    return float(low), float(high) if high > low else float(low) + 1.0


def middle_region(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Choose the square in the middle, a quarter as wide, of 64 pixels at least."""
    side = min(max(min(shape) // 4, 64), *shape)
    row, column = ((length - side) // 2 for length in shape)
    return slice(row, row + side), slice(column, column + side)


def visible_spectrum(
    image: NDArray[np.floating], pixel_size: float | None
) -> tuple[NDArray[np.float64], float]:
    """Compute the log power up to the highest frequency worth showing.

    Returns
    -------
    spectrum
        Log10 of the power, in at most 512 or so pixels per side.
    highest
        Frequency at its edges, in cycles per pixel.
    """
    power, highest = visible_part(power_spectrum(image), pixel_size)
    # A constant image has no power at all, and zero has no logarithm.
    return np.log10(power + np.finfo(np.float64).tiny), highest


def visible_part(
    power: NDArray[np.float64], pixel_size: float | None
) -> tuple[NDArray[np.float64], float]:
    """Cut a power spectrum at the highest frequency worth showing.

    Neighbouring frequencies are averaged to 512 or so pixels per side, so that a
    reduced image keeps its spots. Returns as `visible_spectrum`, without logarithm.
    """
    highest = 0.5
    if pixel_size is not None:
        highest = min(highest, HIGHEST_FREQUENCY * pixel_size)
    for axis in (0, 1):
        middle = power.shape[axis] // 2
        reach, pooled = spectrum_reach(power.shape[axis], highest)
        power = power.take(range(middle - reach, middle + reach), axis)
        whole = power.shape[axis] // pooled * pooled
        starts = np.arange(0, whole, pooled)
        power = np.add.reduceat(power.take(range(whole), axis), starts, axis=axis)
        power = power / pooled
    return power, highest


def spectrum_reach(size: int, highest: float) -> tuple[int, int]:
    """Tell what `visible_part` shows of the frequencies along one side.

    Parameters
    ----------
    size
        Pixels of the image along that side.
    highest
        As `visible_part` gives it.

    Returns
    -------
    reach
        Frequency samples to each side of zero, one cycle per `size` apart; zero is
        the first of the right half.
    pooled
        How many neighbouring ones make a pixel.
    """
    reach = max(int(highest * size), 1)
    return reach, max(2 * reach // SPECTRUM_PIXELS, 1)


def draw_spectrum(
    axes: Axes, image: NDArray[np.floating], pixel_size: float | None
) -> None:
    """Draw the power spectrum of an image in colours, with a scale bar."""
    spectrum, highest = visible_spectrum(image, pixel_size)
    low, high = np.percentile(spectrum, (1, 99.95))
    axes.imshow(
        spectrum,
        cmap="magma",
        vmin=low,
        vmax=max(high, low + 1e-6),
        extent=(-highest, highest, highest, -highest),
        aspect="auto",
    )
    scale_bar(axes, pixel_size, reciprocal=True)


def show_spectrum(
    axes: Axes,
    spectrum: NDArray[np.float64],
    highest: float,
    limits: tuple[float, ...],
) -> None:
    """Draw what `visible_spectrum` computed in grey, dark below `limits`."""
    axes.imshow(
        spectrum,
        cmap="gray",
        vmin=limits[0],
        vmax=max(limits[1], limits[0] + 1e-6),
        extent=(-highest, highest, highest, -highest),
        aspect="auto",
    )
