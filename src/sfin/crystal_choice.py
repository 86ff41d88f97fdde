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

# Crystals that are suggested: of the nearest pixel size where that is known, else the
# likeliest.
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
        named = ", ".join(_in_words(fit) for fit in _best_first(fitting))
        raise InputError(f"{error} What fits: {named}.") from error


def _best_first(fitting: list[tuple[LatticeFit, Theory]]) -> list[LatticeFit]:
    def rank(pair: tuple[LatticeFit, Theory]) -> float:
        off = _off(pair[0])
        return -pair[1].likeness if off is None else off

    return [fit for fit, _ in sorted(fitting, key=rank)[:MOST_SUGGESTED]]


def _off(fit: LatticeFit) -> float | None:
    # How far the implied pixel size is off the image's, relatively.
    size = fit.file_pixel_size
    return None if size is None else abs(fit.placement.pixel_size / size - 1)


def _in_words(fit: LatticeFit) -> str:
    off = _off(fit)
    deviation = "," if off is None else f", {off:.0%} off;"
    return (
        f"{fit.columns.structure} (pixels of {fit.placement.pixel_size:.4f} Å"
        f"{deviation} {fit.bent.explained_fraction:.0%} of the atoms)"
    )
