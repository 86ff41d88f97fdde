"""Find the atoms of an image with a network that marks each by a dot."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sfin.atom_matching import match_atoms
from sfin.atom_scale import estimate_sigma
from sfin.background_removal import upright
from sfin.confidence import Confidence, measure_confidence, read_confidence
from sfin.datasets import load_atoms, load_pairs
from sfin.detection_settings import DetectionSettings, MatchSettings
from sfin.errors import InputError
from sfin.inference import Prepared, enhance, prepare, tile_size
from sfin.networks.build import load_network
from sfin.positions import AtomPositions, PositionSettings, find_positions

TASK = "detection"
# Pixels of an image that the size of its atoms is estimated in.
SAMPLE = 1024


@dataclass(frozen=True)
class Detector:
    """A network trained on detection labels, and how sure its dots are.

    Attributes
    ----------
    network
        As from `sfin.inference.prepare`.
    metadata
        What it was trained on, as from `sfin.networks.build.load_network`.
    confidence
        Probability that its dots are atoms, by their height.
    dots
        What counts as a dot.
    threshold
        Least probability of an atom.
    """

    network: Prepared
    metadata: Mapping[str, Any]
    confidence: Confidence
    dots: PositionSettings
    threshold: float

    def __call__(self, grey: NDArray[np.generic]) -> AtomPositions:
        """Find the atoms of an image of any size, the surest first.

        Parameters
        ----------
        grey
            Grey levels 0–255 (rows, columns), fast scan along the rows.
        """
        found = find_dots(self.network, grey, self.metadata, self.dots)
        return found.keep(self.confidence(found.amplitude) >= self.threshold)


def open_detector(
    weights: str | Path, confidence: str | Path, settings: DetectionSettings
) -> Detector:
    """Read a trained detector.

    Parameters
    ----------
    weights, confidence
        Files of the network, and of what `measure_detector` found of it.
    settings
        What counts as a dot, and how sure an atom must be.

    Raises
    ------
    InputError
        If a file is none of ours, or the network is no detector.
    """
    network, metadata = load_network(Path(weights))
    if metadata["task"] != TASK:
        raise InputError(
            f"{weights} was trained for {metadata['task']} and draws no dots: give "
            f"weights trained for {TASK}."
        )
    return Detector(
        prepare(network),
        metadata,
        read_confidence(confidence),
        settings.dots,
        settings.threshold,
    )


def open_measured_detector(weights: Path, threshold: float) -> Detector:
    """Read a trained detector, and how sure it is from the file beside its weights.

    Parameters
    ----------
    weights
        File of the network.
    threshold
        Least probability of an atom.

    Raises
    ------
    InputError
        If a file is missing or none of ours, or the threshold is no probability.
    """
    if not 0 <= threshold <= 1:
        raise InputError(
            f"The threshold {threshold:g} is no probability: give one from 0 to 1."
        )
    confidence = weights.with_name("confidence.json")
    if not confidence.is_file():
        raise InputError(
            f"{weights} has no confidence.json beside it, without which nobody knows "
            "how sure its atoms are: make it with `make run TARGETS=detected_atoms`."
        )
    settings = DetectionSettings(PositionSettings(), threshold, MatchSettings())
    return open_detector(weights, confidence, settings)


def find_dots(
    network: nn.Module | Prepared,
    grey: NDArray[np.generic],
    metadata: Mapping[str, Any],
    settings: PositionSettings,
) -> AtomPositions:
    """Find the dots that a network draws on an image; see `Detector`."""
    found = find_positions(enhance(network, grey, tile_size(metadata)), settings)
    if not len(found):
        return found
    # Around the middle of the atoms: an image may be vacuum elsewhere.
    window = tuple(
        slice(max(int(np.median(place)) - SAMPLE // 2, 0), None)
        for place in (found.y, found.x)
    )
    sample = grey[window][:SAMPLE, :SAMPLE].astype(np.float32)
    sigma = estimate_sigma(upright(sample, metadata["mode"]))
    return found.apart(settings.minimum_separation * sigma)


def measure_detector(
    weights: str | Path, pairs: str | Path, settings: DetectionSettings
) -> Confidence:
    """Measure how sure a network's dots are on synthetic images it was not trained on.

    Parameters
    ----------
    weights
        Of a network trained on detection labels.
    pairs
        A dataset that it has not seen.
    settings
        What counts as a dot, and how far it may be from its atom.
    """
    network, metadata = load_network(Path(weights))
    prepared = prepare(network)
    images = load_pairs(pairs)
    radius = settings.match.radius
    heights, hits = [], []
    for image, atoms, size in zip(
        images.noisy, load_atoms(pairs), images.drawn["pixel_size"], strict=True
    ):
        found = find_dots(prepared, image, metadata, settings.dots)
        true = atoms["x"], atoms["y"]
        matching = match_atoms((found.x, found.y), true, radius / float(size))
        hit = np.zeros(len(found), np.bool_)
        hit[matching.found] = True
        heights.append(found.amplitude)
        hits.append(hit)
    return measure_confidence(np.concatenate(heights), np.concatenate(hits), radius)
