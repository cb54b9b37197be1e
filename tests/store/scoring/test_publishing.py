"""A published date is read whole, as it was given, and once."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from churn_mlops.errors import StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.scoring.predictions import Predictions, prediction_batches, prediction_of, predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run, published_dates, retain, run_of
from tests.store.builders import DAY, NEXT, NOW, REASONS, batch, batches, run

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
ODD = ["O'Brien", '"', "007", "7", "7 ", "", "a\tb\\N\n", "\\.", "Ω", "e\u0301", "é", "😀", "NULL", "; DROP TABLE x"]


def test_an_empty_store_says_so(store: Store) -> None:
    assert latest_run(store) is None
    assert run_of(store, DAY) is None
    assert prediction_of(store, "C1") is None
    assert predictions(store, DAY) == []
    assert list(prediction_batches(store, DAY)) == []
    assert published_dates(store) == []


def test_the_run_describes_what_was_published(store: Store) -> None:
    published = publish(store, run(), batches(2500), clock=lambda: NOW)
    assert (published.customers, published.likely, published.worth_an_offer) == (2500, 1251, 1501)
    assert (published.finished_at, published.known_until) == (NOW, run().known_until)
    assert published.warnings == run().warnings
    assert published == latest_run(store) == run_of(store, DAY)


def test_times_come_back_in_utc_whatever_zone_they_were_given_in(store: Store) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-5)))
    published = publish(store, run(), [], clock=lambda: there)
    assert published.finished_at == NOW
    assert published.finished_at.tzinfo is UTC


def test_predictions_are_read_by_rank_and_in_pages(store: Store) -> None:
    publish(store, run(), reversed(list(batches(2500))))
    page = predictions(store, DAY, limit=3, offset=1249)
    assert [(row.rank, row.customer) for row in page] == [(n + 1, f"C{n:06d}") for n in (1249, 1250, 1251)]
    likely = predictions(store, DAY, offset=1249, only_likely=True)
    assert [(row.rank, row.reasons) for row in likely] == [(1250, REASONS), (1251, REASONS)]
    assert page[2].reasons is None
    assert len(predictions(store, DAY)) == 2500


def test_a_customer_is_found_in_the_latest_date_that_has_them(store: Store) -> None:
    publish(store, run(NEXT, version="4"), batches(10))
    publish(store, run(DAY), batches(20))
    found = prediction_of(store, "C000003")
    gone = prediction_of(store, "C000015")
    assert found is not None
    assert gone is not None
    assert (found.as_of, found.model_version, found.rank) == (NEXT, "4", 4)
    assert gone.as_of == DAY
    assert prediction_of(store, "C000099") is None
    assert prediction_of(store, "\x00") is None


def test_a_date_is_scored_again_in_place_of_what_was_there(store: Store) -> None:
    first = publish(store, run(), batches(1500))
    before = predictions(store, DAY)
    again = publish(store, run(), batches(1500))
    assert again.id == first.id
    assert predictions(store, DAY) == before
    fewer = publish(store, run(version="4"), batches(20, mark="D"))
    assert (fewer.customers, fewer.model_version) == (20, "4")
    assert {row.customer[0] for row in predictions(store, DAY)} == {"D"}
    assert published_dates(store) == [DAY]


def test_dates_come_latest_first_in_whatever_order_they_were_published(store: Store) -> None:
    for as_of in (NEXT, DAY, date(2026, 1, 31)):
        publish(store, run(as_of), batches(2))
    assert published_dates(store) == [NEXT, DAY, date(2026, 1, 31)]
    latest = latest_run(store)
    assert latest is not None
    assert latest.as_of == NEXT


def test_a_reader_sees_the_old_date_whole_while_the_new_one_is_published(store: Store) -> None:
    old = publish(store, run(), batches(50))
    seen = []

    def looking() -> object:
        for part in batches(3000, mark="D"):
            yield part
            seen.append((latest_run(store), predictions(store, DAY), prediction_of(store, "C000000")))

    publish(store, run(), looking())  # type: ignore[arg-type]
    assert len(seen) == 3
    for latest, rows, one in seen:
        assert latest == old
        assert [row.customer for row in rows] == [f"C{n:06d}" for n in range(50)]
        assert one == rows[0]
    assert prediction_of(store, "C000000") is None


def test_a_lock_that_was_lost_leaves_the_old_date(store: Store) -> None:
    def lost() -> None:
        raise StoreError("the lock is lost")

    old = publish(store, run(), batches(5))
    with pytest.raises(StoreError, match="the lock is lost"):
        publish(store, run(), batches(7), check=lost)
    assert run_of(store, DAY) == old
    assert len(predictions(store, DAY)) == 5


def test_what_fails_while_it_is_computed_leaves_the_old_date(store: Store) -> None:
    old = publish(store, run(), batches(50))

    def failing() -> object:
        yield from batches(2000, mark="D")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        publish(store, run(), failing())  # type: ignore[arg-type]
    assert latest_run(store) == old
    assert {row.customer[0] for row in predictions(store, DAY)} == {"C"}
    assert publish(store, run(), batches(5)).customers == 5


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (batch(["C1", "C1"], [0.5, 0.4]), "rows break a rule"),
        (batch(["C1"], [1.5]), "rows break a rule"),
        (batch(["C1"], [math.nan]), "rows break a rule"),
        (batch(["C1"], [0.5], first_rank=0), "rows break a rule"),
        (Predictions([1], ["C1"], [0.5], [True], ["high"], ["offer"], [math.nan], [None]), "rows break a rule"),
        (Predictions([1], ["C1"], [0.5], [True], [None], ["offer"], [1.0], [None]), "rows break a rule"),
        (Predictions([1, 1], ["C1", "C2"], [0.5] * 2, [True] * 2, ["a"] * 2, ["b"] * 2, [1.0] * 2, [None] * 2), "rule"),
        (Predictions([1], ["C1"], [0.5], [True], ["high"], ["offer"], [1.0], []), "different lengths"),
        (Predictions([1], ["C1"], [0.5], [True], ["high"], ["offer"], [1.0], [[math.nan]]), "what JSON can say"),
        (batch(["C\x001"], [0.5]), "code 0"),
        (batch(["C\ud8001"], [0.5]), "half a character"),
        (batch([7], [0.5]), "no text"),  # type: ignore[list-item]
    ],
)
def test_what_breaks_a_rule_is_refused_and_the_old_date_stays(store: Store, bad: Predictions, said: str) -> None:
    old = publish(store, run(), batches(3))
    with pytest.raises(StoreError, match=said) as caught:
        publish(store, run(), [*batches(3, mark="D"), bad])
    assert "C1" not in str(caught.value)
    assert latest_run(store) == old
    assert [row.customer for row in predictions(store, DAY)] == ["C000000", "C000001", "C000002"]


def test_odd_names_are_different_customers_and_come_back_as_they_were(store: Store) -> None:
    publish(store, run(), [batch(ODD, [0.5] * len(ODD))])
    assert [row.customer for row in predictions(store, DAY)] == ODD
    for rank, name in enumerate(ODD, start=1):
        found = prediction_of(store, name)
        assert found is not None
        assert (found.customer, found.rank) == (name, rank)


def test_scores_and_names_survive_exactly(addresses) -> None:  # type: ignore[no-untyped-def]
    with open_store(addresses()) as store:

        @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.dictionaries(NAMES, st.floats(0, 1), max_size=8), st.integers(1, 4))
        def holds(scores: dict[str, float], size: int) -> None:
            names, values = list(scores), list(scores.values())
            parts = [
                batch(names[start : start + size], values[start : start + size], start + 1)
                for start in range(0, len(names), size)
            ]
            published = publish(store, run(), parts)
            assert published.customers == len(scores)
            assert {row.customer: row.score for row in predictions(store, DAY)} == scores

        holds()


def test_arrays_are_taken_as_lists_are(store: Store) -> None:
    arrays = Predictions(
        rank=np.arange(1, 3, dtype=np.int32),
        customer=pa.array(["C1", "C2"]),
        score=np.array([0.75, 0.1]),
        will_churn=np.array([True, False]),
        risk_band=pa.chunked_array([["high"], ["low"]]),
        action=np.array(["offer", "leave_alone"]),
        expected_gain=np.array([1.5, -2.0]),
        reasons=[REASONS, None],
    )
    published = publish(store, run(), [arrays])
    assert (published.customers, published.likely, published.worth_an_offer) == (2, 1, 1)
    (read,) = prediction_batches(store, DAY)
    assert read.customer == ["C1", "C2"]
    assert read.score == [0.75, 0.1]
    assert read.will_churn == [True, False]
    assert read.reasons == [REASONS, None]


def test_what_is_read_in_batches_can_be_published_again(store: Store) -> None:
    publish(store, run(), batches(1200))
    publish(store, run(NEXT), list(prediction_batches(store, DAY)))
    a, b = predictions(store, DAY), predictions(store, NEXT)
    assert [(row.rank, row.customer, row.score) for row in a] == [(row.rank, row.customer, row.score) for row in b]


def test_old_dates_lose_their_predictions_and_keep_their_totals(store: Store) -> None:
    old = date(2025, 10, 1)
    publish(store, run(old), batches(30))
    publish(store, run(), batches(20))
    later = datetime(2026, 11, 24, tzinfo=UTC)
    assert retain(store, DAY, clock=lambda: later) == [old]
    kept = run_of(store, old)
    assert kept is not None
    assert (kept.customers, kept.likely, kept.deleted_at) == (30, 16, later)
    assert predictions(store, old) == []
    assert len(predictions(store, DAY)) == 20
    assert published_dates(store) == [DAY]
    assert retain(store, DAY) == []
    assert publish(store, run(old), batches(5)).deleted_at is None
    assert published_dates(store) == [DAY, old]


def test_no_reading_of_a_page_or_a_customer_goes_through_all_rows(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        publish(store, run(), batches(1200))
        publish(store, run(NEXT), batches(1200))
        asked: list[tuple[str, Any]] = []
        event.listen(store.engine, "before_cursor_execute", lambda _c, _x, sql, values, *_: asked.append((sql, values)))
        predictions(store, DAY, limit=5)
        predictions(store, DAY, only_likely=True)
        prediction_of(store, "C000700")
        prediction_of(store, "nobody")
        reads = [(sql, values) for sql, values in asked if "FROM scoring_runs JOIN predictions" in sql]
        assert len(reads) == 5
        with store.reading("explain") as connection:
            for sql, values in reads:
                plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
                assert any(step.startswith("SEARCH predictions USING") for step in plan), plan
                assert not any(step.startswith("SCAN") for step in plan), plan
