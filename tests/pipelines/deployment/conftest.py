"""Fixtures of the tests that compare two versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.config import Settings, load_settings
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from tests.companies.daily import DailyCompany, write_daily_company
from tests.pipelines.deployment.two_versions import CUSTOMERS, turned


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> DailyCompany:
    return write_daily_company(tmp_path_factory.mktemp("company"), CUSTOMERS)


@pytest.fixture
def settings(company: DailyCompany, tmp_path: Path) -> Settings:
    """A company whose store and models folder are empty."""
    decision = "{threshold: 0.06, customer_value: 600, offer_cost: 20, kept_share: 0.5}"
    path = company.config(
        "old", f"sqlite:///{tmp_path}/churn.db", decision=decision, models=f"{{folder: {tmp_path}/models}}",
        mlflow=f'{{uri: "sqlite:///{tmp_path}/mlflow.db", artifacts: {tmp_path}/artifacts}}',
        training="{shadow_days: 7}",
    )  # fmt: skip
    return load_settings(path, {})


@pytest.fixture
def good(company: DailyCompany) -> Bundle:
    found = BundleCache(company.folder / "models").champion()
    assert found is not None
    return found.bundle


@pytest.fixture
def bad(good: Bundle) -> Bundle:
    """The same model turned round: it gives the highest scores to those who stay."""
    return turned(good)
