"""Reasons why a network's answer to an image should not be trusted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.atom_presence import has_atoms
from sfin.calibration import calibrate
from sfin.calibration_settings import CalibrationSettings
from sfin.errors import InputError
from sfin.image_modes import mode_doubt
from sfin.image_quality import assess, warnings
from sfin.images import Image
from sfin.parameters import Mode
from sfin.training_range import MARGIN, noise_deviation, trained_range

# Pixels of an image's side whose middle is enough to tell a raw image.
LARGEST = 1024


def find_doubts(
    grey: NDArray[np.floating],
    mode: Mode,
    noise: Mapping[str, Any] | None,
    image: Image | None = None,
) -> tuple[str, ...]:
    """Find what speaks against an answer to this image; nothing if all is well.

    Parameters
    ----------
    grey
        Grey levels of the image (rows, columns), fast scan along the rows.
    mode
        Of the image.
    noise
        What the network was trained with, as from
        `sfin.training_range.trained_noise`; None if nobody wrote it down.
    image
        As read: its counts, and its file, which may name a detector of the other mode.

    Returns
    -------
    tuple of str
        Words without a full stop.
    """
    other = mode_doubt(image, mode) if image else ""
    counts = grey if image is None else image.data
    return (*([other] if other else []), *_doubts(grey, counts, mode, noise))


def doubts_sentence(found: Sequence[str]) -> str:
    """Write doubts as a sentence that begins with a space, or nothing."""
    return f" Doubts about this image: {'; '.join(found)}." if found else ""


def _doubts(
    grey: NDArray[np.floating],
    counts: NDArray[np.floating],
    mode: Mode,
    noise: Mapping[str, Any] | None,
) -> Iterator[str]:
    if not has_atoms(grey):
        yield (
            "nothing in it is more than noise makes, so what looks like an atom is "
            "invented"
        )
        return
    settings = CalibrationSettings()
    if min(grey.shape) < settings.patch_size:
        return
    # Counts, as a calibration sees them: grey levels may be clipped.
    yield from warnings(assess(middle(counts), []), settings)
    if noise is None:
        return
    try:
        patches = calibrate(grey, mode, settings)
    except InputError:
        yield "its noise cannot be measured"
        return
    measured = float(np.median([noise_deviation(p.parameters) for p in patches]))
    least, most = trained_range(noise).deviation
    if not least / MARGIN <= measured <= most * MARGIN:
        yield (
            f"its noise, {measured:.1f} grey levels at half brightness, is not what "
            f"the network was trained on ({least:.1f}–{most:.1f}); calibrate with "
            "images like this one"
        )


def middle(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Cut out the middle of an image, of 1024 pixels a side at most.

    A part tells as much as the whole, whose spectrum takes ten times its memory.
    """
    rows, columns = (
        slice(max(size - LARGEST, 0) // 2, max(size - LARGEST, 0) // 2 + LARGEST)
        for size in grey.shape
    )
    return grey[rows, columns]


def noise_range(calibration: Mapping[str, Any]) -> dict[str, Any] | None:
    """Take what `doubts` wants from the calibration that a dataset was made with."""
    names = ("minimum", "maximum")
    if not all(name in calibration for name in names):
        return None
    return {name: dict(calibration[name]) for name in names}
