"""Rivals of the networks: filters and others' methods, each at its best settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sfin.background_removal import BackgroundRemoval, disk_radius, flatten, opened
from sfin.bm3d_filter import BM3D, bm3d
from sfin.datasets import Pairs
from sfin.errors import InputError
from sfin.filters import FILTERS, FilterName, FilterSettings, apply_filter
from sfin.metrics import psnr, quantise
from sfin.parameters import Mode
from sfin.pretrained_peer import PretrainedPeer, tk_r_em

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
FloatImage = NDArray[np.float32]
# Grey levels (rows, columns) in, the same restored out.
Restore = Callable[[FloatImage], FloatImage]
Candidates = Mapping[str, Sequence[Any]]
# Everything that is scored without training of ours; the first is no filter at all.
RIVALS = ("noisy", *FILTERS, "bm3d", "tk_r_em")


@dataclass(frozen=True)
class ExtendedSettings:
    """How the settings of filters are chosen.

    Attributes
    ----------
    tuning_pairs
        Training pairs that settings are compared on.
    candidates
        For each method and setting, the values to choose from; what is not named
        stays as in the configuration of the filters.
    background_removal
        For each setting of `BackgroundRemoval`, the values to choose from.
    """

    tuning_pairs: int = 4
    candidates: Mapping[str, Candidates] = field(default_factory=dict)
    background_removal: Candidates = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A method with its settings chosen, for one of the two truths.

    Attributes
    ----------
    restore
        The method.
    values
        What was chosen, by setting.
    removal
        How the background is removed after it; None if it stays.
    """

    restore: Restore
    values: Mapping[str, Any]
    removal: BackgroundRemoval | None = None


def tune(
    method: str,
    mode: Mode,
    pairs: Pairs,
    filters: FilterSettings,
    settings: ExtendedSettings,
) -> tuple[Choice, Choice]:
    """Choose the settings of a rival, with its background kept and removed.

    Kept, by the PSNR against the noiseless images; removed, together with those of
    the removal, by that against the clean ones. Of equals the first.

    Parameters
    ----------
    method
        One of `RIVALS`.
    mode
        Whether atoms are bright or dark.
    pairs
        Training pairs.
    filters
        Settings where there is nothing to choose.
    settings
        What to choose from.

    Returns
    -------
    kept, removed
        Two choices; of equal settings they share one ``restore``.

    Raises
    ------
    InputError
        If the method or one of its settings does not exist, or its package is not
        installed.
    """
    noisy = pairs.noisy.astype(np.float32)
    removals = [
        _with_values(BackgroundRemoval(), values, "background_removal")
        for values in combinations(settings.background_removal)
    ]
    kept, removed = [], []
    for values in combinations(settings.candidates.get(method, {})):
        restore = rival(method, values, filters)
        restored = [restore(image) for image in noisy]
        kept.append((_mean_psnr(restored, pairs.noiseless), Choice(restore, values)))
        qualities = _removal_psnr(restored, noisy, pairs.clean, mode, removals)
        best = int(np.argmax(qualities))
        removed.append((qualities[best], Choice(restore, values, removals[best])))
    first, second = (
        max(choices, key=lambda scored: scored[0])[1] for choices in (kept, removed)
    )
    return first, second


def combinations(candidates: Candidates) -> list[dict[str, Any]]:
    """List every combination of the values of settings; one, empty, of none."""
    return [
        dict(zip(candidates, values, strict=True))
        for values in product(*candidates.values())
    ]


def rival(method: str, values: Mapping[str, Any], filters: FilterSettings) -> Restore:
    """Make the function by which a method without training restores an image.

    Parameters
    ----------
    method
        One of `RIVALS`.
    values
        Settings that differ from the default, or from `filters`.
    filters
        Settings of the filters.

    Raises
    ------
    InputError
        If there is no such method, or no such setting of it.
    """
    if method in FILTERS:
        name: FilterName = method
        changed = _with_values(getattr(filters, name), values, name)
        own = replace(filters, **{name: changed})
        return lambda image: apply_filter(name, image, own)
    match method:
        case "noisy":
            return lambda image: image
        case "bm3d":
            strong = _with_values(BM3D(), values, method)
            return lambda image: bm3d(image, strong)
        case "tk_r_em":
            peer = _with_values(PretrainedPeer(), values, method)
            return lambda image: tk_r_em(image, peer)
        case _:
            raise InputError(
                f"There is no rival {method!r}; choose from {', '.join(RIVALS)}."
            )


def _with_values(settings: Settings, values: Mapping[str, Any], name: str) -> Settings:
    known = [setting.name for setting in fields(settings)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(
            f"extended: {name} has no setting {unknown[0]!r}; "
            f"choose from {', '.join(known)}."
        )
    return replace(settings, **values)


def _removal_psnr(
    restored: Sequence[FloatImage],
    noisy: NDArray[np.float32],
    clean: NDArray[np.uint8],
    mode: Mode,
    removals: Sequence[BackgroundRemoval],
) -> list[float]:
    """Give the mean PSNR against the clean images after each removal."""
    total = [0.0] * len(removals)
    for image, recorded, truth in zip(restored, noisy, clean, strict=True):
        # The opening takes nearly all of the time, and depends on the size alone.
        for size in {removal.size for removal in removals}:
            radius = disk_radius(recorded, mode, size)
            background = opened(image, mode, radius)
            for place, removal in enumerate(removals):
                if removal.size == size:
                    flat = flatten(image, background, radius, mode, removal)
                    total[place] += psnr(quantise(flat), truth)
    return [quality / len(restored) for quality in total]


def _mean_psnr(images: Iterable[FloatImage], truths: NDArray[np.uint8]) -> float:
    values = [
        psnr(quantise(image), truth)
        for image, truth in zip(images, truths, strict=True)
    ]
    return float(np.mean(values))
