"""Enhance HyperSpy's signals: a signal goes in, and a signal of its axes comes out.

``import sfin.hyperspy`` needs no HyperSpy; whoever has a signal has it already.
"""

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sfin.checkpoints import fixed_threads
from sfin.enhancement import CAVEAT, network_note, pair
from sfin.errors import InputError
from sfin.image_counts import usable_counts
from sfin.images import Image, to_grey_levels
from sfin.inference import Prepared, prepare, tile_size
from sfin.inference import enhance as enhance_image
from sfin.named_weights import find_weights
from sfin.networks.build import load_network
from sfin.parameters import Mode

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal


def enhance(
    signal: "BaseSignal",
    mode: Mode,
    weights: str | os.PathLike[str] | None = None,
) -> "BaseSignal":
    """Remove noise and background from the images of a signal.

    Parameters
    ----------
    signal
        With a signal dimension of 2, its last axis along the fast scan, and any number
        of navigation dimensions: each image is enhanced for itself. Of a lazy signal
        nothing is computed until its result is asked for; each image is a task of dask
        then.
    mode
        ``haadf`` where atoms are bright, ``bf`` where they are dark.
    weights
        A ``.safetensors`` file, or a name that ``sfin models`` lists. None: what was
        trained in ``results/models`` of the current folder, else what comes with sfin.

    Returns
    -------
    BaseSignal
        Of the same class, axes and metadata; float32 in the counts of the input. The
        notes in its metadata (``General.notes``) say which network made it, and that
        intensities are not for quantification; of a single image that is not lazy, also
        what speaks against trusting it.

    Raises
    ------
    InputError
        If it is no signal of images, or there are no weights for it; when it is
        computed, if an image is constant, or has pixels that are not finite.

    Examples
    --------
    >>> import hyperspy.api as hs
    >>> import sfin.hyperspy
    >>> movie = hs.load("movie.hspy", lazy=True)  # doctest: +SKIP
    >>> enhanced = sfin.hyperspy.enhance(movie, mode="haadf")  # doctest: +SKIP
    >>> enhanced.inav[0].compute()  # doctest: +SKIP
    """
    name = _check(signal)
    network, metadata = load_network(find_weights("enhancement", mode, weights))
    axes = signal.axes_manager
    note = network_note(metadata)
    if axes.navigation_size == 0 and not signal._lazy:
        counts = usable_counts(name, signal.data[None], 0, 0)
        note = pair(Image(counts, None, name), network, metadata).note
    many = axes.navigation_size > 1
    single = (1,) * axes.navigation_dimension
    given = signal.rechunk(single, inplace=False) if signal._lazy else signal
    result = given.map(
        partial(
            _enhance_counts,
            network=prepare(network),
            tile=tile_size(metadata),
            name=f"An image of {name[0].lower()}{name[1:]}" if many else name,
            # Each of many is the work of one of dask's threads.
            threads=1 if many else None,
        ),
        inplace=False,
        ragged=False,
        navigation_chunks=single,
        output_signal_size=axes.signal_shape[::-1],
        output_dtype=np.dtype(np.float32),
        silence_warnings=True,
    )
    notes = result.metadata.get_item("General.notes", default="")
    said = "\n".join(filter(None, [notes, f"{note} {CAVEAT}"]))
    result.metadata.set_item("General.notes", said)
    return result


def _check(signal: Any) -> str:
    # Whatever is no signal has no such axes; HyperSpy need not be there to tell.
    axes = getattr(signal, "axes_manager", None)
    if axes is None:
        raise InputError(
            f"A {type(signal).__name__} is no HyperSpy signal: give one as "
            "hyperspy.api.load reads it, or an array to sfin.enhance."
        )
    title = signal.metadata.get_item("General.title", default="")
    name = f"The signal {title!r}" if title else "The signal"
    if axes.signal_dimension != 2:
        raise InputError(
            f"{name} has signal dimension {axes.signal_dimension}: give one of images, "
            "of signal dimension 2, for example by its transpose(signal_axes=2)."
        )
    if signal.data.dtype.kind not in "buif":
        raise InputError(
            f"{name} holds {signal.data.dtype} values: give an amplitude, an "
            "intensity, or the grey levels of a colour image."
        )
    return name


def _enhance_counts(
    counts: NDArray[Any],
    network: Prepared,
    tile: int,
    name: str,
    threads: int | None,
) -> NDArray[np.float32]:
    counts = usable_counts(name, counts[None], 0, 0)
    try:
        grey, scale = to_grey_levels(counts)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    with fixed_threads(threads or torch.get_num_threads()):
        answer = enhance_image(network, np.clip(grey, 0, 255), tile)
    return scale.to_counts(answer)
