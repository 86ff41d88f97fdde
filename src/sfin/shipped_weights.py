"""Which networks ship, and how they were trained: what a run without training shows."""

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from sfin.errors import InputError


def shipped_methods(
    root: str | Path,
    task: str,
    data: Iterable[str],
    methods: Sequence[str],
    networks: Collection[str],
) -> list[str]:
    """Keep the methods that need no training, and those that ship for all data.

    Parameters
    ----------
    root
        Such as ``resources/weights``.
    task, data
        Such as ``enhancement``, and ``sfin/haadf``.
    methods
        To choose from.
    networks
        Those of them that are networks.
    """
    places = [Path(root, task, name) for name in data]
    return [
        method
        for method in methods
        if method not in networks
        or all((place / method / "settings.json").is_file() for place in places)
    ]


def shipped_scale(root: str | Path) -> str:
    """Say at which scale the networks that ship were trained.

    Raises
    ------
    InputError
        If none ships.
    """
    settings = map(_read, Path(root).rglob("settings.json"))
    scales = sorted({str(known["scale"]) for known in settings})
    if not scales:
        raise InputError(
            f"No network ships in {root}: set weights to trained in the config."
        )
    return " and ".join(scales)


def shipped_epochs(
    root: str | Path, task: str, data: Iterable[str], methods: Iterable[str]
) -> dict[str, str]:
    """Give the epochs that each network was trained for, the data's one by one.

    Parameters
    ----------
    root, task, data
        As for `shipped_methods`.
    methods
        Networks; those that do not ship for all these data are left out.
    """
    names, networks = list(data), list(methods)
    found = {}
    for method in shipped_methods(root, task, names, networks, networks):
        settings = [
            _read(Path(root, task, name, method, "settings.json")) for name in names
        ]
        epochs = dict.fromkeys(str(known["training"]["epochs"]) for known in settings)
        found[method] = "/".join(epochs)
    return found


def _read(path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return settings
