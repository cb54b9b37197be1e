"""What the tests of measuring know of their company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

CUSTOMERS = 1500
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
WEEKS = tuple(LAST_DAY - timedelta(days=back) for back in (63, 56, 49, 42, 7))
"""Four dates with final labels, and one without."""


def figure(measured: MeasuredDay, name: str, part: str = "") -> StoredMeasurement:
    return next(one for one in measured.figures if (one.name, one.part) == (name, part))
