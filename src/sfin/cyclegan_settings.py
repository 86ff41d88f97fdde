"""How to make and train the CycleGAN: its settings, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sfin.errors import InputError


@dataclass(frozen=True)
class NetworkSettings:
    """The networks.

    Attributes
    ----------
    width, levels
        Of both generators, as `sfin.networks.cyclegan.Generator` has them.
    discriminator_width
        Of all four discriminators.
    """

    width: int
    levels: int
    discriminator_width: int


@dataclass(frozen=True)
class CycleSettings:
    """How to train; the values of Khan et al. are in brackets.

    Attributes
    ----------
    samples
        Images seen of each kind, in all [500,000].
    batch_size
        Of each kind per step [42].
    patch_size
        Edge in pixels of the patches that are seen [256].
    stride
        Patches of recorded images start at multiples of it, in pixels [8 or 256].
    noise
        Standard deviation of the Gaussian noise on simulated images of values -1 to
        1 [0.1]. All that is random in a translated image comes from it.
    learning_rate
        Adam's step: constant in the first half, then falling linearly to 0 [2e-3].
    betas
        Adam's two memories [0.9, 0.999].
    cycle_weight, identity_weight
        Of these losses, beside an adversarial one of weight 1 [10, 5].
    fourier_share
        Of the judgement of power spectra in the adversarial loss; the rest is that of
        images [0.5].
    flips, rotations
        Whether patches are mirrored, and turned by quarters [yes]. Turned patches mix
        up the fast and the slow scan direction.
    precision
        Of convolutions: ``float32``, or ``tf32`` where the GPU knows it.
    checkpoint_seconds
        Seconds of work that an interruption may cost.
    threads
        CPU threads; part of what fixes the bytes of the weights.
    device
        ``auto``, ``cpu`` or ``cuda``.
    """

    samples: int
    batch_size: int
    patch_size: int
    stride: int
    noise: float
    learning_rate: float
    betas: tuple[float, float]
    cycle_weight: float
    identity_weight: float
    fourier_share: float
    flips: bool
    rotations: bool
    precision: Literal["float32", "tf32"]
    checkpoint_seconds: float
    threads: int
    device: str

    @property
    def steps(self) -> int:
        """How many steps show all samples."""
        return -(-self.samples // self.batch_size)

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        return self.learning_rate * min(1.0, 2 * (1 - step / self.steps))


@dataclass(frozen=True)
class GanSettings:
    """Networks and training of the CycleGAN."""

    network: NetworkSettings
    training: CycleSettings

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> "GanSettings":
        """Read the sections ``network`` and ``training`` of the configuration."""
        training = dict(entries["training"])
        training["betas"] = tuple(training["betas"])
        return cls(NetworkSettings(**entries["network"]), CycleSettings(**training))


def check_sizes(settings: GanSettings, size: int) -> None:
    """Refuse images and patches that the networks cannot halve often enough.

    Parameters
    ----------
    settings
        Of the CycleGAN.
    size
        Edge of the images of a dataset, in pixels.

    Raises
    ------
    InputError
        If a size does not fit, or a patch is larger than the images.
    """
    unit, patch = 2**settings.network.levels, settings.training.patch_size
    for name, edge in (
        ("gan.training.patch_size", patch),
        ("synthesis.settings.size", size),
    ):
        if edge % unit:
            raise InputError(
                f"{name} = {edge} cannot be halved {settings.network.levels} times: "
                f"make it a multiple of {unit}, or lower gan.network.levels."
            )
    if patch > size:
        raise InputError(
            f"gan.training.patch_size = {patch} is larger than the simulated images, "
            f"synthesis.settings.size = {size}: lower it."
        )
