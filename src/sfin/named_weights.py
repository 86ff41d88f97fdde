"""Which file of weights a user means: by its path, its name, or nothing at all."""

import os
from pathlib import Path

from sfin.errors import InputError
from sfin.model_files import REMEDY, choose_weights, find_named, read_metadata


def find_weights(
    task: str, mode: str, wanted: str | os.PathLike[str] | None = None
) -> Path:
    """Find the weights for a task and mode.

    Parameters
    ----------
    task, mode
        Such as ``enhancement`` and ``haadf``.
    wanted
        A path, a name that ``sfin models`` lists, or a method; None for the default.

    Raises
    ------
    InputError
        If there are none, or those that are named are for something else.
    """
    name = None if wanted is None else os.fspath(wanted)
    named = find_named(name) if name else None
    if named is None:
        return choose_weights(task, mode, name)
    check_weights(named, task, mode)
    return named


def check_weights(
    path: Path, task: str, mode: str | None, image: str = "the images"
) -> None:
    """Refuse weights that were trained for something else.

    Parameters
    ----------
    path
        Of the weights.
    task, mode
        What they are to do; any mode if None.
    image
        What is of that mode, in the sentence.

    Raises
    ------
    InputError
        If the file is none of ours, or for another task or mode.
    """
    metadata = read_metadata(path)
    if metadata["task"] != task:
        raise InputError(
            f"{path} was trained for {metadata['task']}: name a network for "
            f"{task}, or train one with `{REMEDY[task]}`."
        )
    if mode not in (None, metadata["mode"]):
        raise InputError(
            f"{path} was trained on {metadata['mode']} images and {image} "
            f"{'are' if image == 'the images' else 'is'} {mode}: name a network "
            f"for {mode}, or none."
        )
