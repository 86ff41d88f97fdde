"""Show what a dataset looks like."""

from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from sfin.dataset_records import read_images, read_record
from sfin.names import dataset_name
from sfin.parameters import distrust

ROWS = {
    "noisy": "noisy",
    "clean": "clean",
    "detection": "detection label",
    "superresolution": "super-resolution label",
}


def plot_pairs(store: str | Path, path: str | Path, number: int = 8) -> None:
    """Draw the first pairs of a dataset: noisy, clean and the labels of atoms.

    Parameters
    ----------
    store
        Dataset to show; no other images of it are read.
    path
        PNG to write.
    number
        How many pairs, one per column of the figure.
    """
    record = read_record(store)
    indices = range(min(number, record.number))
    figure = Figure(figsize=(2 * len(indices), 8.3), dpi=100, layout="constrained")
    grid = figure.subplots(len(ROWS), len(indices), squeeze=False)
    for axes, (name, title) in zip(grid, ROWS.items(), strict=True):
        images = read_images(store, name, indices)
        for panel, image in zip(axes, images, strict=True):
            panel.imshow(image, cmap="gray", vmin=0, vmax=255)
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
        axes[0].set_ylabel(title)
    attributes = record.attributes
    for index, panel in zip(indices, grid[0], strict=True):
        structure, arrangement = record.structures[index], record.arrangements[index]
        pixel_size = record.drawn["pixel_size"][index]
        title = f"{structure}, {arrangement}\n{pixel_size:.3f} Å per pixel"
        panel.set_title(title, fontsize=8)
    name = dataset_name(record.dataset)
    figure.suptitle(
        f"{name}, {attributes['mode'].upper()}, {attributes['split']} pairs, scale "
        f"{attributes['scale']}, seed {attributes['seed']}",
        fontsize=10,
    )
    noise = attributes.get("calibration", {})
    if doubt := distrust(attributes["mode"], noise.get("warnings", ())):
        figure.supxlabel(fill(doubt.strip(), 40 * len(indices)), fontsize=8)
    figure.savefig(path, metadata={"Software": None})
