"""Tell how far an enhanced image can be trusted: a picture and two tables."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sfin.atom_presence import has_atoms
from sfin.enhancement import OpenedImage
from sfin.figures.style import write_figure
from sfin.figures.uncertainty import uncertainty_figure
from sfin.files import write_whole
from sfin.parameters import Mode
from sfin.residuals import Atoms, Residual, ResidualSettings, find_atoms, residual
from sfin.uncertainty import UncertainImage, enhance_with_uncertainty


@dataclass(frozen=True)
class EnhancementCheck:
    """What is known about an enhanced image.

    Attributes
    ----------
    opened
        The image and its network.
    uncertain
        The network's answers, grey levels; the first is the enhanced image.
    residual, atoms
        What the mean leaves over, and its atoms.
    """

    opened: OpenedImage
    uncertain: UncertainImage
    residual: Residual
    atoms: Atoms

    def statistics(self) -> dict[str, Any]:
        """Give what the table of the residual says, by name."""
        values = asdict(self.residual)
        del values["image"]
        deviation = self.uncertain.deviation.astype(np.float64)
        return values | {
            "answers": self.uncertain.answers,
            "answer_deviation": float(np.sqrt(np.mean(deviation**2))),
            "atoms": len(self.atoms.row),
            "atoms_without_support": int((~self.atoms.supported).sum()),
        }

    def atom_table(self) -> pd.DataFrame:
        """List the atoms, a row each, with the deviation of the answers there."""
        atoms = asdict(self.atoms)
        del atoms["sigma"]
        deviation: NDArray[np.float32] = self.uncertain.deviation
        place = self.atoms.row, self.atoms.column
        return pd.DataFrame(atoms | {"deviation": deviation[place]})


def check_enhancement(
    opened: OpenedImage, mode: Mode, settings: ResidualSettings | None = None
) -> EnhancementCheck:
    """Enhance an image and its mirror images, and look at what is left.

    Parameters
    ----------
    opened
        The image and its network, as from `sfin.enhancement.open_image`.
    mode
        Of the image.
    settings
        Of the residual; None for the defaults.

    Raises
    ------
    InputError
        If the image is smaller than 32 × 32.
    """
    settings = settings or ResidualSettings()
    uncertain = enhance_with_uncertainty([opened.network], opened.grey, opened.tile)
    left = residual(opened.grey, uncertain.mean, settings)
    atoms = find_atoms(uncertain.mean, left, mode, settings)
    if not has_atoms(opened.grey):
        # Their support is measured against what the network left of the noise.
        atoms = replace(atoms, supported=np.zeros_like(atoms.supported))
    return EnhancementCheck(opened, uncertain, left, atoms)


def write_check(
    check: EnhancementCheck,
    picture: str | Path,
    statistics: str | Path,
    atoms: str | Path,
) -> None:
    """Write the picture (``.png``) and the tables of the residual and the atoms."""
    opened = check.opened
    figure = uncertainty_figure(
        opened.grey,
        check.uncertain,
        check.residual,
        check.atoms,
        opened.image.name,
        opened.image.pixel_size,
        opened.note,
    )
    write_figure(Path(picture).with_suffix(""), figure, opened.note, ["png"])
    table = pd.DataFrame([check.statistics() | {"network": opened.note}])
    for path, rows in ((statistics, table), (atoms, check.atom_table())):
        write_whole(path, rows.to_csv(index=False, lineterminator="\n"))
