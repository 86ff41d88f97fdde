import signal

import numpy as np
import pytest

# A shell lets what it starts in the background ignore Ctrl-C, and all that starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def generator():
    return np.random.default_rng(0)
