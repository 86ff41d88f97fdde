"""A card that says what a network was trained on, how it scores, and its limits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sfin.documents import Section, TextTable, markdown_document
from sfin.files import write_whole
from sfin.model_files import read_metadata
from sfin.names import METHOD_NAMES, group_name
from sfin.table_formats import NONE

LICENCE = "GPL-3.0-or-later"
PURPOSES = {
    "enhancement": "Removes noise and background of an atomic-resolution STEM image.",
    "detection": "Draws a dot on each atom of an atomic-resolution STEM image.",
    "superresolution": "Draws the atoms of a STEM image half as wide.",
}
LIMITS = {
    "enhancement": "Intensities of the result are not for quantification: the contrast "
    "of the atoms is stretched to the whole range, and the background is gone.",
    "detection": "A dot's height is no intensity; `confidence.json` turns it into the "
    "share of atoms among dots of that height on synthetic images.",
    "superresolution": "Widths and intensities of the atoms are drawn, not measured.",
}


def write_model_card(folder: str | Path) -> None:
    """Write `card_text` to ``card.md`` beside the weights in a folder."""
    write_whole(Path(folder, "card.md"), card_text(Path(folder)))


def card_text(folder: Path) -> str:
    """Describe the network in a folder, as Markdown.

    Parameters
    ----------
    folder
        With ``weights.safetensors``; scores are taken from ``evaluation.csv`` and
        ``localisation.csv`` where they are there.
    """
    metadata = read_metadata(folder / "weights.safetensors")
    scores = {
        name: pd.read_csv(folder / f"{name}.csv")
        for name in ("evaluation", "localisation")
        if (folder / f"{name}.csv").is_file()
    }
    title = f"{METHOD_NAMES[metadata['method']]} for {metadata['task']}"
    title += f", {group_name(metadata['dataset'], metadata['mode'])}"
    return markdown_document(title, model_card(metadata, scores))


def model_card(
    metadata: Mapping[str, Any], scores: Mapping[str, pd.DataFrame]
) -> list[Section]:
    """Describe a network.

    Parameters
    ----------
    metadata
        As from `sfin.model_files.read_metadata`.
    scores
        ``evaluation`` and ``localisation``, a row per test image, as the workflow
        writes them.
    """
    task = metadata["task"]
    training = metadata["training"]
    data = metadata.get("data", {})
    sizes = ", ".join(f"{key} {value}" for key, value in metadata["network"].items())
    facts = {
        "scale": metadata["scale"],
        "seed": str(metadata["seed"]),
        "network": f"{metadata['method']}: {sizes}",
        "images": f"{metadata['mode'].upper()}, tiles of {metadata['image_size']} px",
        "training pairs": str(data.get("pairs", NONE)),
        "structures": ", ".join(data.get("structures", ())) or NONE,
        "noise calibrated on": ", ".join(data.get("calibrated_on", ())) or NONE,
        "factors on that noise": _range(data.get("noise_factor")),
        "factors on the atoms' brightness": _range(data.get("brightness_factor")),
        "epochs": f"{training['epochs']}, batches of {training['batch_size']}",
        "fresh noise": "yes" if training["fresh_noise"] else "no",
        "version of sfin": metadata["version"],
        "licence": LICENCE,
    }
    limits = [
        LIMITS[task],
        "It knows crystals and noise like those above, and no others: "
        "`sfin enhance --trust` says whether an image's noise is among them.",
    ]
    if metadata.get("noise_warnings"):
        limits.append(f"Its noise rests on {'; '.join(metadata['noise_warnings'])}.")
    table = TextTable(("", ""), tuple(facts.items()))
    return [
        Section("", (PURPOSES[task],), table),
        *(_scores(scores) if scores else []),
        Section("Limits", tuple(limits)),
    ]


def _scores(scores: Mapping[str, pd.DataFrame]) -> list[Section]:
    rows: list[tuple[str, str]] = []
    images = 0
    if "evaluation" in scores:
        table = scores["evaluation"]
        images = len(table)
        rows += [
            ("PSNR, mean", f"{table['psnr'].mean():.2f} dB"),
            ("SSIM, mean", f"{table['ssim'].mean():.4f}"),
        ]
    if "localisation" in scores:
        table = scores["localisation"]
        images = len(table)
        matched, missed, invented = (
            int(table[name].sum()) for name in ("matched", "missed", "invented")
        )
        rms = (table["squared_error_pm"].sum() / max(matched, 1)) ** 0.5
        rows += [
            ("F1", f"{2 * matched / (2 * matched + missed + invented):.4f}"),
            ("RMS distance of found atoms", f"{rms:.1f} pm"),
        ]
    text = (
        f"On {images} synthetic test images of the same kind, which it was not trained "
        "on: same crystals, calibration and factors."
    )
    return [Section("Scores", (text,), TextTable(("", ""), tuple(rows)))]


def _range(ends: Any) -> str:
    return f"{ends[0]:g} to {ends[1]:g}" if ends else NONE
