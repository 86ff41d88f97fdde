"""Write the page of an image: one file that needs no network."""

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from sfin import __version__
from sfin.atom_lists import DetectedFile
from sfin.errors import InputError
from sfin.files import write_whole
from sfin.image_modes import mode_doubt
from sfin.training_range import trained_range
from sfin.view.panes import FREQUENCY_UNITS, image_panes, spectrum_panes
from sfin.view.pictures import binning
from sfin.view.report import noise_rows, quality_findings, trust_findings
from sfin.view.viewed_image import ViewedImage

STYLE = "page.css"
# They share their names, so that the order counts.
SCRIPTS = ("panes.js", "atoms.js", "moving.js", "controls.js")
MODE_NAMES = {"haadf": "dark field (haadf)", "bf": "bright field (bf)"}


def write_page(path: str | Path, viewed: ViewedImage) -> None:
    """Write the page of an image."""
    write_whole(path, render_page(viewed))


def render_page(viewed: ViewedImage) -> str:
    """Make the page of an image: HTML with styles, script and pictures inside."""
    environment = Environment(
        loader=PackageLoader("sfin.view", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = _content(viewed)
    style, *scripts = (_source(environment, name) for name in (STYLE, *SCRIPTS))
    page = environment.get_template("page.html")
    return page.render(style=style, scripts=scripts, **content)


def _source(environment: Environment, name: str) -> Markup:
    # As it is: braces of styles and scripts mean nothing to a template.
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _content(viewed: ViewedImage) -> dict[str, Any]:
    image, trust, noise = viewed.image, viewed.trust, viewed.noise
    spectra = spectrum_panes(trust)
    patches, rows, quality = 0, [], []
    trained = trust.check.opened.trained
    if not isinstance(noise, InputError):
        rows = noise_rows(noise, trained_range(trained) if trained else None)
        quality, patches = quality_findings(noise), len(noise.patches)
    return {
        "name": image.name,
        "facts": _facts(viewed),
        "version": __version__,
        "origin": viewed.origin,
        "verdict": trust.verdict(),
        "panes": image_panes(trust),
        "spectra": spectra.panes,
        "noise": rows,
        "quality": quality,
        "patches": patches,
        "range_known": trained is not None,
        "noise_lacks": str(noise) if isinstance(noise, InputError) else "",
        "scores": trust_findings(trust),
        "unsupported": trust.unsupported,
        "lost": len(trust.lost[0]),
        "maxima": len(trust.check.atoms.row),
        "atoms": viewed.atoms if isinstance(viewed.atoms, DetectedFile) else None,
        "atoms_lack": "" if isinstance(viewed.atoms, DetectedFile) else viewed.atoms,
        "calibrated": image.pixel_size is not None,
        "data": _data(viewed, spectra.zero),
    }


def _facts(viewed: ViewedImage) -> dict[str, str]:
    image = viewed.image
    rows, columns = image.data.shape
    size, factor = image.pixel_size, binning(image.data.shape)
    other = mode_doubt(image, viewed.mode)
    facts = {
        "Mode": MODE_NAMES[viewed.mode] + (f": {other}" if other else ""),
        "Columns × rows": f"{columns} × {rows}",
        "Pixel size": "unknown: scale bars count pixels"
        if size is None
        else f"{size:.4g} Å",
    }
    if size is not None:
        wide, tall = columns * size / 10, rows * size / 10
        facts["Field of view"] = f"{wide:.4g} × {tall:.4g} nm"
    if factor > 1:
        facts["Shown"] = (
            f"binned, {factor} × {factor} pixels as one: the image is too large for a "
            "page. Atoms and figures are those of the whole image."
        )
    return facts


def _data(viewed: ViewedImage, zero: tuple[float, float]) -> dict[str, Any]:
    # What the script reads; its numbers as short as they may be.
    atoms: list[list[float]] = []
    if isinstance(viewed.atoms, DetectedFile):
        table = viewed.atoms.table()[["x", "y", "amplitude", "confidence"]]
        atoms = table.round(3).to_numpy().tolist()
    maxima = viewed.trust.check.atoms
    doubtful = ~maxima.supported
    lost_row, lost_column = viewed.trust.lost
    return {
        "pixelSize": viewed.image.pixel_size,
        "zero": zero,
        "unitsPerCycle": FREQUENCY_UNITS,
        "atoms": atoms,
        "unsupported": _places(maxima.column[doubtful], maxima.row[doubtful]),
        "lost": _places(lost_column, lost_row),
    }


def _places(column: NDArray[np.intp], row: NDArray[np.intp]) -> list[list[int]]:
    places: list[list[int]] = np.column_stack([column, row]).tolist()
    return places
