"""Champions that change under load: a real `churn serve`, real requests, failed and wrong answers counted.

The server reads its champion from the store; another machine, with a models folder of its own, promotes version after
version there, a broken bundle between them, and rolls back at the end. Every answer has to have come, and its score to
be that of the version it names. Prints one line of JSON.

    python -m bench.champions [--changes 20] [--clients 4] [--store sqlite|postgres]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.deployment import StoredBundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from tests.companies.versions import CUSTOMER, disagreeing, version_of
from tests.postgres import new_store, postgres_server

CHURN = Path(sys.executable).with_name("churn")
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60.0


@dataclass
class Load:
    """Clients that ask one request after the other, and what they were answered."""

    port: int
    over: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[str, float]] = field(default_factory=list)
    slowest_ms: float = 0.0
    failures: list[str] = field(default_factory=list)

    def ask(self) -> None:
        body = json.dumps(CUSTOMER)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            while not self.over.is_set():
                start = time.perf_counter()
                try:
                    connection.request("POST", "/predict", body)
                    response = connection.getresponse()
                    answer = response.read()
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(type(error).__name__)
                    connection.close()
                    continue
                self.slowest_ms = max(self.slowest_ms, (time.perf_counter() - start) * 1e3)
                if response.status != 200:
                    self.failures.append(str(response.status))
                    continue
                version = response.headers["X-Model-Version"]
                self.answers.append((version, json.loads(answer)["churn_probability"]))

    @contextmanager
    def running(self, clients: int) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


def campaign(folder: Path, address: str, changes: int, clients: int) -> dict[str, Any]:
    """Change the champion ``changes`` times under load, and count."""
    settings = Settings.model_validate({"models": {"folder": folder / "elsewhere"}, "store": {"url": address}})
    deployer = Deployer(settings)
    _deploy(deployer, 1)
    with _server(folder, address) as (port, pid):
        load, seconds = Load(port), []
        before = _resident_mb(pid)
        with load.running(clients):
            for number in range(2, changes + 2):
                if number == changes // 2:
                    _plant_broken(address)
                    _wait(lambda: "champion_refused" in _ready(port))
                _deploy(deployer, number)
                start = time.perf_counter()
                _wait(lambda wanted=str(number): _ready(port).get("model_version") == wanted)
                seconds.append(time.perf_counter() - start)
            deployer.rollback("the end of the campaign")
            _wait(lambda: _ready(port).get("model_version") == str(changes))
        after = _resident_mb(pid)
    scores = {str(n): ChurnPredictor(version_of(n)).score_one(CUSTOMER) for n in range(1, changes + 2)}
    return {
        "changes": changes,
        "rollbacks": 1,
        "broken bundles": 1,
        "answers": len(load.answers),
        "failed": len(load.failures),
        "kinds of failures": sorted(set(load.failures)),
        "wrong": sum(score != scores.get(version) for version, score in load.answers),
        "versions that answered": len({version for version, _ in load.answers}),
        "slowest answer, ms": round(load.slowest_ms, 1),
        "slowest change, s": round(max(seconds), 2),
        "memory before and after, MB": [round(before), round(after)],
    }


def _deploy(deployer: Deployer, number: int) -> None:
    deployer.deploy(version_of(number), version=str(number), provenance={}, reason="the campaign")


def _plant_broken(address: str) -> None:
    """What promotion would refuse: a bundle that does not give its own recorded scores."""
    bundle = disagreeing(1000)
    stored = StoredBundle(bundle.sha256, bundle.to_bytes())
    with open_store(address) as store:
        Deployments(store).deploy(stored, version="broken", model_type=bundle.model_type, reason="the campaign")


@contextmanager
def _server(folder: Path, address: str) -> Iterator[tuple[int, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "CHURN__STORE__URL": address,
        "CHURN__MODELS__FOLDER": str(folder / "replica"),
        "CHURN__SERVING__CHAMPION_SECONDS": str(LOOK_SECONDS),
        "CHURN__LOGGING__LEVEL": "error",
    }
    command = [CHURN, "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(lambda: _ready(port).get("status") == "ready")
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _ready(port: int) -> dict[str, Any]:
    """What ``/ready`` answers; nothing while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), contextlib.suppress(OSError):
        connection.request("GET", "/ready")
        return dict(json.loads(connection.getresponse().read()))
    return {}


def _wait(happened: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > until:
            raise TimeoutError("the server did not take up the champion")
        time.sleep(0.02)  # a poll: the figure is right to this much


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    """Run the campaign; exit with 1 where an answer failed or was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        address = f"sqlite:///{name}/churn.db"
        if arguments.store == "postgres":
            address = new_store(stack.enter_context(postgres_server()))
        found = {"store": arguments.store} | campaign(Path(name), address, arguments.changes, arguments.clients)
    print(json.dumps(found))
    sys.exit(1 if found["failed"] or found["wrong"] else 0)


if __name__ == "__main__":
    main()
