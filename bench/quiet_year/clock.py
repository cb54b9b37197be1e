"""The clock of a whole process: it is set to a time and goes on from there, in Python as in DuckDB (libfaketime)."""

from __future__ import annotations

import os
import threading
import time

from bench.outages.replicas import clock_library


def environ() -> dict[str, str]:
    """The environment of a process that may move its clock."""
    library = clock_library()
    assert library is not None, "libfaketime is not on this machine: apt-get install libfaketime"
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": "+0",
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",  # the times of files are those of the machine
    }


class Clock:
    """Moves the clock of this process; made before it was moved."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()
        # The library takes no wait until a time of a clock that it does not fake.
        time.sleep = _wait

    def move_to(self, at: float) -> None:
        """Show ``at``, in seconds since 1970, unless it is over already."""
        if at > time.time():
            os.environ["FAKETIME"] = f"{at - self._ahead - time.monotonic():+.6f}"


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
