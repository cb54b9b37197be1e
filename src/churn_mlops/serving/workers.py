"""Several processes that answer on one port: started, watched, replaced if one ends, and stopped together.

They take connections from one socket, so that none is lost with a process that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import structlog
from prometheus_client.multiprocess import mark_process_dead

from churn_mlops.errors import ChurnError, ServingError
from churn_mlops.serving.observability.process_metrics import FOLDER

MOST_FAILURES = 5
"""After so many in a row that ended before they answered, no more are started, unless another answers."""
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CONTEXT = multiprocessing.get_context("spawn")
log = structlog.get_logger("churn_mlops.serving")

Work = Callable[[Callable[[], None]], None]
"""Answers requests until the process is stopped, and calls its argument once it answers. Can be pickled."""


@dataclass
class _Worker:
    """A process, and the connection on which it reports that it answers; None once it has."""

    process: SpawnProcess
    ready: Connection | None


class Workers:
    """The processes.

    Args:
        count: how many.
        work: the work of each.
        patience: seconds in which they have to end after a signal to stop; then they are killed.
        pause: seconds before another is started after one that ended before it answered; doubled each time.
        on_stop: called once, when they are asked to stop: the parent has to close what they share too, or a connection
            that no worker takes any more would wait instead of being refused.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        patience: float,
        pause: float = PAUSE_SECONDS,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self._count, self._work, self._patience, self._pause = count, work, patience, pause
        self._running: list[_Worker] = []
        self._failures, self._is_abandoned = 0, False
        self._start_at = 0.0
        self._kill_at: float | None = None
        self._announce: Callable[[], None] | None = None
        self._on_stop = on_stop

    def run(self, announce: Callable[[], None]) -> None:
        """Keep them running until this process gets SIGTERM or Ctrl-C, which it passes on to them.

        Args:
            announce: called once all of them answer.

        Raises:
            ServingError: processes end, again and again, before they answer.
        """
        self._announce = announce
        with _counting_together() as folder, _signals() as signals:
            try:
                while self._running or self._kill_at is None:
                    self._fill_up()
                    self._wait(signals)
                    self._look(folder)
            finally:
                for worker in self._running:
                    worker.process.kill()
                    worker.process.join()
        if self._is_abandoned:
            raise ServingError(
                f"{self._failures} processes in a row ended before they answered: the log above says why of each"
            )

    def _fill_up(self) -> None:
        while len(self._running) < self._count and self._kill_at is None and time.monotonic() >= self._start_at:
            ours, theirs = _CONTEXT.Pipe(duplex=False)
            process = _CONTEXT.Process(target=_child, args=(self._work, theirs), name="worker")
            process.start()
            theirs.close()
            self._running.append(_Worker(process, ours))

    def _wait(self, signals: int) -> None:
        """Until something happened, or something has to be done."""
        what: list[Any] = [signals, *(worker.process.sentinel for worker in self._running)]
        what += [worker.ready for worker in self._running if worker.ready is not None]
        due = self._kill_at or (self._start_at if len(self._running) < self._count else None)
        happened = wait(what, None if due is None else max(0.0, due - time.monotonic()))
        if signals in happened:
            self._stop(os.read(signals, 1)[0])
        elif self._kill_at is not None and not happened:
            log.error("workers_killed", reason="they did not end in time", workers=len(self._running))
            for worker in self._running:
                worker.process.kill()

    def _look(self, folder: str) -> None:
        """Note which answer by now, and which have ended."""
        for worker in [*self._running]:
            if worker.ready is not None and worker.ready.poll():
                self._note_ready(worker, worker.ready)
            if worker.process.exitcode is not None:
                self._running.remove(worker)
                mark_process_dead(worker.process.pid, folder)  # type: ignore[no-untyped-call]
                self._note_end(worker)

    def _note_ready(self, worker: _Worker, ready: Connection) -> None:
        try:
            ready.recv()
        except EOFError:  # it has ended
            return
        ready.close()
        worker.ready, self._failures = None, 0
        if self._announce is not None and all(one.ready is None for one in self._running):
            self._announce()
            self._announce = None

    def _note_end(self, worker: _Worker) -> None:
        if self._kill_at is not None:
            return
        log.error("worker_ended", pid=worker.process.pid, exit_code=worker.process.exitcode)
        if worker.ready is None:
            return  # another takes its place immediately
        if worker.process.exitcode == -signal.SIGTERM:
            return  # it got the signal while it started, as this process did, or is about to
        self._failures += 1
        self._start_at = time.monotonic() + min(self._pause * 2 ** (self._failures - 1), LONGEST_PAUSE_SECONDS)
        # As long as one answers, others are started: the cause of the failures may pass.
        if self._failures >= MOST_FAILURES and not any(one.ready is None for one in self._running):
            self._is_abandoned = True
            self._stop(signal.SIGTERM)

    def _stop(self, number: int) -> None:
        self._kill_at = time.monotonic() + self._patience
        if self._on_stop is not None:
            self._on_stop()
            self._on_stop = None
        for worker in self._running:
            if worker.process.pid is not None and worker.process.exitcode is None:
                os.kill(worker.process.pid, number)


def _child(work: Work, ready: Connection) -> None:
    """A worker: Ctrl-C of a terminal goes to the parent alone; killed, it takes its children along."""
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(lambda: ready.send(True))
        leave()
    except ChurnError as error:
        log.error("worker_failed", error=str(error))
        sys.exit(1)
    except Exception:  # multiprocessing would print it as several lines of text
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _counting_together() -> Iterator[str]:
    """The folder in which the processes count together, by the variable that their library reads."""
    before = os.environ.get(FOLDER)
    with tempfile.TemporaryDirectory(prefix="churn-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield folder
        finally:
            os.environ.pop(FOLDER)
            if before is not None:
                os.environ[FOLDER] = before


@contextmanager
def _signals() -> Iterator[int]:
    """A file descriptor from which each signal can be read, a byte each."""
    read, write = os.pipe()
    before = {number: signal.signal(number, lambda got, frame: _pass_on(write, got)) for number in _SIGNALS}
    try:
        yield read
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(read)
        os.close(write)


def _pass_on(write: int, number: int) -> None:
    os.write(write, bytes([number]))


def leave() -> None:
    """End the process here if a thread may hang in a driver: the interpreter's own end would crash in it.

    Everything else that belongs to the end has been done before.
    """
    if any(thread.name.startswith(("source-", "store-")) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
