"""How sure a dot of a detection map is an atom, measured on synthetic images."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from sfin.errors import InputError
from sfin.files import write_whole

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Confidence:
    """The share of dots that are atoms, by their height.

    Attributes
    ----------
    amplitude
        Heights of dots, 0–1, rising.
    probability
        The share of atoms among dots of that height, not falling.
    dots
        Number of dots it was counted on.
    radius
        Å from an atom within which a dot counted as that atom.
    """

    amplitude: tuple[float, ...]
    probability: tuple[float, ...]
    dots: int
    radius: float

    def __call__(self, amplitude: FloatArray) -> FloatArray:
        """Give the probability that dots of these heights are atoms."""
        return np.interp(amplitude, self.amplitude, self.probability)


def measure_confidence(
    amplitude: FloatArray, is_atom: NDArray[np.bool_], radius: float
) -> Confidence:
    """Count the atoms among the dots of synthetic images, where they are known.

    The higher a dot, the surer it is: isotonic regression (Zadrozny and Elkan, KDD
    2002). No dot is ever sure: n dots cannot tell less than one in n + 2.

    Parameters
    ----------
    amplitude
        Heights of the dots of all images, shape (n,).
    is_atom
        Whether there is an atom.
    radius
        Å within which there was one.
    """
    # One dot of no height that is none, and one of full height that is an atom.
    height = np.concatenate([[0.0, 1.0], amplitude])
    hit = np.concatenate([[0.0, 1.0], is_atom.astype(np.float64)])
    order = np.argsort(height, kind="stable")
    fitted = isotonic_regression(hit[order])
    # The two ends of each level part, straight lines between them.
    first, last = fitted.blocks[:-1], fitted.blocks[1:] - 1
    ends = np.unique(np.concatenate([first, last]))
    least = 1 / (len(amplitude) + 2)
    return Confidence(
        tuple(map(float, height[order][ends])),
        tuple(map(float, np.clip(fitted.x[ends], least, 1 - least))),
        len(amplitude),
        radius,
    )


def write_confidence(path: str | Path, confidence: Confidence) -> None:
    """Write a confidence as JSON."""
    write_whole(path, json.dumps(asdict(confidence), indent=2) + "\n")


def read_confidence(path: str | Path) -> Confidence:
    """Read what `write_confidence` wrote.

    Raises
    ------
    InputError
        If the file is none of ours.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        curve = np.array([values["amplitude"], values["probability"]], np.float64)
        if curve.ndim != 2 or not curve.size or not np.isfinite(curve).all():
            raise ValueError("no curve of finite numbers")
        amplitude, probability = (tuple(map(float, part)) for part in curve)
        return Confidence(amplitude, probability, values["dots"], values["radius"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no confidence of a detector: measure it again with "
            "`snakemake detectors`."
        ) from error
