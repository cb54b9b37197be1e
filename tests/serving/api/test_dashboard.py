"""The figures of the dashboard over HTTP: each with what it is made of, its definition, and the rows behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.store.builders import DAY, NEXT, NOW

AUC = StoredMeasurement("auc", str(DAY), 0.81, 0.78, 0.84, 90, 1200, "good", "Nothing to do.", True, DAY)
ROI = StoredMeasurement("roi", "3", -120.5, -900, 700, 4000, 4120.5, "watch", "Not proven yet.", False)
SKIPPED = StoredMeasurement(
    "list_skipped", "bad_time", 0.2, None, None, 2, 10, "good", "Talk to the agents.", True, DAY
)
WAIT = StoredMeasurement("score_drift", "", None, None, None, None, 12, "too_little", "Wait.")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        yield store


@pytest.fixture
def client(source: Any, settings: Any, store: Store) -> Iterator[TestClient]:
    link = StoreClient(store.address)
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        yield client
    link.close()


def test_the_newest_figures_come_with_definition_and_rows(client: TestClient, store: Store) -> None:
    record_measurements(store, DAY, [ROI])
    record_measurements(store, NEXT, [AUC, ROI, SKIPPED, WAIT], clock=lambda: NOW)
    answer = client.get("/api/dashboard").json()
    assert (answer["measured_on"], answer["measured_at"]) == (NEXT.isoformat(), NOW.isoformat())
    auc, skipped, roi, drift = answer["figures"]
    assert auc == {
        "name": "auc",
        "part": "2026-11-22",
        "value": 0.81,
        "low": 0.78,
        "high": 0.84,
        "numerator": 90,
        "denominator": 1200,
        "status": "good",
        "is_final": True,
        "next_step": "Nothing to do.",
        "definition": "docs/dashboard.md#auc",
        "rows": "/api/dashboard/rows?name=auc&part=2026-11-22",
    }
    assert (roi["value"], roi["is_final"], roi["rows"]) == (-120.5, False, "/api/dashboard/rows?name=roi&part=3")
    assert skipped["rows"] == "/api/dashboard/rows?name=list_skipped&part=bad_time"
    assert (drift["value"], drift["status"], drift["rows"]) == (None, "too_little", None)
    assert drift["definition"] == "docs/dashboard.md#score-drift"


def test_nothing_measured_is_said_with_the_remedy(client: TestClient) -> None:
    answer = client.get("/api/dashboard")
    assert answer.status_code == 404
    assert "churn monitor" in answer.json()["error"]
