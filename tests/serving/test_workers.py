"""Several processes on one port: none is missed, and together they end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from churn_mlops.errors import ServingError
from churn_mlops.serving.workers import MOST_FAILURES, Workers
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from tests.serving.processes import CHURN, ROOT, ask, folder
from tests.serving.worker_targets import fail, hear_nothing, wait_for_the_end, work_first_only

__all__ = ["folder"]  # a fixture
PATIENCE_SECONDS = 30.0


def end(number: int = signal.SIGTERM) -> None:
    """A signal of a person, or of the system, to the parent."""
    os.kill(os.getpid(), number)


def until(holds: Callable[[], bool]) -> None:
    """Wait until it does."""
    tick = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        if holds():
            return
        tick.wait(0.02)
    pytest.fail("it never came to be")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_answer_before_the_announcement_and_end_with_the_parent(tmp_path: Path, number: int) -> None:
    said: list[list[Path]] = []

    def announce() -> None:
        said.append([*tmp_path.iterdir()])
        end(number)

    Workers(2, partial(wait_for_the_end, tmp_path), PATIENCE_SECONDS).run(announce)
    assert [len(files) for files in said] == [2]
    assert not [file for file in tmp_path.iterdir() if Path(f"/proc/{file.name}").exists()]
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_another_takes_the_place_of_one_that_was_killed(tmp_path: Path) -> None:
    def kill_one() -> None:
        os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)
        threading.Thread(target=end_after_three).start()

    def end_after_three() -> None:
        until(lambda: len([*tmp_path.iterdir()]) == 3)
        end()

    Workers(2, partial(wait_for_the_end, tmp_path), PATIENCE_SECONDS).run(kill_one)
    assert len([*tmp_path.iterdir()]) == 3


def test_one_that_does_not_end_is_killed() -> None:
    Workers(1, hear_nothing, patience=0.05).run(end)


def test_processes_that_end_before_they_answer_are_abandoned(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServingError, match=f"{MOST_FAILURES} processes in a row ended before they answered"):
        Workers(2, fail, PATIENCE_SECONDS, pause=0.001).run(end)
    said = "".join(capfd.readouterr())
    assert "there is nothing to answer with" in said
    assert "Traceback" not in said


def test_one_that_answers_goes_on_though_no_other_can_be_started(tmp_path: Path) -> None:
    """The first works, all later ones fail: it is not ended on their account."""

    def end_after_many() -> None:
        until(lambda: len([*tmp_path.glob("failed-*")]) > MOST_FAILURES + 2)
        (alive,) = [file for file in tmp_path.glob("[0-9]*") if Path(f"/proc/{file.name}").exists()]
        os.kill(int(alive.name), 0)
        end()

    watching = threading.Thread(target=end_after_many)
    watching.start()
    Workers(2, partial(work_first_only, tmp_path), PATIENCE_SECONDS, pause=0.0001).run(lambda: None)
    watching.join()


def test_workers_share_port_keys_and_metrics_and_none_is_missed_when_killed(folder: Path, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        key, _ = make_key(store, "crm", "service", by="test")
        admin, _ = make_key(store, "on-call", "admin", by="test")
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CHURN__STORE__URL": address}
    environ |= {"CHURN__SERVING__DRAIN_SECONDS": "1", "CHURN__MODELS__FOLDER": str(folder / "models")}
    command = [*CHURN, "serve", "--port", "0", "--workers", "2"]
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as parent,
    ):
        try:
            assert parent.stdout is not None
            found = re.search(r":(\d+) ", parent.stdout.readline())
            assert found, log.read_text()
            port = int(found[1])
            assert {ask(port, key)[0] for _ in range(20)} == {200}
            assert counted(port, key, r'churn_requests_total{route="/predict",status="200"}') >= 19
            assert counted(port, key, "churn_workers") == counted(port, key, "churn_workers_wanted") == 2
            status = ask(port, admin, "GET", "/api/status")[1]
            assert (status["processes"], status["processes_wanted"]) == (2, 2)
            os.kill(workers_of(parent.pid)[0], signal.SIGKILL)
            assert {ask(port, key)[0] for _ in range(20)} == {200}
            until(lambda: len(workers_of(parent.pid)) == 2 and counted(port, key, "churn_workers") == 2)
            assert counted(port, key, r'churn_requests_total{route="/predict",status="200"}') >= 38
            parent.send_signal(signal.SIGTERM)
            until(lambda: ask(port, None, "GET", "/ready")[0] == 503)
            assert ask(port, key)[0] == 200
            assert parent.wait(PATIENCE_SECONDS) == 0
        finally:
            parent.kill()
    assert '"event":"request_failed"' not in log.read_text()


def workers_of(parent: int) -> list[int]:
    """The processes of a server."""
    listing = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if "multiprocessing.spawn" in line]


def counted(port: int, key: str, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics", headers={"X-API-Key": key})
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
