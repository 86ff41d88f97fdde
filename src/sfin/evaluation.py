"""Score a method on the test images of a dataset, and keep where scores come from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.datasets import load_pairs
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.filters import FILTERS, FilterName, FilterSettings, apply_filter
from sfin.metrics import mean_squared_error, psnr, quantise, ssim
from sfin.parameters import MODES, Mode

# Grey levels (n, rows, columns) in, the same restored out.
Restore = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# The images as they are: what every method must beat.
UNTOUCHED = "noisy"
SCORES = ("image", "psnr", "ssim", "squared_error")


@dataclass(frozen=True)
class Origin:
    """Where a score comes from; it stands in every row of an evaluation.

    Attributes
    ----------
    scale
        ``test``, ``laptop``, ``hour`` or ``paper``: how large data and training were.
    task
        ``enhancement``, ``detection`` or ``superresolution``.
    dataset
        Dataset that the method was trained and tested on.
    mode
        ``haadf`` or ``bf``.
    method
        Network, filter, or ``noisy``.
    seed
        Seed of dataset and training.
    """

    scale: str
    task: str
    dataset: str
    mode: Mode
    method: str
    seed: int


ORIGIN = tuple(field.name for field in fields(Origin))


def evaluate(
    restore: Restore, noisy: NDArray[np.uint8], clean: NDArray[np.uint8]
) -> pd.DataFrame:
    """Restore the images and score each against its clean one.

    Parameters
    ----------
    restore
        From noisy grey levels, float32 (n, rows, columns), to restored ones.
    noisy, clean
        Grey levels, uint8 (n, rows, columns).

    Returns
    -------
    DataFrame
        One row per image: its number; `psnr` in dB and `ssim` after clipping
        and truncation to 8 bits, as published; and `squared_error`, the mean
        squared error of what the method returned, neither clipped nor
        truncated. Identical images have an infinite `psnr`.

    Raises
    ------
    InputError
        If the method returns images of another shape, or no numbers.
    """
    restored = restore(noisy.astype(np.float32))
    if restored.shape != clean.shape:
        raise InputError(
            f"The method made images of shape {restored.shape} where the clean ones "
            f"have {clean.shape}; evaluate one made for this dataset."
        )
    rows = []
    for number, (image, reference) in enumerate(zip(restored, clean, strict=True)):
        grey = quantise(image)
        rows.append(
            (
                number,
                psnr(grey, reference),
                ssim(grey, reference),
                mean_squared_error(image, reference),
            )
        )
    return pd.DataFrame(rows, columns=list(SCORES))


def evaluate_method(
    origin: Origin,
    pairs: Path,
    weights: Path | None,
    settings: FilterSettings,
) -> pd.DataFrame:
    """Score one method on one dataset.

    Parameters
    ----------
    origin
        The method, and what to write beside its scores.
    pairs
        Store of the test images.
    weights
        Of the network; None for filters and for ``noisy``.
    settings
        Of the filters.

    Returns
    -------
    DataFrame
        `evaluate`'s, the columns of `Origin` before it.

    Raises
    ------
    InputError
        If the method is neither a filter nor a network whose weights are given.
    """
    images = load_pairs(pairs)
    restore = restorer(origin.method, weights, settings)
    scores = evaluate(restore, images.noisy, images.target(origin.task))
    for place, (name, value) in enumerate(asdict(origin).items()):
        scores.insert(place, name, value)
    return scores


def restorer(method: str, weights: Path | None, settings: FilterSettings) -> Restore:
    """Make the function that restores images by a method.

    Parameters
    ----------
    method
        ``noisy``, a filter, or a network.
    weights
        Of the network; None for the others.
    settings
        Of the filters.

    Raises
    ------
    InputError
        If the method is neither a filter nor a network whose weights are given,
        or if the weights are another method's.
    """
    if method == UNTOUCHED:
        return lambda images: images
    if method in FILTERS:
        name: FilterName = method
        return lambda images: np.stack(
            [apply_filter(name, image, settings) for image in images]
        )
    if weights is None:
        raise InputError(
            f"Method {method!r} is no filter, so it needs weights; give the path of "
            f"its weights, or choose from {UNTOUCHED}, {', '.join(FILTERS)}."
        )
    # Filters need no torch, and should not wait for it.
    from sfin.inference import enhance, prepare, tile_size
    from sfin.networks.build import load_network

    network, metadata = load_network(weights)
    if metadata["method"] != method:
        raise InputError(
            f"{weights} holds a network {metadata['method']!r}, not {method!r}; "
            "give the weights of that method."
        )
    prepared, tile = prepare(network), tile_size(metadata)
    return lambda images: np.stack([enhance(prepared, image, tile) for image in images])


def write_evaluation(path: str | Path, scores: pd.DataFrame) -> None:
    """Write an evaluation as CSV, every digit of it."""
    write_whole(path, scores.to_csv(index=False, lineterminator="\n"))


def read_evaluation(path: str | Path) -> tuple[Origin, pd.DataFrame]:
    """Read what `write_evaluation` wrote: its one origin, and its scores.

    Raises
    ------
    InputError
        If the file is none of ours, holds no image or several methods.
    """
    try:
        table = pd.read_csv(path)
        origins = table[list(ORIGIN)].drop_duplicates()
        scores = table[list(SCORES)]
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no evaluation by this version of sfin; evaluate the method "
            "again."
        ) from error
    if len(origins) != 1:
        raise InputError(
            f"{path} holds scores of {len(origins)} origins; evaluate one method on "
            "one dataset per file."
        )
    origin = {name: origins[name].iloc[0] for name in ORIGIN}
    if origin["mode"] not in MODES:
        raise InputError(
            f"{path} names the mode {origin['mode']!r}; choose from {', '.join(MODES)}."
        )
    return Origin(**origin | {"seed": int(origin["seed"])}), scores
