"""The job measures a company from its store and source, once a date, and never names a customer."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from churn_mlops.config import Settings, load_settings
from churn_mlops.pipelines.monitoring import run_rows
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.schema import DEPLOYMENTS, RUNS
from churn_mlops.store.figure_rows.arm_rows import ARMS, Money
from churn_mlops.store.figure_rows.figures import OF_RUN, Asked, Terms, rows_of_figure
from churn_mlops.store.figure_rows.rows import FigureRow, Which
from churn_mlops.store.figure_rows.scored_rows import ACCURACY, Window
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement, latest_measurements
from churn_mlops.store.scoring.feature_counts import feature_counts_of, put_feature_counts
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import latest_run
from tests.companies.daily import DailyCompany
from tests.pipelines.monitoring.measured_company import CUSTOMERS, NOW, WEEKS, figure

FINAL_AFTER = 37
"""Days: the horizon of 30, and a reporting delay of 7."""
WITHOUT_ROWS = (
    "churn_by_cohort", "churn_by_level", "expected_auc", "expected_log_loss", "expected_top_decile_lift",
    "estimates_held", "feature_drift", "money_lost", "calibration_by_level", "auc_by_level",
)  # fmt: skip
"""Figures of groups that the source alone knows, and figures that are made of other figures."""


def test_a_company_is_measured_once_a_date_without_the_name_of_a_customer(settings: Settings) -> None:
    measured = measure(settings, now=NOW)
    with open_store(settings.store.url) as store:
        assert latest_measurements(store) == measured
    weeks = {one.part: one for one in measured.figures if one.name == "auc" and one.part}
    assert {part: one.is_final for part, one in weeks.items()} == {
        str(day): place < 4 for place, day in enumerate(WEEKS)
    }
    assert figure(measured, "auc").is_final
    assert 0.6 < (figure(measured, "auc").value or 0) < 0.95
    _check_campaign(measured)
    _check_company(measured)
    _check_names(measured)
    again = measure(settings, now=NOW + timedelta(minutes=1))
    assert _without_age(again) == _without_age(measured)
    assert again.measured_on == measured.measured_on


def test_weeks_are_read_again_only_if_their_labels_were_looked_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure(settings, now=NOW)
    read: list[date] = []
    rows = run_rows.run_scores
    monkeypatch.setattr(run_rows, "run_scores", lambda store, run: read.append(run.as_of) or rows(store, run))
    again = measure(settings, now=NOW + timedelta(days=1))
    assert read == [WEEKS[-1]]
    assert figure(again, "auc") == figure(first, "auc")
    looked = update(RUNS).where(RUNS.c.as_of == WEEKS[0]).values(checked_at=NOW + timedelta(days=2))
    with open_store(settings.store.url) as store, store.writing("look at the labels") as connection:
        connection.execute(looked)
    read.clear()
    measure(settings, now=NOW + timedelta(days=3))
    assert set(read) == set(WEEKS)


def test_the_list_of_today_counts_apart_until_its_day_is_over(settings: Settings) -> None:
    newest = str(WEEKS[-1])
    today = measure(settings, now=NOW)
    assert figure(today, "list_worked").next_step == "Wait: no list has had its whole day yet."
    assert (figure(today, "list_today", newest).status, figure(today, "list_today", newest).value) == ("good", 0)
    tomorrow = measure(settings, now=NOW + timedelta(days=1))
    worked = figure(tomorrow, "list_worked", newest)
    assert (worked.value, worked.status) == (0, "act")
    assert worked.denominator == figure(today, "list_today", newest).denominator
    assert not [one for one in tomorrow.figures if one.name == "list_today"]


def test_a_feature_that_moved_is_named_and_a_run_without_counts_has_no_drift(settings: Settings) -> None:
    with open_store(settings.store.url) as store:
        run = latest_run(store)
        assert run is not None
        counts = feature_counts_of(store, run)
        assert {sum(cells) for cells in counts.values()} == {run.customers}
        moved = counts | {"tenure": [0] * (len(counts["tenure"]) - 1) + [run.customers]}
        with store.writing("lose a column") as connection:
            put_feature_counts(connection, run.id, run.started_at, moved)
    measured = measure(settings, now=NOW)
    drifts = {one.part: one for one in measured.figures if one.name == "feature_drift"}
    assert set(drifts) == set(counts)
    assert [part for part, one in drifts.items() if one.status == "act"] == ["tenure"]
    assert drifts["tenure"].next_step.endswith(": no value was 0 % in training and is 100 % now.")
    assert {one.rows_as_of for one in drifts.values()} == {run.as_of}
    with open_store(settings.store.url) as store, store.writing("lose the counts") as connection:
        put_feature_counts(connection, run.id, run.started_at, {})
    assert not [one for one in measure(settings, now=NOW).figures if one.name == "feature_drift"]


def test_where_no_one_says_which_model_is_live_all_but_its_own_figures_are_measured(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "live.json").write_text("{")
    models = settings.models.model_copy(update={"folder": folder})
    with open_store(settings.store.url) as store, store.writing("lose the deployments") as connection:
        connection.execute(delete(DEPLOYMENTS))
    measured = measure(settings.model_copy(update={"models": models}), now=NOW)
    assert figure(measured, "auc").value is not None
    assert not {"money_lost", "list_gain", "score_drift"} & {one.name for one in measured.figures}


@pytest.mark.parametrize("days", [0, 1])
def test_the_rows_behind_every_figure_add_up_to_its_counts(settings: Settings, days: int) -> None:
    listed = NewContact("again", "b" * 64, "", NOW, "20 % off", "declined", "person:anna")
    with open_store(settings.store.url) as store:
        own = [one for one in predictions(store, WEEKS[-1], limit=1000) if one.action == "offer"][:7]
        for one in own:
            called = replace(listed, key=one.customer, customer=one.customer)
            record_contact(store, called, clock=lambda: NOW)
    decision = settings.decision
    terms = Terms(decision.threshold, Money(500.0, 1.0), Window(decision.follow_days, FINAL_AFTER))
    assert (decision.customer_value, decision.contact_cost) == (500.0, 1.0)
    measured = measure(settings, now=NOW + timedelta(days=days))
    names = set()
    with open_store(settings.store.url) as store:
        for one in measured.figures:
            first = rows_of_figure(store, measured, one, terms, Asked(limit=10))
            if first is None:
                assert one.denominator is None or one.name in WITHOUT_ROWS
                continue
            rows = all_rows(store, measured, one, terms, first.dates)
            newest = [row for row in rows if row.as_of == first.as_of] if first.dates else rows
            assert first.rows == newest[:10]
            assert len(rows) == len({(row.customer, row.as_of) for row in rows})
            names.add(one.name)
            said = f"{one.name} {one.part}"
            shares = tenth(rows, one.name) if one.name.startswith("top_decile") else [1.0] * len(rows)
            below = sum(share * row.below for share, row in zip(shares, rows, strict=True))
            assert below == pytest.approx(one.denominator), said
            if one.numerator is not None:
                above = sum(share * (row.above or 0) for share, row in zip(shares, rows, strict=True))
                assert above == pytest.approx(one.numerator, abs=1e-6), said
                counted = [row for row in rows if row.above]
                assert all_rows(store, measured, one, terms, first.dates, "above") == counted, said
    assert names >= {*ACCURACY, *ARMS, *OF_RUN, "list_today" if days == 0 else "list_agent"}


def all_rows(
    store: Store, day: MeasuredDay, one: StoredMeasurement, terms: Terms, dates: list[date], which: Which = "all"
) -> list[FigureRow]:
    """The rows of all dates of a figure, page by page."""
    rows: list[FigureRow] = []
    for as_of in dates or [None]:
        found, after = None, None
        while found is None or found.has_next:
            found = rows_of_figure(store, day, one, terms, Asked(which, as_of, after, limit=700))
            assert found is not None
            assert found.as_of == as_of or not dates
            rows += found.rows
            after = rows[-1].key if found.has_next else None
    return rows


def tenth(rows: list[FigureRow], name: str) -> list[float]:
    """By how much each row is in the tenth with the highest scores, of all weights; ties share what is left."""
    scores = np.array([row.score or 0 for row in rows])
    # A row counts by its weight below the line, or by its weight times its score.
    weights = np.array([row.below for row in rows]) / (scores if name.endswith("calibration") else 1.0)
    above = np.array([weights[scores > score].sum() for score in scores])
    ties = np.array([weights[scores == score].sum() for score in scores])
    return list(np.clip((0.1 * weights.sum() - above) / ties, 0, 1))


def test_a_store_without_runs_says_so(company: DailyCompany, tmp_path: Path) -> None:
    settings = load_settings(company.config("old", f"sqlite:///{tmp_path}/empty.db", name="empty"), {})
    measured = measure(settings, now=NOW)
    assert [(one.name, one.status) for one in measured.figures] == [("last_run", "too_little")]


def _check_campaign(measured: MeasuredDay) -> None:
    treated, control = figure(measured, "stayed_treated", "1"), figure(measured, "stayed_control", "1")
    success, roi = figure(measured, "success", "1"), figure(measured, "roi", "1")
    assert success.value == pytest.approx((treated.value or 0) - (control.value or 0))
    assert (success.denominator or 0) > 50
    # Of 30 calls 20 were taken, at 50 USD each, and cost 1 USD.
    assert roi.denominator == 20 * 50 + 20 * 1
    assert roi.value == pytest.approx((success.numerator or 0) * 500 - 1020)
    assert (figure(measured, "list_today", str(WEEKS[-1])).denominator or 0) > 0


def _check_company(measured: MeasuredDay) -> None:
    newest = str(WEEKS[-1])
    assert figure(measured, "customers_at_risk", newest).denominator == pytest.approx(CUSTOMERS, rel=0.05)
    bands = [one for one in measured.figures if one.name == "churn_by_band"]
    levels = [one for one in measured.figures if one.name == "churn_by_cohort"]
    assert sum(one.denominator or 0 for one in bands) == pytest.approx(CUSTOMERS, rel=0.05)
    assert sum(one.denominator or 0 for one in levels) == sum(one.denominator or 0 for one in bands)
    assert {one.rows_as_of for one in [*bands, *levels]} == {WEEKS[3]}
    assert figure(measured, "score_drift", newest).status != "too_little"


def _check_names(measured: MeasuredDay) -> None:
    """No figure names a customer, and every figure has a definition."""
    assert not [one for one in measured.figures if re.search(r"C\d{7}", f"{one.part} {one.next_step}")]
    page = (Path(__file__).parents[3] / "docs/dashboard.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("### ").replace(" ", "_") for line in page.splitlines() if line.startswith("### ")}
    assert {one.name for one in measured.figures} <= headings


def _without_age(measured: MeasuredDay) -> list[StoredMeasurement]:
    return [one for one in measured.figures if one.name != "last_run"]
