"""Arguments and options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

GivenMode = Literal["auto", "haadf", "bf"]

Images = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES",
        help="Image files, folders of them, or patterns such as 'scans/*.dm4'. Of a "
        "stack every frame is an image.",
        show_default=False,
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Folder for the results; it is made if need be.",
        show_default=False,
    ),
]
ModeOption = Annotated[
    GivenMode,
    typer.Option(
        "--mode",
        help="Whether atoms are bright (haadf) or dark (bf, also annular). auto: by "
        "the detector that the file names; a file that names none needs this option.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="Name as `sfin models` lists it, or a .safetensors file.",
        show_default="the network sfin that was trained here",
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option(
        metavar="Å",
        help="Å per pixel, in place of what the files say.",
        show_default=False,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        metavar="TITLE",
        help="Which image of a file that holds several, such as HAADF.",
        show_default="the one of that mode, else the largest",
    ),
]
Frame = Annotated[
    int | None,
    typer.Option(
        help="Which frame of stacks, from 0.", show_default="all of them", min=0
    ),
]
Threshold = Annotated[
    float,
    typer.Option(
        help="Least probability of an atom, as measured on synthetic images.",
        min=0,
        max=1,
    ),
]


@dataclass(frozen=True)
class Reading:
    """How image files are to be read.

    Attributes
    ----------
    mode
        As given; ``auto`` is found out for each image.
    pixel_size
        Å per pixel, or None to go by the files.
    dataset
        Title of the image to take from files that hold several.
    frame
        Of a stack; None is every one.
    """

    mode: GivenMode = "auto"
    pixel_size: float | None = None
    dataset: str | None = None
    frame: int | None = None
