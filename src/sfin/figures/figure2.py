"""Figure 2: why SFIN has a frequency branch; a lattice is a few spots."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from sfin import __version__
from sfin.dataset_records import DatasetRecord, read_images, read_record
from sfin.figures.comparison import brightness_match
from sfin.figures.style import (
    add_panel,
    house_style,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
    write_figure,
)
from sfin.metrics import DATA_RANGE, psnr, quantise
from sfin.names import dataset_name
from sfin.parameters import distrust
from sfin.spectra import FourierFilter, background_amplitude, power_spectrum

Array = NDArray[np.floating]

# A spot stands this far above the noise around it; noise alone gets there once in
# 3 × 10⁸ frequencies.
HEIGHT = 5.0
# Frequency samples: width of a spot, and what scan noise is averaged over.
SPOT = 5
RIDGE = 41


@dataclass(frozen=True)
class Example:
    """A lattice, filtered.

    Attributes
    ----------
    noisy, filtered, clean
        Grey levels (rows, columns).
    power
        Of the noisy image, zero frequency in the middle.
    kept
        Whether a frequency is kept, in the order of `power`.
    spots
        How many spots those are, without the mean.
    pixel_size
        In Å.
    """

    noisy: Array
    filtered: Array
    clean: Array
    power: Array
    kept: NDArray[np.bool_]
    spots: int
    pixel_size: float


def figure2(store: str | Path, base_path: str | Path) -> str:
    """Draw figure 2 and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    store
        Dataset; a path that ends in dataset/mode/split.zarr. Of its periodic pairs
        the one with the largest field of view is shown, where the lattice repeats
        most often; of all pairs, if none is periodic.
    base_path
        Path without suffix.

    Returns
    -------
    str
        The caption. The files hold it too.
    """
    record = read_record(store)
    periodic = np.flatnonzero(record.arrangements == "periodic")
    candidates = periodic if periodic.size else np.arange(record.number)
    sizes = record.drawn["pixel_size"][candidates]
    index = int(candidates[np.argmax(sizes)])
    noisy, clean = (
        read_images(store, name, [index])[0].astype(np.float64)
        for name in ("noisy", "clean")
    )
    example = keep_spots(noisy, clean, float(record.drawn["pixel_size"][index]))
    text = _caption(record, index, example)
    write_figure(base_path, draw(example, text), text)
    return text


def keep_spots(noisy: Array, clean: Array, pixel_size: float) -> Example:
    """Keep the spots of a lattice's spectrum and its mean, nothing else.

    A spot is a local maximum that stands `HEIGHT` times above the background at its
    radius, and above the median along its column of the spectrum: scan noise is a
    vertical stripe through zero frequency.
    """
    power = power_spectrum(noisy)
    # As `power_spectrum` weighs the image: white noise then has the height of the
    # background.
    window = np.outer(np.hanning(noisy.shape[0]), np.hanning(noisy.shape[1]))
    amplitude = np.sqrt(power / np.mean(window**2))
    background = np.fft.fftshift(background_amplitude(noisy, FourierFilter()))
    stripe = ndimage.median_filter(amplitude, (RIDGE, 1), mode="wrap")
    peak = amplitude > HEIGHT * np.maximum(background, stripe)
    peak &= amplitude == ndimage.maximum_filter(amplitude, SPOT, mode="wrap")
    # Around zero frequency stands the background of the image, not its lattice.
    rows, columns = (length // 2 for length in noisy.shape)
    down, right = np.ogrid[
        -rows : noisy.shape[0] - rows, -columns : noisy.shape[1] - columns
    ]
    peak &= np.hypot(down, right) > SPOT
    cross = ndimage.generate_binary_structure(2, 1)
    kept = ndimage.binary_dilation(peak, cross, iterations=SPOT // 2)
    kept[rows, columns] = True  # the mean
    spectrum = np.fft.fft2(noisy) * np.fft.ifftshift(kept)
    filtered = np.fft.ifft2(spectrum).real
    return Example(noisy, filtered, clean, power, kept, int(peak.sum()), pixel_size)


def draw(example: Example, caption: str) -> Figure:
    """Draw image, spectrum, filtered spectrum, filtered image and clean image.

    Parameters
    ----------
    example
        Made by `keep_spots`.
    caption
        Written small at the foot.
    """
    width, gap, left, top, below = 1.45, 0.06, 0.08, 0.25, 0.22
    titles = ("Noisy", "Its spectrum", "Spots kept", "Their image", "Clean")
    total_width = 2 * left + len(titles) * (width + gap) - gap
    lines, foot = wrap_caption(caption, total_width)
    with house_style():
        figure = Figure(figsize=(total_width, top + width + below + foot))
        panels = [
            add_panel(figure, left + place * (width + gap), top, width, width)
            for place in range(len(titles))
        ]
        for axes, title in zip(panels, titles, strict=True):
            axes.set_title(title, pad=4)
        images = (example.noisy, example.filtered, example.clean)
        for axes, image in zip((panels[0], *panels[3:]), images, strict=True):
            # The noisy image and what was made of it, at the same contrast.
            shown = example.noisy if image is not example.clean else image
            low, high = np.percentile(shown, (0.5, 99.5))
            show_image(axes, image, (float(low), float(high)))
        scale_bar(panels[0], example.pixel_size)
        logarithm = np.log10(example.power + 1)
        limits = float(np.median(logarithm)), float(logarithm.max())
        reach = _reach(example.kept)
        for axes, spectrum in zip(
            panels[1:3],
            (logarithm, np.where(example.kept, logarithm, limits[0])),
            strict=True,
        ):
            rows, columns = spectrum.shape
            axes.imshow(
                spectrum,
                cmap="gray",
                vmin=limits[0],
                vmax=limits[1],
                # Zero frequency is the centre of pixel n // 2.
                extent=(
                    -(columns // 2 + 0.5) / columns,
                    (columns - columns // 2 - 0.5) / columns,
                    (rows - rows // 2 - 0.5) / rows,
                    -(rows // 2 + 0.5) / rows,
                ),
                interpolation="nearest",
            )
            axes.set(xlim=(-reach, reach), ylim=(reach, -reach))
        scale_bar(panels[1], example.pixel_size, reciprocal=True)
        share = 100 * example.kept.mean()
        write_below(panels[2], f"{example.spots} spots, {share:.2g} % of spectrum", 7)
        for axes, image in ((panels[0], example.noisy), (panels[3], example.filtered)):
            write_below(axes, f"{_matched_psnr(image, example.clean):.1f} dB")
        write_caption(figure, lines, left)
    return figure


def _reach(kept: NDArray[np.bool_]) -> float:
    """Find the frequency up to which spectra are shown: a third beyond the spots."""
    places = np.argwhere(kept) - np.array(kept.shape) // 2
    farthest = float(np.abs(places / np.array(kept.shape)).max())
    return min(max(4 / 3 * farthest, 0.1), 0.5)


def _matched_psnr(image: Array, clean: Array) -> float:
    gain, offset = brightness_match(image, clean)
    grey = quantise((gain * image + offset).astype(np.float32))
    return psnr(grey, clean.astype(np.uint8))


def _caption(record: DatasetRecord, index: int, example: Example) -> str:
    attributes = record.attributes
    name = dataset_name(record.dataset)
    warnings = attributes.get("calibration", {}).get("warnings", ())
    arrangement = record.arrangements[index]
    lattice = (
        "Where atoms repeat, a few spots of the Fourier spectrum hold the image"
        if arrangement == "periodic"
        else f"No pair of the dataset is periodic; this one is of kind {arrangement}"
    )
    return (
        f"Figure 2. {lattice}: {record.structures[index]}, noisy; its power spectrum "
        f"(logarithm); the spots, over {HEIGHT:g} times as high as the noise around "
        "them, and the mean; the inverse transform of those alone, in the contrast of "
        "the noisy image; the clean image. Background and all that is not periodic are "
        f"lost too. dB: PSNR of 0–{DATA_RANGE:g} against the clean image, "
        f"after matching gain and offset. {name}, {attributes['mode'].upper()}, "
        f"{attributes['split']}, pair {index}, that with the largest field of view, "
        f"scale {attributes['scale']}, seed {attributes['seed']}; sfin {__version__}."
        f"{distrust(attributes['mode'], warnings)}"
    )
