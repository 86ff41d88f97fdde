"""The trained networks that lie here: what each was trained on, and how it scored."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from sfin.errors import InputError
from sfin.shipped_files import shipped

# What was trained where the command runs comes before what ships.
TRAINED = Path("results/models")
SHIPPED = shipped("resources/weights")
SUFFIX = ".safetensors"
# The method and the dataset that are taken unasked.
PREFERRED = "sfin"
# What makes one, by task.
REMEDY = {
    "enhancement": "make run",
    "detection": "make run TARGETS=detected_atoms",
}


@dataclass(frozen=True)
class ModelFile:
    """One file of weights.

    Attributes
    ----------
    name
        What a user calls it: the folders below `TRAINED` or `SHIPPED`.
    path
        Of the weights.
    metadata
        ``method``, ``task``, ``dataset``, ``mode``, ``scale``, ``seed`` and more, as
        the training wrote them.
    score
        Mean PSNR (dB) and SSIM on the test images, None where nobody measured them.
    """

    name: str
    path: Path
    metadata: dict[str, Any]
    score: tuple[float, float] | None


def find_models() -> Iterator[ModelFile | InputError]:
    """Look at every file of weights; those that are none of ours come as errors."""
    for root in (TRAINED, SHIPPED):
        for path in sorted(root.rglob(f"*{SUFFIX}")):
            place = path.relative_to(root)
            name = place.parent if place.stem == "weights" else place.with_suffix("")
            try:
                metadata = read_metadata(path)
            except InputError as error:
                yield error
            else:
                yield ModelFile(name.as_posix(), path, metadata, _score(path, metadata))


def read_metadata(path: Path) -> dict[str, Any]:
    """Read what is known of a network, without the network; torch is not needed.

    Raises
    ------
    InputError
        If the file is missing, damaged, or not weights of this project.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"There are no weights at {path}: train a network first.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads((file.metadata() or {})["sfin"])
        missing = {"method", "task", "dataset", "mode", "scale", "seed"} - set(metadata)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no intact file of weights that sfin wrote: fetch or train it "
            "again."
        ) from error
    if missing:
        raise InputError(
            f"{path} does not say its {', '.join(sorted(missing))}: fetch or train it "
            "again."
        )
    return dict(metadata)


def find_named(wanted: str) -> Path | None:
    """Find the weights that a path, or the name of a model, means; None if neither."""
    path = Path(wanted)
    if path.is_dir():
        return path / f"weights{SUFFIX}"
    if path.suffix == SUFFIX or path.exists():
        return path
    for model in find_models():
        if isinstance(model, ModelFile) and model.name == wanted:
            return model.path
    return None


def choose_weights(task: str, mode: str, method: str | None = None) -> Path:
    """Find the weights for a task and mode.

    What was trained on the dataset `PREFERRED` comes before others.

    Parameters
    ----------
    task, mode
        Such as ``enhancement`` and ``haadf``.
    method
        Its method; None takes `PREFERRED`, or the only one there is.

    Raises
    ------
    InputError
        If there is none, or there are several and none is preferred; or if none
        fits and a file of weights is damaged.
    """
    found, errors = [], []
    for model in find_models():
        if isinstance(model, InputError):
            errors.append(model)
        elif (model.metadata["task"], model.metadata["mode"]) == (task, mode):
            found.append(model)
    wanted = method or PREFERRED
    fitting = [model for model in found if model.metadata["method"] == wanted]
    if errors and not fitting:
        # A damaged one may be the one that is wanted.
        raise errors[0]
    if not found:
        raise InputError(
            f"No network for {task} in {mode} is found in {TRAINED}/ or {SHIPPED}/: "
            f"train one with `{REMEDY[task]}`, or give the path of one."
        )
    if method is None and len(found) == 1:
        fitting = found
    if not fitting:
        names = ", ".join(model.name for model in found)
        raise InputError(
            f"No network {wanted} for {task} in {mode} is here: name one of "
            f"{names}, or a path."
        )
    # The first of equals.
    return min(fitting, key=lambda model: model.metadata["dataset"] != PREFERRED).path


def _score(path: Path, metadata: dict[str, Any]) -> tuple[float, float] | None:
    # The workflow keeps scores in a folder of the same form; a model that ships has
    # them beside it.
    beside = [path.with_name("evaluation.csv"), path.with_suffix(".csv")]
    if path.is_relative_to(TRAINED):
        folder = path.relative_to(TRAINED).parent
        beside = [TRAINED.parent / "evaluation" / folder.with_suffix(".csv")]
    for file in beside:
        if file.is_file():
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
            return _mean(rows, metadata)
    return None


def _mean(
    rows: list[dict[str, str]], metadata: dict[str, Any]
) -> tuple[float, float] | None:
    # Scores of an earlier training are none of this one.
    origin = ("scale", "task", "dataset", "mode", "method", "seed")
    own = [row for row in rows if all(row.get(k) == str(metadata[k]) for k in origin)]
    if not own or len(own) < len(rows):
        return None
    try:
        psnr, ssim = (fmean(float(row[k]) for row in own) for k in ("psnr", "ssim"))
    except (KeyError, ValueError):
        return None
    return psnr, ssim
