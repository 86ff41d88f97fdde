"""`sfin calibrate`: the noise of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfin.cli.batch import Failures, Picture, check_output, find_images, run_batch
from sfin.cli.console import make_table, note, say, show_table
from sfin.cli.options import Dataset, Frame, Images, ModeOption, PixelSize, Reading
from sfin.texts import printable

if TYPE_CHECKING:
    from sfin.calibrated_images import CalibratedImage
    from sfin.parameters import NoiseParameters

NOISE = (
    "Atom brightness (grey levels)",
    "Background (grey levels)",
    "Scan noise (grey levels)",
    "Pointwise noise (grey levels)",
    "Shape λ of pointwise noise",
)


def calibrate(
    images: Images,
    mode: ModeOption = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for MODE/NAME.json of each image, and the noise of all images "
            "of a mode, MODE.json and MODE.csv, for `sfin synthesise`.",
            show_default="nothing is written",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for NAME.png: how each image was calibrated.",
            show_default="none",
        ),
    ] = None,
    pixel_size: PixelSize = None,
    dataset: Dataset = None,
    frame: Frame = None,
) -> None:
    """Measure the noise of images: raw ones, of at least 256 × 256 pixels.

    Grey levels are 8-bit: 0 and 255 are the 0.1 and 99.9 percentiles of an image. The
    standard deviation of the scan noise rises with the gradient, that of the pointwise
    noise with the grey level; λ of 0.14 is nearly normal noise. The brightness of atoms
    is that of the strongest against the background, negative in bright field.
    """
    from sfin.calibrated_images import write_calibrated_image

    failures = Failures()
    paths = find_images(images, failures)
    for folder in (output, plot):
        if folder is not None:
            check_output(folder, paths)
    records: list[CalibratedImage] = []

    def work(picture: Picture) -> str:
        record = _calibrate(picture, plot)
        if output is not None:
            write_calibrated_image(
                output / record.mode / f"{picture.name}.json", record
            )
        records.append(record)
        return ""

    reading = Reading(mode, pixel_size, dataset, frame)
    succeeded = run_batch(paths, reading, failures, work, "Calibrating")
    _show(records)
    if output is not None:
        _summarise(records, output)
    failures.finish(succeeded)


def noise_cells(noise: "NoiseParameters") -> list[str]:
    """Write the noise as the cells of a row, whose names are `NOISE`."""
    return [
        f"{noise.atom_brightness:.0f}",
        f"{noise.background_brightness:.0f}",
        f"{noise.scan_intercept:.1f} {noise.scan_slope:+.3f} × gradient",
        f"{noise.pointwise_intercept:.1f} {noise.pointwise_slope:+.3f} × grey",
        f"{noise.pointwise_shape:.2f}",
    ]


def _calibrate(picture: Picture, plot: Path | None) -> "CalibratedImage":
    from sfin import __version__
    from sfin.calibrated_images import calibrate_image
    from sfin.calibration_settings import CalibrationSettings
    from sfin.images import to_grey_levels

    record = calibrate_image(
        picture.image, picture.name, picture.known_mode(), CalibrationSettings()
    )
    if plot is not None:
        from sfin.figures.diagnostic import draw_diagnostic

        grey, _ = to_grey_levels(picture.image.data)
        draw_diagnostic(grey, record, plot / picture.name, __version__)
    return record


def _show(records: "Sequence[CalibratedImage]") -> None:
    from sfin.calibrated_images import image_parameters

    if not records:
        return
    # A word below the other, so that the numbers have room in a narrow terminal.
    heads = [name.replace(" of pointwise noise", "").split() for name in NOISE]
    names = ["Image", "Mode", "Patches", *map("\n".join, heads)]
    table = make_table(*names, right=names[2:5])
    for record in records:
        noise, _ = image_parameters(record)
        known = printable(record.image), record.mode, str(len(record.patches))
        table.add_row(*known, *noise_cells(noise))
    show_table(table)
    for record in records:
        for warning in record.warnings:
            note(f"{record.image} is not to be trusted: {warning}.")


def _summarise(records: "Sequence[CalibratedImage]", output: Path) -> None:
    from sfin.calibration_summary import patch_table, summarise_images
    from sfin.files import write_whole
    from sfin.parameters import MODES, write_distribution

    for mode in MODES:
        own = [record for record in records if record.mode == mode]
        if not own:
            continue
        noise = summarise_images(mode, own)
        table = patch_table(own).to_csv(index=False, lineterminator="\n")
        write_whole(output / f"{mode}.csv", table)
        write_distribution(output / f"{mode}.json", noise)
        say(
            f"{output / mode}.json: {noise.patches} patches of {len(noise.images)} of "
            f"{len(own)} images."
        )
