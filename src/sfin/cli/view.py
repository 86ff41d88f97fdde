"""`sfin view`: a page to look at for each image."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfin.cli.batch import Failures, Picture, check_output, find_images, run_batch
from sfin.cli.console import note
from sfin.cli.enhance import load_enhancer
from sfin.cli.options import (
    Dataset,
    Frame,
    GivenMode,
    Images,
    Model,
    ModeOption,
    Output,
    PixelSize,
    Reading,
    Threshold,
)
from sfin.cli.weights import Weights
from sfin.errors import InputError

if TYPE_CHECKING:
    from sfin.detection import Detector
    from sfin.inference import Prepared
    from sfin.parameters import Mode


def view(
    images: Images,
    output: Output,
    mode: ModeOption = "auto",
    model: Model = None,
    detector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Network that finds the atoms, as --model of `sfin detect`.",
            show_default="the one that was trained here; without any, no atoms",
        ),
    ] = None,
    threshold: Threshold = 0.5,
    pixel_size: PixelSize = None,
    dataset: Dataset = None,
    frame: Frame = None,
) -> None:
    """Make a page to look at for each image: enhanced, its atoms, how far to trust it.

    For each image the folder gets NAME.html, a single file for any browser that loads
    nothing: input, enhanced image, residual, uncertainty and power spectra to zoom
    into together, a divider between before and after, atoms, and the noise report.
    """
    weights = Weights("enhancement", mode, model)
    finders = _Detectors(mode, detector, threshold)
    failures = Failures()
    paths = find_images(images, failures)
    check_output(output, paths)
    loaded: dict[Path, tuple[Prepared, dict[str, Any]]] = {}

    def work(picture: Picture) -> str:
        from sfin.view.page import write_page
        from sfin.view.viewed_image import look_at

        chosen, file = weights.for_picture(picture)
        if file not in loaded:
            loaded[file] = load_enhancer(file)
        found = finders.for_picture(picture, chosen)
        page = output / f"{picture.name}.html"
        viewed = look_at(picture.image, *loaded[file], found)
        write_page(page, viewed)
        picture.tell_doubts(viewed.trust.check.opened.doubts)
        told = f", {picture.told}" if picture.told else ""
        return f"{picture.path}: {page} ({chosen}{told})"

    reading = Reading(mode, pixel_size, dataset, frame)
    failures.finish(run_batch(paths, reading, failures, work, "Looking at"))


class _Detectors:
    """The networks that find atoms, or why there are none: pages do without them."""

    def __init__(self, mode: GivenMode, model: str | None, threshold: float) -> None:
        self._model, self._threshold = model, threshold
        self._weights: dict[str, Weights] = {}
        self._loaded: dict[Path, Detector] = {}
        self._told: set[str] = set()
        if model is not None:
            # One that was named and cannot be used is a mistake.
            Weights("detection", mode, model)

    def for_picture(self, picture: Picture, mode: "Mode") -> "Detector | InputError":
        try:
            return self._find(picture, mode)
        except InputError as error:
            if str(error) not in self._told:
                note(f"Pages of {mode} without atoms: {error}")
                self._told.add(str(error))
            return error

    def _find(self, picture: Picture, mode: "Mode") -> "Detector":
        if mode not in self._weights:
            self._weights[mode] = Weights("detection", mode, self._model)
        _, file = self._weights[mode].for_picture(picture)
        if file not in self._loaded:
            from sfin.detection import open_measured_detector

            self._loaded[file] = open_measured_detector(file, self._threshold)
        return self._loaded[file]
