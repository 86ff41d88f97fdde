"""Tell an image of atoms from one of noise alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

# Pixels. Smoother than an atom: background; along the rows the noise is smooth anyway.
BACKGROUND, ALONG = 12.0, 1.0
# Pixels of a row that may be alike.
LONGEST = 12
# In standard errors. Noise alone stays below 10 (216 images of 128–512 pixels, six
# kinds of noise), images of atoms reach 27 where 128 pixels wide and 54 where 256
# (20 synthetic ones), 33 and more (32 parts of real ones, 256 pixels wide).
LEAST_EVIDENCE = 15.0
# Pixels: parts of larger images are looked at one after the other, for the memory's
# sake; atoms in one of them are enough.
BLOCK = 1024


def has_atoms(grey: NDArray[np.floating]) -> bool:
    """Tell whether an image shows anything but noise and smooth background.

    A network that has only seen images with atoms finds some in noise that was
    stretched to 0–255. What sets atoms apart needs no threshold of brightness: noise
    of neighbouring rows is independent, because rows are recorded one after the
    other, and atoms go through many rows.

    Parameters
    ----------
    grey
        Grey levels (rows, columns), fast scan along the rows.
    """
    blocks = [
        # What is left of a side smaller than a block belongs to the last one.
        grey[rows, columns]
        for rows in _stretches(grey.shape[0])
        for columns in _stretches(grey.shape[1])
    ]
    return any(evidence(block) >= LEAST_EVIDENCE for block in blocks)


def _stretches(size: int) -> list[slice]:
    count = max(size // BLOCK, 1)
    return [
        slice(number * BLOCK, size if number == count - 1 else (number + 1) * BLOCK)
        for number in range(count)
    ]


def evidence(grey: NDArray[np.floating]) -> float:
    """Give the correlation between rows in its standard errors for noise alone."""
    image = np.asarray(grey, np.float64)
    image = gaussian_filter1d(image - gaussian_filter(image, BACKGROUND), ALONG, axis=1)
    variance = float(np.mean(image**2))
    if variance == 0 or min(image.shape) <= LONGEST:
        return 0.0
    between = float(np.mean(image[:-1] * image[1:])) / variance
    # Neighbouring pixels of a row are alike: so many fewer are independent.
    alike = sum(
        float(np.mean(image[:, :-step] * image[:, step:])) / variance
        for step in range(1, LONGEST)
    )
    return between * float(np.sqrt(image.size / max(1 + 2 * alike, 1.0)))
