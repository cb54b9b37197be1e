"""One `churn serve` of several: its process, its settings, its clock."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from bench.outages.processes import family, resident_mb

CHURN = (sys.executable, "-c", "from churn_mlops.cli import main; main()")
TREE = Path(__file__).parents[2]
CLOCKS = Path("/usr/lib")
STOP_SECONDS = 60.0


class Replica:
    """A server that is started, told to stop, killed and started again, always on the same port.

    Args:
        number: from 1.
        folder: the working directory, shared with the others; what is its own stands in ``replica-NUMBER``.
        settings: as in the environment, such as ``CHURN__STORE__URL``.
        own_clock: whether its clock can be set (by libfaketime, which has to be there).
    """

    def __init__(self, number: int, folder: Path, settings: Mapping[str, str], *, own_clock: bool = False) -> None:
        self.number, self.folder = number, folder / f"replica-{number}"
        self.folder.mkdir()
        self.port = free_port()
        self.log = self.folder / "log.jsonl"
        self._environ = os.environ | {"PYTHONPATH": f"{TREE / 'src'}:{TREE}"} | dict(settings)
        self._environ |= {"CHURN__MODELS__FOLDER": str(self.folder / "models")}
        self._clock = self.folder / "clock"
        if own_clock:
            self.set_clock("+0")
            self._environ |= clock_environ(self._clock)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; :meth:`ready` tells when it answers."""
        command = [*CHURN, "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder.parent, env=self._environ, stdout=subprocess.DEVNULL, stderr=log
            )

    def terminate(self) -> int:
        """Tell it to stop, as an orchestrator does, and wait until it has.

        Returns:
            the code with which it ended.

        Raises:
            subprocess.TimeoutExpired: it has not ended after a minute.
        """
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill it and all that it started."""
        if self.process is not None:
            for pid in family(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(STOP_SECONDS)

    def set_clock(self, offset: str) -> None:
        """Set its clock off from the machine's by such as ``+1h``, ``-1h`` or ``+1d``; noticed within a second."""
        written = self._clock.with_suffix(".new")
        written.write_text(f"{offset}\n", encoding="utf-8")
        written.replace(self._clock)

    def ready(self) -> dict[str, Any]:
        """What ``/ready`` answers, asked past the proxy; nothing while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/ready")
            answer = connection.getresponse()
            return {"code": answer.status, **json.loads(answer.read())}
        return {}

    def clock_ahead(self) -> float:
        """Seconds by which its clock is ahead of the machine's, as the date of its answers tells."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            answer = connection.getresponse()
            answer.read()
            return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()

    def reads_the_source(self, key: str, customer: str) -> bool:
        """Whether it tells a customer fresh; with the first one it loads what reads sources, which takes a second."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", f"/customers/{customer}/risk", headers={"X-API-Key": key})
            told: dict[str, Any] = json.loads(connection.getresponse().read())
            return told.get("origin") == "source"

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent to it."""
        return self.ready().get("code") == 200

    @property
    def memory_mb(self) -> float:
        """Memory of the process and of all that it started."""
        return 0.0 if self.process is None else sum(map(resident_mb, family(self.process.pid)))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def clock_library() -> Path | None:
    """The library by which a process gets a clock of its own; None where it is not on this machine."""
    return next(iter(sorted(CLOCKS.glob("**/faketime/libfaketimeMT.so.1"))), None)


def clock_environ(file: Path) -> dict[str, str]:
    """The environment of a process whose clock is off from the machine's by what ``file`` holds, such as ``+1d``."""
    library = clock_library()
    assert library is not None, "libfaketime is not on this machine: apt-get install libfaketime"
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
        # Otherwise a thread that waits for another waits too long, so that all of them stand still for a while.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }
