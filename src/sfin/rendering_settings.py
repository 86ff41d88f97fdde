"""Microscope and numerics of a rendering, checked before anything is computed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from sfin.errors import InputError

Angles = tuple[float, float]

# abTEM drops what multislice would alias: beyond this part of the Nyquist angle.
ANTIALIAS = 2 / 3

# Least and greatest value of each number in the settings.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "energy": (20e3, 1e6),
    "semiangle_cutoff": (1, 60),
    "defocus": (-500, 500),
    "bf_defocus": (-500, 500),
    "source_size": (0, 2),
    "thickness": (1, 500),
    "bf_thickness": (1, 500),
    "sampling": (0.02, 0.2),
    "scan_sampling": (0.05, 0.5),
    "slice_thickness": (0.5, 4),
    "frozen_phonons": (0, 200),
    "minimum_box": (5, 60),
}


@dataclass(frozen=True)
class RenderingSettings:
    """Microscope and numerics of a rendering; the defaults are those of `paper`.

    Attributes
    ----------
    energy
        Energy of the electrons, in eV.
    semiangle_cutoff
        Convergence semi-angle, in mrad.
    haadf_angles, bf_angles
        Inner and outer angle of each annular detector, in mrad.
    defocus
        In Å; positive is underfocus.
    bf_defocus, bf_thickness
        Of the BF image, where they differ from `defocus` and `thickness`; it then
        takes a scan of its own. None: the same, from the same scan. Axial BF needs
        both, to show all columns dark: 0 to 8 mrad, 60 Å, and 40 Å of crystal.
    further_detectors
        Inner and outer angle, in mrad, of detectors read out beside the HAADF one;
        their images are kept, by name.
    source_size
        Full width at half maximum of the Gaussian source on the specimen, in Å.
    thickness
        Of the crystal, in Å, rounded to whole cells; a monolayer has its own.
    sampling
        Greatest pixel of the potential, in Å; it limits the detector angles.
    scan_sampling
        Greatest step of the scan, in Å. Wavelength / (4 semi-angle) loses
        nothing; the source blurs what a somewhat coarser one aliases.
    slice_thickness
        Greatest thickness of a slice, in Å; a cell takes a whole number.
    frozen_phonons
        Number of thermal configurations; 0 is a static lattice.
    minimum_box
        Least width of the periodic potential in x and y, in Å.
    device
        Where abTEM computes.
    preset
        What these settings are called; recorded, of no effect.

    Raises
    ------
    InputError
        A value is out of bounds, or a detector reaches beyond the angles that
        `sampling` carries.
    """

    energy: float = 200e3
    semiangle_cutoff: float = 24.0
    haadf_angles: Angles = (60.0, 100.0)
    bf_angles: Angles = (12.0, 24.0)
    defocus: float = 0.0
    bf_defocus: float | None = None
    bf_thickness: float | None = None
    further_detectors: Mapping[str, Angles] = field(default_factory=dict)
    source_size: float = 0.9
    thickness: float = 80.0
    sampling: float = 0.083
    scan_sampling: float = 0.26
    slice_thickness: float = 2.0
    frozen_phonons: int = 8
    minimum_box: float = 11.6
    device: Literal["cpu", "gpu"] = "cpu"
    preset: str = "paper"

    def __post_init__(self) -> None:
        """Check what abTEM would pass over in silence."""
        for name, (least, greatest) in BOUNDS.items():
            value = getattr(self, name)
            if value is None and name.startswith("bf_"):
                continue
            # YAML takes 2e5 for a word: it wants 200000 or 2.0e+5.
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{name} is {value!r}: give a number.")
            if not least <= value <= greatest:
                raise InputError(
                    f"{name} is {value}: give a value from {least:g} to {greatest:g}."
                )
        if not isinstance(self.frozen_phonons, int):
            raise InputError(
                f"frozen_phonons is {self.frozen_phonons}: give a whole number."
            )
        if self.device not in ("cpu", "gpu"):
            raise InputError(f"device is {self.device!r}: give cpu or gpu.")
        limit = largest_angle(self.energy, self.sampling)
        detectors = {"haadf_angles": self.haadf_angles, "bf_angles": self.bf_angles}
        for name, (inner, outer) in (detectors | dict(self.further_detectors)).items():
            if not 0 <= inner < outer:
                raise InputError(
                    f"{name} are {inner:g} and {outer:g} mrad: "
                    "give an inner and a greater outer angle."
                )
            if outer > limit:
                # Rounded down: rounded up it would be refused in turn.
                needed = math.floor(1e3 * self.sampling * limit / outer) / 1e3
                raise InputError(
                    f"{name} reach {outer:g} mrad, but a sampling of {self.sampling:g} "
                    f"Å carries {limit:.1f} mrad: set sampling to {needed:.3f} Å or "
                    "less, or the outer angle lower."
                )

    def scans(self) -> dict[tuple[float, float], dict[str, Angles]]:
        """Sort the detectors by the scan that feeds them.

        Returns
        -------
        dict
            By defocus and thickness, the angles of each detector by its name.
        """
        own = (self.defocus, self.thickness)
        bright_field = (
            self.defocus if self.bf_defocus is None else self.bf_defocus,
            self.thickness if self.bf_thickness is None else self.bf_thickness,
        )
        scans: dict[tuple[float, float], dict[str, Angles]] = {
            own: {"haadf": self.haadf_angles}
        }
        scans.setdefault(bright_field, {})["bf"] = self.bf_angles
        scans[own] |= self.further_detectors
        return scans


def read_settings(content: Mapping[str, Any]) -> RenderingSettings:
    """Make settings of what a configuration file holds.

    Raises
    ------
    InputError
        A name is unknown, or a value cannot be used.
    """
    known = [entry.name for entry in fields(RenderingSettings)]
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise InputError(
            f"rendering has an unknown setting {unknown[0]!r}: use {', '.join(known)}."
        )
    values = dict(content)
    for name in ("haadf_angles", "bf_angles"):
        if name in values:
            values[name] = _read_angles(name, values[name])
    further = values.get("further_detectors", {})
    values["further_detectors"] = {
        name: _read_angles(name, angles) for name, angles in further.items()
    }
    return RenderingSettings(**values)


def _read_angles(name: str, content: Any) -> Angles:
    try:
        inner, outer = map(float, content)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is {content!r}: give two angles in mrad.") from error
    return inner, outer


def electron_wavelength(energy: float) -> float:
    """Relativistic wavelength in Å of electrons of an energy in eV."""
    planck_times_light, twice_rest_energy = 12398.41984, 2 * 510998.95  # eV Å, eV
    return planck_times_light / math.sqrt(energy * (energy + twice_rest_energy))


def largest_angle(energy: float, sampling: float) -> float:
    """Largest scattering angle, in mrad, that a potential of a sampling carries."""
    return 1e3 * ANTIALIAS * electron_wavelength(energy) / (2 * sampling)
