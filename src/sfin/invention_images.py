"""Images that show whether a method invents atoms or loses them.

Drawn as `sfin.synthesis` draws its images, with the noise of the run, but of scenes in
which a method that has learned what crystals look like can be caught.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sfin.arrangements import Arrangement, Columns, draw_scene
from sfin.columns import ProjectedColumns
from sfin.detection_settings import MatchSettings
from sfin.invention_peaks import PeakSettings, TrueAtoms, true_atoms
from sfin.labels import contrast
from sfin.metrics import DATA_RANGE
from sfin.noise import disturb, noiseless_image
from sfin.pair_writing import own_generator
from sfin.parameters import MODES, Mode, NoiseDistribution, multiply_noise
from sfin.pixel_loops import to_bytes
from sfin.synthesis import SynthesisSettings

Kind = Literal["noise", "vacancy", "adatom", "amorphous", "unseen"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Beside the streams of datasets and of stress pairs, which have fewer numbers.
STREAM = (0, 2)
# Scenes that are drawn until one has room for the defect.
TRIES = 20
# Of the edge of the image: how far from the middle a defect may be.
MIDDLE = 0.15
# Relative brightness of columns that are visible, and of those that are strong.
VISIBLE, STRONG = 0.05, 0.5

Place = tuple[float, float]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrialImage:
    """An image whose atoms are known.

    Attributes
    ----------
    kind
        ``noise``: background and noise alone. ``vacancy``, ``adatom``: a crystal with
        one column less or more, near the middle. ``amorphous``: columns anywhere.
        ``unseen``: a crystal that no network was trained on.
    structure
        Name of the crystal; none of noise and amorphous images.
    noisy, clean
        Grey levels (rows, columns), uint8: as recorded, and without background and
        noise, atoms bright, 0 to 255.
    true
        What is to be seen.
    place
        x and y of the defect, in pixels; None without one.
    pixel_size
        Å.
    """

    kind: Kind
    structure: str
    noisy: NDArray[np.uint8]
    clean: NDArray[np.uint8]
    true: TrueAtoms
    place: Place | None
    pixel_size: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """Columns of an image before it gets its noise; see `TrialImage`."""

    columns: Columns
    sigma: float
    pixel_size: float
    structure: str = ""
    place: Place | None = None


def trial_images(
    structures: Sequence[ProjectedColumns],
    unseen: Sequence[ProjectedColumns],
    distribution: NoiseDistribution,
    number: Mapping[Kind, int],
    settings: SynthesisSettings,
    peaks: PeakSettings,
    match: MatchSettings,
    seed: int,
) -> list[TrialImage]:
    """Draw images of each kind; the same for all methods.

    Parameters
    ----------
    structures, unseen
        Crystals that networks were trained on, and others; without others there are
        no images of that kind.
    distribution
        Noise of the run.
    number
        Of each kind; fewer where the crystals have no room for a defect that can be
        seen.
    settings
        Of the synthesis.
    peaks, match
        What counts as an atom, and as the same atom.
    seed
        Of all.
    """
    images = []
    for code, kind in enumerate(KINDS):
        crystals = unseen if kind == "unseen" else structures
        for index in range(number[kind] if crystals else 0):
            stream = (MODES.index(distribution.mode), code, index, *STREAM)
            generator = own_generator(seed, *stream)
            drawing = draw(
                kind, crystals, distribution.mode, settings, peaks, match, generator
            )
            if drawing is not None:
                images.append(
                    record(
                        kind, drawing, distribution, settings, peaks, match, generator
                    )
                )
    return images


def draw(
    kind: Kind,
    structures: Sequence[ProjectedColumns],
    mode: Mode,
    settings: SynthesisSettings,
    peaks: PeakSettings,
    match: MatchSettings,
    generator: np.random.Generator,
) -> Drawing | None:
    """Draw the columns of one image; None if no crystal has room for the defect."""
    share: Arrangement = "random" if kind == "amorphous" else "periodic"
    arrangement = replace(settings.arrangement, shares={share: 1.0})
    for _ in range(TRIES):
        scene = draw_scene(structures, mode, settings.size, arrangement, generator)
        columns = scene.columns
        strong = columns.sigma[columns.brightness >= STRONG]
        sigma = float(np.median(strong if strong.size else columns.sigma))
        name = "" if kind in ("noise", "amorphous") else scene.structures[0]
        whole = Drawing(columns, sigma, scene.pixel_size, name)
        if kind == "noise":
            return replace(whole, columns=columns.keep(np.zeros(columns.x.size, bool)))
        if kind not in ("vacancy", "adatom"):
            return whole
        changed = (vacancy if kind == "vacancy" else adatom)(whole, settings.size)
        with_atom, without = (whole, changed) if kind == "vacancy" else (changed, whole)
        if changed.place is not None and _tells_apart(
            *(with_atom, without, changed.place, settings.size, peaks, match)
        ):
            return changed
    return None


def record(
    kind: Kind,
    drawing: Drawing,
    distribution: NoiseDistribution,
    settings: SynthesisSettings,
    peaks: PeakSettings,
    match: MatchSettings,
    generator: np.random.Generator,
) -> TrialImage:
    """Give an image its background and noise, as `sfin.synthesis` does."""
    parameters = distribution.draw(generator, settings.correlated)
    factor = np.exp(generator.uniform(*np.log(settings.noise_factor)))
    parameters = multiply_noise(parameters, float(factor))
    atoms = contrast(drawing.columns, settings.size)
    noiseless = noiseless_image(atoms, parameters, settings.noise, generator)
    noisy = disturb(noiseless, parameters, settings.noise, generator)
    return TrialImage(
        kind=kind,
        structure=drawing.structure,
        noisy=to_bytes(noisy),
        clean=to_bytes(np.float32(DATA_RANGE) * atoms),
        true=_true(drawing, settings.size, peaks, match),
        place=drawing.place,
        pixel_size=drawing.pixel_size,
    )


def vacancy(drawing: Drawing, size: int) -> Drawing:
    """Take away the strong column nearest to the middle; the place is where it was."""
    columns, middle = drawing.columns, (size - 1) / 2
    distance = np.hypot(columns.x - middle, columns.y - middle)
    distance[columns.brightness < STRONG] = np.inf
    nearest = int(distance.argmin())
    if distance[nearest] > MIDDLE * size:
        return drawing
    rest = np.arange(distance.size) != nearest
    place = float(columns.x[nearest]), float(columns.y[nearest])
    return replace(drawing, columns=columns.keep(rest), place=place)


def adatom(drawing: Drawing, size: int) -> Drawing:
    """Add a column near the middle, as far from the others as can be.

    It looks like the strongest of its neighbours.
    """
    columns, middle = drawing.columns, (size - 1) / 2
    steps = np.arange(-MIDDLE * size, MIDDLE * size + 0.5, 0.5) + middle
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    tree = cKDTree(np.column_stack([columns.x, columns.y]))
    distance, _ = tree.query(grid)
    place = grid[int(distance.argmax())]
    _, around = tree.query(place, k=min(4, columns.x.size))
    around = np.atleast_1d(around)
    like = around[int(columns.brightness[around].argmax())]
    added = columns.keep(np.arange(columns.x.size) == like)
    added = replace(added, x=place[:1], y=place[1:])
    spot = float(place[0]), float(place[1])
    return replace(drawing, columns=columns.join(added), place=spot)


def _tells_apart(
    with_atom: Drawing,
    without: Drawing,
    place: Place,
    size: int,
    peaks: PeakSettings,
    match: MatchSettings,
) -> bool:
    # The atom is asked for where it is, and nothing is there where it is not.
    one, none = (_true(drawing, size, peaks, match) for drawing in (with_atom, without))
    empty = np.hypot(none.x - place[0], none.y - place[1]) > none.radius
    return bool(at_place(one, place).any() and empty.all())


def at_place(true: TrueAtoms, place: Place) -> NDArray[np.bool_]:
    """Tell which of the atoms that are asked for is at a place."""
    return true.asked & (np.hypot(true.x - place[0], true.y - place[1]) < 1e-3)


def _true(
    drawing: Drawing, size: int, peaks: PeakSettings, match: MatchSettings
) -> TrueAtoms:
    columns = drawing.columns.keep(drawing.columns.brightness >= VISIBLE)
    clean = np.float32(DATA_RANGE) * contrast(drawing.columns, size)
    return true_atoms(
        *((columns.x, columns.y), clean, drawing.sigma, drawing.pixel_size),
        *(peaks, match),
    )
