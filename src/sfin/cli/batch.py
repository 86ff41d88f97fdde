"""Many images, one after the other: where they are, and which of them failed."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sfin.cli.console import complain, note, progress_bar, say
from sfin.cli.options import Reading
from sfin.errors import InputError

if TYPE_CHECKING:
    from sfin.images import Image
    from sfin.parameters import Mode


# Bytes; results have up to 55 more, and 255 are the most that file systems take.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Picture:
    """An image of a batch.

    Attributes
    ----------
    path
        Its file.
    image
        As read; its name, which its results have, tells the frame of a stack.
    mode
        As given or told by the file; None where nobody says.
    told
        How the mode is known, if nobody gave it.
    """

    path: Path
    image: "Image"
    mode: "Mode | None"
    told: str

    @property
    def name(self) -> str:
        """Name of the results, without suffix."""
        return self.image.name

    def tell_doubts(self, doubts: Sequence[str]) -> None:
        """Print, in a line, why a result should not be trusted; nothing if all is well.

        That the file names another mode was told when it was read.
        """
        from sfin.image_modes import mode_doubt

        told = mode_doubt(self.image, self.mode) if self.mode else ""
        new = [doubt for doubt in doubts if doubt != told]
        if new:
            frames = self.image.metadata["frames"]
            frame = f", frame {self.image.metadata['frame']}" if frames > 1 else ""
            note(f"{self.path}{frame} is not to be trusted: {'; '.join(new)}.")

    def known_mode(self) -> "Mode":
        """Give the mode.

        Raises
        ------
        InputError
            If nobody says it.
        """
        if self.mode is None:
            raise InputError(
                f"{self.path} does not say which detector recorded it: give --mode "
                "haadf where atoms are bright, --mode bf where they are dark."
            )
        return self.mode


class Failures:
    """What could not be used, told at the end."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, subject: str | Path, error: Exception) -> None:
        """Keep what went wrong with a file, as a sentence that names it."""
        sentence = str(error)
        if isinstance(error, OSError):
            sentence = (
                f"{subject} cannot be read, or its results not be written "
                f"({error.strerror or error}): check permissions and free space."
            )
        elif isinstance(error, MemoryError):
            sentence = f"{subject} is too large for the memory: cut it into parts."
        elif str(subject) not in sentence:
            sentence = f"{subject}: {sentence}"
        self.sentences.append(sentence)

    def finish(self, succeeded: int) -> None:
        """Tell what failed, and end the command with 1 if anything did."""
        if not self.sentences:
            return
        note(f"{len(self.sentences)} failed, {succeeded} went well:")
        for sentence in self.sentences:
            complain(sentence)
        raise typer.Exit(1)


def find_images(given: Sequence[str], failures: Failures) -> list[Path]:
    """List the image files that arguments name: files, folders, patterns.

    Of a folder, or of what a pattern matches, files of other kinds are left out. What
    yields no image is a failure; a file that is named twice counts once.
    """
    found: dict[Path, None] = {}
    for argument in given:
        try:
            found.update(dict.fromkeys(_expand(argument)))
        except (InputError, OSError) as error:
            failures.add(argument, error)
    return list(found)


def _expand(argument: str) -> list[Path]:
    from sfin.images import SUFFIXES

    def are_images(paths: Iterator[Path]) -> list[Path]:
        images = (path for path in paths if path.suffix.lower() in SUFFIXES)
        return sorted(path for path in images if not path.name.startswith("."))

    path = Path(argument)
    if path.is_dir() and path.suffix.lower() not in SUFFIXES:
        found, what = are_images(path.iterdir()), "a folder without images"
    elif not path.exists() and has_magic(argument):
        matches = map(Path, glob(os.path.expanduser(argument), recursive=True))
        found, what = are_images(matches), "a pattern that no image matches"
    else:
        return [path]
    if not found:
        raise InputError(
            f"{argument} is {what}: give files that end with {', '.join(SUFFIXES)}."
        )
    return found


def check_output(output: Path, paths: Sequence[Path]) -> None:
    """Refuse to write results beside the images they are made of.

    Raises
    ------
    InputError
        If an image lies in the folder, or the folder is a file.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: give a folder for the results.")
    for path in paths:
        if path.parent.resolve() == output.resolve():
            raise InputError(
                f"{output} holds {path.name} itself, which a result of that name would "
                "replace: give another folder."
            )


def run_batch(
    paths: Sequence[Path],
    reading: Reading,
    failures: Failures,
    work: Callable[[Picture], str],
    label: str,
    writes: bool = True,
) -> int:
    """Read images one by one, and do something with each.

    Parameters
    ----------
    paths
        As from `find_images`.
    reading
        How to read them.
    failures
        Takes those that could not be read, or worked on.
    work
        Its answer is printed, if it is not empty.
    label
        What is done, for the progress bar.
    writes
        Whether results are written, so that no two images may have one name.

    Returns
    -------
    int
        How many images went well.
    """
    written: dict[str, Path] = {}
    succeeded = 0
    with progress_bar() as bar:
        task = bar.add_task(label, total=len(paths))
        for number, path in enumerate(paths):
            bar.update(task, description=f"{label} {path.name}")
            frame = reading.frame or 0
            frames = last = frame + 1
            while frame < last:
                subject = f"{path}, frame {frame}" if frames > 1 else str(path)
                try:
                    picture = read_picture(path, frame, reading)
                    if reading.frame is None:
                        frames = last = picture.image.metadata["frames"]
                    if writes:
                        _claim(written, picture)
                    answer = work(picture)
                except (InputError, OSError, MemoryError) as error:
                    failures.add(subject, error)
                else:
                    succeeded += 1
                    if answer:
                        say(answer)
                frame += 1
                bar.update(task, completed=number + frame / last)
    return succeeded


def _check_name(picture: Picture) -> None:
    """Refuse an image whose results would have names that no file can have.

    Raises
    ------
    InputError
        If its name is longer than `LONGEST_NAME`, or no text.
    """
    try:
        picture.name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{picture.path} has a name that is no text, which its results could not "
            "tell: rename it."
        ) from error
    if len(os.fsencode(picture.name)) > LONGEST_NAME:
        raise InputError(
            f"{picture.path} has a name too long for those of its results: give it "
            f"one of at most {LONGEST_NAME} bytes."
        )


def _claim(written: dict[str, Path], picture: Picture) -> None:
    _check_name(picture)
    # Not every file system tells capital letters from small ones.
    first = written.setdefault(picture.name.casefold(), picture.path)
    if first != picture.path:
        raise InputError(
            f"{picture.path} has the name of {first}, whose results it would replace: "
            "rename it, or give it another folder in a run of its own."
        )


def read_picture(path: Path, frame: int, reading: Reading) -> Picture:
    """Read an image, and find out its mode.

    Of a file with images of several detectors, the one that names the given mode is
    taken, unless the reading says which.
    """
    from sfin.image_modes import mode_doubt, read_image_of_mode, told_mode
    from sfin.images import read_image

    mode, size = reading.mode, reading.pixel_size
    if mode == "auto" or reading.dataset is not None:
        image = read_image(path, frame, size, reading.dataset)
    else:
        image = read_image_of_mode(path, mode, frame, size)
    frames = image.metadata["frames"]
    name = f"{path.stem}_frame{frame:04d}" if frames > 1 else path.stem
    image = replace(image, name=name)
    told = told_mode(image)
    if mode == "auto":
        known, how = told or (None, "")
        return Picture(path, image, known, f"the file says {how!r}" if how else "")
    if other := mode_doubt(image, mode):
        note(f"{path}: {other}.")
    return Picture(path, image, mode, "")
