"""Render a structure as a STEM sees it, by multislice simulation with abTEM.

One scan of one periodic cell feeds all detectors. HAADF needs frozen phonons:
of a static lattice, the coherent Laue rings fall on the detector and outshine
the thermal diffuse scattering that makes the contrast. BF is annular bright
field, which shows light and heavy columns alike as dark spots whatever the
thickness (Findlay et al., Ultramicroscopy 110, 903, 2010).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sfin.column_fit import fit_columns
from sfin.columns import ProjectedColumns
from sfin.fit_quality import fit_summary
from sfin.rendering_settings import Angles, RenderingSettings, read_settings
from sfin.structures import Structure
from sfin.user_structures import UserStructure, image_cell

if TYPE_CHECKING:
    from ase import Atoms

ProgressReport = Callable[[int, int], None]

# Probes in one dask task: enough tasks for all workers, and 0.4 GB instead of 0.8.
PROBES_PER_BATCH = 32


def render(
    structure: Structure | UserStructure,
    settings: RenderingSettings,
    seed: int,
    workers: int = 1,
    progress: ProgressReport | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Scan one periodic cell of a structure, with a point source.

    Parameters
    ----------
    seed
        Of the thermal displacements.
    workers
        Threads.
    progress
        Called with the number of tasks that are done, and of all.

    Returns
    -------
    dict of (rows, columns) float32
        By mode, and by further detector: fractions of the incident beam. The
        steps fill the cell exactly, and their numbers are odd, so that no
        Fourier coefficient of the cell is ambiguous.
    """
    images: dict[str, NDArray[np.float32]] = {}
    for (defocus, thickness), detectors in settings.scans().items():
        chosen = replace(settings, defocus=defocus, thickness=thickness)
        images |= _scan(structure, chosen, detectors, seed, workers, progress)
    return images


def _scan(
    structure: Structure | UserStructure,
    settings: RenderingSettings,
    detectors: Mapping[str, Angles],
    seed: int,
    workers: int,
    progress: ProgressReport | None,
) -> dict[str, NDArray[np.float32]]:
    import abtem

    cell = image_cell(structure)
    width, height, repeat = cell.cell.lengths()
    copies = _copies(structure, settings, repeat)
    tiles = [math.ceil(settings.minimum_box / side) for side in (width, height)]
    specimen = cell * (tiles[0], tiles[1], copies)
    sides = (width * tiles[0], height * tiles[1])
    # Never thicker than asked for: planes of atoms that share a slice do not
    # scatter one after the other.
    slices = math.ceil(repeat / settings.slice_thickness - 1e-9)
    steps = (
        _odd(width / settings.scan_sampling),
        _odd(height / settings.scan_sampling),
    )
    grid = (
        _fast_length(sides[0] / settings.sampling),
        _fast_length(sides[1] / settings.sampling),
    )
    configuration = {
        "precision": "float32",
        "device": settings.device,
        "diagnostics.progress_bar": False,
        "fftw.threads": 1,
        # Measured plans differ from run to run, and with them the last digits.
        "fftw.planning_effort": "FFTW_ESTIMATE",
    }
    with abtem.config.set(configuration):
        potential = abtem.Potential(
            _thermal(specimen, settings.frozen_phonons, seed),
            gpts=grid,
            slice_thickness=repeat / slices,
            parametrization="lobato",
            projection="infinite",
        )
        probe = abtem.Probe(
            energy=settings.energy,
            semiangle_cutoff=settings.semiangle_cutoff,
            defocus=settings.defocus,
        )
        probe.grid.match(potential)
        scan: Any = probe.scan(
            potential,
            scan=abtem.GridScan((0, 0), (width, height), gpts=steps, endpoint=False),
            detectors=[abtem.AnnularDetector(*angles) for angles in detectors.values()],
            max_batch=PROBES_PER_BATCH,
        )
        with _task_counter(progress):
            if settings.device == "cpu":
                done = scan.compute(scheduler="threads", num_workers=workers)
            else:
                done = scan.compute()
    # One detector alone comes without a list around it.
    measured = done if len(detectors) > 1 else [done]
    # abTEM scans x along the first axis; an image has it along the last.
    return {
        name: np.ascontiguousarray(image.to_cpu().array.T, np.float32)
        for name, image in zip(detectors, measured, strict=True)
    }


def render_structure(
    structure: Structure | UserStructure,
    settings: Mapping[str, Any],
    seed: int,
    destination: str | Path,
    workers: int = 1,
    progress: ProgressReport | None = None,
) -> ProjectedColumns:
    """Render a structure, fit its columns and write them as a Zarr store.

    Parameters
    ----------
    structure
        One of ours or of a user.
    settings
        Fields of `RenderingSettings`.
    destination
        Path of the store.

    Raises
    ------
    InputError
        The structure or a setting cannot be used.
    """
    checked = read_settings(settings)
    print(
        f"{structure.name}: rendering with abTEM, preset {checked.preset}", flush=True
    )
    images = render(structure, checked, seed, workers, progress)
    cell = image_cell(structure)
    repeat = float(cell.cell.lengths()[2])
    columns = fit_columns(
        structure.name,
        cell,
        images,
        checked.source_size,
        attributes={
            "rendering": asdict(checked),
            "seed": seed,
            "monolayer": structure.monolayer,
            "cells_along_beam": _copies(structure, checked, repeat),
            "cell_along_beam": repeat,
            "versions": {name: version(name) for name in ("abtem", "ase")},
            "reference": structure.reference,
        },
    )
    columns.write(destination)
    print(fit_summary(columns), flush=True)
    return columns


def _copies(
    structure: Structure | UserStructure, settings: RenderingSettings, repeat: float
) -> int:
    """Count the cells that come nearest to the thickness asked for."""
    return 1 if structure.monolayer else max(1, round(settings.thickness / repeat))


def _thermal(specimen: "Atoms", configurations: int, seed: int) -> Any:
    import abtem

    if not configurations:
        return specimen
    return abtem.FrozenPhonons(
        specimen,
        num_configs=configurations,
        sigmas=specimen.arrays["displacement"].tolist(),
        seed=seed,
    )


def _task_counter(progress: ProgressReport | None) -> Any:
    """Context in which `progress` hears of every finished dask task."""
    from dask.callbacks import Callback

    total, done = 0, 0

    def start(graph: Any, state: Mapping[str, Any]) -> None:
        nonlocal total
        total = sum(len(state[key]) for key in ("ready", "waiting"))

    def step(*_: object) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(min(done, total), total)

    callback: Any = Callback
    return callback(start_state=start, posttask=step)


def _odd(minimum: float) -> int:
    """Smallest odd number that is not below `minimum`."""
    return 2 * max(0, math.ceil((minimum - 1) / 2 - 1e-9)) + 1


def _fast_length(minimum: float) -> int:
    """Smallest even product of 2, 3 and 5 that is not below `minimum`."""
    length = 2 * math.ceil(minimum / 2 - 1e-9)
    while not _is_smooth(length):
        length += 2
    return length


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5):
        while number % prime == 0:
            number //= prime
    return number == 1
