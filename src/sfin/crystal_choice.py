"""Lay a named crystal over an image, and say which others fit where it does not.

A wrong zone axis in a sidecar is an easy mistake: what the image shows is told by
trying the crystals that come with sfin.
"""

from collections.abc import Collection
from contextlib import suppress

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
    (x, y), shape = positions.T, (grey.shape[0], grey.shape[1])

    def laid(crystal: ProjectedColumns) -> tuple[LatticeFit, Theory]:
        fit = fit_lattice(x, y, shape, crystal, mode, pixel_size, strength)
        return fit, register_theory(grey, fit)

    try:
        return laid(columns)
    except InputError as error:
        fitting = []
        for other in others:
            with suppress(InputError):
                fitting.append(laid(other))
        if not fitting:
            raise
        fitting.sort(key=lambda pair: -pair[1].likeness)
        named = ", ".join(
            f"{fit.columns.structure} (pixels of {fit.placement.pixel_size:.4f} Å, "
            f"{fit.bent.explained_fraction:.0%} of the atoms)"
            for fit, _ in fitting[:MOST_SUGGESTED]
        )
        raise InputError(f"{error} What fits: {named}.") from error
