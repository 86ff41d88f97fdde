"""What a dataset says about itself, without its images."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from sfin.datasets import present_images
from sfin.errors import InputError

GreyImage = NDArray[np.uint8]


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset without its images; those of a large one need not fit in memory.

    Attributes
    ----------
    path
        Store, which ends in dataset/mode/split.zarr.
    arrays
        Shape, type and names of the dimensions of each array in it, by name;
        one in a group is named group/array.
    drawn
        What was drawn for each pair, by name, each of shape (n,).
    attributes
        Where the dataset comes from: seed, settings, calibration, version.
    """

    path: Path
    arrays: dict[str, tuple[tuple[int, ...], str, tuple[str, ...]]]
    drawn: dict[str, NDArray[Any]]
    attributes: dict[str, Any]

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.path.parts[-3]

    @property
    def number(self) -> int:
        """How many pairs there are."""
        return self.arrays["noisy"][0][0]

    @property
    def arrangements(self) -> NDArray[np.str_]:
        """Arrangement of each pair, shape (n,)."""
        return self._names("arrangements", "arrangement")

    @property
    def structures(self) -> NDArray[np.str_]:
        """Structure of each pair, the first if there are two, shape (n,)."""
        return self._names("structures", "structure")

    @property
    def second_structures(self) -> NDArray[np.str_]:
        """Structure beyond the interface of each pair, empty if none, shape (n,)."""
        names = np.array([*self.attributes["structures"], ""])
        found: NDArray[np.str_] = names[self.drawn["second_structure"]]
        return found

    def _names(self, names: str, codes: str) -> NDArray[np.str_]:
        found: NDArray[np.str_] = np.array(self.attributes[names])[self.drawn[codes]]
        return found


def read_record(path: str | Path) -> DatasetRecord:
    """Read all of a dataset but its images.

    Raises
    ------
    InputError
        If there is no finished dataset at `path`.
    """
    group = _open(path)
    arrays: dict[str, tuple[tuple[int, ...], str, tuple[str, ...]]] = {}
    drawn: dict[str, NDArray[Any]] = {}
    for name, array in sorted(group.members(max_depth=None)):
        if not isinstance(array, zarr.Array):
            continue
        dimensions = tuple(map(str, getattr(array.metadata, "dimension_names", ())))
        arrays[name] = (array.shape, str(array.dtype), dimensions)
        if dimensions == ("pair",):
            drawn[name] = np.asarray(array[...])
    if not set(present_images(group.attrs)) <= set(arrays):
        raise _unfinished(path)
    return DatasetRecord(Path(path), arrays, drawn, dict(group.attrs))


def read_images(
    path: str | Path, name: str, indices: Sequence[int]
) -> NDArray[np.uint8]:
    """Read a few images of a dataset, grey levels of shape (n, rows, columns)."""
    array = cast("zarr.Array[Any]", _open(path)[name])
    return np.stack([np.asarray(array[int(index)]) for index in indices])


def _open(path: str | Path) -> zarr.Group:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            return zarr.open_consolidated(zarr.storage.LocalStore(path), mode="r")
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise _unfinished(path) from error


def _unfinished(path: str | Path) -> InputError:
    return InputError(
        f"{path} is not a finished dataset: make it again with `snakemake datasets`."
    )
