"""Jobs in processes of their own that report the step they have reached, so that they can be killed or kept there.

Importing the job takes longer than doing it, so each process is forked from one that has imported everything and done
nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from churn_mlops.cli import main
from churn_mlops.cli.interrupts import Stopping
from churn_mlops.config import load_settings
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.scheduling.daily_job import daily_job, timetable_of, utc_now
from churn_mlops.pipelines.scoring import score

BEFORE = ("begun", "reading")
DURING = ("staging", "moving")
AFTER = ("published", "retaining", "recording", "merging", "recorded", "waiting")
STEPS = (*BEFORE, *DURING, *AFTER)
DEADLINE_SECONDS = 120

_STATEMENTS = {
    "CREATE TEMPORARY TABLE staged_predictions": "staging",
    "INSERT INTO scoring_runs": "moving",
    "UPDATE scoring_runs SET as_of": "moving",
    "DROP TABLE staged_predictions": "published",
    "DELETE FROM predictions": "retaining",
    "CREATE TEMPORARY TABLE staged_outcomes": "recording",
    "INSERT INTO outcomes": "merging",
    "DROP TABLE staged_outcomes": "recorded",
}

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "churn_mlops.cli",
        "churn_mlops.pipelines.scheduling.daily_job",
        "alembic.command",
        "ibis.backends.duckdb",
        "pandas",
        __name__,
    ]
)


@dataclass
class Watched:
    """A job at work.

    Args:
        process: that does it.
        steps: on which it reports its steps, and gets the signal to go on.
        output: a file with what it prints.
        reached: the steps that it has reported, each with its time, in seconds on a clock of all processes.
    """

    process: BaseProcess
    steps: Connection
    output: Path
    reached: dict[str, float] = field(default_factory=dict)

    def until(self, step: str) -> bool:
        """Wait for ``step``; false where the job ends without it."""
        while step not in self.reached:
            if not self._hear(DEADLINE_SECONDS):
                return False
        return True

    def go_on(self) -> None:
        """Let it pass the step at which it was to wait."""
        self.steps.send("go on")

    def kill_after(self, seconds: float) -> None:
        """Kill it, by a signal that it cannot see, so many seconds from now; it may have ended by itself before."""
        self.process.join(seconds)
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Wait until it has ended, and give its exit code; negative where a signal killed it."""
        self.process.join(DEADLINE_SECONDS)
        assert self.process.exitcode is not None, f"still at work after {list(self.reached)}"
        while self._hear(0):
            pass
        return self.process.exitcode

    @property
    def last(self) -> str:
        """The last step that it has reported."""
        return list(self.reached)[-1] if self.reached else "none"

    @property
    def killed(self) -> bool:
        """Whether it was killed before it had ended."""
        return self.process.exitcode == -signal.SIGKILL

    @property
    def text(self) -> str:
        """The text that it has printed."""
        return self.output.read_text(encoding="utf-8")

    def _hear(self, seconds: float) -> bool:
        try:
            if not self.steps.poll(seconds):
                return False
            step, seconds_at = self.steps.recv()
            self.reached[step] = seconds_at
        except (EOFError, ConnectionResetError):
            return False
        return True


@contextmanager
def churn(
    output: Path, *arguments: object, wait_at: str | None = None, most_pages: int | None = None
) -> Iterator[Watched]:
    """The command ``churn`` with ``arguments``.

    Args:
        output: takes what it prints.
        arguments: of the command.
        wait_at: the step at which it waits for the signal to go on.
        most_pages: to which an SQLite store can grow, as on a disk that is full.
    """
    with _started(_churn, output, (wait_at, most_pages), tuple(map(str, arguments))) as watched:
        yield watched


@contextmanager
def daily_run(output: Path, config: Path, as_of: date, *, wait_at: str | None = None) -> Iterator[Watched]:
    """The work of the schedule for the day ``as_of``: publish it, delete what is too old, record outcomes."""
    with _started(_daily, output, (wait_at, None), (config, as_of)) as watched:
        yield watched


@contextmanager
def _started(
    work: Callable[..., None], output: Path, ways: tuple[str | None, int | None], arguments: tuple[object, ...]
) -> Iterator[Watched]:
    ours, its = _context.Pipe()
    process = _context.Process(target=_watched, args=(work, its, output, ways, arguments, dict(os.environ)))
    process.start()
    its.close()
    with ours:
        try:
            yield Watched(process, ours, output)
        finally:
            process.kill()
            process.join()


# The rest happens in the process of the job.


def _watched(
    work: Callable[..., None],
    steps: Connection,
    output: Path,
    ways: tuple[str | None, int | None],
    arguments: tuple[object, ...],
    environ: dict[str, str],
) -> None:
    os.environ.update(environ)
    with output.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # The streams that the parent of the test has replaced (pytest does) are not at work here.
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 for the life of the process
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    wait_at, most_pages = ways
    reported: set[str] = set()

    def report(step: str) -> None:
        # Predictions are deleted twice: to make way for the new ones, and later since they are too old.
        if step not in reported and (step != "retaining" or "published" in reported):
            reported.add(step)
            steps.send((step, time.monotonic()))
            if step == wait_at:
                steps.recv()

    _listen(report)
    if most_pages is not None:
        event.listen(Engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={most_pages}"))
    report("begun")
    work(*arguments)


def _listen(report: Callable[[str], None]) -> None:
    """Report a step when the real job gets to it; the job itself is left as it is."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _statement(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        words = " ".join(statement.split())
        for start, step in _STATEMENTS.items():
            if words.startswith(start):
                report(step)

    read_history, wait = score.read_history, Stopping.wait

    def reading(*arguments: Any, **named: Any) -> Any:
        report("reading")
        return read_history(*arguments, **named)

    def waiting(stopping: Stopping, seconds: float) -> bool:
        if seconds > 0:
            report("waiting")
        return wait(stopping, seconds)

    score.read_history = reading
    Stopping.wait = waiting  # type: ignore[method-assign]


def _churn(*arguments: str) -> None:
    sys.argv = ["churn", *arguments]
    main()


def _daily(config: Path, as_of: date) -> None:
    settings = load_settings(config)
    timetable = timetable_of(settings, utc_now())
    daily_job(settings, timetable, RetryClock(lambda _: False)).run(as_of)
