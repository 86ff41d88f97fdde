import numpy as np
import pytest
import tifffile
from scipy import ndimage

from sfin.errors import InputError
from sfin.filters import FilterSettings
from sfin.movie_report import judge_movie, movies_grid, movies_table
from sfin.movies import register_frames, score_movie

SHIFTS = np.array([[0, 0], [1.5, -2.25], [-3.0, 0.75], [0.5, 4.0]])
NOISE = 30.0


def clean(shift=(0, 0), size=192):
    rows, columns = np.indices((size, size)) + 300.0
    rows, columns = rows - shift[0], columns - shift[1]
    lattice = np.cos(rows * 2 * np.pi / 21) + np.cos((columns + 0.3 * rows) / 2.7)
    # Something that does not repeat.
    return 120 + 30 * lattice + 40 * np.cos((rows * columns) / 6000)


def movie(count=4):
    generator = np.random.default_rng(3)
    frames = [
        (clean(-shift) + generator.normal(0, NOISE, (192, 192))).astype(np.float32)
        for shift in SHIFTS[:count]
    ]
    return register_frames(frames)


def blobs():
    noise = np.random.default_rng(1).normal(size=(192, 192))
    return ndimage.gaussian_filter(noise, 4, mode="wrap").astype(np.float32)


def test_frames_are_registered_to_a_fraction_of_a_pixel():
    np.testing.assert_allclose(movie().shifts, SHIFTS, atol=0.2)


def test_the_error_is_that_against_the_truth():
    found = movie()
    pairs = zip(found.frames, SHIFTS, strict=True)
    truth = {id(frame): clean(-shift) for frame, shift in pairs}
    perfect = score_movie(found, lambda frame: 0.5 * truth[id(frame)] + 9)
    raw = score_movie(found, lambda frame: frame)
    blurred = score_movie(found, lambda frame: ndimage.gaussian_filter(frame, 1.5))
    assert perfect.error < 4
    assert 0.7 * NOISE < raw.error < NOISE
    assert perfect.error < blurred.error < raw.error
    assert perfect.psnr > blurred.psnr > raw.psnr
    assert perfect.reach > raw.reach


def test_the_noise_of_the_others_does_not_count():
    def blurred(frame):
        return ndimage.gaussian_filter(frame, 1.5)

    errors = [score_movie(movie(count), blurred).error for count in (3, 4)]
    assert errors[0] == pytest.approx(errors[1], rel=0.1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda frames: frames[:2], "A movie of 2 frames"),
        (lambda frames: [*frames[:2], frames[2][:-3]], "frames of one shape"),
        (lambda _: [blobs(), blobs(), np.roll(blobs(), 60, 0)], "no drift"),
    ],
)
def test_frames_that_are_no_movie_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        register_frames(change(list(movie().frames)))


def test_table_has_the_best_of_each_movie_in_bold(tmp_path):
    files = []
    for number, frame in enumerate(movie(3).frames):
        files.append(tmp_path / f"frame{number}.tif")
        tifffile.imwrite(files[-1], (frame * 20 + 2000).clip(0).astype(np.uint16))
    methods = ["noisy", "gaussian"]
    table = judge_movie(files, "a", "bf", 0.1, methods, {}, FilterSettings())
    assert list(table["method"]) == methods
    assert table["error"][1] < table["error"][0]
    assert table["resolution"].between(0.1, 3).all()
    table.to_csv(tmp_path / "a.csv", index=False)
    grid = movies_grid(movies_table([str(tmp_path / "a.csv")]))
    assert [name for name, _ in grid.rows] == [
        "a, 3 frames: Noisy",
        "a, 3 frames: Gaussian",
    ]
    assert [cells[1].best for _, cells in grid.rows] == [False, True]
