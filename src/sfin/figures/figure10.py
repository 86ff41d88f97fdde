"""Figure 10: the atoms that each network finds in a test image of each mode."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sfin import __version__
from sfin.atom_matching import Matching
from sfin.dataset_records import read_images, read_record
from sfin.datasets import load_atoms
from sfin.detection import Detector, open_detector
from sfin.detection_settings import DetectionSettings, MatchSettings
from sfin.figures.style import (
    COLOURS,
    RED,
    add_panel,
    frame,
    house_style,
    mark_region,
    name_row,
    scale_bar,
    show_image,
    wrap_caption,
    write_below,
    write_caption,
    write_figure,
)
from sfin.metrics import DATA_RANGE
from sfin.names import METHOD_NAMES, group_name
from sfin.parameters import distrust
from sfin.positions import AtomPositions

MISSED, INVENTED = COLOURS[5], COLOURS[4]
# Images with fewer atoms show no method's limits.
FEWEST = 50
# Side of the part that is enlarged, as a share of the image.
SHARE = 4


@dataclass(frozen=True)
class DetectedImage:
    """A row of the figure: a test image and what each network finds in it.

    Attributes
    ----------
    name
        Dataset and mode.
    number
        Of the image in its dataset.
    grey
        The noisy image, grey levels (rows, columns).
    atoms
        x and y of the true atoms in pixels, (n, 2).
    found
        By method, the detections and how they match the atoms.
    pixel_size
        Å.
    """

    name: str
    number: int
    grey: NDArray[np.uint8]
    atoms: NDArray[np.float64]
    found: Mapping[str, tuple[AtomPositions, Matching]]
    pixel_size: float


def figure10(
    pairs: Sequence[str],
    weights: Sequence[str],
    confidences: Sequence[str],
    settings: DetectionSettings,
    provenance: Mapping[str, Any],
    base_path: str | Path,
) -> str:
    """Draw figure 10, write it as ``.png`` and ``.pdf``, and give its caption.

    Parameters
    ----------
    pairs
        Stores of the test images, one per row.
    weights, confidences
        Of all detectors of all rows; paths end in dataset/mode/method/name.
    settings
        What counts as a detection, and when it is an atom.
    provenance
        Scale and seed of the run; with networks that ship, the scale says theirs, too.
    base_path
        Path without suffix.
    """
    rows, origins, doubts = [], [], []
    for store in pairs:
        record = read_record(store)
        mode = str(record.attributes["mode"])
        detectors = {
            Path(file).parent.name: open_detector(file, confidence, settings)
            for file, confidence in zip(weights, confidences, strict=True)
            if Path(file).parts[-4:-2] == (record.dataset, mode)
        }
        name = group_name(record.dataset, mode)
        rows.append(detect_atoms(name, store, detectors, settings.match))
        origins += [detector.metadata for detector in detectors.values()]
        noise = record.attributes.get("calibration", {})
        doubts.append(distrust(mode, noise.get("warnings", ())))
    trained = {str(origin["scale"]) for origin in origins}
    text = _caption(rows, settings.match, provenance, trained) + "".join(doubts)
    write_figure(base_path, draw(rows, text), text)
    return text


def detect_atoms(
    name: str,
    pairs: str | Path,
    detectors: Mapping[str, Detector],
    settings: MatchSettings,
) -> DetectedImage:
    """Let every detector find the atoms of the test image whose atoms are closest.

    Parameters
    ----------
    name
        Of dataset and mode, for readers.
    pairs
        Store of the test images.
    detectors
        By method.
    settings
        When a detection is an atom.
    """
    images = load_atoms(pairs)
    number = int(np.argmin([_typical_distance(atoms) for atoms in images]))
    atoms = images[number]
    grey = read_images(pairs, "noisy", [number])[0]
    pixel_size = float(read_record(pairs).drawn["pixel_size"][number])
    found = {}
    for method, detector in detectors.items():
        places = detector(grey)
        matching = settings.match(
            (places.x, places.y), (atoms["x"], atoms["y"]), grey.shape, pixel_size
        )
        found[method] = places, matching
    true = np.column_stack([atoms["x"], atoms["y"]]).astype(np.float64)
    return DetectedImage(name, number, grey, true, found, pixel_size)


def _typical_distance(atoms: Mapping[str, NDArray[np.floating]]) -> float:
    """Give the median distance of neighbours in pixels."""
    places = np.column_stack([atoms["x"], atoms["y"]])
    if len(places) < FEWEST:
        return float("inf")
    distance, _ = KDTree(places).query(places, k=2)
    return float(np.median(distance[:, 1]))


def _caption(
    rows: Sequence[DetectedImage],
    settings: MatchSettings,
    provenance: Mapping[str, Any],
    trained: Set[str],
) -> str:
    # `trained`: scales of the networks.
    chosen = "; ".join(f"{row.name}: index {row.number}" for row in rows)
    owner = "the authors'" if trained == {"paper"} else "the paper's"
    return (
        "Figure 10. Detections of each network (red) in the test image whose "
        f"neighbouring atoms are closest ({chosen}), whole and enlarged in the middle. "
        "Blue circles: atoms that were missed; orange crosses: detections with no atom "
        f"within {settings.radius} Å; {settings.frame:g} px at the edges do not count. "
        f"Below: precision / recall of this image. Scale {provenance['scale']}, seed "
        f"{provenance['seed']}, sfin {__version__}; these networks are not {owner}."
    )


def draw(rows: Sequence[DetectedImage], text: str) -> Figure:
    """Draw a row per image: the input, each method's detections, the true atoms."""
    width, gap, left, top, below, row_gap = 1.6, 0.05, 0.3, 0.28, 0.2, 0.15
    methods = list(rows[0].found)
    titles = ["Input", *(METHOD_NAMES[method] for method in methods), "True atoms"]
    total_width = left + len(titles) * (width + gap)
    lines, foot = wrap_caption(text, total_width)
    row_height = 2 * width + gap + below + row_gap
    with house_style():
        figure = Figure(figsize=(total_width, top + len(rows) * row_height + foot))
        for place, row in enumerate(rows):
            row_top = top + place * row_height
            name_row(figure, row.name, row_top + width)
            size = np.array(row.grey.shape)
            corner, side = size // 2 - size // (2 * SHARE), size // SHARE
            region = (
                slice(int(corner[0]), int(corner[0] + side[0])),
                slice(int(corner[1]), int(corner[1] + side[1])),
            )
            for column, title in enumerate(titles):
                x = left + column * (width + gap)
                whole = add_panel(figure, x, row_top, width, width)
                enlarged = add_panel(figure, x, row_top + width + gap, width, width)
                for axes in (whole, enlarged):
                    show_image(axes, row.grey, (0, DATA_RANGE))
                rows_seen, columns_seen = region
                enlarged.set_xlim(columns_seen.start - 0.5, columns_seen.stop - 0.5)
                enlarged.set_ylim(rows_seen.stop - 0.5, rows_seen.start - 0.5)
                mark_region(whole, region)
                frame(enlarged)
                if place == 0:
                    whole.set_title(title, pad=4)
                if column == 0:
                    scale_bar(whole, row.pixel_size)
                    scale_bar(enlarged, row.pixel_size)
                elif column == len(titles) - 1:
                    _mark(whole, enlarged, row.atoms, RED, ".")
                    write_below(enlarged, f"{len(row.atoms)} atoms")
                else:
                    _show(whole, enlarged, row, methods[column - 1])
        write_caption(figure, lines, left)
    return figure


def _show(whole: Axes, enlarged: Axes, row: DetectedImage, method: str) -> None:
    found, matching = row.found[method]
    places = np.column_stack([found.x, found.y])
    _mark(whole, enlarged, places, RED, ".")
    _mark(whole, enlarged, row.atoms[matching.missed], MISSED, "o")
    _mark(whole, enlarged, places[matching.invented], INVENTED, "x")
    counts = matching.counts
    write_below(enlarged, f"{counts.precision:.3f} / {counts.recall:.3f}")


def _mark(
    whole: Axes, enlarged: Axes, places: NDArray[np.float64], colour: str, sign: str
) -> None:
    sizes = {".": (2.6, 8.0), "o": (3.5, 10.0), "x": (2.5, 7.0)}[sign]
    for axes, size in zip((whole, enlarged), sizes, strict=True):
        axes.plot(
            *places.T,
            linestyle="none",
            marker=sign,
            markersize=size,
            markerfacecolor=colour if sign == "." else "none",
            markeredgecolor=colour,
            markeredgewidth=0 if sign == "." else 0.8,
            clip_on=True,
        )
