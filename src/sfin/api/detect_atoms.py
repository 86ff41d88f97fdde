"""`sfin.detect_atoms`: where the atoms of an image are, and how sure each is."""

import os
from typing import TYPE_CHECKING

from sfin.api.given import GivenImage, opened

if TYPE_CHECKING:
    import pandas as pd

    from sfin.parameters import Mode


def detect_atoms(
    image: GivenImage,
    mode: "Mode | None" = None,
    weights: str | os.PathLike[str] | None = None,
    *,
    threshold: float = 0.5,
    pixel_size: float | None = None,
) -> "pd.DataFrame":
    """Find the atoms of an image with a trained network.

    Parameters
    ----------
    image, mode, weights, pixel_size
        As for `sfin.enhance`, frames too; the weights are of a network trained for
        detection.
    threshold
        Least probability of an atom, 0–1, as measured on synthetic images.

    Returns
    -------
    DataFrame
        A row for each atom, the surest first, with the columns of
        ``results/atoms/{mode}/{image}.csv``: ``x`` and ``y`` in pixels, along the rows
        and along the columns, from the centre of the first pixel; ``x_angstrom`` and
        ``y_angstrom``, NaN where the pixel size is unknown; ``amplitude`` (0–1) and
        ``sigma`` (pixels) of the dot that the network drew; ``confidence``, the share
        of atoms among such dots. ``attrs["note"]`` says which network found them, and
        what speaks against trusting it.

    Raises
    ------
    InputError
        If the image cannot be read, nothing tells its mode, there are no weights for
        it, or the threshold is no probability.

    Examples
    --------
    >>> import sfin
    >>> noisy = sfin.synthesise("SrTiO3_001", "haadf", 1, size=128).noisy[0]
    >>> atoms = sfin.detect_atoms(noisy, "haadf", threshold=0.6, pixel_size=0.1)
    >>> list(atoms)
    ['x', 'y', 'x_angstrom', 'y_angstrom', 'amplitude', 'sigma', 'confidence']
    >>> bool((atoms["confidence"] >= 0.6).all())
    True
    """
    from sfin.atom_lists import detect_image
    from sfin.detection import open_measured_detector
    from sfin.named_weights import find_weights

    with opened(image, mode, pixel_size) as (read, known):
        detector = open_measured_detector(
            find_weights("detection", known, weights), threshold
        )
        found = detect_image(read, detector)
    atoms = found.table()
    atoms.attrs["note"] = found.note
    return atoms
