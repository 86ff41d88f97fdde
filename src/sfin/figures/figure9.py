"""Figure 9: a real image, enhanced by one network that was trained on each dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sfin.dataset_records import DatasetRecord, read_record
from sfin.errors import InputError
from sfin.figures.comparison import (
    brightness_match,
    middle_region,
    show_spectrum,
    visible_spectrum,
)
from sfin.figures.style import (
    add_panel,
    frame,
    house_style,
    mark_region,
    name_row,
    scale_bar,
    show_image,
    wrap_caption,
    write_caption,
    write_figure,
)
from sfin.image_doubts import doubts_sentence, find_doubts
from sfin.images import Image, read_image, to_grey_levels
from sfin.inference import enhance, tile_size
from sfin.metrics import DATA_RANGE, quantise
from sfin.names import METHOD_NAMES, dataset_name, left_out, made_again
from sfin.networks.build import load_network
from sfin.parameters import Mode, distrust

MODE: Mode = "haadf"
ROWS = ("Field of view", "Enlarged", "Power spectrum (log)")


@dataclass(frozen=True)
class Panel:
    """A column of the figure.

    Attributes
    ----------
    title
        What made the image.
    image
        Grey levels 0–255 (rows, columns).
    """

    title: str
    image: NDArray[np.uint8]


def figure9(
    image: str | Path,
    weights: Sequence[str | Path],
    stores: Sequence[str | Path],
    choice: str,
    pixel_size: float | None,
    base_path: str | Path,
    version: str,
    lacking: Sequence[str] = (),
) -> str:
    """Draw figure 9 and write it as ``.png`` and ``.pdf``.

    Parameters
    ----------
    image
        File of a real HAADF image.
    weights
        Networks of one method, each trained on another dataset.
    stores
        The pairs that each was trained on, in the same order.
    choice
        How the image was chosen, for the caption.
    pixel_size
        Of the image in Å, for files that do not say it.
    base_path
        Path without suffix.
    version
        Version of this package, for the caption.
    lacking
        Panels of the paper's that it has not, each with the reason.

    Returns
    -------
    str
        The caption. The files hold it too.

    Raises
    ------
    InputError
        If there is no network to compare, or one is not for HAADF.
    """
    if not weights:
        raise InputError("Figure 9 compares HAADF datasets: put haadf into modes.")
    opened = read_image(image, pixel_size=pixel_size)
    grey = np.clip(to_grey_levels(opened.data)[0], 0, DATA_RANGE)
    panels = [Panel("Input", quantise(grey))]
    trained = []
    for path in map(Path, weights):
        network, metadata = load_network(path)
        if metadata["mode"] != MODE:
            raise InputError(
                f"{path} was trained on {metadata['mode']} images, and Figure 9 shows "
                f"{MODE}: give weights for {MODE}."
            )
        restored = quantise(enhance(network, grey, tile_size(metadata)))
        panels.append(Panel(dataset_name(metadata["dataset"]), restored))
        trained.append(metadata)
    records = [read_record(store) for store in stores]
    text = (
        f"Figure 9. A real HAADF image, {opened.name} ({choice}), as recorded and as "
        f"enhanced by {_networks(trained, records)}. Grey levels 0–255 in all images; "
        "the middle is enlarged; the spectra share one scale, each image brought to "
        f"the brightness of the input by least squares. {_sizes(opened, records)} "
        f"{_origin(trained)}, sfin {version}; these networks are not the paper's."
        f"{made_again(metadata['dataset'] for metadata in trained)}"
        f"{left_out(lacking)}{doubts_sentence(find_doubts(grey, MODE, None, opened))}"
        f"{_distrust(trained)}"
    )
    write_figure(base_path, draw(panels, opened.pixel_size, text), text)
    return text


def draw(panels: Sequence[Panel], pixel_size: float | None, caption: str) -> Figure:
    """Draw a column per panel: the whole image, its middle, its power spectrum.

    Parameters
    ----------
    panels
        The input first; what is compared with it after it, of the same shape. An image
        rendered from the known structure would be one more.
    pixel_size
        Å per pixel; None if unknown, and scale bars then count pixels.
    caption
        Written small at the foot.
    """
    rows, columns = panels[0].image.shape
    width, gap, left, top = 1.9, 0.05, 0.3, 0.28
    heights = [width * rows / columns, width, width]
    tops = [top + sum(heights[:row]) + row * gap for row in range(len(ROWS))]
    total_width = left + len(panels) * (width + gap)
    lines, foot = wrap_caption(caption, total_width - left)
    total_height = tops[-1] + width + foot + 0.1
    region = middle_region((rows, columns))
    grey = [panel.image.astype(np.float64) for panel in panels]
    spectra = [visible_spectrum(_matched(image, grey[0]), pixel_size) for image in grey]
    # From the input's: darker means power taken away.
    limits = tuple(np.percentile(spectra[0][0], (1.0, 99.9)))
    with house_style():
        figure = Figure(figsize=(total_width, total_height))
        for column, panel in enumerate(panels):
            place = left + column * (width + gap)
            whole, part, spectrum = (
                add_panel(figure, place, upper, width, height)
                for upper, height in zip(tops, heights, strict=True)
            )
            show_image(whole, panel.image, (0, DATA_RANGE))
            mark_region(whole, region)
            whole.set_title(panel.title, pad=4)
            show_image(part, panel.image[region], (0, DATA_RANGE))
            frame(part)
            show_spectrum(spectrum, *spectra[column], limits)
            if column == 0:
                scale_bar(whole, pixel_size)
                scale_bar(part, pixel_size)
                scale_bar(spectrum, pixel_size, reciprocal=True)
        for name, upper, height in zip(ROWS, tops, heights, strict=True):
            name_row(figure, name, upper + height / 2)
        write_caption(figure, lines, left)
    return figure


def _matched(
    image: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    gain, offset = brightness_match(image, reference)
    return gain * image + offset


def _networks(
    trained: Sequence[Mapping[str, Any]], records: Sequence[DatasetRecord]
) -> str:
    """Say which network it is, and whether each was trained alike."""
    names = [METHOD_NAMES[name] for name in dict.fromkeys(m["method"] for m in trained)]
    budgets = [
        f"{record.number} pairs, {metadata['training']['epochs']} epochs"
        for metadata, record in zip(trained, records, strict=True)
    ]
    alike = all(metadata["training"] == trained[0]["training"] for metadata in trained)
    if alike and len(set(budgets)) == 1:
        return f"{' and '.join(names)}, trained alike on each dataset ({budgets[0]})"
    listed = "; ".join(
        f"{dataset_name(metadata['dataset'])}: {budget}"
        for metadata, budget in zip(trained, budgets, strict=True)
    )
    return f"{' and '.join(names)}, not all trained alike ({listed})"


def _sizes(opened: Image, records: Sequence[DatasetRecord]) -> str:
    """Compare pixel sizes: a network knows atoms of the sizes it was shown."""
    own = "unknown" if opened.pixel_size is None else f"{opened.pixel_size:.3g} Å"
    spans = []
    for record in records:
        sizes = record.drawn.get("pixel_size", np.array([np.nan]))
        known = sizes[np.isfinite(sizes)]
        span = f"{known.min():.3g}–{known.max():.3g} Å" if known.size else "unknown"
        spans.append(f"{dataset_name(record.dataset)} {span}")
    return f"Pixel size of the image: {own}; of the training: {', '.join(spans)}."


def _origin(trained: Sequence[Mapping[str, Any]]) -> str:
    origins = dict.fromkeys(f"Scale {m['scale']}, seed {m['seed']}" for m in trained)
    return " and ".join(origins)


def _distrust(trained: Sequence[Mapping[str, Any]]) -> str:
    found = (distrust(MODE, m.get("noise_warnings", ())) for m in trained)
    return "".join(dict.fromkeys(found))
