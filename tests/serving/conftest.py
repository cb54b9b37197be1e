"""A tiny honest model: it says how likely a customer is to leave by one column, in a way a reader can compute."""

from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import Live, LiveSource

CONTRACT = DataContract.from_dict(
    {
        "name": "test company",
        "customer": "customer_id",
        "label": {"column": "churned", "positive": "yes", "negative": "no"},
        "features": {
            "tenure": {"type": "number", "min": 0, "unit": "months"},
            "monthly_charges": {"type": "number", "min": 0, "max": 1000, "unit": "USD/month"},
            "total_charges": {"type": "number", "min": 0, "missing": 0.01},
            "contract_type": {"type": "category", "levels": ["month-to-month", "one_year", "two_year"]},
            "senior": {"type": "boolean"},
            "region": {"type": "category", "levels": ["1", "2"], "required": False, "title": "sales region"},
        },
    }
)


class TenurePredictor:
    """Scores ``1 / (1 + tenure)``; remembers the rows it was given."""

    contract = CONTRACT
    bundle = None
    threshold = 0.5

    def __init__(self):
        self.rows = []

    def score_one(self, row):
        self.rows.append(row)
        return 1.0 / (1.0 + row["tenure"])

    def score(self, data):
        return np.array([self.score_one(row) for row in data])

    def explain_one(self, row):
        reason = SimpleNamespace(feature="tenure", value=row["tenure"], points=-42, text="tenure 12: -42 points")
        return SimpleNamespace(reasons=(reason,))

    def band(self, probability):
        return "high" if probability >= 0.5 else "medium" if probability >= 0.2 else "low"


@pytest.fixture
def customer():
    return {
        "tenure": 12,
        "monthly_charges": 65.50,
        "total_charges": 786.00,
        "contract_type": "month-to-month",
        "senior": False,
        "region": "1",
    }


@pytest.fixture
def predictor():
    return TenurePredictor()


@pytest.fixture
def settings():
    return Settings.model_validate({"serving": {"max_body_bytes": 100_000, "max_batch_rows": 50}})


@pytest.fixture
def source(predictor, settings):
    live = Live(
        predictor,
        version="3",
        live_from="2026-11-23T06:00:00+00:00",
        model_type="additive_boosting",
        provenance={"metrics": {"auc": 0.88, "slope": [float("nan")]}},
        max_batch_rows=settings.serving.max_batch_rows,
    )
    return LiveSource(live)


@pytest.fixture
def client(source, settings):
    with TestClient(create_app(source, settings), base_url="http://localhost", raise_server_exceptions=True) as client:
        yield client
