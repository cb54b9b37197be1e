"""Waiting that SIGTERM and Ctrl-C end immediately."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """While it is entered, the first signal asks to stop, which ends waits, and the second interrupts whatever runs.

    A pipe reports the signal: a lock, as an event of ``threading`` has, could be held by what the signal interrupts.
    """

    def __enter__(self) -> Stopping:
        self._signalled = False
        self._read, self._write = os.pipe()
        self._before: dict[int, Any] = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds; true, immediately, once a signal came."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        return bool(ready)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            raise KeyboardInterrupt
        self._signalled = True
        os.write(self._write, b"!")
