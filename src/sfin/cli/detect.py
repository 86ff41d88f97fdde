"""`sfin detect`: the atoms of images."""

from pathlib import Path
from typing import TYPE_CHECKING

from sfin.cli.batch import Failures, Picture, check_output, find_images, run_batch
from sfin.cli.options import (
    Dataset,
    Frame,
    Images,
    Model,
    ModeOption,
    Output,
    PixelSize,
    Reading,
    Threshold,
)
from sfin.cli.weights import Weights

if TYPE_CHECKING:
    from sfin.detection import Detector


def detect(
    images: Images,
    output: Output,
    mode: ModeOption = "auto",
    model: Model = None,
    threshold: Threshold = 0.5,
    pixel_size: PixelSize = None,
    dataset: Dataset = None,
    frame: Frame = None,
) -> None:
    """Find the atoms of images.

    For each image the folder gets NAME.csv, with the position of each atom in pixels
    and Å and how sure it is, and NAME.png, the atoms over the image.
    """
    weights = Weights("detection", mode, model)
    failures = Failures()
    paths = find_images(images, failures)
    check_output(output, paths)
    loaded: dict[Path, Detector] = {}

    def work(picture: Picture) -> str:
        from sfin.atom_lists import detect_image, write_atoms
        from sfin.detection import open_measured_detector

        chosen, file = weights.for_picture(picture)
        if file not in loaded:
            loaded[file] = open_measured_detector(file, threshold)
        found = detect_image(picture.image, loaded[file])
        table = output / f"{picture.name}.csv"
        write_atoms(found, table, output / f"{picture.name}.png")
        picture.tell_doubts(found.doubts)
        told = f", {picture.told}" if picture.told else ""
        return f"{picture.path}: {len(found.atoms)} atoms, {table} ({chosen}{told})"

    reading = Reading(mode, pixel_size, dataset, frame)
    failures.finish(run_batch(paths, reading, failures, work, "Searching"))
