"""Make TEMImageNet again by its published recipe: `re-synthesised`, not its images.

What of the recipe is published and what is inferred stands in docs/temimagenet.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from sfin import __version__
from sfin.arrangements import species_names
from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.labels import contrast, detection_label, gaussian_spots, visible_atoms
from sfin.linear_imaging import GAUSSIAN
from sfin.pair_writing import SPLITS, Pair, Split, own_generator, write_dataset
from sfin.pixel_loops import to_bytes
from sfin.temimagenet_noise import (
    BACKGROUNDS,
    count_electrons,
    draw_background,
    jitter,
    row_displacements,
)
from sfin.temimagenet_views import ARRANGEMENTS, TemimagenetSettings, draw_view

# Of the random numbers, beside the modes of our own data.
STREAM = 100


def draw_pair(
    structures: Sequence[ProjectedColumns],
    size: int,
    settings: TemimagenetSettings,
    generator: np.random.Generator,
) -> Pair:
    """Draw one pair.

    Clean image and super-resolution label are scaled to 255 at their brightest; the
    noisy image to 255 at its most counts, and the noiseless one, which has its
    background and neither jitter nor shot noise, as the noisy one.
    """
    view = draw_view(structures, size, settings, generator)
    columns, pixel_size = view.columns, view.drawn["pixel_size"]
    noise = settings.disturbance
    amplitude = noise.jitter / pixel_size
    margin = int(np.ceil(amplitude)) + 1
    shifted = replace(columns, x=columns.x + margin, y=columns.y + margin)
    wide = gaussian_spots(shifted, size + 2 * margin)
    inner = slice(margin, margin + size)
    # A particle may have its brightest column beyond an edge.
    highest = np.float32(max(float(wide[inner, inner].max()), 1e-6))
    kind = int(generator.integers(len(BACKGROUNDS)))
    height = float(generator.uniform(*noise.background))
    base = draw_background(BACKGROUNDS[kind], height, size, noise.blobs, generator)
    x = row_displacements(size, amplitude, generator)
    y = row_displacements(size, amplitude * noise.jitter_across, generator)
    signal = jitter(wide / highest, x, y, margin) + base
    peak = float(generator.uniform(*noise.counts))
    noisy, scale = count_electrons(signal, peak, generator)
    narrow = replace(columns, sigma=columns.sigma * settings.superresolution_narrowing)
    clean = wide[inner, inner] / highest
    # A narrower dot would fall between pixels.
    dot = max(settings.mask_width / GAUSSIAN / pixel_size, 0.5)
    threshold = settings.label_threshold
    return Pair(
        noisy=to_bytes(noisy),
        clean=to_bytes(np.float32(255) * clean),
        noiseless=to_bytes(np.float32(scale) * (clean + base)),
        detection=detection_label(columns, size, threshold, dot),
        superresolution=to_bytes(np.float32(255) * contrast(narrow, size)),
        atoms=visible_atoms(columns, size, threshold),
        drawn=view.drawn
        | {"background": kind, "background_height": height, "counts": peak},
    )


def synthesise_temimagenet(
    path: str,
    split: Split,
    structures: Mapping[str, ProjectedColumns],
    number: int,
    size: int,
    settings: TemimagenetSettings,
    provenance: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Write a re-synthesised dataset as a Zarr store.

    Parameters
    ----------
    path, number, size, progress, workers, scheduler
        As for `sfin.pair_writing.write_dataset`.
    split
        ``train``, ``test`` or ``validation``; they share no random numbers.
    structures
        Columns by name; their positions and species are used, not their rendering.
    settings
        How to draw.
    provenance
        ``seed`` and ``scale`` of the whole dataset; kept with it.

    Raises
    ------
    InputError
        If the settings name a structure that is not among them.
    """
    for name in [*settings.structures, *settings.particles]:
        if name not in structures or name not in settings.structures:
            raise InputError(
                f"temimagenet.settings names the structure {name!r}, which is not "
                f"there: choose from {', '.join(structures)}."
            )
    chosen = [structures[name] for name in settings.structures]
    types: dict[str, np.dtype[Any]] = {
        **dict.fromkeys(("pixel_size", "field_of_view"), np.dtype(np.float32)),
        **dict.fromkeys(("rotation", "background_height"), np.dtype(np.float32)),
        "counts": np.dtype(np.float32),
        "structure": np.dtype(np.int16),
        **dict.fromkeys(("arrangement", "probe", "background"), np.dtype(np.uint8)),
    }
    attributes = {
        **provenance,
        "version": __version__,
        "origin": "re-synthesised",
        "mode": "haadf",
        "split": split,
        "settings": asdict(settings) | {"size": size},
        "arrangements": list(ARRANGEMENTS),
        "backgrounds": list(BACKGROUNDS),
        "structures": list(settings.structures),
        "species": species_names(chosen),
    }
    seed, stream = int(provenance["seed"]), (STREAM, SPLITS.index(split))

    def draw(index: int) -> Pair:
        generator = own_generator(seed, *stream, index)
        return draw_pair(chosen, size, settings, generator)

    write_dataset(
        *(path, number, size, types, attributes, draw),
        *(progress, workers, scheduler),
    )
