"""Everything that the page of an image shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfin.atom_lists import DetectedFile, detect_image
from sfin.calibrated_images import CalibratedImage, calibrate_image
from sfin.calibration_settings import CalibrationSettings
from sfin.detection import Detector
from sfin.enhancement import network_note, pair
from sfin.enhancement_check import check_enhancement
from sfin.errors import InputError
from sfin.images import Image
from sfin.inference import Prepared
from sfin.parameters import Mode
from sfin.trust import Trust, assess_trust


@dataclass(frozen=True)
class ViewedImage:
    """An image, what a network made of it, and what is known about both.

    Attributes
    ----------
    trust
        The image, the enhanced one, and how far to trust it.
    network
        What the network was trained on, as from
        `sfin.networks.build.load_network`.
    noise
        Its calibration, or why there is none.
    atoms
        Its atoms, or why nobody looked for them.
    """

    trust: Trust
    network: Mapping[str, Any]
    noise: CalibratedImage | InputError
    atoms: DetectedFile | InputError

    @property
    def image(self) -> Image:
        """The image as read."""
        return self.trust.check.opened.image

    @property
    def mode(self) -> Mode:
        """Mode of the image and of its network."""
        return self.trust.mode

    @property
    def origin(self) -> str:
        """Which network it is."""
        return network_note(self.network)


def look_at(
    image: Image,
    network: Prepared,
    metadata: Mapping[str, Any],
    detector: Detector | InputError,
) -> ViewedImage:
    """Enhance an image and gather all that its page shows.

    Parameters
    ----------
    image
        As read.
    network, metadata
        For its mode; as for `sfin.enhancement.pair`.
    detector
        For its mode, or why there is none.

    Raises
    ------
    InputError
        If the image has no contrast or is smaller than 32 × 32.
    """
    mode: Mode = metadata["mode"]
    check = check_enhancement(pair(image, network, metadata), mode)
    noise: CalibratedImage | InputError
    try:
        noise = calibrate_image(image, image.name, mode, CalibrationSettings())
    except InputError as error:
        noise = error
    found = (
        detector if isinstance(detector, InputError) else detect_image(image, detector)
    )
    return ViewedImage(assess_trust(check, mode), metadata, noise, found)
