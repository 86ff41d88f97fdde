"""Count the atoms that a method invents, and those that it loses."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.datasets import load_atoms, load_pairs
from sfin.detection_settings import MatchSettings
from sfin.evaluation import Restore
from sfin.figures.comparison import brightness_match
from sfin.files import write_whole
from sfin.invention_images import VISIBLE, Place, TrialImage, at_place
from sfin.invention_peaks import (
    PeakSettings,
    judge_atoms,
    scale_of_atoms,
    true_atoms,
)
from sfin.metrics import DATA_RANGE
from sfin.parameters import Mode

FloatArray = NDArray[np.float64]
# Å from the defect to the edges of the part that is shown.
SHOWN = 7.0


@dataclass(frozen=True, eq=False)
class Example:
    """The surroundings of a defect as a method shows them.

    Attributes
    ----------
    kind
        ``vacancy`` or ``adatom``.
    image, clean
        Grey levels (rows, columns): the method's, scaled and shifted to the clean
        image for the least squared difference, and the clean image; atoms bright.
    place
        x and y of the defect, in pixels of this part.
    peaks
        x, y and whether it was invented (1 or 0) of all atoms shown, (n, 3).
    caught
        Whether the removed atom was drawn back, or the added one erased.
    pixel_size
        Å.
    factor
        On the noise.
    """

    kind: str
    image: NDArray[np.float32]
    clean: NDArray[np.float32]
    place: Place
    peaks: FloatArray
    caught: bool
    pixel_size: float
    factor: float = 1.0


def method_scale(
    restore: Restore,
    pairs: str | Path,
    number: int,
    mode: Mode,
    settings: PeakSettings,
    match: MatchSettings,
) -> float:
    """Measure how high a method draws atoms: 1 is as high as in the clean images.

    Parameters
    ----------
    restore
        The method.
    pairs
        Store of the run's test images.
    number
        How many of them to take, from the first.
    mode, settings, match
        As for `judge_method`.

    Returns
    -------
    float
        Median over all atoms that are asked for; 0 if there is none.
    """
    images = load_pairs(pairs)
    noisy = images.noisy[:number]
    restored = restore(noisy.astype(np.float32))
    sizes = images.drawn["pixel_size"][:number]
    ratios = [np.zeros(0)]
    for image, clean, atoms, size in zip(
        restored, images.clean[:number], load_atoms(pairs)[:number], sizes, strict=True
    ):
        if not atoms["x"].size:
            continue
        bright = clean if mode == "haadf" else 255 - clean
        visible = atoms["brightness"] >= VISIBLE
        place = (atoms["x"][visible], atoms["y"][visible])
        sigma = float(np.median(atoms["sigma"]))
        true = true_atoms(place, bright, sigma, float(size), settings, match)
        ratios.append(scale_of_atoms(image, bright, true, mode, settings))
    ratio = np.concatenate(ratios)
    return float(np.median(ratio)) if ratio.size else 0.0


def judge_method(
    restore: Restore,
    images: Sequence[TrialImage],
    mode: Mode,
    scale: float,
    settings: PeakSettings,
) -> tuple[pd.DataFrame, list[Example]]:
    """Count invented and lost atoms image by image.

    Parameters
    ----------
    restore
        The method.
    images
        With known atoms.
    mode
        Of the images.
    scale
        Of the method; see `method_scale`.
    settings
        What counts as an atom.

    Returns
    -------
    DataFrame
        One row per image: kind, image, structure, pixel_size, scale; atoms asked for,
        lost, shown and invented, a defect's own atom left out; and `caught`: whether a
        removed atom was drawn back or an added one erased, empty without a defect.
    list
        The first image of each kind of defect.
    """
    restored = restore(np.stack([image.noisy for image in images]).astype(np.float32))
    rows: list[dict[str, Any]] = []
    examples: dict[str, Example] = {}
    seen: dict[str, int] = {}
    for trial, image in zip(images, restored, strict=True):
        verdict = judge_atoms(image, trial.true, mode, scale, settings)
        asked, lost = int(verdict.asked.sum()), int(verdict.lost.sum())
        invented, shown = int(verdict.invented.sum()), verdict.shown
        caught = None
        if trial.place is not None:
            if trial.kind == "adatom":
                caught = bool(verdict.lost[at_place(trial.true, trial.place)].any())
                asked, lost = asked - 1, lost - caught
            else:
                caught = verdict.invented_near(trial.place, trial.true.radius)
                invented, shown = invented - caught, shown - caught
            if trial.kind not in examples:
                peaks = np.column_stack([verdict.x, verdict.y, verdict.invented])
                examples[trial.kind] = _example(trial, image, mode, peaks, caught)
        number = seen[trial.kind] = seen.get(trial.kind, -1) + 1
        rows.append(
            {
                "kind": trial.kind,
                "image": number,
                "structure": trial.structure,
                "pixel_size": trial.pixel_size,
                "scale": scale,
                "asked": asked,
                "lost": lost,
                "shown": shown,
                "invented": invented,
                "caught": None if caught is None else int(caught),
            }
        )
    return pd.DataFrame(rows), list(examples.values())


def _example(
    trial: TrialImage,
    image: NDArray[np.floating],
    mode: Mode,
    peaks: FloatArray,
    caught: bool,
) -> Example:
    assert trial.place is not None
    bright = image if mode == "haadf" else DATA_RANGE - image
    gain, offset = brightness_match(bright, trial.clean.astype(np.float32))
    matched = gain * bright + offset
    reach = SHOWN / trial.pixel_size
    left, top = (max(round(centre - reach), 0) for centre in trial.place)
    side = round(2 * reach)
    part = (slice(top, top + side), slice(left, left + side))
    x, y = trial.place
    return Example(
        kind=trial.kind,
        image=matched[part].astype(np.float32),
        clean=trial.clean[part].astype(np.float32),
        place=(x - left, y - top),
        peaks=peaks - [left, top, 0],
        caught=caught,
        pixel_size=trial.pixel_size,
    )


def write_examples(path: str | Path, examples: Iterable[Example]) -> None:
    """Keep examples as ``.npz``."""
    arrays = {
        f"{number}/{name}": np.asarray(value)
        for number, example in enumerate(examples)
        for name, value in vars(example).items()
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_whole(path, content.getvalue())


def read_examples(path: str | Path) -> list[Example]:
    """Read what `write_examples` wrote."""
    with np.load(path) as kept:
        numbers = sorted({int(name.split("/")[0]) for name in kept.files})
        return [_read_example(kept, number) for number in numbers]


def _read_example(kept: Mapping[str, NDArray[Any]], number: int) -> Example:
    def read(name: str) -> NDArray[Any]:
        return kept[f"{number}/{name}"]

    x, y = map(float, read("place"))
    return Example(
        kind=str(read("kind")),
        image=read("image"),
        clean=read("clean"),
        place=(x, y),
        peaks=read("peaks"),
        caught=bool(read("caught")),
        pixel_size=float(read("pixel_size")),
        factor=float(read("factor")),
    )
