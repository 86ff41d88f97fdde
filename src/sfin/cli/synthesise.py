"""`sfin synthesise`: noisy and clean pairs with the noise of a calibration."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sfin.cli.console import progress_bar, say
from sfin.errors import InputError
from sfin.shipped_files import here_or_shipped

COLUMNS = Path("resources/structures/columns.json")
CONFIG = Path("config/config.yaml")


def synthesise(
    calibration: Annotated[
        Path,
        typer.Argument(
            metavar="CALIBRATION",
            help="Noise of a mode, such as DIR/haadf.json of `sfin calibrate -o DIR`.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="STORE",
            help="Zarr store to make, such as pairs.zarr.",
            show_default=False,
        ),
    ],
    number: Annotated[int, typer.Option(help="How many pairs.", min=1)] = 100,
    structures: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Structures, with commas between them."),
    ] = "SrTiO3_001,Si_110,MoS2_001",
    size: Annotated[
        int, typer.Option(help="Edge of the images in pixels.", min=32)
    ] = 256,
    seed: Annotated[
        int, typer.Option(help="The same seed makes the same bytes.", min=0)
    ] = 0,
    split: Annotated[
        Literal["train", "test", "validation"],
        typer.Option(help="The three share no random numbers."),
    ] = "train",
    columns: Annotated[
        Path, typer.Option(help="Table of the atomic columns of all structures.")
    ] = COLUMNS,
    config: Annotated[
        Path, typer.Option(help="File whose synthesis.settings tell how to draw.")
    ] = CONFIG,
    workers: Annotated[int, typer.Option(help="Processes at once.", min=1)] = 1,
) -> None:
    """Synthesise noisy and clean pairs to train and test on.

    The store has the arrays noisy, clean, noiseless, detection and superresolution,
    grey levels of 8 bits (pair, row, column), and the atoms of each pair.
    """
    from sfin.synthesis import synthesise_dataset
    from sfin.synthesis_inputs import find_structures, read_noise, read_settings

    if output.exists():
        raise InputError(f"{output} exists: remove it, or give another name.")
    noise = read_noise(calibration)
    names = [name.strip() for name in structures.split(",") if name.strip()]
    chosen = find_structures(names, _find(columns, COLUMNS))
    settings = read_settings(_find(config, CONFIG), size)
    output.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar() as bar:
        task = bar.add_task("Synthesising", total=number)
        synthesise_dataset(
            *(output, split, chosen, noise, number, settings),
            {"scale": "own", "seed": seed},
            lambda done, _: bar.update(task, completed=done),
            workers=workers,
            # Processes take a second to start.
            scheduler="processes" if workers > 1 else "threads",
        )
    say(f"{output}: {number} pairs of {noise.mode}, {size} × {size} pixels")


def _find(path: Path, default: Path) -> Path:
    """Look for a file that ships where the command runs, then where sfin is."""
    return here_or_shipped(path) if path == default else path
