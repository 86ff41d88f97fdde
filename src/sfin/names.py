"""What readers see: names of methods and datasets, here and in the paper."""

from collections.abc import Iterable, Sequence

from sfin.networks.registry import NETWORKS
from sfin.parameters import MODES

METHOD_NAMES = {
    "noisy": "Noisy",
    "absf": "ABSF",
    "wiener": "Wiener (HRTEM)",
    "wiener_local": "Wiener (local)",
    "bilateral": "Bilateral",
    "gaussian": "Gaussian",
} | {name: network.title for name, network in NETWORKS.items()}
# In the order of the paper's tables. TEMImageNet made again by its recipe is never
# called by its bare name.
DATASET_NAMES = {
    "gan": "GAN",
    "temimagenet_published": "TEMImageNet",
    "temimagenet": "TEMImageNet (re-synthesised)",
    "sfin": "SFIN data",
}
# What the paper calls them. Its "ours" is the kind of data that ours are.
PAPER_DATASETS = {
    "gan": "GAN",
    "temimagenet_published": "TEMImageNet",
    "temimagenet": "TEMImageNet",
    "sfin": "Ours",
}
# Datasets that are not the images which the paper's values beside them are of.
MADE_AGAIN = {
    "gan": "GAN is what a CycleGAN after Khan et al., trained here on the real images, "
    "made of the clean images of SFIN data; what the paper prints is of other images.",
    "temimagenet": f"{DATASET_NAMES['temimagenet']} follows TEMImageNet's recipe as "
    "far as it is known; what the paper prints is of the published images.",
}


def dataset_name(dataset: str) -> str:
    """Name a dataset for readers."""
    return DATASET_NAMES.get(dataset, dataset)


def group_name(dataset: str, mode: str) -> str:
    """Name a dataset and mode for readers."""
    return f"{dataset_name(dataset)}, {mode.upper()}"


def made_again(datasets: Iterable[str]) -> str:
    """Say which of some datasets are not the paper's; each sentence after a space."""
    found = set(datasets)
    return "".join(f" {text}" for name, text in MADE_AGAIN.items() if name in found)


def left_out(reasons: Iterable[str]) -> str:
    """Say what a table or figure of the paper's has and this one lacks, and why."""
    listed = "; ".join(reasons)
    return f" Left out: {listed}." if listed else ""


def absent_data(modes: Sequence[str], has_gan: bool) -> list[str]:
    """Say which data of the paper's a run lacks, each with the reason.

    Parameters
    ----------
    modes
        Modes of the run.
    has_gan
        Whether it makes data by a GAN.
    """
    reasons = [
        f"all of {mode.upper()}, which is not among the modes"
        for mode in MODES
        if mode not in modes
    ]
    if "haadf" in modes and not has_gan:
        reasons.append(f"{DATASET_NAMES['gan']}, which the config does not use")
    return reasons


def absent_trainings(modes: Sequence[str], compared: bool) -> list[str]:
    """Say which trainings of Table 1 a run lacks, each with the reason.

    Parameters
    ----------
    modes
        Modes of the run.
    compared
        Whether networks are trained on the comparison datasets.
    """
    reasons = absent_data(modes, has_gan=True)
    if "haadf" in modes and not compared:
        reasons.append(
            f"{PAPER_DATASETS['temimagenet']}, on which networks are trained with "
            "comparison_trainings: true"
        )
    return reasons


def rank(known: Iterable[object], value: object) -> int:
    """Place among what is known; what is not comes last."""
    order = list(known)
    return order.index(value) if value in order else len(order)
