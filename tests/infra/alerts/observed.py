"""The real server of a company, with a clock of its own that jumps from minute to minute."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.infra.alerts.course import Course, sent
from tests.infra.alerts.program import Program, churn
from tests.infra.tools import ROOT
from tests.test_api import CUSTOMER

PATIENCE_SECONDS, TRIES = 60.0, 5
RUNBOOKS = ROOT / "docs/runbooks"


class Observed:
    """A company whose metrics are read every minute of its own clock.

    Args:
        program: the program; its clock is that of the company.
        folder: the working directory of all commands, with ``config.yaml``.
        starts_at: the time of its clock, in seconds since 1970.
    """

    def __init__(self, program: Program, folder: Path, starts_at: float) -> None:
        self._program, self.folder, self._now = program, folder, starts_at
        program.set_clock(starts_at)
        self.process: BaseProcess | None = None
        self.port = 0
        self._course: Course | None = None
        self._expected: list[str | None] = []
        self._settings: dict[str, str] = {}

    def sleep(self, hours: float) -> None:
        """Let time pass that is no part of the course."""
        self._now += hours * 3600
        self._program.set_clock(self._now)
        if self._course is not None:
            self._course.began_at += hours * 3600

    def serve(self, **settings: str) -> None:
        """Start the server; one that runs is stopped first. Settings such as ``serving__workers`` stay for the next."""
        self.stop()
        self._settings |= settings
        said = self.folder / "server.log"
        said.write_text("")
        self.process = self._program.start(
            churn, "--config", "config.yaml", "serve", "--port", "0",
            folder=self.folder, said=said, settings=self._settings,
        )  # fmt: skip
        self.until(lambda: "Serving on" in said.read_text() or not self._is_alive(), "it serves")
        found = re.search(r"Serving on \S+:(\d+) ", said.read_text())
        assert found, said.read_text()
        self.port = int(found[1])

    def stop(self) -> None:
        """Stop the server, if one runs."""
        if self.process is not None:
            self.signal(signal.SIGINT)
            self.process.join(20)
            self.process.kill()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def churn(self, command: str, *, code: int = 0, **settings: str) -> str:
        """Type a command such as ``churn score``, and give what it prints."""
        words = shlex.split(command)
        assert words[0] == "churn"
        return self.run(churn, "--config", "config.yaml", *words[1:], code=code, **settings)

    def run(self, work: Callable[..., object], *words: str, code: int = 0, **settings: str) -> str:
        """Do some work by the clock of the company, and give what it prints."""
        said = self.folder / "said.log"
        process = self._program.start(work, *words, folder=self.folder, said=said, settings=settings)
        process.join()
        assert process.exitcode == code, said.read_text()
        return said.read_text()

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> int:
        """The status of an answer of the server."""
        with closing(self._connection()) as connection:
            return self._answer(connection, method, path, body, headers)[0]

    def predict(self, times: int = 1) -> None:
        """Have a customer predicted so many times."""
        with closing(self._connection()) as connection:
            for _ in range(times):
                assert self._answer(connection, "POST", "/predict", CUSTOMER)[0] == 200

    def pass_minutes(self, minutes: int, meanwhile: Callable[[], object] = int, *, every: int = 1) -> None:
        """Let time pass: after every so many minutes something is done, and the page of metrics is read."""
        for _ in range(0, minutes, every):
            self._now += 60 * every
            self._program.set_clock(self._now)
            course = self._course = self._course or Course(self._now)
            course.minute = round((self._now - course.began_at) / 60)
            meanwhile()
            course.add(self._page())

    def expect(self, alert: str | None = None, also: str | None = None, **labels: str) -> None:
        """Expect one alert, or none, to be received now.

        Args:
            alert: the name.
            also: another one that fires, and is not sent beside it.
            labels: of the alert, beside those of its rule.
        """
        assert self._course is not None
        firing: dict[str, Mapping[str, str]] = {} if alert is None else {alert: labels}
        firing |= {} if also is None else {also: {}}
        assert sent(firing) == ({alert} - {None})
        self._course.expect(**firing)
        self._expected.append(alert)

    def check(self) -> None:
        """Compare all expectations with the rules: something fires, and nothing does before it and after it."""
        assert self._course is not None
        assert (self._expected[0], self._expected[-1]) == (None, None)
        assert any(self._expected)
        self._course.check(self.folder)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until it does."""
        tick, ends = threading.Event(), time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < ends, f"it never came to be: {what}"
            tick.wait(0.02)

    def shown(self, metric: str) -> float:
        """The sum of the samples of a metric on the page, those whose lines begin with ``metric``."""
        lines: list[str] = []
        with suppress(OSError, http.client.HTTPException), closing(self._connection()) as connection:
            lines = self._answer(connection, "GET", "/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))

    @contextmanager
    def locked(self, *, for_readers: bool = False) -> Iterator[None]:
        """Another program holds a lock in the store: nothing can be written, or nothing read either."""
        with closing(sqlite3.connect(self.folder / "churn.db", isolation_level=None)) as connection:
            if for_readers:
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def short_of_memory(self) -> Iterator[None]:
        """One process of the server is killed by the kernel, and each that is started in its place."""
        assert self.process is not None
        assert self.process.pid is not None
        server = self.process.pid
        over, (stays, *_) = threading.Event(), workers_of(server)

        def kill() -> None:
            while not over.wait(0.02):
                with suppress(ProcessLookupError):
                    for pid in set(workers_of(server)) - {stays}:
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            yield
        finally:
            over.set()
            killer.join()

    def _page(self) -> str | None:
        """The page of metrics, None where the server does not give it.

        A page of the status before it lets the server read the store by the present clock.
        """
        for _ in range(TRIES):  # on a busy machine the store may be slow, and a process that is killed takes no request
            with suppress(OSError, http.client.HTTPException), closing(self._connection()) as connection:
                status = self._answer(connection, "GET", "/api/status")
                if status[0] == 200 and json.loads(status[1])["is_store_there"]:
                    code, page = self._answer(connection, "GET", "/metrics")
                    return page if code == 200 else None
        return None

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    @staticmethod
    def _answer(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        connection.request(method, path, None if body is None else json.dumps(body), dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def _is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive()


def workers_of(server: int) -> list[int]:
    """The processes that answer, the oldest first."""
    found = []
    with suppress(OSError):
        for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def fix_of(page: str, begins: str) -> str:
    """The one command of a runbook's part "Fix it" that begins so."""
    text = (RUNBOOKS / f"{page}.md").read_text(encoding="utf-8").partition("**Fix it.**")[2]
    commands = [
        *re.findall(r"`(churn [^`]+)`", " ".join(text.split())),
        *(line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()),
    ]
    (found,) = {one for one in commands if one.startswith(begins)}
    return str(found)
