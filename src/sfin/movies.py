"""Judge methods on frames of one area: what one frame gives, against the others' mean.

Nothing needs to be known of the specimen: the noise of the other frames is independent
of that of the restored one, so it adds to the error of every method alike, and by how
much follows from the raw frames (as in Lehtinen et al. 2018, Noise2Noise).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from sfin.errors import InputError
from sfin.figures.comparison import brightness_match
from sfin.metrics import DATA_RANGE
from sfin.ring_correlation import ring_correlation
from sfin.sidecars import FEWEST_FRAMES

FloatArray = NDArray[np.float64]
GreyImage = NDArray[np.float32]
# Pixels: blur before frames are registered; of what is background and not compared.
SMOOTHING, BACKGROUND = 2.0, 20.0
# Fractions of a pixel that frames are registered to.
FINENESS = 20
# Pixels: farther apart, frames show another area, or the lattice was off by a cell.
FARTHEST = 40.0


@dataclass(frozen=True)
class MovieScore:
    """How a method does on the frames of a movie.

    Attributes
    ----------
    psnr
        dB of one restored frame against the mean of the other raw ones, for a range of
        255 grey levels; mean over the frames.
    error
        Root mean square error in grey levels, without the noise of that mean; 0 where
        the method's error is too small to be told.
    reach
        Frequency up to which the restored first and second frame agree, in cycles per
        pixel (`sfin.ring_correlation`).
    """

    psnr: float
    error: float
    reach: float


@dataclass(frozen=True, eq=False)
class Movie:
    """Raw frames of one area, and how they lie.

    Attributes
    ----------
    frames
        Grey levels, (rows, columns) each.
    shifts
        (n, 2) rows and columns by which each must be moved onto the first.
    """

    frames: tuple[GreyImage, ...]
    shifts: FloatArray

    def moved(self, image: NDArray[np.floating], frame: int, onto: int) -> FloatArray:
        """Move an image of one frame to where another frame shows the same."""
        step = self.shifts[frame] - self.shifts[onto]
        return np.asarray(
            ndimage.shift(image.astype(np.float64), step, order=3, mode="nearest")
        )

    @property
    def inner(self) -> tuple[slice, slice]:
        """The part of a frame that all frames show."""
        margin = int(np.ceil(np.ptp(self.shifts, axis=0).max())) + 2
        return slice(margin, -margin), slice(margin, -margin)


def register_frames(frames: Sequence[GreyImage]) -> Movie:
    """Find how the frames of a movie lie, to a twentieth of a pixel.

    Raises
    ------
    InputError
        If they are fewer than three, differ in shape, or lie far apart.
    """
    if len(frames) < FEWEST_FRAMES:
        raise InputError(
            f"A movie of {len(frames)} frames cannot be judged: give {FEWEST_FRAMES} "
            "or more."
        )
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        raise InputError(
            f"Frames have shapes {' and '.join(map(str, sorted(shapes)))}: give frames "
            "of one shape."
        )
    window = np.outer(*(np.hanning(size) for size in frames[0].shape))
    smooth = [
        window * _without_background(ndimage.gaussian_filter(frame, SMOOTHING))
        for frame in frames
    ]
    shifts = [np.zeros(2)]
    for frame in smooth[1:]:
        shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
            smooth[0], frame, upsample_factor=FINENESS, normalization=None
        )
        shifts.append(np.asarray(shift, np.float64))
    if np.abs(shifts).max() > FARTHEST:
        raise InputError(
            f"Frames lie {np.abs(shifts).max():.0f} pixels apart, which is no drift: "
            "give frames of one area."
        )
    return Movie(tuple(frames), np.array(shifts))


def score_movie(
    movie: Movie, method: Callable[[GreyImage], NDArray[np.floating]]
) -> MovieScore:
    """Restore every frame, and compare each with the mean of the others.

    Background, smoother than 20 pixels, is taken out of both, because some methods
    remove it and others do not; then grey levels are scaled and shifted for the least
    squared difference.

    Parameters
    ----------
    movie
        Of `register_frames`.
    method
        Restores one image.
    """
    restored = [method(frame) for frame in movie.frames]
    number = len(restored)
    squares, noise = [], []
    for this in range(number):
        others = [
            _without_background(movie.moved(movie.frames[other], other, this))
            for other in range(number)
            if other != this
        ]
        reference = np.mean(others, axis=0)[movie.inner]
        # Of their mean, from how they differ among each other.
        variance = np.var(others, axis=0, ddof=1)[movie.inner]
        noise.append(float(variance.mean()) / len(others))
        seen = _without_background(restored[this])[movie.inner]
        gain, offset = brightness_match(seen, reference)
        squares.append(float(np.mean((gain * seen + offset - reference) ** 2)))
    square = float(np.mean(squares))
    second = movie.moved(restored[1], 1, 0)
    return MovieScore(
        psnr=float(np.mean(10 * np.log10(DATA_RANGE**2 / np.array(squares)))),
        error=float(np.sqrt(max(square - float(np.mean(noise)), 0.0))),
        reach=ring_correlation(
            restored[0].astype(np.float64)[movie.inner], second[movie.inner]
        ).reach,
    )


def _without_background(image: NDArray[np.floating]) -> FloatArray:
    grey = image.astype(np.float64)
    return np.asarray(grey - ndimage.gaussian_filter(grey, BACKGROUND))
