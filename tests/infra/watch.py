"""What watches a company, for real: a server of two processes, schedule, PostgreSQL, Prometheus and Alertmanager."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from ruamel.yaml import YAML

from bench.outages.databases import Database, database
from bench.outages.replicas import clock_environ, free_port
from tests.infra.tools import ROOT

MAIN = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]
PATIENCE_SECONDS = 90.0
yaml = YAML(typ="safe", pure=True)
Alert = dict[str, Any]


class Receiver(ThreadingHTTPServer):
    """Takes what Alertmanager sends, as the systems of a person on call do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.alerts: list[tuple[str, Alert]] = []
        """Receiver and alert, in the order in which they came."""
        self._changed = threading.Condition()

    def take(self, receiver: str, alerts: list[Alert]) -> None:
        with self._changed:
            self.alerts += [(receiver, alert) for alert in alerts]
            self._changed.notify_all()

    def wait_for(self, name: str, status: str, since: int = 0, **labels: str) -> tuple[str, Alert]:
        """The next such alert, and its receiver; ``since`` is how many had come before."""

        def found() -> tuple[str, Alert] | None:
            for receiver, alert in self.alerts[since:]:
                wanted = {"alertname": name} | labels
                if alert["status"] == status and wanted.items() <= alert["labels"].items():
                    return receiver, alert
            return None

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE_SECONDS), (name, status, self.names(since))
            came = found()
            assert came is not None
            return came

    def names(self, since: int = 0) -> set[str]:
        """The alerts that fired, without the watchdog."""
        fired = {alert["labels"]["alertname"] for _, alert in self.alerts[since:] if alert["status"] == "firing"}
        return fired - {"Watchdog"}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(document["receiver"], document["alerts"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Watch:
    """The running company.

    Args:
        folder: the working directory of all commands.
        database: holds the store.
        receiver: of the alerts.
        server: the address of the server.
        prometheus: that of Prometheus.
        processes: by their name.
    """

    folder: Path
    database: Database
    receiver: Receiver
    server: str
    prometheus: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    HURRY: ClassVar[dict[str, str]] = {
        "CHURN__SCHEDULE__TIME_ZONE": "UTC",
        "CHURN__SCHEDULE__RETRIES": "0",
        "CHURN__SCHEDULE__AGAIN": "100",
        "CHURN__SCHEDULE__AGAIN_SECONDS": "3",
    }

    def churn(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """What a command leaves behind."""
        command = [*MAIN, "--config", "demo/config.yaml", *words]
        environ = self._environ(settings)
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)

    def start_schedule(self, clock: datetime) -> None:
        """Start the schedule, by a clock of its own that says ``clock`` now; one that runs is stopped first."""
        self.stop("scheduler")
        file = self.folder / "clock"
        file.write_text(f"{(clock - datetime.now(UTC)).total_seconds():+.0f}\n")
        settings = self.HURRY | {"CHURN__SCHEDULE__METRICS_PORT": str(self.ports["scheduler"])} | clock_environ(file)
        self.start("scheduler", [*MAIN, "--config", "demo/config.yaml", "schedule"], **settings)

    def start(self, name: str, command: list[str], **settings: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.folder, env=self._environ(settings), stdout=log, stderr=log
            )

    def stop(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is not None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            finally:
                process.kill()

    def ask(self, query: str) -> list[float]:
        """The numbers that Prometheus answers; none while it does not answer."""
        try:
            answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query})
        except httpx.TransportError:
            return []
        if answer.status_code == 503:
            return []
        assert answer.status_code == 200, answer.text
        found = [float(series["value"][1]) for series in answer.json()["data"]["result"]]
        return [number for number in found if number == number]  # not NaN

    def _environ(self, settings: dict[str, str]) -> dict[str, str]:
        ours = {"PYTHONPATH": str(ROOT / "src"), "CHURN__STORE__URL": self.database.address}
        return os.environ | ours | settings


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until it does."""
    tick = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / 0.2)):
        if holds():
            return
        tick.wait(0.2)
    pytest.fail(f"it never came to be: {what}")


@contextmanager
def watched(folder: Path) -> Iterator[Watch]:
    """The demo company with its server, Prometheus and Alertmanager, until the block ends; its schedule comes later."""
    for program in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there: `make test` installs it as root")
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        stack.callback(receiver.shutdown)
        ports = {name: free_port() for name in ("api", "scheduler", "prometheus", "alertmanager")}
        made = Watch(
            folder, stack.enter_context(database()), receiver,
            f"http://127.0.0.1:{ports['api']}", f"http://127.0.0.1:{ports['prometheus']}", ports=ports,
        )  # fmt: skip
        for name in ("api", "scheduler", "prometheus", "alertmanager"):
            stack.callback(made.stop, name)
        demo = [*MAIN, "demo", "--no-serve", "--half-year", "--customers", "3000", "--seed", "1"]
        # The version that is trained here is taken back at once, so it is of the type that is fitted fastest.
        environ = made._environ({"CHURN__TRAINING__MODEL_TYPE": "logistic_regression"})
        done = subprocess.run(demo, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        # The version whose lists have final labels, so that there is something to say of its money.
        for words in (("models", "rollback", "--reason", "compare"), ("monitor",)):
            assert made.churn(*words).returncode == 0
        write_settings(made)
        start_server(made)
        made.start("alertmanager", ["prometheus-alertmanager", "--config.file=alertmanager.yml",
                                    "--cluster.listen-address=", "--storage.path=alertmanager",
                                    f"--web.listen-address=127.0.0.1:{ports['alertmanager']}"])  # fmt: skip
        start_prometheus(made)
        until(lambda: made.ask("sum(churn_workers)") == [2.0], "the server is scraped")
        yield made


def start_server(made: Watch) -> None:
    serve = [*MAIN, "--config", "demo/config.yaml", "serve", "--port", str(made.ports["api"])]
    made.start("api", serve, CHURN__SERVING__WORKERS="2")


def start_prometheus(made: Watch) -> None:
    listens = f"--web.listen-address=127.0.0.1:{made.ports['prometheus']}"
    again = "--rules.alert.resend-delay=1s"  # a silent Prometheus is noticed after four of these
    data = "--storage.tsdb.path=prometheus"  # Debian's has one for the whole machine otherwise
    made.start("prometheus", ["prometheus", "--config.file=prometheus.yml", data, again, listens])


def write_settings(made: Watch) -> None:
    """The files of the project for Prometheus and Alertmanager, with the waits of minutes made to seconds."""
    (made.folder / "alerts.yml").write_text(hurried((ROOT / "infra/monitoring/alerts.yml").read_text()))
    routes = yaml.load(ROOT / "infra/compose/alertmanager.yml")
    fast = {"group_wait": "0s", "group_interval": "1s"}
    routes["route"].update(fast)
    for one in routes["route"]["routes"]:
        one.update(fast)
    routes["route"]["routes"][1]["repeat_interval"] = "1s"  # the watchdog
    routes["time_intervals"][0]["time_intervals"] = [{"weekdays": ["sunday:saturday"]}]  # tickets at any hour
    for one in routes["receivers"]:
        one["webhook_configs"] = [{"url": made.receiver.address, "send_resolved": True}]
    (made.folder / "alertmanager.yml").write_text(json.dumps(routes))  # JSON is YAML
    config = yaml.load(ROOT / "infra/compose/prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{made.ports['alertmanager']}"]
    for one in config["scrape_configs"]:
        one["static_configs"][0]["targets"] = [f"127.0.0.1:{made.ports[one['job_name']]}"]
    (made.folder / "prometheus.yml").write_text(json.dumps(config))


def hurried(rules: str) -> str:
    """The rules with waits of a few seconds; a server reads the store every 15 seconds, so longer than that is long."""
    waits = {"1m": "8s", "2m": "8s", "5m": "25s", "15m": "2s", "1h": "2s"}
    text = re.sub(r"for: (\w+)", lambda found: f"for: {waits[found[1]]}", rules)
    assert text.count("_promoted_timestamp_seconds)) < 3600") == 1
    text = text.replace("_promoted_timestamp_seconds)) < 3600", "_promoted_timestamp_seconds)) < 40")
    assert text.count("_read_timestamp_seconds) > 300") == 1
    return text.replace("_read_timestamp_seconds) > 300", "_read_timestamp_seconds) > 20")
