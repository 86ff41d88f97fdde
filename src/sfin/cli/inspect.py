"""`sfin inspect`: what is in image files."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfin.cli.batch import Failures, Picture, check_output, find_images, run_batch
from sfin.cli.calibrate import NOISE, noise_cells
from sfin.cli.console import make_table, note, say, show_table
from sfin.cli.options import Dataset, Frame, Images, ModeOption, PixelSize, Reading
from sfin.errors import InputError
from sfin.texts import printable

if TYPE_CHECKING:
    from rich.table import Table

    from sfin.images import Image
    from sfin.parameters import Mode

# Smaller images have too few frequencies to tell noise by.
SMALLEST = 64
# Characters of a value that is shown.
LONGEST = 90


def inspect(
    images: Images,
    mode: ModeOption = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for NAME.spectrum.png of each image: it and its power "
            "spectrum.",
            show_default="none",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also show all that the microscope wrote.")
    ] = False,
    pixel_size: PixelSize = None,
    dataset: Dataset = None,
    frame: Frame = None,
) -> None:
    """Show what is in image files: metadata, pixel size, noise, power spectrum."""
    failures = Failures()
    paths = find_images(images, failures)
    if output is not None:
        check_output(output, paths)
    tables: list[Table] = []

    def work(picture: Picture) -> str:
        tables.append(_table(picture, everything))
        return "" if output is None else _draw_spectrum(picture, output)

    reading = Reading(mode, pixel_size, dataset, frame)
    succeeded = run_batch(
        paths, reading, failures, work, "Inspecting", writes=output is not None
    )
    for number, table in enumerate(tables):
        if number:
            say("")
        show_table(table)
    failures.finish(succeeded)


def _table(picture: Picture, everything: bool) -> "Table":
    metadata = picture.image.metadata
    sections = ["metadata"] + (["original_metadata"] if everything else [])
    table = make_table("", "")
    for name, value in chain(
        _facts(picture),
        _noise(picture),
        *(_entries(metadata.get(section, {})) for section in sections),
    ):
        table.add_row(name, value)
    return table


def _draw_spectrum(picture: Picture, output: Path) -> str:
    from sfin.figures.inspection import READING, inspection_figure
    from sfin.figures.style import write_figure

    base = output / f"{picture.name}.spectrum"
    write_figure(base, inspection_figure(picture.image), READING, ["png"])
    return f"{base}.png"


def _facts(picture: Picture) -> Iterator[tuple[str, str]]:
    image = picture.image
    metadata, size = image.metadata, image.pixel_size
    rows, columns = image.data.shape
    yield "File", printable(str(picture.path))
    yield "Rows × columns", f"{rows} × {columns}"
    if metadata["frames"] > 1:
        yield "Frame", f"{metadata['frame']} of {metadata['frames']}, from 0"
    if len(metadata["datasets"]) > 1:
        yield "Images in the file", printable(", ".join(metadata["datasets"]))
        yield "Of these", printable(metadata["title"])
    if size is None:
        yield "Pixel size", "unknown: give --pixel-size"
    else:
        yield "Pixel size", f"{size:.5g} Å"
        yield "Field of view", f"{columns * size / 10:.4g} × {rows * size / 10:.4g} nm"
    yield "Counts", f"{image.data.min():g} to {image.data.max():g}"
    told = f", {picture.told}" if picture.told else ""
    yield "Mode", f"{picture.mode or 'unknown: give --mode'}{told}"


def _noise(picture: Picture) -> Iterator[tuple[str, str]]:
    from sfin.calibration_settings import CalibrationSettings
    from sfin.image_quality import assess
    from sfin.image_quality import warnings as find_warnings

    image, settings = picture.image, CalibrationSettings()
    if min(image.data.shape) < SMALLEST:
        yield "Noise", f"not measured in images below {SMALLEST} × {SMALLEST}"
        return
    quality = assess(image.data, [])
    if picture.mode is None:
        yield "Noise", "calibrated once the mode is known"
        warnings = list(find_warnings(quality, settings))
    else:
        try:
            cells, warnings = _calibration(image, picture.mode)
        except InputError as error:
            yield "Noise", f"not calibrated: {error}"
            warnings = list(find_warnings(quality, settings))
        else:
            yield from zip(NOISE, cells, strict=True)
    least = settings.minimum_white_noise
    yield (
        "White noise",
        (
            f"{quality.white_noise:.2f} left near the Nyquist frequency; a raw image "
            f"keeps at least {least:.2f}"
        ),
    )
    yield (
        "Neighbours",
        (
            f"correlate by {quality.row_correlation:.2f} along the rows, by "
            f"{quality.column_correlation:.2f} along the columns"
        ),
    )
    yield "Saturated", f"{quality.saturated:.2%}"
    for warning in warnings:
        note(f"{picture.path} is not to be trusted: {warning}.")


def _calibration(image: "Image", mode: "Mode") -> tuple[list[str], list[str]]:
    from sfin.calibrated_images import calibrate_image, image_parameters
    from sfin.calibration_settings import CalibrationSettings

    record = calibrate_image(image, image.name, mode, CalibrationSettings())
    return noise_cells(image_parameters(record)[0]), list(record.warnings)


def _entries(entries: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entries.items():
        name = printable(f"{place}.{key}" if place else str(key))
        if isinstance(value, Mapping):
            yield from _entries(value, name)
            continue
        text = printable(" ".join(str(value).split()))
        if text.strip():
            yield name, text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
