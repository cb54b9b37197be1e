"""A server's processes: started on their core, asked, weighed, and ended with all that they started."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.servers import Peer
from bench.predict import SERVER_CORE

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Process:
    """A server that answers.

    Args:
        session: of its processes.
        start_seconds: from its start to its first good answer.
    """

    session: int
    start_seconds: float

    def ask(self, peer: Peer, customer: Mapping[str, Any]) -> float:
        """The churn probability of one customer."""
        return _asked(peer, customer)

    def get(self, url: str) -> Any:
        """The JSON at ``url``."""
        return json.loads(_answer("GET", url, None, {}))

    def memory_mb(self) -> float:
        """Resident memory of all its processes; what they share counts once."""
        kilobytes = 0
        for path in Path("/proc").glob("[0-9]*/smaps_rollup"):
            # A process may end meanwhile, and those of others cannot be read.
            with contextlib.suppress(OSError):
                if os.getsid(int(path.parent.name)) == self.session:
                    kilobytes += sum(int(line.split()[1]) for line in path.open() if line.startswith("Pss:"))
        return kilobytes / 1024


@contextmanager
def running(peer: Peer, folder: Path, environment: Mapping[str, str], example: Mapping[str, Any]) -> Iterator[Process]:
    """A server in ``folder`` that has given its first good answer; what it prints goes to a log there."""
    with (folder / f"{peer.name} {peer.form}.log").open("w") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *peer.command],
            cwd=folder, env=dict(environment), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for_an_answer(peer, example, start, process)
            yield Process(process.pid, time.perf_counter() - start)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            with contextlib.suppress(ProcessLookupError):  # whom the first of them left behind
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for_an_answer(peer: Peer, example: Mapping[str, Any], start: float, process: subprocess.Popen[bytes]) -> None:
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):  # nobody listens yet, or it is not ready
            _asked(peer, example)
            return
        if process.poll() is not None or time.perf_counter() - start > PATIENCE_SECONDS:
            raise RuntimeError(f"{peer.name} ({peer.form}) gives no answer; it was started by {' '.join(peer.command)}")
        time.sleep(0.01)  # a poll: the figure is right to this much


def _asked(peer: Peer, customer: Mapping[str, Any]) -> float:
    body = json.dumps(peer.body(customer))
    return peer.score(json.loads(_answer("POST", peer.url, body, {"Content-Type": "application/json", **peer.headers})))


def _answer(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> bytes:
    parts = urllib.parse.urlsplit(url)
    with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)) as connection:
        connection.request(method, parts.path, body, dict(headers))
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(f"{url} answered {answer.status}: {told[:300]!r}")
        return told
