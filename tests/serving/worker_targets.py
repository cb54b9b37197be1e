"""The work of worker processes in tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from churn_mlops.errors import ConfigError


def wait_for_the_end(folder: Path, ready: Callable[[], None]) -> None:
    """Leave a file with one's number, answer, and end when stopped."""
    (folder / f"{os.getpid()}").touch()
    ready()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def hear_nothing(ready: Callable[[], None]) -> None:
    """Answer, and never end by oneself."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    while True:
        signal.pause()


def fail(ready: Callable[[], None]) -> None:
    """End before answering."""
    raise ConfigError("there is nothing to answer with")


def work_first_only(folder: Path, ready: Callable[[], None]) -> None:
    """Work, except in processes after the first."""
    try:
        (folder / "first").touch(exist_ok=False)
    except FileExistsError:
        (folder / f"failed-{os.getpid()}").touch()
        fail(ready)
    wait_for_the_end(folder, ready)
