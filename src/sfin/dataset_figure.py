"""Show what a dataset looks like."""

from pathlib import Path

from matplotlib.figure import Figure

from sfin.datasets import Pairs


def plot_pairs(pairs: Pairs, path: str | Path, number: int = 8) -> None:
    """Draw the first pairs of a dataset: noisy, clean and the labels of atoms.

    Parameters
    ----------
    pairs
        Dataset to show.
    path
        PNG to write.
    number
        How many pairs, one per column of the figure.
    """
    number = min(number, len(pairs.noisy))
    figure = Figure(figsize=(2 * number, 8.3), dpi=100, layout="constrained")
    grid = figure.subplots(4, number, squeeze=False)
    rows = {
        "noisy": pairs.noisy,
        "clean": pairs.clean,
        "detection label": pairs.detection,
        "super-resolution label": pairs.superresolution,
    }
    attributes = pairs.attributes
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        for index, panel in enumerate(axes):
            panel.imshow(images[index], cmap="gray", vmin=0, vmax=255)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
        axes[0].set_ylabel(name)
    for index, panel in enumerate(grid[0]):
        structure = attributes["structures"][pairs.drawn["structure"][index]]
        arrangement = attributes["arrangements"][pairs.drawn["arrangement"][index]]
        pixel_size = pairs.drawn["pixel_size"][index]
        title = f"{structure}, {arrangement}\n{pixel_size:.3f} Å per pixel"
        panel.set_title(title, fontsize=8)
    figure.suptitle(
        f"{attributes['mode'].upper()}, {attributes['split']} pairs, scale "
        f"{attributes['scale']}, seed {attributes['seed']}",
        fontsize=10,
    )
    figure.savefig(path, metadata={"Software": None})
