"""The atoms of an image file: a table, and a picture of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.atom_presence import has_atoms
from sfin.detection import Detector
from sfin.enhancement import network_note
from sfin.errors import InputError
from sfin.figures.atoms import atoms_figure
from sfin.figures.style import write_figure
from sfin.files import write_whole
from sfin.image_doubts import doubts_sentence, find_doubts
from sfin.images import Image, read_image, to_grey_levels
from sfin.parameters import Mode
from sfin.positions import NO_ATOMS, AtomPositions
from sfin.training_range import trained_noise


@dataclass(frozen=True)
class DetectedFile:
    """An image file and its atoms.

    Attributes
    ----------
    image
        As read.
    grey
        Its grey levels, within 0–255.
    atoms
        The surest first.
    confidence
        Probability of each, shape (n,).
    note
        Which network found them, and what speaks against trusting it.
    doubts
        What of the note speaks against trusting it with this image, one by one.
    """

    image: Image
    grey: NDArray[np.float32]
    atoms: AtomPositions
    confidence: NDArray[np.float64]
    note: str
    doubts: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """List the atoms, a row each.

        ``x`` and ``y`` in pixels from the centre of the first pixel, ``x_angstrom``
        and ``y_angstrom``, empty where the pixel size is unknown; ``amplitude``, the
        height of the network's dot (0–1), its ``sigma`` in pixels, and
        ``confidence``, the share of atoms among such dots in synthetic images.
        """
        size = self.image.pixel_size or np.nan
        return pd.DataFrame(
            {
                "x": self.atoms.x,
                "y": self.atoms.y,
                "x_angstrom": self.atoms.x * size,
                "y_angstrom": self.atoms.y * size,
                "amplitude": self.atoms.amplitude,
                "sigma": self.atoms.sigma,
                "confidence": self.confidence,
            }
        )


def detect_file(
    path: str | Path, detector: Detector, mode: Mode, pixel_size: float | None = None
) -> DetectedFile:
    """Find the atoms of an image file.

    Parameters
    ----------
    path
        File of any format `sfin.images.read_image` reads.
    detector
        Trained for images of this mode.
    mode
        Mode of the image.
    pixel_size
        In Å, for files that do not say it themselves.

    Raises
    ------
    InputError
        If the file cannot be read, or the detector is for another mode.
    """
    origin = detector.metadata
    if origin["mode"] != mode:
        raise InputError(
            f"The detector was trained on {origin['mode']} images and {path} is "
            f"{mode}: give one for {mode}."
        )
    return detect_image(read_image(path, pixel_size=pixel_size), detector)


def detect_image(image: Image, detector: Detector) -> DetectedFile:
    """Find the atoms of an image of the detector's mode that was read.

    Raises
    ------
    InputError
        If the image has no contrast.
    """
    origin = detector.metadata
    grey = np.clip(to_grey_levels(image.data)[0], 0, 255)
    atoms = detector(grey) if has_atoms(grey) else NO_ATOMS
    note = f"{network_note(origin)} Confidence of at least {detector.threshold}."
    found = find_doubts(grey, origin["mode"], trained_noise(origin), image)
    note += doubts_sentence(found)
    confidence = detector.confidence(atoms.amplitude)
    return DetectedFile(image, grey, atoms, confidence, note, found)


def write_atoms(found: DetectedFile, table: str | Path, picture: str | Path) -> None:
    """Write the atoms as ``.csv``, and over their image as ``.png``."""
    rows = found.table().round(4)
    write_whole(table, rows.to_csv(index=False, lineterminator="\n"))
    figure = atoms_figure(
        found.grey,
        np.column_stack([found.atoms.x, found.atoms.y]),
        found.image.name,
        found.image.pixel_size,
        found.note,
    )
    write_figure(Path(picture).with_suffix(""), figure, found.note, ["png"])
