"""Find the real images of a run: the user's own, and public ones by name."""

from collections.abc import Sequence
from pathlib import Path

from sfin.errors import InputError
from sfin.images import SUFFIXES, check_image_file
from sfin.parameters import Mode
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
        Public images to add; the user's image of the same name comes first.
    fetched
        Folder into which public images are fetched.

    Returns
    -------
    dict
        For each mode the path of each image by its name.

    Raises
    ------
    InputError
        If a mode has no image, or a file cannot be used.
    """
    images = {mode: user_images(Path(folder, mode)) for mode in modes}
    for name, row in public.items():
        path = Path(fetched, row.mode, name + row.suffix)
        images[row.mode].setdefault(name, path)
    for mode, found in images.items():
        if not found:
            raise InputError(
                f"There is no {mode} image: put at least one into "
                f"{Path(folder, mode)}/, name a public one under images.public, or "
                f"take {mode!r} out of modes."
            )
    return images
