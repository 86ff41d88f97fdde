"""Lay a named crystal over an image, and say which others fit where it does not.

A wrong zone axis in a sidecar is an easy mistake: what the image shows is told by
trying the crystals that come with sfin.
"""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from sfin.columns import ProjectedColumns
from sfin.errors import InputError
from sfin.lattice_fit import LatticeFit, fit_lattice
from sfin.parameters import Mode
from sfin.theory import Theory, register_theory

# Crystals that are suggested, the likeliest first.
MOST_SUGGESTED = 3


def lay_named(
    grey: NDArray[np.floating],
    positions: NDArray[np.floating],
    strength: NDArray[np.floating],
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
    others: Collection[ProjectedColumns] = (),
) -> tuple[LatticeFit, Theory]:
    """Lay a crystal over an image's atoms, and check that the image looks like it.

    Parameters
    ----------
    grey
        Grey levels (rows, columns).
    positions, strength
        x and y of the atoms in px, (n, 2), and the contrast of each, (n,).
    columns
        The crystal that it should be.
    mode, pixel_size
        Of the image; Å, None if unknown.
    others
        Crystals that are tried where it is not.

    Raises
    ------
    InputError
        If it does not fit; the sentence names those of the others that do.
    """
    seen = grey, positions, strength
    try:
        return _laid(*seen, columns, mode, pixel_size)
    except InputError as error:
        fitting = sorted(
            _fitting(*seen, mode, pixel_size, others),
            key=lambda pair: -pair[1].likeness,
        )
        if not fitting:
            raise
        named = ", ".join(
            f"{fit.columns.structure} (pixels of {fit.placement.pixel_size:.4f} Å, "
            f"{fit.bent.explained_fraction:.0%} of the atoms)"
            for fit, _ in fitting[:MOST_SUGGESTED]
        )
        raise InputError(f"{error} What fits: {named}.") from error


def _laid(
    grey: NDArray[np.floating],
    positions: NDArray[np.floating],
    strength: NDArray[np.floating],
    columns: ProjectedColumns,
    mode: Mode,
    pixel_size: float | None,
) -> tuple[LatticeFit, Theory]:
    x, y = positions.T
    shape = grey.shape[0], grey.shape[1]
    fit = fit_lattice(x, y, shape, columns, mode, pixel_size, strength)
    return fit, register_theory(grey, fit)


def _fitting(
    grey: NDArray[np.floating],
    positions: NDArray[np.floating],
    strength: NDArray[np.floating],
    mode: Mode,
    pixel_size: float | None,
    others: Collection[ProjectedColumns],
) -> Iterator[tuple[LatticeFit, Theory]]:
    for columns in others:
        try:
            yield _laid(grey, positions, strength, columns, mode, pixel_size)
        except InputError:
            continue
