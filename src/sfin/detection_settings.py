"""What counts as a dot, as a detection, and as an atom that was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.atom_matching import Matching, match_atoms
from sfin.positions import PositionSettings

# x and y of atoms, in pixels.
Points = tuple[NDArray[np.floating], NDArray[np.floating]]


@dataclass(frozen=True)
class MatchSettings:
    """When a detection is an atom.

    Attributes
    ----------
    radius
        Å between them, at most: less than half the distance of two atoms that an
        image can tell apart.
    frame
        Pixels at the edges of an image where nothing counts: only a part of such an
        atom is seen.
    """

    radius: float = 0.6
    frame: float = 3.0

    def match(
        self, found: Points, true: Points, shape: tuple[int, int], pixel_size: float
    ) -> Matching:
        """Match found to true atoms of an image of this shape and pixel size (Å)."""
        return match_atoms(found, true, self.radius / pixel_size, shape, self.frame)


@dataclass(frozen=True)
class DetectionSettings:
    """Settings of detection, in the order in which they apply.

    Attributes
    ----------
    dots
        What counts as a dot of a network's map.
    threshold
        Least probability of an atom.
    match
        When a detection is an atom, where atoms are known.
    """

    dots: PositionSettings
    threshold: float
    match: MatchSettings

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "DetectionSettings":
        """Take them from the section ``detection`` of the config."""
        return cls(
            PositionSettings(**settings["dots"]),
            settings["threshold"],
            MatchSettings(**settings["match"]),
        )
