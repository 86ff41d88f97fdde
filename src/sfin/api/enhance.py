"""`sfin.enhance`: an image without its noise."""

import os
from typing import TYPE_CHECKING

from sfin.api.given import GivenImage, opened

if TYPE_CHECKING:
    from sfin.images import Image
    from sfin.parameters import Mode


def enhance(
    image: GivenImage,
    mode: "Mode | None" = None,
    weights: str | os.PathLike[str] | None = None,
    *,
    pixel_size: float | None = None,
) -> "Image":
    """Remove noise and background from an image with a trained network.

    Parameters
    ----------
    image
        A file of any format that `sfin.read_image` reads, an image that it read, or an
        array (rows, columns) of counts, of any size. Of a file with several frames the
        first is taken, with a warning; ``sfin.read_image(path, frame)`` reads another.
    mode
        ``haadf`` where atoms are bright, ``bf`` where they are dark: a network for one
        ruins images of the other. None: as the image says of its detector.
    weights
        A ``.safetensors`` file, or a name that ``sfin models`` lists. None: what was
        trained in ``results/models`` of the current folder, else what comes with sfin.
    pixel_size
        Å per pixel, in place of what the image says.

    Returns
    -------
    Image
        ``data`` in the counts of the input, float32 (rows, columns), and its
        ``pixel_size``. Intensities are not for quantification: the contrast of the
        atoms is stretched to the whole range. ``metadata["note"]`` says which network
        made it, and what speaks against trusting it; `sfin.images.write_image` writes
        both.

    Raises
    ------
    InputError
        If the image cannot be read, nothing tells its mode, or there are no weights
        for it.

    Examples
    --------
    >>> import sfin
    >>> noisy = sfin.synthesise("SrTiO3_001", "haadf", 1, size=128).noisy[0]
    >>> enhanced = sfin.enhance(noisy, "haadf", pixel_size=0.1)
    >>> enhanced.data.shape, enhanced.pixel_size
    ((128, 128), 0.1)
    >>> print(enhanced.metadata["note"])  # doctest: +ELLIPSIS
    sfin trained for enhancement at scale ...
    """
    from sfin.enhancement import pair
    from sfin.inference import enhance as enhance_tiles
    from sfin.inference import prepare
    from sfin.named_weights import find_weights
    from sfin.networks.build import load_network

    with opened(image, mode, pixel_size) as (read, known):
        network, metadata = load_network(find_weights("enhancement", known, weights))
        paired = pair(read, prepare(network), metadata)
        answer = enhance_tiles(paired.network, paired.grey, paired.tile)
        return paired.in_counts(answer)
