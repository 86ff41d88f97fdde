"""The table of movies: every method on frames of one area."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from sfin.evaluation import restorer
from sfin.filters import FilterSettings
from sfin.images import read_image, to_grey_levels
from sfin.metrics import DATA_RANGE
from sfin.movies import register_frames, score_movie
from sfin.names import METHOD_NAMES
from sfin.parameters import Mode
from sfin.table_formats import NONE, Cell, Grid

# Columns of the table: heading, format, and whether more is better.
SHOWN = {
    "psnr": ("PSNR against the others' mean, dB", "{:.2f}", True),
    "error": ("error without its noise, grey levels", "{:.2f}", False),
    "resolution": ("two frames agree to, Å", "{:.2f}", False),
}
CAPTION = (
    "Movies: each method restores single frames of one area, and each is compared with "
    "the mean of the other raw frames, which knows nothing of any method. Frames are "
    "registered to a twentieth of a pixel; background smoother than 20 pixels is taken "
    "out; grey levels are scaled and shifted for the least squared difference. The "
    "error is without the noise of that mean, and with what moved between frames. "
    "Last, the detail to which two restored frames agree (Fourier ring correlation "
    "1/7). Bold: best of a movie. "
)


def judge_movie(
    frames: Sequence[str | Path],
    name: str,
    mode: Mode,
    pixel_size: float | None,
    methods: Sequence[str],
    weights: Mapping[str, Path],
    filters: FilterSettings,
) -> pd.DataFrame:
    """Restore the frames of a movie by every method, and score them.

    Parameters
    ----------
    frames
        Files, of one area.
    name, mode
        Of the movie.
    pixel_size
        Å; None to go by the first file.
    methods, weights, filters
        As for `sfin.theory_report.judge`.

    Returns
    -------
    DataFrame
        A row per method: ``movie``, ``mode``, ``method``, ``frames``,
        `sfin.movies.MovieScore`, and ``resolution`` in Å, missing where the pixel size
        is unknown or nothing agrees.

    Raises
    ------
    InputError
        If the frames are no movie.
    """
    opened = [read_image(path, pixel_size=pixel_size) for path in frames]
    grey = [
        np.clip(to_grey_levels(image.data)[0], 0, DATA_RANGE).astype(np.float32)
        for image in opened
    ]
    movie, size = register_frames(grey), opened[0].pixel_size
    rows = []
    for method in methods:
        restore = restorer(method, weights.get(method), filters)
        score = score_movie(movie, lambda frame: restore(frame[None])[0])  # noqa: B023
        known = size is not None and score.reach > 0
        rows.append(
            {"movie": name, "mode": mode, "method": method, "frames": len(frames)}
            | asdict(score)
            | {"resolution": size / score.reach if known and size else np.nan}
        )
    return pd.DataFrame(rows)


def movies_table(files: Sequence[str]) -> pd.DataFrame:
    """Put the scores of all movies below each other."""
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def movies_grid(table: pd.DataFrame) -> Grid:
    """Lay the scores out for readers: methods below each other, for each movie."""
    rows = []
    for movie, part in table.groupby("movie", sort=False):
        best = {
            name: part[name].max() if more else part[name].min()
            for name, (_, _, more) in SHOWN.items()
        }
        for _, row in part.iterrows():
            cells = tuple(
                Cell(NONE)
                if pd.isna(row[name])
                else Cell(form.format(row[name]), bool(row[name] == best[name]))
                for name, (_, form, _) in SHOWN.items()
            )
            title = f"{movie}, {row['frames']} frames: {METHOD_NAMES[row['method']]}"
            rows.append((title, cells))
    headings = tuple(heading for heading, _, _ in SHOWN.values())
    return Grid("Movie and method", (("One frame", headings),), tuple(rows))
