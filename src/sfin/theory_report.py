"""Judge every method on real images of known crystals: table 8 and Figure 7."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.columns import ProjectedColumns
from sfin.evaluation import UNTOUCHED, restorer
from sfin.figures.figure7 import (
    RealComparison,
    figure7,
    read_comparison,
    refused_figure,
    write_comparison,
)
from sfin.figures.style import write_figure
from sfin.files import write_whole
from sfin.filters import FilterSettings
from sfin.images import read_image, to_grey_levels
from sfin.lattice_report import lay_crystal, made_by
from sfin.names import METHOD_NAMES
from sfin.parameters import Mode
from sfin.ring_correlation import correlation_of_halves
from sfin.table_formats import NONE, Cell, Grid
from sfin.theory_scores import match_grey_levels, normalised, score_against_theory

# Pixels of the image that half of it cannot resolve: four, less the width of a ring.
FINEST = 4.15
IDENTITY = ("image", "mode", "structure", "method")
# Columns of the table: heading, format, and whether more is better.
SHOWN = {
    "psnr": ("PSNR, dB", "{:.2f}", True),
    "ssim": ("SSIM", "{:.4f}", True),
    "contrast_to_noise": ("contrast to noise", "{:.1f}", True),
    "along_pm": ("spread along scan, pm", "{:.1f}", False),
    "across_pm": ("across, pm", "{:.1f}", False),
    "resolution": ("halves agree to, Å", "{:.2f}", False),
}


@dataclass(frozen=True, eq=False)
class Judgement:
    """Every method on a real image, against theory.

    Attributes
    ----------
    table
        A row per method: names, `sfin.theory_scores.TheoryScore`, ``resolution`` in Å
        from the even and odd rows, and how the theory was registered. One row with
        the names and a ``problem`` where the crystal does not fit.
    comparison
        For Figure 7; without methods where the crystal does not fit.
    """

    table: pd.DataFrame
    comparison: RealComparison


def judge(
    image: str | Path,
    atoms: str | Path,
    lattice: str | Path,
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
    methods: Sequence[str],
    weights: Mapping[str, Path],
    filters: FilterSettings,
) -> Judgement:
    """Restore a real image by every method, and compare with the theoretical one.

    Parameters
    ----------
    image, atoms
        File of the image, and the CSV of `sfin.atom_lists`.
    lattice
        CSV of `sfin.lattice_report.check_lattice`: what it refused is not judged.
    columns
        The crystal.
    mode, pixel_size
        Of the image; Å, None to go by the file.
    methods
        ``noisy``, filters and networks, in the order of the table.
    weights
        Of the networks, by method.
    filters
        Settings of the filters.

    Raises
    ------
    InputError
        If the crystal does not fit although ``lattice`` says so.
    """
    name = Path(image).stem
    names = {"image": name, "mode": mode, "structure": columns.structure}
    title = f"{name}, {columns.structure}"
    checked = pd.read_csv(lattice)
    if "problem" in checked:
        problem = str(checked["problem"].iloc[0])
        row = {**names, "method": UNTOUCHED, "problem": problem}
        opened = read_image(image, pixel_size=pixel_size)
        raw = np.clip(to_grey_levels(opened.data)[0], 0, 255)
        size, spacing = opened.pixel_size, np.nan
        nothing = RealComparison(title, {}, raw, {}, size, spacing, mode, problem)
        return Judgement(pd.DataFrame([row]), nothing)
    _, grey, fit, theory = lay_crystal(image, atoms, columns, mode, pixel_size)
    reference, size = normalised(theory), fit.placement.pixel_size
    registration = {
        "shift_x": theory.shift[0],
        "shift_y": theory.shift[1],
        "width": theory.width,
        "correlation": theory.correlation,
        "likeness": theory.likeness,
        "pixel_size": size,
    }
    rows, shown, below = [], {}, {}
    for method in methods:
        restore = _of_one(restorer(method, weights.get(method), filters))
        restored = restore(grey)
        score = score_against_theory(restored, theory, fit)
        # Half an image has pixels of twice the size.
        reach = correlation_of_halves(grey, restore).reach
        found = {**asdict(score), "resolution": 2 * size / reach if reach else np.nan}
        rows.append({**names, "method": method, **found, **registration})
        shown[method] = match_grey_levels(restored, reference)
        below[method] = f"{score.psnr:.2f} / {score.ssim:.3f}"
    spacing = fit.placement.spacing
    comparison = RealComparison(title, shown, reference, below, size, spacing, mode)
    return Judgement(pd.DataFrame(rows), comparison)


def _of_one(
    restore: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def one(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(restore(image[None])[0])

    return one


def write_judgement(
    judged: Judgement, table: str, images: str, picture: str, scale: str, seed: int
) -> None:
    """Write the scores as ``.csv``, the images as ``.npz``, and all as ``.png``."""
    rows = judged.table.to_csv(index=False, lineterminator="\n")
    write_whole(table, rows)
    write_comparison(images, judged.comparison)
    note, comparison = made_by(scale, seed), judged.comparison
    if comparison.problem:
        figure = refused_figure(comparison, f"{comparison.problem} {note}")
    else:
        figure = figure7([comparison], f"{FIGURE7_CAPTION} {note}")
    write_figure(picture.removesuffix(".png"), figure, note, ["png"])


def draw_figure7(images: Sequence[str], base_path: str, scale: str, seed: int) -> str:
    """Draw Figure 7 of images that were judged, and return its caption.

    The first image of each mode whose crystal fits is drawn; of those that were
    refused, the first where there is no other.
    """
    fitting: dict[str, RealComparison] = {}
    refused = []
    for path in images:
        comparison = read_comparison(path)
        if comparison.problem:
            refused.append(comparison)
        else:
            fitting.setdefault(comparison.mode, comparison)
    made = made_by(scale, seed)
    if fitting:
        left_out = "; ".join(comparison.name for comparison in refused)
        why = " Refused, since the crystal does not fit (Table 8 says why): "
        said = f"{why}{left_out}." if refused else ""
        caption = f"Figure 7. {FIGURE7_CAPTION}{said} {made}"
        figure = figure7(list(fitting.values()), caption)
    else:
        caption = "Figure 7. No image's crystal fits. " + " ".join(
            f"{comparison.name}: {comparison.problem}" for comparison in refused
        )
        caption = f"{caption} {made}"
        figure = refused_figure(refused[0], caption)
    write_figure(base_path, figure, caption)
    return caption


def table8(files: Sequence[str]) -> pd.DataFrame:
    """Put the scores of all images below each other."""
    return pd.concat([pd.read_csv(path) for path in files], ignore_index=True)


def table8_grid(table: pd.DataFrame) -> Grid:
    """Lay the scores out for readers: methods below each other, for each image."""
    rows = []
    for image, part in table.groupby("image", sort=False):
        part = part.reindex(columns=[*IDENTITY, *SHOWN, "pixel_size"])
        best = {
            name: part[name].max() if more else part[name].min()
            for name, (_, _, more) in SHOWN.items()
        }
        for _, row in part.iterrows():
            cells = []
            for name, (_, form, _) in SHOWN.items():
                text = NONE if pd.isna(row[name]) else form.format(row[name])
                # Half an image can show no more: that is no victory.
                limited = (
                    name == "resolution" and row[name] < FINEST * row["pixel_size"]
                )
                wins = bool(row[name] == best[name]) and not limited
                cells.append(Cell(f"≤ {text}" if limited else text, wins))
            refused = row[list(SHOWN)].isna().all()
            method = "refused" if refused else METHOD_NAMES[row["method"]]
            rows.append((f"{image}, {row['structure']}: {method}", tuple(cells)))
    headings = tuple(heading for heading, _, _ in SHOWN.values())
    return Grid("Image and method", (("Real image", headings),), tuple(rows))


FIGURE7_CAPTION = (
    "Real images of known crystals restored by every method, beside the theoretical "
    "image. From above: the middle, enlarged, power spectrum of the whole image (log), "
    "and difference from theory, grey where there is none, ±127 grey levels. Grey "
    "levels are scaled and shifted to the theoretical image's. Below: PSNR (dB) / SSIM."
)
CAPTION = (
    "Table 8 (ours). Methods on real images of known crystals. PSNR and SSIM against "
    "the theoretical image: the crystal's columns as rendered by abTEM, on the lattice "
    "fitted to the detected atoms, of the width that the raw image shows; grey levels "
    "of each restored image scaled and shifted for the least squared difference. "
    "Contrast to noise: mean grey level where theory is in the upper 30 % of its range "
    "less that in the lowest 5 %, in standard deviations of the latter. Spread of the "
    "vectors between neighbouring columns of one kind along and across the fast scan. "
    "Last, the detail to which the method's answers to the even rows and to the odd "
    "rows alone agree (Fourier ring correlation 1/7, on pixels of twice the size; ≤: "
    "all that these can show). A method that drew a perfect crystal over everything "
    "would score best, in the last column too, where it would draw it twice: no "
    "resolution is gained. See the differences in Figure 7. Bold: best of an image. "
)
