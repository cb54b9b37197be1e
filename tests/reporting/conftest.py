"""The report of the shared company, as its training job recorded it."""

from __future__ import annotations

import pytest

from churn_mlops.pipelines.training.report import Recorded, recorded
from tests.companies.small import Company


@pytest.fixture(scope="session")
def found(company: Company) -> Recorded:
    """The facts of the champion, and their money."""
    return recorded(company.settings)
