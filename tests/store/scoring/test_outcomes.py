"""Outcomes are recorded once, and a label that changes afterwards is kept with its former value."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from churn_mlops.errors import StoreError
from churn_mlops.store import Store
from churn_mlops.store.database.schema import OUTCOME_CHANGES, OUTCOMES
from churn_mlops.store.scoring.outcomes import Change, Labels, Recorded, record_labels, runs_due, scored_outcomes
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import retain, run_of
from tests.store.builders import DAY, NEXT, NOW, batch, batches, run

LATER = NOW + timedelta(days=7)


def labels(**left: bool | None) -> list[Labels]:
    """One batch for each customer."""
    return [Labels([name], [value]) for name, value in left.items()]


@pytest.fixture
def published(store: Store) -> Store:
    """A store with one date of four customers."""
    publish(store, run(), [batch(["A", "B", "C", "D"], [0.9, 0.5, 0.25, 0.125])])
    return store


def test_the_same_labels_change_nothing(published: Store) -> None:
    given = labels(A=True, B=False, C=None)
    assert record_labels(published, DAY, given, NOW) == Recorded(new=3, unchanged=0, changed=0, gone=0)
    assert record_labels(published, DAY, given, LATER) == Recorded(new=0, unchanged=3, changed=0, gone=0)
    found = run_of(published, DAY)
    assert found is not None
    assert (found.matured_at, found.checked_at) == (NOW, LATER)


def test_a_label_that_changes_is_kept_with_what_it_was_and_when(published: Store) -> None:
    record_labels(published, DAY, labels(A=True, B=False, C=None), NOW)
    recorded = record_labels(published, DAY, labels(A=False, C=True, D=False), LATER)
    assert recorded == Recorded(
        new=1, unchanged=0, changed=2, gone=1, examples=(Change("A", True, False), Change("C", None, True))
    )
    with published.reading("look") as connection:
        columns = OUTCOME_CHANGES.c
        kept = connection.execute(select(columns.customer, columns.was, columns.became, columns.changed_at)).all()
        now = connection.execute(select(OUTCOMES.c.customer, OUTCOMES.c.left).order_by(OUTCOMES.c.customer)).all()
    assert sorted(map(tuple, kept)) == [("A", True, False, LATER), ("C", None, True, LATER)]
    assert list(map(tuple, now)) == [("A", False), ("B", False), ("C", True), ("D", False)]


def test_few_examples_of_many_changes_are_reported(store: Store) -> None:
    publish(store, run(), batches(2000))
    names = [f"C{n:06d}" for n in range(2000)]
    record_labels(store, DAY, [Labels(names, [False] * 2000)], NOW)
    recorded = record_labels(store, DAY, [Labels(names, [n % 4 == 0 for n in range(2000)])], LATER)
    assert (recorded.changed, recorded.unchanged, len(recorded.examples)) == (500, 1500, 5)
    assert recorded.examples[0] == Change("C000000", False, True)


def test_a_label_may_change_back(published: Store) -> None:
    for days, value in enumerate((True, False, True)):
        recorded = record_labels(published, DAY, labels(A=value), NOW + timedelta(days=days))
    assert recorded.examples == (Change("A", False, True),)


def test_scores_are_joined_to_outcomes_by_date_and_version(published: Store) -> None:
    publish(published, run(NEXT, version="4"), [batch(["B", "A"], [0.75, 0.5])])
    record_labels(published, DAY, labels(A=True, B=False, C=None, E=True), NOW)
    assert [found.as_of for found in scored_outcomes(published, DAY)] == [DAY]
    record_labels(published, NEXT, labels(A=False, B=True), NOW)
    first, second = scored_outcomes(published, DAY)
    assert (first.as_of, first.model_version) == (DAY, "3")
    assert (first.customer, first.score, first.left) == (["A", "B"], [0.9, 0.5], [True, False])
    assert (second.as_of, second.model_version) == (NEXT, "4")
    assert (second.customer, second.score, second.left) == (["A", "B"], [0.5, 0.75], [False, True])
    assert [found.as_of for found in scored_outcomes(published, NEXT)] == [NEXT]


def test_a_date_is_due_on_the_day_its_labels_are_final_and_not_before(published: Store) -> None:
    assert runs_due(published, 30, DAY + timedelta(days=29)) == []
    assert runs_due(published, 30, DAY + timedelta(days=30)) == [DAY]
    record_labels(published, DAY, labels(A=True), NOW)
    assert runs_due(published, 30, DAY + timedelta(days=30)) == []


def test_a_date_is_looked_at_again_for_as_long_as_asked(published: Store) -> None:
    record_labels(published, DAY, labels(A=True), NOW)
    assert runs_due(published, 30, DAY + timedelta(days=37), recheck_days=7) == [DAY]
    assert runs_due(published, 30, DAY + timedelta(days=38), recheck_days=7) == []


def test_dates_come_earliest_first_and_without_those_that_were_deleted(store: Store) -> None:
    old, older = DAY - timedelta(days=10), DAY - timedelta(days=400)
    for as_of in (DAY, old, older):
        publish(store, run(as_of), batches(2))
    assert runs_due(store, 0, DAY) == [older, old, DAY]
    retain(store, old)
    assert runs_due(store, 0, DAY) == [old, DAY]


def test_a_date_that_is_scored_again_is_due_again_and_keeps_its_outcomes(published: Store) -> None:
    record_labels(published, DAY, labels(A=True, B=False), NOW)
    publish(published, run(version="4"), [batch(["A", "Z"], [0.5, 0.25])])
    assert runs_due(published, 30, DAY + timedelta(days=30)) == [DAY]
    recorded = record_labels(published, DAY, labels(A=True, B=False, Z=False), LATER)
    assert recorded == Recorded(new=1, unchanged=2, changed=0, gone=0)
    (found,) = scored_outcomes(published, DAY)
    assert (found.model_version, found.customer, found.left) == ("4", ["A", "Z"], [True, False])


def test_outcomes_go_with_the_predictions(published: Store) -> None:
    record_labels(published, DAY, labels(A=True), NOW)
    record_labels(published, DAY, labels(A=False), LATER)
    retain(published, NEXT)
    assert list(scored_outcomes(published, DAY)) == []
    with published.reading("look") as connection:
        assert connection.execute(select(OUTCOMES)).all() == []
        assert connection.execute(select(OUTCOME_CHANGES)).all() == []


def test_labels_of_a_date_that_was_not_published_are_refused(published: Store) -> None:
    with pytest.raises(StoreError, match=r"no predictions of 2026-01-01 .* score that date"):
        record_labels(published, date(2026, 1, 1), labels(A=True), NOW)


def test_a_customer_twice_is_refused_and_nothing_is_recorded(published: Store) -> None:
    with pytest.raises(StoreError, match="rows break a rule"):
        record_labels(published, DAY, labels(A=True) + labels(B=True) + labels(A=True), NOW)
    assert runs_due(published, 0, DAY) == [DAY]
