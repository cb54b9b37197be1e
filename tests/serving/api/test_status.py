"""``GET /api/status``: the lines of ``churn status`` over HTTP, also while the store is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from churn_mlops import __version__
from churn_mlops.on_call import most_urgent, status_lines
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability import store_reader
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.job_records import record_job
from churn_mlops.store.overview import read_overview
from churn_mlops.store.scoring.publishing import publish
from tests.serving.access.secured_app import KEY_ROLES, bearer, fill
from tests.store.builders import batches, run
from tests.store.test_model_versions import deploy

PAST = datetime.now(UTC) - timedelta(hours=3)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stalled machine is not taken for a store that is away."""
    monkeypatch.setattr(store_reader, "READ_SECONDS", 30.0)


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, run(), batches(100))
        deploy(store, 1)
    return address


@pytest.fixture
def client(source: Any, settings: Any, address: str) -> Iterator[TestClient]:
    with closing(StoreClient(address)) as link:
        app = create_app(source, settings, store=link)
        with TestClient(app, base_url="http://localhost") as client:
            yield client


def failed(store: Store, *jobs: str) -> None:
    for job in jobs:
        record_job(store, job, PAST, PAST, has_succeeded=False)


def subjects(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["subject"], line["urgency"]) for line in answer["lines"]]


def test_a_sound_company_has_nothing_to_act_on(client: TestClient) -> None:
    asked_at = datetime.now(UTC)
    answer = client.get("/api/status").json()
    assert (answer["ok"], answer["is_store_there"]) == (True, True)
    assert subjects(answer) == [("list", "ok"), ("model", "ok")]
    assert asked_at <= datetime.fromisoformat(answer["read_at"]) <= datetime.now(UTC)
    assert (answer["model_version"], answer["serves_champion"]) == ("3", False)  # the store calls version 1 live
    assert answer["package_version"] == __version__
    assert (answer["processes"], answer["processes_wanted"]) == (1, 1)


def test_the_lines_are_those_of_the_command_pages_first(client: TestClient, address: str) -> None:
    with open_store(address) as store:
        failed(store, "mature", "send", "backup")
        seen = read_overview(store)
    answer = client.get("/api/status").json()
    assert answer["ok"] is False
    lines = most_urgent(status_lines(seen, None, datetime.now(UTC), "USD"))
    assert answer["lines"] == [asdict(line) for line in lines]
    assert subjects(answer)[:3] == [("job send", "page"), ("job backup", "ticket"), ("job mature", "ticket")]
    assert answer["lines"][0]["runbook"] == "docs/runbooks/list-not-sent.md"


def test_the_model_that_is_served_is_live_where_the_store_names_none(
    source: ModelSlot, settings: Any, tmp_path: Path
) -> None:
    with closing(StoreClient(f"sqlite:///{tmp_path}/other.db")) as link:
        app = create_app(source, settings, store=link)
        with TestClient(app, base_url="http://localhost") as client:
            answer = client.get("/api/status").json()
    assert subjects(answer) == [("list", "page"), ("model", "ok")]
    assert answer["lines"][1]["found"].startswith("version 3 (additive_boosting), live for ")
    assert answer["serves_champion"] is True


def test_while_the_store_is_away_it_says_so_and_what_was_read_last(client: TestClient, address: str) -> None:
    before = client.get("/api/status").json()
    Path(address.removeprefix("sqlite:///")).unlink()
    answer = client.get("/api/status")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["ok"], found["is_store_there"], found["read_at"]) == (False, False, before["read_at"])
    assert subjects(found) == [("store", "page"), ("list", "ok"), ("model", "ok")]
    assert found["lines"][0]["alert"] == "StoreUnavailable"


def test_a_store_that_was_never_there_is_all_that_is_known(source: ModelSlot, settings: Any) -> None:
    with (
        closing(StoreClient("postgresql://me:hunter2@127.0.0.1:1/churn")) as link,
        TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client,
    ):
        answer = client.get("/api/status")
    assert (answer.status_code, answer.json()["read_at"]) == (200, None)
    assert subjects(answer.json()) == [("store", "page")]
    assert "hunter2" not in answer.text


def test_a_row_that_something_else_wrote_is_named_and_not_shown(client: TestClient, address: str) -> None:
    with open_store(address) as store:
        failed(store, "mature")
        with store.writing("break a row") as connection:
            connection.execute(text("UPDATE job_records SET ended_at = 'soon'"))
    answer = client.get("/api/status").json()
    assert answer["lines"][0]["found"] == "a row cannot be understood (ValueError): something else wrote it"
    assert answer["lines"][0]["urgency"] == "page"


@pytest.mark.parametrize("role", KEY_ROLES)
def test_only_admins_are_answered(tmp_path: Path, source: ModelSlot, role: str) -> None:
    own = fill(tmp_path)
    with own.client(source) as client:
        status = client.get("/api/status", headers=bearer(own.keys[role])).status_code
        assert status == (200 if role == "admin" else 403)
        assert client.get("/api/status").status_code == 401
