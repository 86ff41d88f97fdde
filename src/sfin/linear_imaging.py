"""Incoherent imaging in its simplest form: the specimen convolved with the probe.

TEMImageNet is made so (Lin et al., Sci. Rep. 11, 5386 (2021)): an annular dark-field
image is the projected scattering power of the columns convolved with the intensity of
the probe. No channelling, no thermal motion, no aberrations.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError

# Of the atomic number; between Rutherford's 2 and what screening leaves of it.
EXPONENT = 1.7
# Full width at half maximum of a probe without aberrations, in wavelengths over the
# semi-angle, and of a Gaussian in standard deviations.
DIFFRACTION = 0.51
GAUSSIAN = math.sqrt(8 * math.log(2))
# In their order, so that the place of a symbol is its atomic number.
_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn "
    "Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce "
    "Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi"
)
ELEMENTS = _SYMBOLS.split()


@dataclass(frozen=True)
class Probe:
    """Imaging condition.

    Attributes
    ----------
    energy
        Of the electrons, in eV.
    semiangle_cutoff
        In mrad.
    source_size
        Full width at half maximum of the source's image, in Å.
    """

    energy: float
    semiangle_cutoff: float
    source_size: float

    @property
    def wavelength(self) -> float:
        """Relativistic wavelength of the electrons, in Å."""
        rest = 510998.95
        return 12.398419843e3 / math.sqrt(self.energy * (2 * rest + self.energy))

    @property
    def sigma(self) -> float:
        """Standard deviation of the probe in Å: diffraction and source together.

        Both are taken for Gaussians, whose variances add.
        """
        diffraction = DIFFRACTION * self.wavelength / (self.semiangle_cutoff * 1e-3)
        return math.hypot(diffraction, self.source_size) / GAUSSIAN


def scattering_power(species: str) -> float:
    """Sum Z^1.7 over the atoms of a column.

    Parameters
    ----------
    species
        Atoms along one repeat of the beam direction, such as ``Sr``, ``TiO`` or ``O2``.

    Raises
    ------
    InputError
        If it names no elements.
    """
    parts = re.findall("([A-Z][a-z]?)([0-9]*)", species)
    known = all(symbol in ELEMENTS for symbol, _ in parts)
    if not parts or "".join(map("".join, parts)) != species or not known:
        raise InputError(
            f"A column of {species!r} has no known atoms: write element symbols with "
            "their numbers, such as TiO2."
        )
    return sum(
        int(number or 1) * math.pow(1 + ELEMENTS.index(symbol), EXPONENT)
        for symbol, number in parts
    )


def relative_brightness(species: Sequence[str]) -> NDArray[np.float64]:
    """Give the scattering power of columns, relative to the strongest; shape (n,)."""
    power = np.array([scattering_power(name) for name in species])
    relative: NDArray[np.float64] = power / power.max()
    return relative
