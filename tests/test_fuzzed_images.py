"""Images with flipped, overwritten and lost bytes: refused in a sentence, or read.

Nothing else happens: no other error, no image that its file cannot hold, no waiting.
By default the examples are few and always the same. `SFIN_FUZZ=2000 python -m pytest
tests/test_fuzzed_images.py` tries that many new ones of each format.
"""

import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import WRITERS, counts

from sfin.errors import InputError
from sfin.image_limits import ALWAYS_ALLOWED
from sfin.images import read_image

LONG = int(os.environ.get("SFIN_FUZZ", 0))
SECONDS = 20  # for an image of 24 × 30 pixels on a busy machine
FUZZ = settings(
    max_examples=LONG or 8,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# What makes a number in a header zero, negative, or the largest there is.
NUMBERS = (
    b"\xff",
    b"\0",
    b"\xff\xff\xff\x7f",
    b"\x7f\xff\xff\xff",
    b"\0" * 4,
    b"\xff" * 8,
)
# Most of what can go wrong is in the head of a file.
PLACES = st.one_of(*(st.integers(0, most) for most in (64, 512, 4096, 2**16)))
DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
        st.tuples(st.just("write"), PLACES, st.sampled_from(NUMBERS)),
        st.tuples(st.just("cut"), PLACES, st.none()),
    ),
    min_size=1,
    max_size=6,
)


def damaged(whole, damage):
    content = bytearray(whole)
    for what, place, how in damage:
        if not content:
            break
        place %= len(content)
        match what:
            case "flip":
                content[place] ^= 1 << how
            case "write":
                content[place : place + len(how)] = how
            case "cut":
                del content[place:]
    return bytes(content)


@contextmanager
def limited_time():
    def stop(number, frame):
        raise TimeoutError(f"longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(path):
    """Read an image, which works, or fails as it should; give its counts if any."""
    try:
        with limited_time():
            image = read_image(path)
    except InputError as error:
        message = str(error)
        # A reader turns every error into a sentence, the one that stops it too.
        assert "longer than" not in message
        assert str(path) in message
        assert message.endswith(".")
        assert "\n" not in message
        return None
    else:
        assert image.data.ndim == 2
        assert image.data.dtype == np.float32
        assert np.isfinite(image.data).all()
        assert image.data.nbytes <= 4 * ALWAYS_ALLOWED
        size = image.pixel_size
        assert size is None or (np.isfinite(size) and size > 0)
        return image.data


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_files_are_refused_or_read(tmp_path, name):
    path = WRITERS[name](tmp_path / name, counts())
    parts = sorted(path.rglob("*")) if path.is_dir() else [path]
    whole = {part: part.read_bytes() for part in parts if part.is_file()}

    @FUZZ
    @given(which=st.sampled_from(sorted(whole)), damage=DAMAGE)
    def fuzz(which, damage):
        which.write_bytes(damaged(whole[which], damage))
        try:
            check(path)
        finally:
            which.write_bytes(whole[which])

    fuzz()


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "a.zspy"])
def test_files_cut_anywhere_are_refused_or_whole(tmp_path, name):
    path = WRITERS[name](tmp_path / name, counts())
    whole, image = path.read_bytes(), read_image(path).data

    @FUZZ
    @given(length=st.integers(0, len(whole) - 1))
    def cut(length):
        path.write_bytes(whole[:length])
        read = check(path)
        # If it is read, what was lost came after the counts.
        assert read is None or np.array_equal(read, image)

    cut()
