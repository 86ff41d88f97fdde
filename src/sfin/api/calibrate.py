"""`sfin.calibrate`: the noise of an image."""

from typing import TYPE_CHECKING

from sfin.api.given import GivenImage, opened

if TYPE_CHECKING:
    from sfin.calibrated_images import CalibratedImage
    from sfin.calibration_settings import CalibrationSettings
    from sfin.parameters import Mode


def calibrate(
    image: GivenImage,
    mode: "Mode | None" = None,
    *,
    pixel_size: float | None = None,
    settings: "CalibrationSettings | None" = None,
) -> "CalibratedImage":
    """Measure the noise of an image, patch by patch.

    Parameters
    ----------
    image
        A file of any format that `sfin.read_image` reads, an image that it read, or an
        array (rows, columns) of counts; raw, with the fast scan along the rows, and at
        least 256 × 256 pixels. Of a file with several frames the first is taken, with a
        warning; ``sfin.read_image(path, frame)`` reads another.
    mode
        ``haadf`` where atoms are bright, ``bf`` where they are dark. None: as the image
        says of its detector.
    pixel_size
        Å per pixel, in place of what the image says; only kept with the result.
    settings
        Constants of the calibration; None for the defaults.

    Returns
    -------
    CalibratedImage
        ``noise``, the mean of the patches, and ``patches``, each with ``parameters``
        and ``standard_errors``, in grey levels: 0 and 255 are the 0.1 and 99.9
        percentiles of the image. ``warnings`` are the reasons not to trust it.

    Raises
    ------
    InputError
        If the image cannot be read or calibrated, or nothing tells its mode.

    Examples
    --------
    A lattice with white noise, whose standard deviation is the same at every grey
    level and gradient:

    >>> import numpy as np
    >>> import sfin
    >>> row, column = np.mgrid[:256, :256]
    >>> lattice = (np.cos(np.pi * row / 16) * np.cos(np.pi * column / 16)) ** 8
    >>> noise = np.random.default_rng(0).normal(0, 0.1, lattice.shape)
    >>> calibrated = sfin.calibrate(1000 * (lattice + noise), "haadf")
    >>> calibrated.warnings
    ()
    >>> low, high = np.percentile(lattice + noise, (0.1, 99.9))
    >>> true = 0.1 / (high - low) * 255
    >>> bool(abs(calibrated.noise.pointwise_intercept / true - 1) < 0.15)
    True
    """
    from sfin.calibrated_images import calibrate_image
    from sfin.calibration_settings import CalibrationSettings

    with opened(image, mode, pixel_size) as (read, known):
        constants = settings or CalibrationSettings()
        return calibrate_image(read, read.name, known, constants)
