"""The rows behind a figure over HTTP: a page at a time, and a refusal that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.scoring.publishing import publish
from tests.companies.strong import fading_subscribers
from tests.store.builders import DAY, NOW, batches, run

CUSTOMERS = 30
DRIFT = StoredMeasurement("score_drift", str(DAY), 0.1, None, None, None, CUSTOMERS, "good", "x", True, DAY)
REVENUE = StoredMeasurement("revenue_at_risk", str(DAY), 0.1, None, None, 1, 2, "good", "x", True, DAY)
RISK = StoredMeasurement("customers_at_risk", str(DAY), 0.1, None, None, 1, 2, "good", "x", True, DAY)
AUC = StoredMeasurement("auc", str(DAY), 0.8, 0.7, 0.9, 3, 30, "good", "x", True, DAY)
LEVEL = StoredMeasurement("churn_by_level", "plan=a", 0.1, None, None, 3, 30, "good", "x", True, DAY)
PATH = "/api/dashboard/rows"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        publish(store, run(), batches(CUSTOMERS))
        record_measurements(store, DAY, [DRIFT, REVENUE, RISK, AUC, LEVEL], clock=lambda: NOW)
        yield store


@pytest.fixture
def client(source: Any, settings: Any, store: Store) -> Iterator[TestClient]:
    link = StoreClient(store.address)
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        yield client
    link.close()


def test_the_pages_hold_each_customer_once_the_highest_score_first(client: TestClient) -> None:
    found: list[Any] = []
    after = ""
    while after is not None:
        query = {"name": "revenue_at_risk", "part": str(DAY), "after": after, "limit": 7}
        answer = client.get(PATH, params=query).json()
        assert (answer["numerator"], answer["denominator"]) == (REVENUE.numerator, REVENUE.denominator)
        assert (answer["dates"], answer["as_of"]) == ([], str(DAY))
        found += answer["rows"]
        after = answer["next"]
    assert len({one["customer_id"] for one in found}) == len(found) == CUSTOMERS
    scores = [one["churn_probability"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(one["above"] == pytest.approx(500 * one["churn_probability"]) for one in found)


def test_only_the_rows_above_the_line_can_be_asked_for(client: TestClient) -> None:
    query = {"name": "customers_at_risk", "part": str(DAY)}
    every = client.get(PATH, params=query | {"limit": 100}).json()["rows"]
    above = client.get(PATH, params=query | {"limit": 100, "which": "above"}).json()["rows"]
    assert above == [one for one in every if one["above"]]
    assert 0 < len(above) < len(every)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("name=nothing", 404, "no rows of this figure"),
        ("name=score_drift", 404, "no rows of this figure"),  # of no date
        ("name=churn_by_level&part=plan%3Da", 404, "no rows of this figure"),
        (f"name=auc&part={DAY}", 503, "contract.path"),
        ("name=auc&name=auc", 422, "more than once"),
        (f"name=score_drift&part={DAY}&after=C000001", 422, "after"),
        (f"name=score_drift&part={DAY}&after=-1", 422, "after"),
        (f"name=list_today&part={DAY}&after={'9' * 501}", 422, "after"),
        (f"name=score_drift&part={DAY}&as_of=2026-01-01", 404, "does not count this date"),
        ("name=auc&as_of=soon", 422, "as_of"),
        ("name=a%00b", 422, "name"),
        ("", 422, "name"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(
    client: TestClient, query: str, status: int, said: str
) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_the_rows_of_accuracy_follow_the_contract_once_its_file_changes(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contact 60 days after the date leaves a customer out only while labels take longer to be final."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    _, contract = fading_subscribers(1, 20)
    at = datetime.combine(DAY + timedelta(days=60), time(9), UTC)
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        record_contact(store, NewContact("k", "s", "C000001", at, "20 % off", "accepted", "person:anna"))
        record_measurements(store, DAY, [replace(AUC, is_final=False)], clock=lambda: NOW)
    found = []
    for horizon in (30, 90, 30):
        entry = contract.to_dict() | {"label": {"event": "people.end", "horizon_days": horizon}}
        Path("config/contract.yaml").write_text(json.dumps(entry), encoding="utf-8")
        found.append(len(client.get(f"{PATH}?name=auc&part={DAY}&limit=100").json()["rows"]))
    assert found == [CUSTOMERS, CUSTOMERS - 1, CUSTOMERS]


def test_nothing_measured_is_said_with_the_remedy(source: Any, settings: Any, tmp_path: Path) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/empty.db")
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        answer = client.get(PATH, params={"name": "auc"})
    link.close()
    assert answer.status_code == 404
    assert "churn monitor" in answer.json()["error"]
