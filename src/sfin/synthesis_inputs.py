"""What synthesis is given, by name or file: structures, noise and settings."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.parameters import NoiseDistribution, read_distribution
from sfin.shipped_columns import read_table
from sfin.synthesis import SynthesisSettings


def read_noise(path: str | Path) -> NoiseDistribution:
    """Read the noise of a mode, as a user gives it.

    Raises
    ------
    InputError
        If the file is missing or none of ours.
    """
    try:
        return read_distribution(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no noise of a mode ({' '.join(str(error).split())}): give "
            "MODE.json as `sfin calibrate IMAGES... -o DIR` writes it."
        ) from error


def find_structures(names: Sequence[str], table: Path) -> list[ProjectedColumns]:
    """Take structures from a table of atomic columns.

    Parameters
    ----------
    names
        Such as SrTiO3_001.
    table
        As `sfin.shipped_columns.write_table` writes it.

    Raises
    ------
    InputError
        If there is no such structure or table, or no name.
    """
    if not names:
        raise InputError("No structure is named: give some, such as SrTiO3_001.")
    known = read_table(table)
    for name in names:
        if name not in known:
            raise InputError(
                f"There is no structure {name!r} in {table}: give "
                f"{', '.join(_close_names(name, known))}."
            )
    return [known[name] for name in names]


def _close_names(name: str, known: Collection[str]) -> list[str]:
    """List the names that may have been meant; all of them if none comes near."""
    # Mistaken are axes, which may be left out, and capitals.
    crystal, *_ = name.casefold().split("_")
    same = [each for each in known if each.casefold().split("_")[0] == crystal]
    lower = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), lower, n=5)
    return same or [lower[each] for each in near] or list(known)


def read_settings(config: Path, size: int) -> SynthesisSettings:
    """Read how to draw from the section ``synthesis`` of a config.

    Parameters
    ----------
    config
        A file like ``config/config.yaml``.
    size
        Edge of the images in pixels, in place of the config's.

    Raises
    ------
    InputError
        If there are no such settings in the file.
    """
    try:
        content: Any = yaml.safe_load(config.read_text(encoding="utf-8"))
        entries = content["synthesis"]["settings"]
        return SynthesisSettings.from_dict({**entries, "size": size})
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{config} has no usable synthesis.settings "
            f"({' '.join(str(error).split())}): give a config as config/config.yaml."
        ) from error
