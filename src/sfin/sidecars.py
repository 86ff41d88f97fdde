"""What a user says about an image: a small file of the same name beside it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from sfin.errors import InputError
from sfin.sources import PublicImage

SUFFIX = ".yaml"
# Å; neighbouring atoms must be two pixels apart.
COARSEST = 2.0
# Of a movie: one is judged by the mean of the others, whose noise they tell.
FEWEST_FRAMES = 3


@dataclass(frozen=True)
class Sidecar:
    """What is known of an image beforehand.

    Attributes
    ----------
    structure
        Name of the structure with its zone axis, such as SrTiO3_001: one of
        ``resources/structures/`` or of ``user_structures``. None if it is not known.
    pixel_size
        Å per pixel, or None to go by the image file.
    movie
        Any name, the same for all frames of one area; None for a single image.
    """

    structure: str | None = None
    pixel_size: float | None = None
    movie: str | None = None


KEYS = tuple(field.name for field in fields(Sidecar))


def sidecar_path(image: str | Path) -> Path:
    """Path of the sidecar of an image file: the same name with ``.yaml``."""
    return Path(image).with_suffix(SUFFIX)


def read_sidecar(path: str | Path, structures: Collection[str]) -> Sidecar:
    """Read and check the sidecar of an image (YAML).

    Parameters
    ----------
    path
        Such as ``resources/real_images/haadf/image.yaml``.
    structures
        Names of the structures there are.

    Raises
    ------
    InputError
        The file cannot be read, has neither structure nor movie, has an unknown
        field, or names a structure that does not exist.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} cannot be read as YAML ({' '.join(str(error).split())}): write "
            "a line like 'structure: SrTiO3_001'."
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} is no list of fields: write a line like 'structure: SrTiO3_001'."
        )
    for key in content:
        if key == "zone_axis":
            raise InputError(
                f"{path} has a field 'zone_axis', but a structure's name says it: "
                "leave it out and name a structure like SrTiO3_001."
            )
        if key not in KEYS:
            raise InputError(
                f"{path} has an unknown field {key!r}: use {' and '.join(KEYS)}."
            )
    if not {"structure", "movie"} & set(content):
        raise InputError(
            f"{path} lacks the field 'structure': add a line like "
            "'structure: SrTiO3_001', or remove the file."
        )
    structure, movie = content.get("structure"), content.get("movie")
    if movie is not None and not re.fullmatch(r"\w[\w-]*", str(movie)):
        raise InputError(
            f"{path} names the movie {movie!r}: give letters, digits, _ and -."
        )
    return Sidecar(
        structure=None
        if structure is None and movie is not None
        else _known_structure(structure, structures, str(path)),
        pixel_size=_positive(content.get("pixel_size"), path),
        movie=None if movie is None else str(movie),
    )


def known_structures(
    images: Mapping[str, Path],
    public: Mapping[str, PublicImage],
    fetched: str | Path,
    structures: Collection[str],
) -> dict[str, Sidecar]:
    """Tell of which images of a mode the structure is known.

    A user's image has a sidecar or not; a public one has a structure in the list.

    Parameters
    ----------
    images
        Path of each image by its name.
    public
        Public images by name, and `fetched` the folder they come into.
    structures
        Names of the structures there are.

    Raises
    ------
    InputError
        A sidecar cannot be used, or a structure does not exist.
    """
    known: dict[str, Sidecar] = {}
    for name, path in images.items():
        if path.is_relative_to(fetched):
            if structure := public[name].structure:
                place = f"The row of {name!r} in the list of public images"
                structure = _known_structure(structure, structures, place)
                known[name] = Sidecar(structure, public[name].pixel_size)
        elif (sidecar := sidecar_path(path)).exists():
            said = read_sidecar(sidecar, structures)
            if said.structure is not None:
                known[name] = said
    return known


def movies(
    images: Mapping[str, Path], structures: Collection[str]
) -> dict[str, dict[str, Sidecar]]:
    """Tell which images of a mode are frames of one area, by the name of the movie.

    Parameters
    ----------
    images
        Path of each image by its name.
    structures
        Names of the structures there are.

    Returns
    -------
    dict
        For each movie what is said of its frames, by image.

    Raises
    ------
    InputError
        A sidecar cannot be used, or a movie has fewer than three frames.
    """
    found: dict[str, dict[str, Sidecar]] = {}
    for name, path in images.items():
        if (sidecar := sidecar_path(path)).exists():
            said = read_sidecar(sidecar, structures)
            if said.movie is not None:
                found.setdefault(said.movie, {})[name] = said
    for movie, frames in found.items():
        if len(frames) < FEWEST_FRAMES:
            raise InputError(
                f"Movie {movie!r} has the frames {', '.join(frames)} alone: name "
                f"{FEWEST_FRAMES} or more, or take 'movie' out of their files."
            )
    return found


def image_to_compare(
    images: Mapping[str, Path], known: Collection[str], fetched: str | Path
) -> tuple[str, str]:
    """Choose the image of a mode that one figure shows by a rule, not by its looks.

    Parameters
    ----------
    images
        Path of each image by its name, the user's first.
    known
        Names of those whose structure is known.
    fetched
        Folder that public images come into.

    Returns
    -------
    str, str
        The user's first image whose structure is known, if there is one, else the
        first image; and which of the two it is.
    """
    for name, path in images.items():
        if name in known and not Path(path).is_relative_to(fetched):
            return name, "the first of the user's images whose structure is named"
    return next(iter(images)), "the first image of its mode"


def check_sidecars(folder: str | Path, images: Collection[str]) -> None:
    """Refuse sidecars that belong to no image of their folder.

    Raises
    ------
    InputError
        For the first such file: its name is misspelt, most likely.
    """
    for path in sorted(Path(folder).glob(f"[!.]*{SUFFIX}")):
        if path.stem not in images:
            raise InputError(
                f"{path} describes no image of its folder: give it the name of one"
                f"{_choices(images)}, or remove it."
            )


def _choices(names: Collection[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _known_structure(value: object, structures: Collection[str], place: str) -> str:
    if isinstance(value, str) and value in structures:
        return value
    raise InputError(
        f"{place} names the structure {value!r}, which nothing describes: choose from "
        f"{', '.join(structures)}, or describe it under user_structures."
    )


def _positive(value: object, path: Path) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{path} has pixel_size {value!r}: give a number of Å.")
    if not 0 < value < COARSEST:
        raise InputError(
            f"{path} has pixel_size {value!r}: give a positive number of Å, below "
            f"{COARSEST:g}, for larger pixels show no atoms."
        )
    return float(value)
