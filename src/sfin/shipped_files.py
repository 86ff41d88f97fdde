"""Files that come with sfin: weights, atomic columns, calibrations, settings."""

from pathlib import Path

# A wheel carries them inside the package; a checkout has them where they are made.
_INSTALLED = Path(__file__).parent / "shipped"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2]


def shipped(place: str) -> Path:
    """Find a file or folder that comes with sfin, however that was installed.

    Parameters
    ----------
    place
        Its path in the repository, such as ``resources/weights``.
    """
    return _ROOT / place


def here_or_shipped(place: Path) -> Path:
    """Take a file of the current folder, or the one that comes with sfin.

    Parameters
    ----------
    place
        As for `shipped`, seen from the current folder.
    """
    return place if place.exists() else shipped(place.as_posix())
