"""The money of the lists: which weeks count, and when they are measured again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from churn_mlops.config import Settings
from churn_mlops.pipelines.monitoring import run_rows
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.schema import RUNS
from churn_mlops.store.scoring.predictions import predictions
from tests.pipelines.monitoring.measured_company import CUSTOMERS, NOW, WEEKS, figure


def test_a_week_of_lists_is_measured_anew_where_the_terms_of_the_decision_changed(settings: Settings) -> None:
    cheap, dear = (
        settings.model_copy(update={"decision": settings.decision.model_copy(update={"offer_cost": cost})})
        for cost in (1.0, 40.0)
    )
    weeks = [str(day) for day in WEEKS[:-1]]

    def gains(of: Settings, later: int) -> list[float | None]:
        measured = measure(of, now=NOW + timedelta(hours=later))
        return [figure(measured, "list_gain", week).value for week in weeks]

    first = gains(cheap, 0)
    assert None not in first
    assert gains(dear, 1) != first
    assert gains(cheap, 2) == first


def test_lists_of_all_weeks_reach_the_share_that_the_capacity_is_of_the_customers_of_today(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    scarce = settings.model_copy(
        update={"decision": settings.decision.model_copy(update={"capacity": 2, "offer_cost": 1.0})}
    )
    weeks, read = [str(day) for day in WEEKS[:-1]], []
    spied = run_rows.run_scores
    monkeypatch.setattr(run_rows, "run_scores", lambda store, run: read.append(run.as_of) or spied(store, run))

    def gains(customers: int, later: int) -> dict[str, float]:
        """Of a company that has as many customers at its newest run, and had 1,500 before."""
        with open_store(settings.store.url) as store, store.writing("grow") as connection:
            connection.execute(update(RUNS).values(customers=CUSTOMERS))
            connection.execute(update(RUNS).where(RUNS.c.as_of == WEEKS[-1]).values(customers=customers))
        read.clear()
        measured = measure(scarce, now=NOW + timedelta(hours=later))
        assert len({figure(measured, "list_gain", week).next_step for week in weeks}) == 1
        return {week: figure(measured, "list_gain", week).value or 0.0 for week in weeks}

    small = gains(CUSTOMERS, 0)
    assert all(value > 0 for value in small.values())
    assert gains(CUSTOMERS + 20, 1) == small
    assert not {str(day) for day in read} & set(weeks)
    large = gains(4 * CUSTOMERS, 2)
    assert all(0.25 * small[week] < large[week] < 0.75 * small[week] for week in weeks)
    assert gains(CUSTOMERS, 3) == small


def test_a_list_that_was_called_without_a_control_group_states_no_money(settings: Settings) -> None:
    week, cheap = WEEKS[3], settings.decision.model_copy(update={"offer_cost": 1.0})
    settings = settings.model_copy(update={"decision": cheap})
    assert figure(measure(settings, now=NOW), "list_gain", str(week)).value
    at = datetime(week.year, week.month, week.day, 12, tzinfo=UTC)
    with open_store(settings.store.url) as store:
        for one in predictions(store, week, limit=1000):
            call = NewContact(f"top{one.rank}", "a" * 64, one.customer, at, "20 % off", "accepted", "person:anna")
            record_contact(store, call, clock=lambda: NOW)
        with store.writing("look at the labels again") as connection:
            connection.execute(update(RUNS).where(RUNS.c.as_of == week).values(checked_at=NOW + timedelta(hours=1)))
    measured = measure(settings, now=NOW + timedelta(hours=2))
    hidden = figure(measured, "list_gain", str(week))
    assert (hidden.value, hidden.status) == (None, "too_little")
    assert hidden.next_step.startswith("Draw a control group")
    assert {one.name for one in measured.figures if one.name == "money_lost" and not one.is_final} == set()


def test_lists_of_dates_that_the_model_was_trained_on_do_not_count(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    shutil.copytree(settings.models.folder, folder)
    cheap = settings.decision.model_copy(update={"offer_cost": 1.0, "contact_cost": 0.1})
    models = settings.models.model_copy(update={"folder": folder})
    own = settings.model_copy(update={"models": models, "decision": cheap})
    (made,) = folder.rglob("*.provenance.json")

    def gain(*trained_on: date) -> float | None:
        made.write_text(json.dumps({"as_of_dates": [str(day) for day in trained_on]}))
        looked = update(RUNS).where(RUNS.c.checked_at.is_not(None)).values(checked_at=NOW + timedelta(days=1))
        with open_store(settings.store.url) as store, store.writing("look at the labels") as connection:
            connection.execute(looked)
        return figure(measure(own, now=NOW), "list_gain_then").value

    of_all = gain()
    assert (of_all or 0) > 0
    horizon = timedelta(days=30)
    assert gain(WEEKS[0] - 2 * horizon, WEEKS[0] - horizon) == of_all
    assert gain(WEEKS[0] - horizon + timedelta(days=1)) not in (of_all, None)
    assert gain(WEEKS[3]) is None


def test_a_store_that_holds_lists_only_states_no_money(settings: Settings) -> None:
    money = {"list_gain_then", "list_gain", "money_lost"}
    assert money <= {one.name for one in measure(settings, now=NOW).figures}
    source = settings.source.model_copy(update={"url": "spark://host/company"})
    on_spark = settings.model_copy(update={"source": source})
    assert not money & {one.name for one in measure(on_spark, now=NOW + timedelta(minutes=1)).figures}
