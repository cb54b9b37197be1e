"""A server that is asked about single customers, and sources that know them, or fail."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.errors import SourceError
from churn_mlops.pipelines.scoring.single_customer import CustomerRow
from churn_mlops.serving.api.customers import ReadCustomer
from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient

LOCAL = "http://localhost"
RENEWS = date(2026, 12, 6)
CUSTOMER = {"tenure": 4.0, "monthly_charges": 65.5, "total_charges": None, "contract_type": "one_year", "senior": False}
SETTINGS = Settings.model_validate({"serving": {"source_seconds": 0.2}})


def client_of(source: Any, link: StoreClient, read: ReadCustomer | None) -> TestClient:
    return TestClient(create_app(source, SETTINGS, store=link, read_of_source=read), base_url=LOCAL)


def known(customer: str, bundle: Any) -> Any:
    return CustomerRow(CUSTOMER, date(2026, 11, 23), RENEWS) if customer == "C000001" else None


def everyone(customer: str, bundle: Any) -> Any:
    return CustomerRow(CUSTOMER, date(2026, 11, 23))


def failing(customer: str, bundle: Any) -> Any:
    raise SourceError("postgresql://crm.internal cannot be reached")


def broken(customer: str, bundle: Any) -> Any:
    raise KeyError("crm.internal")  # as of a library that met what it does not know
