"""The published predictions as a person looks through them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from churn_mlops.store import Store
from churn_mlops.store.scoring.browsing import (
    Selection,
    average_score,
    count_selected,
    customers_at,
    customers_beginning,
    gain_has_own_order,
    published_scores,
    read_slice,
)
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import Run, latest_run
from tests.store.builders import DAY, NEXT, batch, batches, run

CUSTOMERS = 50


@pytest.fixture
def newest(store: Store) -> Run:
    """A run of 50 customers; the first 26 are likely to churn, the first 31 are on the contact list."""
    publish(store, run(), batches(CUSTOMERS))
    return latest_run(store) or pytest.fail("no run")


def ids(found: Any) -> list[str]:
    return [one.customer for one in found]


def named(*numbers: int) -> list[str]:
    return [f"C{number:06d}" for number in numbers]


def test_a_row_is_the_prediction_that_was_published(store: Store, newest: Run) -> None:
    found = read_slice(store, newest, Selection("all"), 100)
    assert list(found.items) == predictions(store, DAY)
    assert (found.has_before, found.has_after) == (False, False)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection("contact"), range(31)),
        (Selection("likely"), range(26)),
        (Selection("all"), range(50)),
        (Selection("all", band="low"), range(26, 50)),
        (Selection("contact", band="low"), range(26, 31)),
        (Selection("all", prefix="c00001"), range(10, 20)),
        (Selection("likely", prefix="C00002", order="customer"), range(20, 26)),
        (Selection("all", prefix="unknown"), []),
        (Selection("all", prefix="C\x00"), range(50)),
    ],
)
@pytest.mark.parametrize("size", [7, 100])
def test_pages_lead_through_a_selection_forwards_and_back(
    store: Store, newest: Run, selection: Selection, expected: Any, size: int
) -> None:
    def place(one: Any) -> Any:
        return one.rank if selection.order == "rank" else one.customer

    pages, after = [], None
    while not pages or pages[-1].has_after:
        pages.append(read_slice(store, newest, selection, size, after=after))
        after = place(pages[-1].items[-1]) if pages[-1].items else None
    assert [one for page in pages for one in ids(page.items)] == named(*expected)
    for earlier, later in pairwise(pages):
        back = read_slice(store, newest, selection, size, before=place(later.items[0]))
        assert ids(back.items) == ids(earlier.items)
        assert back.has_before is (earlier is not pages[0])
        assert later.has_before


def test_the_order_by_gain_is_offered_where_it_differs_and_leads_forwards_and_back(store: Store, newest: Run) -> None:
    assert not gain_has_own_order(store, newest)
    names, gains = named(*range(8)), [5.0, 9.0, 1.0, 9.0, 5.0, 7.0, 3.0, 2.0]
    publish(store, run(NEXT), [replace(batch(names, [0.9] * 8), expected_gain=gains)])
    later = latest_run(store) or pytest.fail("no run")
    assert gain_has_own_order(store, later)
    expected, selection = named(1, 3, 5, 0, 4, 6, 7, 2), Selection(order="gain")
    first = read_slice(store, later, selection, 3)
    second = read_slice(store, later, selection, 3, after=first.items[-1].rank)
    third = read_slice(store, later, selection, 3, after=second.items[-1].rank)
    assert ids(first.items) + ids(second.items) + ids(third.items) == expected
    assert [page.has_after for page in (first, second, third)] == [True, True, False]
    back = read_slice(store, later, selection, 3, before=third.items[0].rank)
    assert (ids(back.items), back.has_before) == (ids(second.items), True)


def test_a_selection_is_counted_and_ranks_are_read(store: Store, newest: Run) -> None:
    for selection, count in [
        (Selection(), 31),
        (Selection("all", band="low"), 24),
        (Selection("all", prefix="c00001"), 10),
    ]:
        assert count_selected(store, newest, selection) == count
        assert count_selected(store, newest, selection, 15) == min(count, 15)
    assert {rank: one.customer for rank, one in customers_at(store, newest, [2, 50, 51]).items()} == {
        2: "C000001", 50: "C000049",
    }  # fmt: skip


def test_customers_are_found_by_the_beginning_of_their_id_in_any_case(store: Store) -> None:
    names = ["abc", "ABD", "Ab", "b", "ä-1", "a%", "a_", "aé"]
    publish(store, run(), [batch(names, [0.5] * len(names))])
    newest = latest_run(store) or pytest.fail("no run")
    assert ids(customers_beginning(store, newest, "ab", 10)) == ["ABD", "abc"]
    assert ids(customers_beginning(store, newest, "Ab", 10)) == ["ABD", "Ab", "abc"]
    assert ids(customers_beginning(store, newest, "a%", 10)) == ["a%"]
    assert ids(customers_beginning(store, newest, "Ä", 10)) == ["ä-1"]
    assert ids(customers_beginning(store, newest, "a", 2)) == ["ABD", "Ab"]


def test_the_scores_of_a_customer_come_back_the_latest_first(store: Store, newest: Run) -> None:
    publish(store, run(NEXT, version="4"), [batch(["C000001"], [0.25])])
    publish(store, run(NEXT + timedelta(days=1)), [batch(["other"], [0.25])])
    found = published_scores(store, "C000001", 12)
    assert [(one.as_of, one.score, one.model_version) for one in found] == [(NEXT, 0.25, "4"), (DAY, 0.98, "3")]
    assert published_scores(store, "C000001", 1) == []  # the latest date does not have them
    assert published_scores(store, "C\x00", 12) == []


def test_the_average_is_that_of_all_customers(store: Store, newest: Run) -> None:
    assert average_score(store, newest) == pytest.approx(sum(1 - place / CUSTOMERS for place in range(CUSTOMERS)) / 50)


@pytest.mark.parametrize(
    "selection",
    [
        Selection("all"),
        Selection("contact"),
        Selection("all", order="customer"),
        Selection("all", prefix="C00001", order="customer"),
    ],
)
def test_a_page_is_read_out_of_an_index(store: Store, newest: Run, selection: Selection) -> None:
    """SQLite says how it reads: by a search of an index, with no sorting and no scan."""
    if store.file is None:
        pytest.skip("the plan of PostgreSQL depends on its statistics")
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT predictions"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            asked.extend(row[3] for row in cursor.fetchall())

    event.listen(store.engine, "before_cursor_execute", note)
    read_slice(store, newest, selection, 10, after=5 if selection.order == "rank" else "C000005")
    event.remove(store.engine, "before_cursor_execute", note)
    assert asked
    assert not [line for line in asked if "SCAN" in line or "TEMP B-TREE" in line], asked
