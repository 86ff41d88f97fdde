"""Score what a detector finds in synthetic images, whose atoms are known."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.atom_matching import MatchCounts, Matching
from sfin.datasets import load_atoms, load_pairs
from sfin.detection import Detector
from sfin.detection_settings import MatchSettings
from sfin.errors import InputError
from sfin.evaluation import ORIGIN, Origin
from sfin.files import write_whole
from sfin.positions import AtomPositions

PICOMETRES = 100.0  # in 1 Å
COUNTS = tuple(field.name for field in fields(MatchCounts))


@dataclass(frozen=True)
class Localisation:
    """What a detector found in the images of a dataset.

    Attributes
    ----------
    images
        A row per image: ``image``, ``pixel_size`` (Å), the counts of
        `sfin.atom_matching.MatchCounts`, and ``squared_error_pm``, their sum of
        squared distances in pm².
    species
        A row per species: its ``matched`` atoms and the root mean square of their
        distances, ``rms_pm``. Atoms of random arrangements have no species.
    """

    images: pd.DataFrame
    species: pd.DataFrame


def localise(
    detector: Detector, pairs: str | Path, settings: MatchSettings
) -> Localisation:
    """Find the atoms of all images of a dataset, and compare them with the true ones.

    Parameters
    ----------
    detector
        What finds the atoms.
    pairs
        Store of the images.
    settings
        When a detection is an atom.
    """
    images = load_pairs(pairs)
    rows: list[dict[str, Any]] = []
    errors: list[pd.DataFrame] = []
    for number, (noisy, atoms, size) in enumerate(
        zip(images.noisy, load_atoms(pairs), images.drawn["pixel_size"], strict=True)
    ):
        pixel_size = float(size)
        found = detector(noisy)
        matching = settings.match(
            (found.x, found.y), (atoms["x"], atoms["y"]), noisy.shape, pixel_size
        )
        squares = _squares(matching, found, atoms) * (pixel_size * PICOMETRES) ** 2
        rows.append(
            {"image": number, "pixel_size": pixel_size}
            | asdict(matching.counts)
            | {"squared_error_pm": squares.sum()}
        )
        kinds = atoms["species"][matching.true][matching.counted]
        errors.append(pd.DataFrame({"species": kinds, "square": squares}))
    return Localisation(
        pd.DataFrame(rows), _by_species(errors, images.attributes["species"])
    )


def _squares(
    matching: Matching, found: AtomPositions, atoms: dict[str, NDArray[Any]]
) -> NDArray[np.float64]:
    # Squared distances of the pairs that count, in pixels².
    near, true = matching.found[matching.counted], matching.true[matching.counted]
    across, down = found.x[near] - atoms["x"][true], found.y[near] - atoms["y"][true]
    return np.asarray(across**2 + down**2, np.float64)


def _by_species(errors: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    atoms = pd.concat(errors, ignore_index=True)
    known = atoms[atoms["species"] >= 0]
    # A row per species, in the order of the codes.
    table = known.groupby("species")["square"].agg(["size", "mean"]).reset_index()
    return pd.DataFrame(
        {
            "species": [names[code] for code in table["species"].to_numpy()],
            "matched": table["size"],
            "rms_pm": np.sqrt(table["mean"]),
        }
    )


def write_localisation(
    images: str | Path, species: str | Path, origin: Origin, found: Localisation
) -> None:
    """Write both tables as CSV, with their origin in every row."""
    for path, table in ((images, found.images), (species, found.species)):
        table = pd.DataFrame([asdict(origin)]).merge(table, how="cross")
        write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def read_localisation(path: str | Path) -> tuple[Origin, pd.DataFrame]:
    """Read the table of images that `write_localisation` wrote, and its origin.

    Raises
    ------
    InputError
        If the file is none of ours or holds no image.
    """
    try:
        table = pd.read_csv(path)
        first = {name: table[name].iloc[0] for name in ORIGIN}
        table = table[["image", "pixel_size", *COUNTS, "squared_error_pm"]]
    except (FileNotFoundError, IndexError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no list of detected atoms by this version of sfin: make it "
            "again with `snakemake table6`."
        ) from error
    return Origin(**first | {"seed": int(first["seed"])}), table
