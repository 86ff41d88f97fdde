"""Every network there is: add yours to `NETWORKS`, and all else follows.

What a workflow may train, what a config may say about it and what tables call it is
read here when the workflow is planned, so torch is imported only where a network is
made. ``docs/own_network.md`` adds one, step by step.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from sfin.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def _sfin(
    interaction: bool,
    frequency: bool,
    channels: int = 64,
    pairs: int = 8,
    input_scale: float = 1.0,
) -> "nn.Module":
    from sfin.networks.sfin import SFIN

    return SFIN(channels, pairs, interaction, frequency, input_scale)


def _sfin_spatial_matched(
    channels: int = 64, pairs: int = 8, input_scale: float = 1.0
) -> "nn.Module":
    from sfin.networks.cost import matched_channels
    from sfin.networks.sfin import SFIN

    matched = matched_channels(SFIN(channels, pairs))
    return SFIN(matched, pairs, False, False, input_scale)


def _atomsegnet(width: int = 64) -> "nn.Module":
    from sfin.networks.atomsegnet import AtomSegNet

    return AtomSegNet(width)


def _fcn(width: int = 16) -> "nn.Module":
    from sfin.networks.fcn import FCN

    return FCN(width)


@dataclass(frozen=True)
class Network:
    """A network that can be trained.

    Attributes
    ----------
    title
        What tables and figures call it.
    make
        Makes it, untrained. Its parameters are the settings that a config may give
        under ``networks.NAME.network``; their defaults are those of the publication.
    """

    title: str
    make: "Callable[..., nn.Module]"

    @property
    def settings(self) -> str:
        """The names of its settings, joined by commas."""
        return ", ".join(signature(self.make).parameters)


# By the name in the config, in the order of the tables. ``sfin_spatial`` and
# ``sfin_no_interaction`` are the ablations of the paper's table 5;
# ``sfin_spatial_matched`` is the former with as many parameters as the SFIN whose
# settings are given.
NETWORKS = {
    "atomsegnet": Network("AtomSegNet", _atomsegnet),
    "fcn": Network("FCN", _fcn),
    "sfin_spatial": Network("SFIN, spatial only", partial(_sfin, False, False)),
    "sfin_spatial_matched": Network(
        "SFIN, spatial only, matched", _sfin_spatial_matched
    ),
    "sfin_no_interaction": Network("SFIN, no interaction", partial(_sfin, False, True)),
    "sfin": Network("SFIN", partial(_sfin, True, True)),
}


def check_networks(settings: Mapping[str, Any]) -> None:
    """Check that a config names networks that exist, with settings that they take.

    Parameters
    ----------
    settings
        The whole configuration, which follows ``config/schema.yaml``.

    Raises
    ------
    InputError
        If a network is unknown or takes no such settings, or if a method is neither
        a filter nor one of the networks of the config.
    """
    configured = settings["networks"]
    for name, given in configured.items():
        _check_known("networks", name, NETWORKS)
        network = NETWORKS[name]
        try:
            signature(network.make).bind(**given["network"])
        except TypeError as error:
            raise InputError(
                f"The config cannot be used: networks.{name}.network: {error}; give "
                f"{network.settings}."
            ) from error
    for method in settings["methods"]:
        _check_known("methods", method, ["noisy", *settings["filters"], *configured])
    for method in settings["detection"]["methods"]:
        _check_known("detection.methods", method, configured)


def _check_known(place: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"choose from {names}."
        raise InputError(
            f"The config cannot be used: {place}: there is no {name!r} in sfin or "
            f"among the networks of the config; {remedy}"
        )
