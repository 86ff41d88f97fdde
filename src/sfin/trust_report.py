"""Write what is known about an enhanced image: numbers, a picture, its parts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sfin.figures.style import write_figure
from sfin.figures.trust import trust_figure
from sfin.files import make_whole, write_whole
from sfin.image_writers import write_tif
from sfin.parameters import PARAMETER_NAMES
from sfin.renoising import GREY_LEVELS, UNITS
from sfin.training_range import noise_deviation, trained_range
from sfin.trust import (
    LEAST_WHITENESS,
    MOST_UNEXPLAINED,
    MOST_UNSUPPORTED,
    NOISE_RATIO,
    PARTS,
    Trust,
    full_grey_levels,
)

Score = dict[str, Any]


def trust_numbers(trust: Trust) -> dict[str, Any]:
    """Give all scores with their units, and the verdict, ready for JSON.

    Returns
    -------
    dict
        ``image``, ``mode``, ``network``; ``verdict``, a list of sentences, each with
        ``good`` (true, false, or null where nobody can tell); ``scores``, each with
        ``value``, ``unit`` and what is ``good``; ``noise`` of the input, each
        parameter with the range that the network was trained on; ``renoised``, each
        statistic of the input beside that of the images drawn anew.
    """
    opened = trust.check.opened
    renoised = trust.renoised
    return {
        "image": opened.image.name,
        "mode": trust.mode,
        "network": opened.note,
        "pixel_size": _score(opened.image.pixel_size, "Å"),
        "counts_per_grey_level": _score(opened.scale.gain, "counts"),
        "verdict": [asdict(finding) for finding in trust.verdict()],
        "scores": _scores(trust),
        "noise": _noise(trust),
        "renoised": {
            name: asdict(each) | {"distance_in_spreads": each.distance}
            for name, each in (renoised.statistics if renoised else {}).items()
        },
        "noise_by_grey_level": {
            "unit": GREY_LEVELS,
            "level": renoised.input_curve.x.tolist(),
            "input": renoised.input_curve.y.tolist(),
            "renoised": renoised.renoised_curve.y.tolist(),
        }
        if renoised
        else None,
    }


def write_trust(
    trust: Trust, numbers: str | Path, picture: str | Path, parts: str | Path
) -> None:
    """Write the numbers (``.json``), the picture (``.png``) and the parts (``.tif``).

    The TIFF has a page for each part, float32 counts, labelled, with the pixel size:
    in Fiji, Image > Stacks > Z Project > Sum Slices gives the input back.
    """
    opened = trust.check.opened
    grey = full_grey_levels(trust.check)
    text = json.dumps(trust_numbers(trust), indent=2, ensure_ascii=False) + "\n"
    figure = trust_figure(trust, grey)
    images = trust.parts_in_counts()
    pages = np.stack([images[name].data for name in PARTS])
    low, high = map(float, np.percentile(pages, (0.1, 99.9)))
    labels = [name.replace("_", " ") for name in PARTS]
    described = opened.image.metadata | {"note": opened.note}
    size = opened.image.pixel_size
    make_whole(
        parts, lambda part: write_tif(part, pages, size, (low, high), described, labels)
    )
    write_figure(Path(picture).with_suffix(""), figure, opened.note, ["png"])
    write_whole(numbers, text)


def _score(value: float | None, unit: str, good: str | None = None) -> Score:
    return {"value": None if value is None else float(value), "unit": unit} | (
        {"good": good} if good else {}
    )


def _scores(trust: Trust) -> dict[str, Score]:
    white, check, parts = trust.whiteness, trust.check, trust.parts
    size = check.opened.image.pixel_size
    # Cycles per pixel, or per Å.
    frequency, stray = (
        each / (size or 1.0)
        for each in (white.peak_frequency, white.interference_frequency)
    )
    per = "1/Å" if size else "1/px"
    squares = check.uncertain.deviation.astype(np.float64) ** 2
    deviation = float(np.sqrt(np.mean(squares)))
    atoms = len(check.atoms.row)
    return {
        "whiteness": _score(white.score, "1", f"at least {LEAST_WHITENESS}"),
        "spectral_flatness": _score(white.flatness, "1", "near 1"),
        "structure_in_residual": _score(
            white.structure, "share of its power", "near 0"
        ),
        "unexplained_amplitude": _score(
            white.unexplained,
            "share of the lattice's amplitude",
            f"at most {MOST_UNEXPLAINED}",
        ),
        "lattice_spots": _score(white.spots, "frequencies"),
        "power_at_lattice_spots": _score(white.spot_power, "noise", "near 1"),
        "highest_peak": _score(white.peak, "noise", f"below {white.peak_limit:.1f}"),
        "frequency_of_highest_peak": _score(frequency, per),
        "interference": _score(white.interference, "noise"),
        "frequency_of_interference": _score(stray if white.interference else None, per),
        "noise_ratio": _score(
            trust.noise_ratio, "1", f"{NOISE_RATIO[0]} to {NOISE_RATIO[1]}"
        ),
        "distance_of_renoised": _score(
            trust.renoised.distance if trust.renoised else None,
            "spreads between draws, median",
            "near 1",
        ),
        "atoms": _score(atoms, "maxima"),
        "atoms_without_support": _score(
            trust.unsupported, "maxima", f"at most {MOST_UNSUPPORTED:.0%} of all"
        ),
        "atoms_lost": _score(len(trust.lost[0]), "maxima", "0"),
        "answer_deviation": _score(deviation, GREY_LEVELS),
        "gain": _score(parts.gain, "grey levels per grey level of the enhanced image"),
        "signal_deviation": _score(parts.signal.std(), GREY_LEVELS),
        "background_mean": _score(parts.background.mean(), GREY_LEVELS),
        "background_range": _score(float(np.ptp(parts.background)), GREY_LEVELS),
        "scan_noise_deviation": _score(parts.scan_noise.std(), GREY_LEVELS),
        "pointwise_noise_deviation": _score(parts.pointwise_noise.std(), GREY_LEVELS),
    }


def _noise(trust: Trust) -> dict[str, Any] | None:
    if trust.noise is None:
        return None
    noise = vars(trust.noise)
    found = {name: _score(noise[name], UNITS[name]) for name in PARAMETER_NAMES}
    found["deviation_at_half_brightness"] = _score(
        noise_deviation(trust.noise), GREY_LEVELS
    )
    if trust.check.opened.trained is not None:
        trained = trained_range(trust.check.opened.trained)
        ranges = trained.parameters | {
            "deviation_at_half_brightness": trained.deviation
        }
        for name, ends in ranges.items():
            found[name]["trained_on"] = list(ends)
    return found
