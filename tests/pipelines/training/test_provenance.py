"""The provenance of a version: its JSON keeps the keys that earlier versions recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.leakage import LeakageReport
from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.leakage import LeakCheck
from churn_mlops.pipelines.training.provenance import Provenance

AUC = Estimate(0.8, 0.75, 0.85)
EVERY_RUN = {
    "trained_at",
    "git_revision",
    "data_fingerprint",
    "seed",
    "set_aside",
    "versions",
    "metrics",
    "verdict",
    "leaks",
    "features",
}


@pytest.fixture
def flat() -> Provenance:
    contract = DataContract.from_dict({"name": "t", "features": {"a": {"type": "number"}}})
    return Provenance(
        trained_at=datetime(2026, 11, 23, 6, tzinfo=UTC).isoformat(),
        git_revision=None,
        data_fingerprint="f",
        seed=1,
        split_mark="m",
        versions={"python": "3.11"},
        metrics={"auc": AUC},
        decision="the first model that finds a signal",
        features=("a",),
        leaks=LeakCheck(LeakageReport(), (), contract),
        as_of_dates=None,
        rows_without_label=None,
        backtest=None,
        no_backtest=None,
    )


def test_a_flat_table_has_no_dates_and_no_reason_for_a_missing_backtest(flat: Provenance) -> None:
    found = flat.to_dict()
    assert set(found) == EVERY_RUN | {"untested"}
    assert (found["set_aside"], found["verdict"], found["untested"]) == ("m", flat.decision, None)
    assert found["metrics"] == {"auc": {"value": 0.8, "low": 0.75, "high": 0.85}}
    assert found["features"] == ["a"]
    assert found["leaks"]["set_aside"] == []


def test_a_history_has_its_dates_and_either_a_backtest_or_the_reason_for_none(flat: Provenance) -> None:
    day = date(2026, 1, 31)
    short = replace(flat, as_of_dates=(day,), rows_without_label=2, no_backtest="There is no test on later dates.")
    found = short.to_dict()
    assert set(found) == EVERY_RUN | {"as_of_dates", "rows_without_label", "untested"}
    assert (found["as_of_dates"], found["rows_without_label"]) == (["2026-01-31"], 2)
    later = Backtest(day, (date(2026, 4, 30),), 37, 100, 9, {"auc": AUC}, estimate_errors={"auc": -0.02})
    tested = replace(short, backtest=later, no_backtest=None)
    assert set(tested.to_dict()) == EVERY_RUN | {"as_of_dates", "rows_without_label", "out_of_time"}
    assert tested.to_dict()["out_of_time"] == {
        "trained_until": "2026-01-31",
        "tested_on": ["2026-04-30"],
        "gap_days": 37,
        "customers": 100,
        "left": 9,
        "metrics": {"auc": {"value": 0.8, "low": 0.75, "high": 0.85}},
        "estimate_errors": {"auc": -0.02},
    }
