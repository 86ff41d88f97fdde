"""Write what a job prints to its log, and show its progress."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from sfin.errors import InputError


class Progress:
    """Report how far a job is: lines in its log, and a bar on a terminal."""

    def __init__(self, label: str, terminal: int | None) -> None:
        self._label = label
        self._started = self._last = time.monotonic()
        self._begun = False
        self._stream = os.fdopen(os.dup(terminal), "w") if terminal else None
        self._bar: tqdm[None] | None = None

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """Say that `done` of `total` steps are behind us."""
        if self._stream:
            if self._bar is None:
                self._bar = tqdm(
                    total=total, desc=self._label, file=self._stream, leave=False
                )
            self._bar.set_postfix_str(detail, refresh=False)
            self._bar.update(done - self._bar.n)
            if done >= total:
                self._bar.refresh()
        now = time.monotonic()
        # Work that goes on, or says that it starts anew, does not begin with step 1.
        notable = not self._begun and done != 1
        self._begun = True
        if now - self._last >= 5 or done >= total or notable:
            self._last = now
            spent = now - self._started
            print(
                f"{self._label}: {done}/{total} ({spent:.0f} s) {detail}".rstrip(),
                flush=True,
            )
        if self._bar is not None and done >= total:
            self._bar.close()
            self._bar = None


@contextmanager
def job_log(path: str | Path, label: str = "") -> Iterator[Progress]:
    """Send what is printed, also by C libraries, to a log while the body runs.

    A user's mistake (`InputError`) ends the process with its one sentence
    instead of a traceback.

    Yields
    ------
    Progress
        To be called as the work proceeds; it draws on the terminal, if any.
    """
    terminal = os.dup(2) if sys.stderr.isatty() else None
    with open(path, "w", encoding="utf-8") as log:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield Progress(label or Path(path).stem, terminal)
    except InputError as error:
        sys.exit(f"Error: {error}")
