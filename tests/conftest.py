"""What tests of several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from churn_mlops.models import MODEL_TYPES, ChurnModel
from tests.customers import CONTRACT, customers, left

ROWS = 3000


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of the public data sets."""
    folder = Path(os.environ.get("CHURN_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "telco" / "telco.csv").exists():
        pytest.skip(f"the public data is not in {folder}; set CHURN_DATA")
    return folder


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    """Raw customers that models of the tests are fitted on."""
    return customers(ROWS)


@pytest.fixture(scope="session", params=MODEL_TYPES)
def model(request: pytest.FixtureRequest, raw: pd.DataFrame) -> ChurnModel:
    """A fitted model of each type."""
    return ChurnModel(request.param, contract=CONTRACT, seed=1).fit(raw, left(raw))
