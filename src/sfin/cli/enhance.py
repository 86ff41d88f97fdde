"""`sfin enhance`: images without their noise."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfin.cli.batch import Failures, Picture, check_output, find_images, run_batch
from sfin.cli.console import note
from sfin.cli.options import (
    Dataset,
    Frame,
    Images,
    Model,
    ModeOption,
    Output,
    PixelSize,
    Reading,
)
from sfin.cli.weights import Weights

if TYPE_CHECKING:
    from sfin.inference import Prepared

# The first is the default.
FORMATS = ("tif", "hspy", "zspy", "emd")


def enhance(
    images: Images,
    output: Output,
    mode: ModeOption = "auto",
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty",
            help="Also tell how far to trust each result; takes four times as long.",
        ),
    ] = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Also take each image apart into signal, background and noise, and "
            "give a verdict; takes up to eight times as long. Includes "
            "--uncertainty.",
        ),
    ] = False,
    model: Model = None,
    pixel_size: PixelSize = None,
    dataset: Dataset = None,
    frame: Frame = None,
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar="|".join(FORMATS),
            help="Format of the enhanced image; several with commas, or given again.",
        ),
    ] = [FORMATS[0]],  # noqa: B006
    grey_levels: Annotated[
        bool,
        typer.Option(
            "--grey-levels",
            help="8-bit grey levels, 0-255, in place of the counts of the input.",
        ),
    ] = False,
) -> None:
    """Enhance images: remove noise and background.

    For each image the folder gets NAME.tif (or another --format), in the counts of the
    input and with its pixel size and metadata; NAME.png with a scale bar; and
    NAME.comparison.png beside the input.
    With --uncertainty also NAME.uncertainty.png, NAME.residual.csv and
    NAME.atoms.csv; with --trust also NAME.trust.png and NAME.trust.json, the verdict,
    and NAME.parts.tif, the background among them. Intensities are not for
    quantification.
    """
    suffixes = _suffixes(formats)
    weights = Weights("enhancement", mode, model)
    failures = Failures()
    paths = find_images(images, failures)
    check_output(output, paths)
    loaded: dict[Path, tuple[Prepared, dict[str, Any]]] = {}

    def work(picture: Picture) -> str:
        chosen, file = weights.for_picture(picture)
        if file not in loaded:
            loaded[file] = load_enhancer(file)
        base = output / picture.name
        data = [base.with_name(base.name + suffix) for suffix in suffixes]
        _enhance(picture, *loaded[file], base, data, uncertainty, trust, grey_levels)
        told = f", {picture.told}" if picture.told else ""
        written = ", ".join(map(str, data))
        return f"{picture.path}: {written} ({chosen}{told})"

    reading = Reading(mode, pixel_size, dataset, frame)
    failures.finish(run_batch(paths, reading, failures, work, "Enhancing"))


def _suffixes(formats: list[str]) -> list[str]:
    wanted = [one.strip().lower() for given in formats for one in given.split(",")]
    for one in wanted:
        if one not in FORMATS:
            raise typer.BadParameter(
                f"{one!r} is none of {', '.join(FORMATS)}.", param_hint="'--format'"
            )
    return [f".{one}" for one in dict.fromkeys(wanted)]


def load_enhancer(weights: Path) -> "tuple[Prepared, dict[str, Any]]":
    """Read a network that enhances, and tell which it is."""
    from sfin.enhancement import network_note
    from sfin.inference import prepare
    from sfin.networks.build import load_network

    network, metadata = load_network(weights)
    note(f"{metadata['mode']}: {network_note(metadata)}")
    return prepare(network), metadata


def _enhance(
    picture: Picture,
    network: "Prepared",
    metadata: dict[str, Any],
    base: Path,
    data: list[Path],
    uncertainty: bool,
    trust: bool,
    grey_levels: bool,
) -> None:
    from sfin.enhancement import pair, write_enhanced
    from sfin.enhancement_check import check_enhancement, write_check
    from sfin.inference import enhance as enhance_image
    from sfin.trust import assess_trust
    from sfin.trust_report import write_trust

    opened = pair(picture.image, network, metadata)

    def file(suffix: str) -> Path:
        return base.with_name(base.name + suffix)

    if uncertainty or trust:
        check = check_enhancement(opened, metadata["mode"])
        answer = check.uncertain.first
        write_check(
            check, file(".uncertainty.png"), file(".residual.csv"), file(".atoms.csv")
        )
        if trust:
            files = file(".trust.json"), file(".trust.png"), file(".parts.tif")
            write_trust(assess_trust(check, metadata["mode"]), *files)
    else:
        answer = enhance_image(network, opened.grey, opened.tile)
    write_enhanced(
        picture.image,
        opened.in_counts(answer),
        opened.note,
        data,
        file(".png"),
        file(".comparison.png"),
        opened.in_grey_levels(answer) if grey_levels else None,
    )
    picture.tell_doubts(opened.doubts)
