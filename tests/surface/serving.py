"""The HTTP interface, as a client of the complete server sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.models import ChurnPredictor
from churn_mlops.store import make_key, open_store
from tests.surface import bundles, collect
from tests.surface.interface import without_prose


def openapi(folder: Path) -> dict[str, Any]:
    """``/openapi.json`` of the complete server, without prose and without the number of the release."""
    with served(folder) as (client, key):
        document = client.get("/openapi.json", headers=key).raise_for_status().json()
    document["info"].pop("version")
    return without_prose(document)


@contextmanager
def served(folder: Path, *, live: bool = True, **serving: Any) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """The complete server with its store in ``folder``, and the header of an admin's key.

    Args:
        folder: an empty one.
        live: whether a model is live.
        serving: settings of the section.
    """
    address = f"sqlite:///{folder}/churn.db"
    settings = Settings.model_validate({"store": {"url": address}, "serving": serving})
    with open_store(address) as store:
        key, _ = make_key(store, "surface", "admin", by="tests")
    predictor = ChurnPredictor.load(bundles.recorded_file("logistic_regression")) if live else None
    with collect.application(predictor, settings, _customer) as client:
        yield client, {"Authorization": f"Bearer {key}"}


def _customer(customer: str, bundle: Any) -> collect.CustomerRow | None:
    row = bundles.customers()[0][0]
    return None if customer == "unknown" else collect.CustomerRow(row, date(2026, 11, 23))
