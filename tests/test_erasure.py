"""A planted customer goes through all that this program does, is erased, and is then looked for in every byte.

The company's own database, which keeps them, lies elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.contacts import contacts
from churn_mlops.store.scoring.outcomes import scored_outcomes
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import Run, run_of
from churn_mlops.store.suppression.tombstones import all_tombstones
from tests.command import Churn, Result, runner
from tests.companies.history import copy_small_company, latest_recorded_time
from tests.find_customer_bytes import in_files, in_tables

NAME, OTHER = "Zyxomma-Petiolatum-77", "Ictinogomphus-Ferox-12"
HASH_KEY = "a key of our own"
BACK = (100, 99)
"""Days before the last of the source: long enough for labels to be final."""
SERVE = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]


@dataclass(frozen=True)
class Place:
    """A working directory with a trained model; the source is beside it."""

    work: Path
    days: tuple[date, date]

    @property
    def store(self) -> str:
        return f"sqlite:///{self.work / 'store' / 'churn.db'}"

    def config(self, **sections: dict[str, Any]) -> Path:
        """Settings that keep everything in the working directory."""
        written = {
            "source": {"url": str(self.work.parent / "source" / "company.duckdb"), "as_of": "latest"},
            "contract": {"path": str(self.work.parent / "source" / "contract.yaml")},
            "models": {"folder": str(self.work / "models")},
            "mlflow": {
                "uri": f"sqlite:///{self.work / 'mlflow' / 'mlflow.db'}",
                "artifacts": str(self.work / "mlflow/artifacts"),
            },
            "store": {
                "url": self.store,
                "customer_hash_key": HASH_KEY,
                "tombstones": str(self.work / "erasures" / "tombstones.jsonl"),
            },
            "training": {"model_type": "logistic_regression", "snapshots": 2},
            "serving": {"source_seconds": 60.0},  # the first customer takes longer: what reads sources is loaded
            "decision": {"threshold": 0.0},  # every customer is on the list, and has reasons
        }
        for section, changed in sections.items():
            written[section] |= changed
        path = self.work / "config.yaml"
        path.write_text(json.dumps(written), encoding="utf-8")
        return path

    def runs(self) -> list[Run | None]:
        with open_store(self.store) as store:
            return [run_of(store, day) for day in self.days]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_history: Path, record: Path) -> Place:
    """The company with two planted customers, one of which has a value that every validation quotes."""
    folder = tmp_path_factory.mktemp("erasure")
    (folder / "source").mkdir()
    (folder / "work" / "mlflow").mkdir(parents=True)
    settings = copy_small_company(small_history, folder / "source", record)
    shutil.move(folder / "source" / "mlflow.db", folder / "work" / "mlflow" / "mlflow.db")
    last = latest_recorded_time(settings).date()
    place = Place(folder / "work", (last - timedelta(days=BACK[0]), last - timedelta(days=BACK[1])))
    with duckdb.connect(str(settings.source.url)) as connection:
        found = connection.execute(
            "SELECT customer_id FROM customers WHERE churn_date IS NULL AND signup_date < ? ORDER BY 1 LIMIT 2",
            [place.days[0] - timedelta(days=90)],
        ).fetchall()
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'customer_id'"
        ).fetchall()
        for (old,), new in zip(found, (NAME, OTHER), strict=True):
            for (table,) in tables:
                connection.execute(f"UPDATE {table} SET customer_id = ? WHERE customer_id = ?", [new, old])
        connection.execute("UPDATE plans SET contract_type = 'pigeon' WHERE customer_id = ?", [NAME])
    return place


@pytest.fixture
def churn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Churn:
    return runner(monkeypatch, capsys)


@contextmanager
def serving(place: Place, config: Path) -> Iterator[httpx.Client]:
    """The server as a process of its own, whose log is in the working directory; it ends drained."""
    with (place.work / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [*SERVE, "--config", str(config), "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ,
            cwd=place.work,
        )
        try:
            assert server.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert found, (place.work / "server.log").read_text(encoding="utf-8")
            with httpx.Client(base_url=found[0], timeout=60) as client:
                yield client
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
    assert server.returncode == 0


def talk(client: httpx.Client) -> None:
    """Call about each of the two."""
    for name in (NAME, OTHER):
        risk = client.get(f"/customers/{name}/risk")
        assert (risk.status_code, risk.json()["origin"]) == (200, "source"), risk.text
        features = {one["name"]: None for one in client.get("/model").json()["features"]}
        answer = client.post("/predict", json=features | {"tenure": 12.0})
        work = {"note": f"{name} waits."}  # before a contact or a wish speaks against it
        assert client.post(f"/api/list/{name}/take", json=work).status_code in (200, 404)
        ids = (risk.headers["X-Prediction-Id"], answer.headers.get("X-Prediction-Id"))
        for place, id in enumerate(ids):
            body = {"customer_id": name, "offer": "20 % off", "result": "accepted"} | (
                {"prediction_id": id} if id else {}
            )
            key = {"Idempotency-Key": f"call of {name} {place}"}
            assert client.post("/contacts", json=body, headers=key).status_code == 201
        assert client.get("/predictions", params={"customer": name}).json()["predictions"]
        note = {"text": f"{name} asked for a call."}
        assert client.post(f"/customers/{name}/notes", json=note).status_code == 201
        wish = {"blocked": True, "reason": f"{name} asked for it."}
        assert client.post(f"/customers/{name}/do-not-contact", json=wish).status_code == 200
        assert client.get(f"/customers/{name}/timeline").json()["notes"]
    assert client.get("/predictions", params={"limit": 1000}).status_code == 200


def ok(result: Result) -> Result:
    assert result.code == 0, result.err + result.out
    return result


def test_an_erased_customer_is_in_no_byte_and_never_comes_back(trained: Place, churn: Churn) -> None:
    place, config = trained, trained.config()
    first, second = place.days
    command = ("--config", config)
    work, backup = place.work, place.work.parent / "backup.db"

    ok(churn(*command, "train"))
    terms = ("--name", "Spring", "--offer", "20 % off", "--cost", 1, "--script", "Thank you.", "--starts-on", first)
    ok(churn(*command, "campaign", "create", *terms, "--everyone", "--control-share", 0, "--explore-share", 0))
    ok(churn(*command, "score", "--as-of", first))
    ok(churn(*command, "mature"))
    with serving(place, config) as client:
        talk(client)
    with closing(sqlite3.connect(work / "store" / "churn.db")) as database:
        database.execute("VACUUM INTO ?", [str(backup)])
    assert f"(first: {NAME}, 'pigeon')" in str(place.runs()[0].warnings)  # type: ignore[union-attr]
    with open_store(place.store) as store:
        of_campaigns = {"assignments", "do_not_contact", "list_work", "customer_notes"}
        of_runs = {"predictions", "outcomes", "answers", "contacts", "scoring_runs"}
        assert set(in_tables(store, NAME)) == of_runs | of_campaigns
        before = [(one.at, one.offer, one.result, one.caller) for one in contacts(store, limit=100)]
        labelled = sum(len(batch.customer) for batch in scored_outcomes(store, first))
    assert in_files(work, NAME) == in_files(work, "pigeon") == ["store/churn.db"]
    run = place.runs()[0]
    frozen = {path: path.stat().st_size for path in (work / "models" / "frozen").iterdir()}

    # The erasure while the server runs, with its connections open.
    with serving(place, config) as client:
        assert client.get(f"/customers/{NAME}/risk").status_code == 200
        while client.get("/ready").json()["answers_waiting"]:  # what waits is dropped instead, and not counted there
            pass
        report = json.loads(ok(churn(*command, "forget", NAME, "--yes", "--json")).out)
        assert client.get(f"/customers/{NAME}/risk").status_code == 404
        assert client.get(f"/customers/{OTHER}/risk").status_code == 200
        body = {"customer_id": NAME, "offer": "20 % off", "result": "accepted"}
        assert client.post("/contacts", json=body, headers={"Idempotency-Key": "once more"}).status_code == 410

    removed = report["removed"]
    assert (report["whole"], removed["predictions"], removed["outcomes"], removed["contacts"]) == (True, 1, 1, 2)
    assert (removed["frozen_snapshots"], removed["warnings"]) == (len(frozen), 1)
    assert removed["answers"] >= 2
    assert {removed[table] for table in of_campaigns} == {1}
    assert NAME not in json.dumps(report)
    assert in_files(work, NAME) == in_files(work, "pigeon") == []
    assert "server.log" in in_files(work, "/customers/{customer_id}/risk")  # so the log is looked at indeed
    assert all(path.stat().st_size < size for path, size in frozen.items())

    # The totals stand as they did, and every other customer is there.
    now = place.runs()[0]
    assert run is not None
    assert now is not None
    assert (now.customers, now.likely, now.worth_an_offer, now.finished_at, now.matured_at) == (
        run.customers, run.likely, run.worth_an_offer, run.finished_at, run.matured_at,
    )  # fmt: skip
    with open_store(place.store) as store:
        assert in_tables(store, NAME) == []
        assert [(one.at, one.offer, one.result, one.caller) for one in contacts(store, limit=100)] == before
        assert sum(len(batch.customer) for batch in scored_outcomes(store, first)) == labelled - 1
        assert len(predictions(store, first)) == run.customers - 1
        [stone] = all_tombstones(store)
        assert stone.hash == report["hashes"][0]
        about = {event.event for event in audit_events(store, about=stone.hash, limit=100)}
        assert "customer.forgotten" in about

    # Tomorrow's run, on a source that still has them: scored, outcomes recorded, trained, written to a file.
    out = work / "list.csv"
    printed = [
        ok(churn(*command, "score", "--as-of", second, "--out", out, "--json")),
        ok(churn(*command, "score", "--as-of", first)),
        ok(churn(*command, "mature")),
        ok(churn(*command, "train")),
    ]
    assert [NAME in result.out + result.err for result in printed] == [False] * 4
    assert OTHER in out.read_text(encoding="utf-8")
    assert in_files(work, NAME) == []
    assert "pigeon" not in str([run.warnings for run in place.runs() if run is not None])

    # A backup from before is put in the place of the store: the next run removes them again, and says so.
    for path in (work / "store").glob("churn.db*"):
        path.unlink()
    shutil.copy(backup, work / "store" / "churn.db")
    assert in_files(work, NAME) == ["store/churn.db"]
    said = ok(churn(*command, "score", "--as-of", second)).err
    assert "erasures_reapplied" in said
    assert NAME not in said
    assert in_files(work, NAME) == []
    with open_store(place.store) as store:
        assert all_tombstones(store) == [stone]
    assert "removed again" not in ok(churn(*command, "score", "--as-of", second)).err

    # And immediately, without a run.
    for path in (work / "store").glob("churn.db*"):
        path.unlink()
    shutil.copy(backup, work / "store" / "churn.db")
    again = json.loads(ok(churn(*command, "forget", "--again", "--json")).out)
    assert (again["hashes"], again["removed"]["predictions"]) == (report["hashes"], 1)
    assert in_files(work, NAME) == []
    assert json.loads(ok(churn(*command, "forget", "--again", "--json")).out)["hashes"] == []

    # Another key would not know them: nothing is published.
    other = trained.config(store={"customer_hash_key": "another"})
    for words in (("score", "--as-of", second), ("mature",), ("forget", OTHER, "--yes"), ("forget", "--again")):
        refused = churn("--config", other, *words)
        assert refused.code == 1
        assert "store.customer_hash_key is another" in refused.err
