"""The page of the metrics lists every metric that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from churn_mlops.config import Settings
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import FAULTS
from churn_mlops.serving.observability.store_metrics import ACCURACY, MONEY, OF_A_CAMPAIGN, OF_A_FEATURE, OF_THE_COMPANY
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.serving.observability.test_store_metrics import DAY, address

PAGE = Path(__file__).parents[3] / "docs/metrics.md"
__all__ = ["address"]  # a fixture
EACH = [
    StoredMeasurement(name, "1" if name in OF_A_CAMPAIGN else "", 0.5, None, None, 1, 2, "good", "Nothing to do.")
    for name in (*ACCURACY, *MONEY, *OF_THE_COMPANY, *OF_A_CAMPAIGN, *OF_A_FEATURE)
]


def test_the_page_lists_every_metric_with_its_labels(
    address: str, source: ModelSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(address) as store:
        record_measurements(store, DAY, EACH)
    monkeypatch.setattr("churn_mlops.serving.app.EVERY_SECONDS", 0.01)
    settings = Settings.model_validate({"store": {"url": address}})
    app = create_app(source, settings, store=StoreClient(address))
    with TestClient(app, base_url="http://localhost") as client:
        page = next(text for text in iter(lambda: client.get("/metrics").text, "") if "expected_gain" in text)
        in_openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    shown = {family.name: family for family in text_string_to_metric_families(page) if "churn_" in family.name}
    listed = dict(re.findall(r"^\| `(churn_\w+)(\{[\w, ]+\})?` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    names = {name + "_total" * (family.type == "counter") for name, family in shown.items()}
    assert {name for name in names if not name.endswith("_created")} == set(listed)
    for name, labels in listed.items():
        for sample in shown[name.removesuffix("_total")].samples:
            assert sorted(set(sample.labels) - {"le"}) == sorted(re.findall(r"\w+", labels)), name
    assert in_openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {family.name for family in read_openmetrics(in_openmetrics.text)} >= set(shown) - {
        name for name in shown if name.endswith("_created")
    }


def test_the_faults_that_are_counted_from_the_start_are_those_that_are_answered(
    address: str, source: ModelSlot
) -> None:
    app = create_app(source, Settings.model_validate({"store": {"url": address}}), store=StoreClient(address))
    routes = [operation for path in app.openapi()["paths"].values() for operation in path.values()]
    assert {status for operation in routes for status in operation["responses"] if status >= "500"} == set(FAULTS)
