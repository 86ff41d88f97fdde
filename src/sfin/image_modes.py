"""Tell the mode of an image from what its file says about the detector.

Nothing is guessed from the pixels: atoms are bright in HAADF and dark in BF, but a
lattice of holes between atoms looks like a lattice of atoms.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sfin.images import Image, read_image
from sfin.parameters import Mode

# Words for annular detectors of scattered electrons, and for those in the bright
# field. "DF2" or "DF4-A" may be a segment, whose image is neither.
_DETECTORS: dict[str, Mode] = {
    **dict.fromkeys(["haadf", "maadf", "laadf", "adf", "annular dark field"], "haadf"),
    **dict.fromkeys(["abf", "bf", "bright field"], "bf"),
}
# Characters of a detector's name that are quoted.
LONGEST = 60
# Keys of a file's own metadata whose value names a detector.
_KEYS = ("detectorname", "detector", "signalname")


def named_mode(text: str) -> Mode | None:
    """Find the one mode that a text names as a word, such as ``Sample_ABF``.

    Returns
    -------
    Mode or None
        None where it names no detector, or detectors of both modes.
    """
    words = " ".join(re.findall(r"[a-z0-9]+", text.casefold()))
    found = {mode for name, mode in _DETECTORS.items() if f" {name} " in f" {words} "}
    return found.pop() if len(found) == 1 else None


def told_mode(image: Image) -> tuple[Mode, str] | None:
    """Tell the mode of an image by the name of its detector.

    The name is the title of the image inside the file, where Velox writes the
    detector and DigitalMicrograph the name of the image; without one there, the
    metadata's entries for a detector, if all that name one agree. The file's own
    name does not count.

    Parameters
    ----------
    image
        As from `sfin.images.read_image`.

    Returns
    -------
    mode, name
        The mode and the words that told it; None where nothing does.
    """
    title = str(image.metadata.get("title", ""))
    if mode := named_mode(title):
        return mode, title
    names = list(_detector_names(image.metadata.get("original_metadata", {})))
    modes = {mode: name for name in names if (mode := named_mode(name))}
    return modes.popitem() if len(modes) == 1 else None


def mode_doubt(image: Image, mode: Mode) -> str:
    """Say that an image is taken for one of a mode that its file contradicts.

    Returns
    -------
    str
        Words without a full stop; nothing where the file agrees or tells no mode.
    """
    told = told_mode(image)
    if told is None or told[0] == mode:
        return ""
    # A caption would take what stands between dollars for a formula.
    name = told[1].replace("$", "")[:LONGEST]
    return f"taken as {mode}, although the file says {name!r}"


def read_image_of_mode(
    path: str | os.PathLike[str],
    mode: Mode,
    frame: int = 0,
    pixel_size: float | None = None,
) -> Image:
    """Read an image; of a file that holds several, the one that names the mode.

    Parameters
    ----------
    path, frame, pixel_size
        As for `sfin.images.read_image`, which also chooses where none names it.
    mode
        Of the image.

    Raises
    ------
    InputError
        As there.
    """
    image = read_image(path, frame, pixel_size)
    right = datasets_of_mode(image, mode)
    if right and named_mode(image.metadata["title"]) != mode:
        return read_image(path, frame, pixel_size, right[0])
    return image


def datasets_of_mode(image: Image, mode: Mode) -> list[str]:
    """List the titles of those images of the same file that name the mode."""
    titles = image.metadata.get("datasets", [])
    return [title for title in titles if named_mode(title) == mode]


def _detector_names(entries: Mapping[str, Any]) -> Iterator[str]:
    for key, value in entries.items():
        name = re.sub(r"[^a-z]", "", str(key).casefold())
        if isinstance(value, Mapping):
            # Velox lists there all detectors that the microscope has.
            if name != "detectors":
                yield from _detector_names(value)
        elif name in _KEYS:
            yield str(value)
