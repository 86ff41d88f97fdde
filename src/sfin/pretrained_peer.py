"""tk_r_em, the pretrained networks of Lobato, Friedrich and Van Aert (2024).

npj Comput. Mater. 10, 10. Their weights come with the package `tk_r_em`; its own code
fails with Keras 3, so the saved networks are read with TensorFlow itself. They take
and give counts, keep the background, and were not trained on our data.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfin.errors import InputError
from sfin.optional_methods import require


@dataclass(frozen=True)
class PretrainedPeer:
    """Settings of tk_r_em.

    Attributes
    ----------
    network
        ``sfr_hrstem`` or ``sfr_lrstem``: for images of high or low resolution.
    """

    network: str = "sfr_lrstem"


def tk_r_em(
    image: NDArray[np.floating], settings: PretrainedPeer
) -> NDArray[np.float32]:
    """Restore an image by a pretrained network, on one thread.

    Parameters
    ----------
    image
        Grey levels (rows, columns).
    settings
        Which network.

    Raises
    ------
    InputError
        If `tk_r_em` or TensorFlow is not installed, or there is no such network.
    """
    network, give = _load(settings.network)
    rows, columns = image.shape
    # It halves the image on the way.
    grey = np.pad(
        np.asarray(image, dtype=np.float32), ((0, rows % 2), (0, columns % 2)), "edge"
    )
    restored = network(input_gen=give(grey[None, :, :, None]))["gen_r_em_out"]
    return np.asarray(restored)[0, :rows, :columns, 0].astype(np.float32)


@lru_cache(maxsize=2)
def _load(name: str) -> tuple[Any, Any]:
    require("tk_r_em")
    package = find_spec("tk_r_em")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "models" / name
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in folder.parent.iterdir()))
        raise InputError(f"tk_r_em has no network {name!r}; choose from {known}.")
    # Read when it starts: no chatter.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    try:
        tensorflow.config.set_visible_devices([], "GPU")
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # It is running already, with the number of threads it was given then.
        pass
    model = tensorflow.saved_model.load(str(folder))
    # The signature dies with the model unless something holds it.
    network = model.signatures["serving_default"]
    network.kept_alive = model
    return network, tensorflow.constant
