"""The overview is refused where a row holds another kind: a page and Prometheus go by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from churn_mlops.store import open_store
from churn_mlops.store.job_records import record_job
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.overview import not_understood, read_overview
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY, NOW, batches, run
from tests.store.test_model_versions import deploy

FIGURE = StoredMeasurement("money_lost", "", 5000.0, 10.0, 9000.0, 30, 900, "act", "Train again.")


@pytest.mark.parametrize(
    "change",
    [
        "measurements SET value = 'secret'",
        "measurements SET low = x'00ff'",
        "measurements SET next_step = x'00ff'",
        "job_records SET failures = 'secret'",
        "job_records SET ended_at = 'secret'",
        "scoring_runs SET customers = 'secret'",
        "scoring_runs SET warnings = '7'",
        "scoring_runs SET newest_row = 7",
        "live_periods SET version = x'00ff'",
    ],
)
def test_a_row_of_another_kind_is_refused_without_its_value(tmp_path: Path, change: str) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        publish(store, run(), batches(3))
        record_job(store, "score", NOW, NOW, has_succeeded=True)
        record_measurements(store, DAY, [FIGURE], clock=lambda: NOW)
        deploy(store, 1)
        assert read_overview(store).measured is not None
        with store.writing("write something else") as connection:
            connection.execute(text(f"UPDATE {change}"))
        with pytest.raises((TypeError, ValueError)) as raised:
            read_overview(store)
    assert "secret" not in not_understood(raised.value)
