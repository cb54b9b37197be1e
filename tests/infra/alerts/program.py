"""The program with all that it imports loaded once, by a clock of its own: each call is a fork of one process."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

from bench.outages.replicas import clock_environ
from churn_mlops.cli import main
from tests.infra.tools import ROOT

LOADED = (
    "churn_mlops.cli.main",
    "churn_mlops.pipelines.deployment.promote",
    "churn_mlops.pipelines.doctor.run_checks",
    "churn_mlops.pipelines.monitoring.measure",
    "churn_mlops.pipelines.scoring.publish",
    "churn_mlops.pipelines.scoring.single_customer",
    "churn_mlops.serving.server",
    "tests.infra.alerts.program",
    "tests.infra.alerts.weeks",
)
SETTINGS = {
    "serving__champion_seconds": "0.2",
    # A busy machine is no cause of an alert.
    "serving__champion_load_seconds": "60",
    "serving__champion_score_ms": "1000",
    "serving__request_seconds": "60",
    "serving__source_seconds": "30",
}
_CONTEXT = multiprocessing.get_context("forkserver")


class Program:
    """Starts calls.

    Args:
        folder: for the file of the clock.
    """

    def __init__(self, folder: Path) -> None:
        self._clock = folder / "clock"
        self.set_clock(time.time())
        self._server = forkserver.ForkServer()  # other tests fork another one
        self._server.set_forkserver_preload([*LOADED])
        resource_tracker.ensure_running()  # by the clock of the machine
        with patch.dict(os.environ, self._environ({})):
            self._server.ensure_running()

    def set_clock(self, now: float) -> None:
        """Let it be ``now`` for all that runs, in seconds since 1970."""
        written = self._clock.with_suffix(".new")
        written.write_text(f"{now - time.time():+.3f}\n", encoding="utf-8")
        written.replace(self._clock)

    def start(
        self, work: Callable[..., object], *words: str, folder: Path, said: Path, settings: Mapping[str, str]
    ) -> BaseProcess:
        """Start ``work`` with these words.

        Args:
            work: such as :func:`churn`.
            words: of it.
            folder: its working directory.
            said: for all that it prints.
            settings: such as ``serving__workers``.
        """
        process = _CONTEXT.Process(target=_do, args=(work, words, folder, said, self._environ(settings)))
        with patch.object(forkserver, "connect_to_new_process", self._server.connect_to_new_process):
            process.start()
        return process

    def close(self) -> None:
        """End the process that is forked."""
        self._server._stop()  # type: ignore[attr-defined]

    def _environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        ours = {f"CHURN__{name.upper()}": value for name, value in {**SETTINGS, **settings}.items()}
        clock = clock_environ(self._clock) | {"FAKETIME_NO_CACHE": "1"}
        return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} | clock | ours


def churn(*words: str) -> None:
    """The command."""
    sys.argv = ["churn", *words]
    main()


def _do(
    work: Callable[..., object], words: tuple[str, ...], folder: Path, said: Path, environ: Mapping[str, str]
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    with said.open("w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    work(*words)
