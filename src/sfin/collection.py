"""Find the real images of a run: the user's own, and public ones by name."""

from collections.abc import Sequence
from pathlib import Path

from sfin.errors import InputError
from sfin.images import SUFFIXES, check_image_file
from sfin.parameters import MODES, Mode
from sfin.sidecars import SUFFIX, check_sidecars
from sfin.sources import PublicImage, read_sources


def user_images(folder: str | Path) -> dict[str, Path]:
    """Find the images that a user dropped into a folder.

    Returns
    -------
    dict
        Path of each image by its name, sorted.

    Raises
    ------
    InputError
        If a file is no image, is empty, shares its name with another, or is a sidecar
        (see `sfin.sidecars`) of no image.
    """
    images: dict[str, Path] = {}
    for path in sorted(Path(folder).glob("[!.]*")):
        if path.suffix == SUFFIX:
            continue
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"{path} is not a microscopy image: use one of {', '.join(SUFFIXES)}, "
                "or move the file elsewhere."
            )
        if path.stem in images:
            raise InputError(
                f"{path} and {images[path.stem]} share a name, which would mix up "
                "their results: rename one of them."
            )
        check_image_file(path)
        images[path.stem] = path
    check_sidecars(folder, images)
    return images


def public_images(
    sources: str | Path, names: Sequence[str], modes: Sequence[Mode]
) -> dict[str, PublicImage]:
    """Choose public images of some modes from the list in `sources`.

    Raises
    ------
    InputError
        If a name is not in the list.
    """
    rows = {row.name: row for row in read_sources(sources)}
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise InputError(
            f"images.public names {unknown[0]!r}, which {sources} does not list: "
            f"choose from {', '.join(rows)}."
        )
    return {name: rows[name] for name in names if rows[name].mode in modes}


def real_images(
    folder: str | Path,
    modes: Sequence[Mode],
    public: dict[str, PublicImage],
    fetched: str | Path,
) -> dict[Mode, dict[str, Path]]:
    """Collect the real images of each mode.

    Parameters
    ----------
    folder
        Holds one folder of the user's images per mode.
    modes
        Modes to look for.
    public
        Public images to add.
    fetched
        Folder into which public images are fetched.

    Returns
    -------
    dict
        For each mode the path of each image by its name.

    Raises
    ------
    InputError
        If a mode has no image, a file cannot be used, belongs to no mode, or has
        the name of a public image.
    """
    _check_places(Path(folder))
    images = {mode: user_images(Path(folder, mode)) for mode in modes}
    for name, row in public.items():
        if name in images[row.mode]:
            raise InputError(
                f"{images[row.mode][name]} has the name of a public image: rename it, "
                f"or take {name} out of images.public."
            )
        images[row.mode][name] = Path(fetched, row.mode, name + row.suffix)
    for mode, found in images.items():
        if not found:
            raise InputError(
                f"There is no {mode} image: put at least one into "
                f"{Path(folder, mode)}/, name a public one under images.public, or "
                f"take {mode!r} out of modes."
            )
    return images


def _check_places(folder: Path) -> None:
    # An image that nobody looks at is one that its owner waits for in vain.
    places = [str(Path(folder, mode)) for mode in MODES]
    for path in sorted(folder.glob("[!.]*")):
        if path.is_dir() and path.name not in MODES and any(path.glob("[!.]*")):
            raise InputError(
                f"{path} is the folder of no mode: move what it holds into "
                f"{' or '.join(places)}."
            )
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            raise InputError(
                f"{path} is in the folder of no mode: move it into "
                f"{' or '.join(places)}."
            )
