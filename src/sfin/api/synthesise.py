"""`sfin.synthesise`: noisy and clean pairs with the noise of a microscope."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.parameters import MODES, NoiseDistribution
from sfin.shipped_files import here_or_shipped, shipped

if TYPE_CHECKING:
    import pandas as pd

    from sfin.calibrated_images import CalibratedImage
    from sfin.columns import ProjectedColumns
    from sfin.pair_writing import Pair, Split

    # By name, by structure; as a file, as what was calibrated, or by the mode.
    GivenStructure = str | ProjectedColumns
    GivenNoise = (
        str
        | os.PathLike[str]
        | NoiseDistribution
        | CalibratedImage
        | Sequence[CalibratedImage]
    )

CONFIG = Path("config/config.yaml")
COLUMNS = Path("resources/structures/columns.json")
# The least that a scene of atoms is drawn for.
SMALLEST = 32


@dataclass(frozen=True, eq=False)
class SynthesisedPairs:
    """Noisy images, what networks should make of them, and the truth behind them.

    Attributes
    ----------
    noisy, clean, noiseless, detection, superresolution
        Grey levels, uint8, shape (n, rows, columns): the image; the enhanced one that
        is wanted, without background; the image before it got its noise; a dot on each
        atom; and the enhanced image with narrower atoms.
    atoms
        Of each image a table of its visible atoms: ``x``, ``y`` and ``sigma`` in
        pixels, ``brightness`` relative to the brightest of its structure, and
        ``species``, empty for an atom that is no element's.
    drawn
        A row for each image: its noise parameters, ``pixel_size`` (Å), ``arrangement``,
        ``structure``, ``rotation`` (degrees), and ``second_structure`` and
        ``second_rotation`` beyond an interface.
    noise
        What the noise parameters were drawn from.
    """

    noisy: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    noiseless: NDArray[np.uint8]
    detection: NDArray[np.uint8]
    superresolution: NDArray[np.uint8]
    atoms: "tuple[pd.DataFrame, ...]"
    drawn: "pd.DataFrame"
    noise: NoiseDistribution

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.noisy)

    def __repr__(self) -> str:
        """Say in a line what the pairs are; the arrays would fill screens."""
        rows, columns = self.noisy.shape[1:]
        used = {*self.drawn["structure"], *self.drawn["second_structure"]} - {""}
        return (
            f"<{len(self)} synthesised pair{'s' * (len(self) != 1)} of {rows} × "
            f"{columns} pixels, {self.noise.mode}: {', '.join(sorted(used))}>"
        )


def synthesise(
    structures: "GivenStructure | Sequence[GivenStructure]",
    noise: "GivenNoise" = "haadf",
    number: int = 10,
    *,
    size: int = 256,
    seed: int | np.random.Generator = 0,
    split: "Split" = "train",
) -> SynthesisedPairs:
    """Synthesise noisy and clean pairs to train, test or try things on.

    Parameters
    ----------
    structures
        Names such as SrTiO3_001 of those that come with sfin (docs/structures.md), or
        structures as `sfin.columns.read_columns` reads them.
    noise
        Of your microscope: what `sfin.calibrate` found in one image or several, or
        the ``MODE.json`` that ``sfin calibrate -o`` wrote. ``"haadf"`` or ``"bf"``: the
        noise of that mode that comes with sfin.
    number
        How many pairs.
    size
        Edge of the images in pixels.
    seed
        0 or more: the same seed makes the same pairs, those that ``sfin synthesise``
        writes. Or a generator, which goes on from pair to pair.
    split
        ``train``, ``test`` or ``validation``: pairs of one seed that share no random
        numbers.

    Returns
    -------
    SynthesisedPairs
        Images and labels as arrays, atoms as tables.

    Raises
    ------
    InputError
        If there is no such structure, noise, split or seed, or no pair of such a size.

    Examples
    --------
    >>> import sfin
    >>> pairs = sfin.synthesise(["SrTiO3_001", "Si_110"], "haadf", 2, size=128)
    >>> pairs.noisy.shape, pairs.clean.shape, pairs.noisy.dtype
    ((2, 128, 128), (2, 128, 128), dtype('uint8'))
    >>> list(pairs.atoms[0])
    ['x', 'y', 'brightness', 'sigma', 'species']
    >>> set(pairs.drawn["structure"]) <= {"SrTiO3_001", "Si_110"}
    True

    The noise of an image, on other atoms:

    >>> image = sfin.synthesise("Si_110", "bf", 1).noisy[0]
    >>> own = sfin.synthesise("NiO_001", sfin.calibrate(image, "bf"), 1, size=64)
    >>> own.noise.mode, own.noise.patches
    ('bf', 1)
    """
    from sfin.pair_writing import SPLITS
    from sfin.synthesis import pair_generator, synthesise_pair
    from sfin.synthesis_inputs import read_settings

    if number < 1 or size < SMALLEST:
        raise InputError(
            f"{number} pairs of {size} × {size} pixels cannot be made: ask for 1 or "
            f"more, of at least {SMALLEST} pixels."
        )
    if not isinstance(seed, np.random.Generator) and seed < 0:
        raise InputError(f"The seed is {seed}: give a whole number from 0 on.")
    if split not in SPLITS:
        raise InputError(f"There is no split {split!r}: give {', '.join(SPLITS)}.")
    chosen = _structures(structures)
    distribution = _noise(noise)
    settings = read_settings(here_or_shipped(CONFIG), size)
    pairs = []
    for index in range(number):
        if isinstance(seed, np.random.Generator):
            generator = seed
        else:
            generator = pair_generator(seed, distribution.mode, split, index)
        pairs.append(synthesise_pair(chosen, distribution, settings, generator))
    return _collect(pairs, chosen, distribution)


def _structures(
    given: "GivenStructure | Sequence[GivenStructure]",
) -> "list[ProjectedColumns]":
    from sfin.columns import ProjectedColumns
    from sfin.synthesis_inputs import find_structures

    listed = [given] if isinstance(given, str | ProjectedColumns) else list(given)
    table = here_or_shipped(COLUMNS)
    names = [each for each in listed if isinstance(each, str)]
    named = iter(find_structures(names, table) if names or not listed else [])
    return [next(named) if isinstance(each, str) else each for each in listed]


def _noise(given: "GivenNoise") -> NoiseDistribution:
    from sfin.calibrated_images import CalibratedImage, read_shipped
    from sfin.calibration_summary import summarise_images
    from sfin.synthesis_inputs import read_noise

    if isinstance(given, NoiseDistribution):
        return given
    if given in MODES:
        records = read_shipped(shipped(f"resources/calibration/{given}.json"))
    elif isinstance(given, str | os.PathLike):
        return read_noise(Path(given))
    else:
        records = [given] if isinstance(given, CalibratedImage) else list(given)
    modes = {record.mode for record in records}
    if len(modes) != 1:
        raise InputError(
            f"The noise is that of {len(modes)} modes: give calibrations of images of "
            "one mode, one or more."
        )
    # Arrays have no names of their own, and files of two folders may share one.
    numbered = [
        replace(record, image=f"{record.image} ({number})")
        for number, record in enumerate(records, start=1)
    ]
    names = {record.image for record in records}
    distinct = records if len(names) == len(records) else numbered
    return summarise_images(modes.pop(), distinct)


def _collect(
    pairs: "Sequence[Pair]",
    structures: "Sequence[ProjectedColumns]",
    noise: NoiseDistribution,
) -> SynthesisedPairs:
    import pandas as pd

    from sfin.arrangements import ARRANGEMENTS, species_names
    from sfin.datasets import IMAGES

    # What pairs tell by number, and the number -1 of what there is none of.
    species = dict(enumerate(species_names(structures))) | {-1: ""}
    names = dict(enumerate(each.structure for each in structures)) | {-1: ""}
    drawn = pd.DataFrame([pair.drawn for pair in pairs])
    drawn["arrangement"] = drawn["arrangement"].map(dict(enumerate(ARRANGEMENTS)))
    for column in ("structure", "second_structure"):
        drawn[column] = drawn[column].map(names)
    atoms = []
    for pair in pairs:
        table = pd.DataFrame(pair.atoms)
        atoms.append(table.assign(species=table["species"].map(species)))
    images: dict[str, Any] = {
        name: np.stack([getattr(pair, name) for pair in pairs]) for name in IMAGES
    }
    return SynthesisedPairs(**images, atoms=tuple(atoms), drawn=drawn, noise=noise)
