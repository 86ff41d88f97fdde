"""Score the best rivals we can make, against both definitions of the truth.

The published comparison leaves the background in the filtered images and compares
them with images without one, which costs any filter 15 dB. Here every filter is
scored as it is and with its background removed, against the clean image (without
background) and against the noiseless one (with it). Its settings are chosen, by
PSNR against the truth it can reach, on a few training pairs, which the networks saw
too; never on test images.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from sfin.background_removal import remove_background
from sfin.datasets import Pairs, load_pairs
from sfin.errors import InputError
from sfin.evaluation import Origin, restorer
from sfin.filters import FilterSettings
from sfin.metrics import psnr, quantise, ssim
from sfin.parameters import Mode
from sfin.rivals import Choice, ExtendedSettings, FloatImage, Restore, tune

TRUTHS = ("clean", "noiseless")


def evaluate_extended(
    origin: Origin,
    test: str | Path,
    train: str | Path | None,
    weights: str | Path | None,
    filters: FilterSettings,
    settings: ExtendedSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score one method on one dataset, background kept and, of rivals, removed.

    Parameters
    ----------
    origin
        The method, and what to write beside its scores.
    test
        Store of the test images.
    train
        Store of the training images, to choose the settings of a rival with.
    weights
        Of a network; None for a rival.
    filters
        Settings of the filters where there is nothing to choose.
    settings
        What to choose from.

    Returns
    -------
    scores
        One row per image and background, with the columns of `Origin`, the
        settings, and PSNR (dB) and SSIM against each of `TRUTHS`, after clipping
        and truncation to 8 bits.
    timing
        The same rows with the processor time of each image in seconds, on one
        thread: a measurement, the only thing that differs from run to run.

    Raises
    ------
    InputError
        If the method is unknown, or lacks its weights, training images or package.
    """
    images = load_pairs(test)
    choices: tuple[Choice, ...]
    with _one_thread(weights is not None):
        if weights is not None:
            network = restorer(origin.method, Path(weights), filters)
            choices = (Choice(lambda image: network(image[None])[0], {}),)
            # What the first call sets up is not counted; a rival was tuned before.
            choices[0].restore(images.noisy[0].astype(np.float32))
        elif train is not None:
            pairs = _first(load_pairs(train), settings.tuning_pairs)
            choices = tune(origin.method, origin.mode, pairs, filters, settings)
        else:
            raise InputError(
                f"Method {origin.method!r} needs weights or training images; give "
                "the path of either."
            )
        rows = [
            {"image": number} | row
            for number in range(len(images.noisy))
            for row in _score(choices, origin.mode, images, number)
        ]
    table = pd.DataFrame([asdict(origin) | row for row in rows])
    keys = [*asdict(origin), "background", "image"]
    timing = table[[*keys, "cpu_seconds"]]
    return table.drop(columns="cpu_seconds"), timing


@contextmanager
def _one_thread(with_torch: bool) -> Iterator[None]:
    with threadpool_limits(1):
        if not with_torch:
            yield
            return
        # Filters need no torch, and should not wait for it.
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _first(pairs: Pairs, number: int) -> Pairs:
    return replace(
        pairs,
        noisy=pairs.noisy[:number],
        clean=pairs.clean[:number],
        noiseless=pairs.noiseless[:number],
    )


def _score(
    choices: tuple[Choice, ...], mode: Mode, images: Pairs, number: int
) -> Iterator[dict[str, Any]]:
    """Score one test image, with its background and, of rivals, without."""
    noisy = images.noisy[number].astype(np.float32)
    done: dict[Restore, tuple[FloatImage, float]] = {}
    for choice in choices:
        if choice.restore not in done:
            done[choice.restore] = _timed(choice.restore, noisy)
        restored, seconds = done[choice.restore]
        values = dict(choice.values)
        removal = choice.removal
        if removal is not None:
            remove = partial(
                remove_background, noisy=noisy, mode=mode, settings=removal
            )
            restored, more = _timed(remove, restored)
            seconds += more
            values |= {f"top-hat {k}": v for k, v in asdict(removal).items()}
        grey = quantise(restored)
        scores = {}
        for name in TRUTHS:
            truth = getattr(images, name)[number]
            scores[f"psnr_{name}"] = psnr(grey, truth)
            scores[f"ssim_{name}"] = ssim(grey, truth)
        yield {
            "background": "kept" if removal is None else "removed",
            "settings": "; ".join(f"{name} {value}" for name, value in values.items()),
            **scores,
            "cpu_seconds": seconds,
        }


def _timed(restore: Restore, image: FloatImage) -> tuple[FloatImage, float]:
    start = time.process_time()
    restored = restore(image)
    return restored, time.process_time() - start
