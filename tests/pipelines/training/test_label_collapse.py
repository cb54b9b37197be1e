"""A table that is loaded no more while the others are: no model is trained on its missing rows, and it is reported."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_mlops.cli import training
from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.pipelines.inputs.as_of import loaded_until
from churn_mlops.pipelines.inputs.validate_source import validate_source
from churn_mlops.pipelines.scoring.score import score
from churn_mlops.pipelines.training.report import recorded
from churn_mlops.pipelines.training.train import train
from churn_mlops.reporting import sentences
from tests.data.proposal.databases import write_folder

FIRST, LAST, STOP = date(2025, 7, 1), date(2026, 10, 31), date(2026, 7, 15)
CUSTOMERS = 900
LABEL = {"event": "people.end", "horizon_days": 30}
FEATURES = {
    "visits_30d": {"count": "visits", "days": 30, "required": False},
    "tenure": {"age_of": "people.start", "unit": "days"},
}


def company(tmp_path: Path, record: Path, *, in_column: bool, recorded_until: date) -> Settings:
    """Some leave, after a month with next to no visits; ends after ``recorded_until`` are not recorded."""
    rng = np.random.default_rng(3)
    days = (LAST - FIRST).days
    start = rng.integers(-300, days - 60, CUSTOMERS)
    start[::20] = np.sort(rng.integers(0, days, len(start[::20])))
    end = np.where(rng.random(CUSTOMERS) < 0.6, start + rng.integers(40, 700, CUSTOMERS), 10**5)
    at = rng.integers(start[:, None], days + 1, (CUSTOMERS, 40))
    real = (at <= end[:, None]) & ((at < end[:, None] - 40) | (rng.random(at.shape) < 0.1))

    def written(day: int) -> str:
        return (FIRST + timedelta(days=int(day))).isoformat()

    people = pd.DataFrame({"id": [f"c{place}" for place in range(CUSTOMERS)], "since": [written(day) for day in start]})
    known = end <= (recorded_until - FIRST).days
    visits = pd.DataFrame(
        [(f"c{who}", written(at[who, place])) for who, place in zip(*np.nonzero(real), strict=True)],
        columns=["id", "at"],
    )
    visits.loc[0, "at"] = LAST.isoformat()
    frames = {"people": people, "visits": visits}
    if in_column:
        people["until"] = [written(day) if there else None for day, there in zip(end, known, strict=True)]
        tables = {"people": {"start": "since", "end": "until"}, "visits": {"event_time": "at"}}
    else:
        frames["gone"] = pd.DataFrame({"id": people["id"][known], "at": [written(day) for day in end[known]]})
        tables = {
            "people": {"start": "since", "ends": "gone"},
            "gone": {"event_time": "at"},
            "visits": {"event_time": "at"},
        }
    contract = {"name": "club", "customer": "id", "tables": tables, "features": FEATURES, "label": LABEL}
    (tmp_path / "contract.yaml").write_text(json.dumps(contract))  # JSON is YAML, too
    (tmp_path / "mlflow.db").write_bytes(record.read_bytes())
    return Settings.model_validate(
        {
            "source": {"url": str(write_folder(frames, tmp_path / "club")), "as_of": LAST.isoformat()},
            "contract": {"path": tmp_path / "contract.yaml"},
            "models": {"folder": tmp_path / "models"},
            "mlflow": {"uri": f"sqlite:///{tmp_path / 'mlflow.db'}", "artifacts": tmp_path / "artifacts"},
            "store": {"url": f"sqlite:///{tmp_path / 'churn.db'}"},
            "training": {"model_type": "logistic_regression"},
        }
    )


def until(settings: Settings) -> date:
    contract = load_contract(settings.contract.path)
    assert isinstance(contract, HistoryContract)
    return loaded_until(settings.source.as_of, open_tables(str(settings.source.url), contract), contract, LAST)


def test_labels_end_where_the_table_of_ends_does_and_every_run_says_so(tmp_path: Path, record: Path) -> None:
    settings = company(tmp_path, record, in_column=False, recorded_until=STOP)
    assert STOP - timedelta(days=14) < until(settings) <= STOP
    now = datetime(2026, 11, 1, tzinfo=UTC)
    trained = train(settings, today=LAST, force="so that it scores")
    assert trained.no_backtest is None
    assert trained.backtest is not None
    assert max(trained.backtest.tested_on) + timedelta(days=30) < STOP
    for report in (trained.report, validate_source(settings, None, now), score(settings, now=now).report):
        (said,) = (problem for problem in report.problems if problem.rule == "ends_behind")
        assert said.column == "gone"
        assert f"the newest row is of {until(settings)}, the other tables go on to {LAST};" in said.advice
    past = score(settings, STOP - timedelta(days=30), now=now).report
    assert "ends_behind" not in {problem.rule for problem in past.problems}


def test_ends_that_are_loaded_are_not_reported(tmp_path: Path, record: Path) -> None:
    settings = company(tmp_path, record, in_column=False, recorded_until=LAST)
    assert until(settings) == LAST
    report = validate_source(settings, None, datetime(2026, 11, 1, tzinfo=UTC))
    assert [str(problem) for problem in report.problems if problem.rule == "ends_behind"] == []


def test_dates_after_which_suddenly_no_customer_left_are_named_with_the_reason_why_they_test_nothing(
    tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The column of ends is filled no more, while new customers come: only the labels can show it."""
    settings = company(tmp_path, record, in_column=True, recorded_until=date(2026, 6, 10))
    assert until(settings) == LAST
    trained = train(settings, today=LAST)
    named = [problem.advice for problem in trained.report.problems if problem.rule == "leavers_collapse"]
    assert [advice.partition(" customers left after ")[2][:10] for advice in named[-2:]] == ["2026-08-31", "2026-09-30"]
    assert all(advice.startswith("0 of ") for advice in named[-2:])
    assert trained.backtest is None
    assert str(trained.no_backtest).startswith(
        "There is no test on later dates: it needs 5 who left and 5 who stayed at"
    )
    assert sentences.later(recorded(settings, trained.version).report) == trained.no_backtest
    training.show(trained, None)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{trained.no_backtest} About its labels, warning: table: leavers collapse; 0 of " in printed
