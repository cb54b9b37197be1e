"""A company with a history: trained on its past, evaluated on later dates, published daily, with outcomes recorded."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.errors import ConfigError, DataError, NoSuchJobError, StoreBusyError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.inputs.as_of import as_of_date
from churn_mlops.pipelines.inputs.validate_source import validate_source
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import backfill, run_day
from churn_mlops.pipelines.scoring.score import score
from churn_mlops.pipelines.scoring.single_customer import CustomerReader
from churn_mlops.pipelines.training.backtest import backtest
from churn_mlops.pipelines.training.context import ModelSpec
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots, read_labelled
from churn_mlops.pipelines.training.test_set import latest_dates
from churn_mlops.pipelines.training.train import Trained, train
from churn_mlops.store import open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.outcomes import scored_outcomes
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import run_of
from tests.command import runner
from tests.companies.history import copy_small_company, latest_recorded_time

TODAY = date(2030, 1, 1)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, small_history: Path, record: Path) -> Settings:
    return copy_small_company(small_history, tmp_path_factory.mktemp("company"), record)


@pytest.fixture(scope="module")
def trained(settings: Settings) -> Trained:
    return train(settings, today=TODAY)


@pytest.fixture(scope="module")
def now(settings: Settings) -> datetime:
    return latest_recorded_time(settings) + timedelta(days=1)


def contract_of(settings: Settings) -> HistoryContract:
    contract = load_contract(settings.contract.path)
    assert isinstance(contract, HistoryContract)
    return contract


def labelled(settings: Settings) -> LabelledSnapshots:
    contract = contract_of(settings)
    tables = open_tables(str(settings.source.url), contract)
    last = as_of_date(settings.source.as_of, tables, contract, TODAY)
    training = settings.training
    return read_labelled(tables, contract, last, every_days=training.every_days, max_dates=training.snapshots)


def with_database(settings: Settings, copy: Path) -> Settings:
    """The same company with a copy of its database, to be changed."""
    shutil.copy(str(settings.source.url), copy)
    return settings.model_copy(update={"source": settings.source.model_copy(update={"url": str(copy)})})


# One customer


def test_a_customer_who_is_read_alone_is_scored_as_in_the_list(
    settings: Settings, trained: Trained, now: datetime
) -> None:
    day = score(settings, now=now)
    listed = day.customers.take([0, 1, 2, len(day.customers) // 2, len(day.customers) - 1]).to_pylist()
    predictor = ChurnPredictor(trained.bundle)
    name, reader = contract_of(settings).customer, CustomerReader(settings)
    for one in listed:
        row = reader.read(one[name], trained.bundle, now=now)
        assert row is not None
        # To the last bits: of one customer Python takes the exponential, of many NumPy.
        assert predictor.score_one(row.values) == pytest.approx(one["score"], abs=1e-15)
        assert row.as_of == day.as_of
    assert reader.read("nobody", trained.bundle, now=now) is None


# Training


def test_it_learns_from_dates_whose_labels_are_final_and_is_tested_on_later_ones(
    settings: Settings, trained: Trained
) -> None:
    contract = contract_of(settings)
    assert contract.label is not None
    last = as_of_date(settings.source.as_of, open_tables(str(settings.source.url), contract), contract, TODAY)
    assert trained.backtest is not None
    tested = trained.backtest.tested_on
    assert max(tested) + timedelta(days=contract.label.final_after) < last
    assert trained.backtest.trained_until + timedelta(days=contract.label.final_after) <= min(tested)
    assert trained.backtest.metrics["auc"].low > 0.5
    assert trained.decision.promote


def test_the_report_counts_the_customers_that_a_score_of_the_last_day_lists(
    settings: Settings, trained: Trained, now: datetime
) -> None:
    contract = contract_of(settings)
    last = as_of_date(settings.source.as_of, open_tables(str(settings.source.url), contract), contract, TODAY)
    assert trained.counts.active == score(settings, last, now=now).customers.num_rows


def test_the_bundle_keeps_how_its_snapshots_were_made(settings: Settings, trained: Trained) -> None:
    live = BundleCache(settings.models.folder).champion()
    assert live is not None
    assert live.bundle.history == contract_of(settings)
    assert live.bundle.core is not None
    assert trained.bundle.sha256 == live.bundle.sha256


def test_labels_made_at_random_give_no_model(settings: Settings, trained: Trained, tmp_path: Path) -> None:
    """Every customer gets the churn date of another one, so that churn has nothing to do with behaviour."""
    shuffled = with_database(settings, tmp_path / "shuffled.duckdb")
    with duckdb.connect(str(shuffled.source.url)) as connection:
        rows = connection.execute(
            "SELECT customer_id, signup_date, churn_date, churn_recorded_at FROM customers ORDER BY customer_id"
        ).fetchall()
        order = np.random.default_rng(0).permutation(len(rows))
        ends = [rows[other][2:] for other in order]
        mixed = {"id": [row[0] for row in rows], "end": [end for end, _ in ends], "known": [known for _, known in ends]}
        connection.register("mixed", pa.table(mixed))
        connection.execute(
            'UPDATE customers SET churn_date = "end", churn_recorded_at = "known" FROM mixed WHERE customer_id = "id"'
        )
        connection.execute(
            "UPDATE customers SET churn_date = NULL, churn_recorded_at = NULL WHERE churn_date < signup_date"
        )
    model = ModelSpec("logistic_regression", settings.training.seed, "0.03")
    found = backtest(labelled(shuffled), contract_of(shuffled), model)
    assert found is not None
    assert trained.backtest is not None
    assert found.metrics["auc"].value < trained.backtest.metrics["auc"].low


def test_a_history_that_is_too_short_is_named(settings: Settings) -> None:
    contract = contract_of(settings)
    tables = open_tables(str(settings.source.url), contract)
    first = date(2024, 1, 1)
    with pytest.raises(DataError, match="a label is final 37 days after"):
        read_labelled(tables, contract, min(first, date(1990, 1, 1)), every_days=30, max_dates=6)


def test_no_row_is_both_before_a_gap_and_among_the_latest_dates(settings: Settings) -> None:
    snapshots = labelled(settings)
    latest = latest_dates(snapshots.as_of, np.ones(len(snapshots.as_of), dtype=bool), 1)
    early = snapshots.final_before(latest[0], 37)
    assert len(latest) == 1
    assert early.any()
    assert snapshots.as_of[early].max() + np.timedelta64(37, "D") <= np.datetime64(latest[0], "D")


# The daily run


@pytest.mark.usefixtures("trained")
def test_a_day_is_published_with_reasons_for_those_on_the_list(settings: Settings, now: datetime) -> None:
    published = run_day(settings, now=now)
    with open_store(settings.store.url) as store:
        run = run_of(store, published.run.as_of)
        assert run is not None
        assert run.customers == len(published.scored.customers)
        assert run.likely == published.scored.likely
        rows = list(predictions(store, run.as_of, limit=5))
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5]
    assert all(row.reasons for row in rows)
    assert rows[0].score == published.scored.customers.column("score")[0].as_py()


@pytest.mark.usefixtures("trained")
def test_a_day_run_again_is_the_same_day(settings: Settings, now: datetime) -> None:
    first, second = run_day(settings, now=now), run_day(settings, now=now)
    assert first.scored.customers.equals(second.scored.customers)
    assert first.run.id == second.run.id


@pytest.mark.usefixtures("trained")
def test_a_past_date_is_scored_as_it_was_whatever_the_day_is(settings: Settings, now: datetime) -> None:
    past = (now - timedelta(days=60)).date()
    early = score(settings, past, now=now)
    late = score(settings, past, now=now + timedelta(days=300))
    assert early.customers.equals(late.customers)
    assert early.as_of == past


@pytest.mark.usefixtures("trained")
def test_a_date_that_lies_ahead_is_refused(settings: Settings, now: datetime) -> None:
    with pytest.raises(ConfigError, match="lies ahead"):
        score(settings, (now + timedelta(days=3)).date(), now=now)


@pytest.mark.usefixtures("trained")
def test_a_source_that_ends_before_the_day_is_reported_as_stale(settings: Settings, now: datetime) -> None:
    later = now + timedelta(days=30)
    stale, fresh = score(settings, later.date(), now=later), score(settings, now=now)
    assert "stale_source" in {problem.rule for problem in stale.report.problems}
    assert "stale_source" not in {problem.rule for problem in fresh.report.problems}
    assert stale.newest_row == fresh.newest_row == latest_recorded_time(settings).date()


@pytest.mark.usefixtures("trained")
def test_a_row_of_the_future_is_warned_of_and_changes_no_date(
    settings: Settings, now: datetime, tmp_path: Path
) -> None:
    changed = with_database(settings, tmp_path / "planned.duckdb")
    with duckdb.connect(str(changed.source.url)) as connection:
        ahead = (
            "SELECT * REPLACE (opened_at + INTERVAL 5 YEAR AS opened_at, recorded_at + INTERVAL 5 YEAR AS recorded_at)"
        )
        connection.execute(f"INSERT INTO tickets {ahead} FROM tickets LIMIT 3")
    assert score(changed, now=now).customers == score(settings, now=now).customers
    (warned,) = (problem for problem in validate_source(changed, None, now).problems if problem.rule == "future_rows")
    assert (warned.column, warned.rows) == ("tickets", 3)


@pytest.mark.usefixtures("trained")
def test_while_another_run_is_at_work_nothing_is_published(settings: Settings, now: datetime) -> None:
    with open_store(settings.store.url) as store, scoring_lock(store), pytest.raises(StoreBusyError):
        run_day(settings, now=now)


@pytest.mark.usefixtures("trained")
def test_data_that_say_stop_leave_what_was_published(settings: Settings, now: datetime, tmp_path: Path) -> None:
    published = run_day(settings, now=now)
    changed = with_database(settings, tmp_path / "broken.duckdb")
    with duckdb.connect(str(changed.source.url)) as connection:
        connection.execute("UPDATE plans SET monthly_charges = -monthly_charges")
    with pytest.raises(DataError, match="monthly_charges"):
        run_day(changed, now=now)
    with open_store(settings.store.url) as store:
        assert run_of(store, published.run.as_of) == published.run


@pytest.mark.usefixtures("trained")
def test_each_published_date_is_printed(
    settings: Settings,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = settings.model_dump(mode="json", exclude_none=True) | {"store": {"url": f"sqlite:///{tmp_path / 'own.db'}"}}
    (tmp_path / "config.yaml").write_text(json.dumps(own))  # JSON is YAML, too
    churn = runner(monkeypatch, capsys)
    days = [(now - timedelta(days=ago)).date() for ago in (42, 41)]
    done = churn("--config", tmp_path / "config.yaml", "score", "--as-of", days[0], "--until", days[1])
    assert done.code == 0, done.err
    said = [line for line in done.out.splitlines() if line.endswith("are on the contact list. Published.")]
    assert [line.partition(":")[0] for line in said] == [day.isoformat() for day in days]
    assert f"as of {days[1]})" in done.out


@pytest.mark.usefixtures("trained")
def test_a_backfill_is_no_daily_run_and_a_source_that_ended_is_reported(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The source ends long ago and is read as of its latest day."""
    own = settings.model_dump(mode="json", exclude_none=True) | {"store": {"url": f"sqlite:///{tmp_path / 'own.db'}"}}
    (tmp_path / "config.yaml").write_text(json.dumps(own))  # JSON is YAML, too
    churn = runner(monkeypatch, capsys)
    config = ("--config", tmp_path / "config.yaml")
    newest = latest_recorded_time(settings).date()
    old = f"In the source, the newest row is of {newest}, "
    assert (datetime.now(UTC).date() - newest).days > 7
    asked = churn(*config, "score", "--as-of", newest - timedelta(days=60))
    assert (asked.code, "has its loading stopped?" in asked.out) == (0, False)
    status = churn(*config, "schedule", "--status")
    assert (status.code, status.out.splitlines()[0]) == (1, "It has never succeeded.")
    assert old in status.out
    scored = churn(*config, "score")
    assert "Warning: the newest row of the source is " in scored.out
    status = churn(*config, "schedule", "--status")
    assert status.code == 0
    assert status.out.splitlines()[0].endswith(f", with the list as of {newest - timedelta(days=1)}.")
    assert status.out.splitlines()[-1].startswith(old)
    assert status.out.splitlines()[-1].endswith(" ago: has its loading stopped?")
    document = json.loads(churn(*config, "schedule", "--status", "--json").out)
    assert document["last_success"]["list_as_of"] == str(newest - timedelta(days=1))
    assert document["newest_row"]["old"]


# Outcomes


@pytest.mark.usefixtures("trained")
def test_outcomes_mature_and_changed_labels_are_reported(settings: Settings, now: datetime, tmp_path: Path) -> None:
    own = settings.model_copy(
        update={"store": settings.store.model_copy(update={"url": f"sqlite:///{tmp_path / 'own.db'}"})}
    )
    past = (now - timedelta(days=90)).date()
    days = list(backfill(own, past, past + timedelta(days=1), now=now))
    found = record_outcomes(own, now=now)
    assert [one.as_of for one in found] == [past, past + timedelta(days=1)]
    assert found[0].recorded.new >= days[0].run.customers
    assert [one.recorded.new for one in record_outcomes(own, now=now)] == [0, 0]
    with open_store(own.store.url) as store:
        batches = list(scored_outcomes(store, past))
    left = [
        who
        for batch in batches
        if batch.as_of == past
        for who, gone in zip(batch.customer, batch.left, strict=True)
        if gone
    ]
    assert left
    changed = with_database(own, tmp_path / "corrected.duckdb")
    with duckdb.connect(str(changed.source.url)) as connection:
        connection.execute("UPDATE customers SET churn_date = NULL WHERE customer_id = ?", [left[0]])
    (again, _) = record_outcomes(changed, now=now)
    assert again.recorded.changed == 1
    assert [(change.customer, change.was, change.became) for change in again.recorded.examples] == [
        (left[0], True, False)
    ]


def test_a_flat_table_has_no_outcomes_to_mature(settings: Settings, tmp_path: Path) -> None:
    flat = tmp_path / "flat.yaml"
    flat.write_text("name: t\nfeatures: {a: {type: number}}\n", encoding="utf-8")
    changed = settings.model_copy(update={"contract": settings.contract.model_copy(update={"path": flat})})
    with pytest.raises(NoSuchJobError, match="flat table"):
        record_outcomes(changed, now=datetime.now(UTC))
