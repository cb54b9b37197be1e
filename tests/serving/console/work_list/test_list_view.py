"""Today's list and its file, as plain values."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from churn_mlops.serving.console.work_list import csv_export
from churn_mlops.serving.console.work_list.list_query import ListQuery, query_of
from churn_mlops.serving.console.work_list.list_view import PARTS, ListFound, ListView, list_view
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.contacts import Contact
from churn_mlops.store.scoring.browsing import Slice
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
RUN = Run(date(2026, 11, 22), NOW, "3", "a" * 64, "c", NOW, customers=100, likely=7, worth_an_offer=5)


def prediction(rank: int, customer: str = "", reasons: list[object] | None = None) -> Prediction:
    name = customer or f"C{rank:03d}"
    return Prediction(RUN.as_of, "3", rank, name, 0.5, True, "high", "offer", 12.5, reasons)  # type: ignore[arg-type]


FOUND = Slice([prediction(3, reasons=["plan: +3 points"]), prediction(4)], has_before=True, has_after=True)
TODAY = date(2026, 11, 23)
ME = "person:anna"


def view_of(query: ListQuery, found: Slice = FOUND, **more: Any) -> ListView:
    return list_view(query, ListFound(RUN, found, **more), ME, TODAY, TODAY + timedelta(days=30))


def test_the_addresses_of_the_other_pages_keep_what_was_chosen() -> None:
    query = ListQuery(part="all", band="high", q="C", order="rank", after="2")
    found = view_of(query)
    assert (found.previous, found.next) == (
        "/list?part=all&band=high&q=C&before=3",
        "/list?part=all&band=high&q=C&after=4",
    )
    by_id = view_of(ListQuery(order="customer"))
    assert by_id.next == "/list?order=customer&after=C004"
    assert view_of(query, Slice([], False, False)).next is None


def test_a_part_shows_how_many_customers_it_has() -> None:
    tabs = view_of(ListQuery(part="likely")).tabs
    assert [(tab.name, tab.count, tab.is_current) for tab in tabs] == [
        ("contact", 5, False),
        ("likely", 7, True),
        ("all", 100, False),
    ]


def test_a_customer_who_is_taken_at_a_loss_is_explained_on_the_contact_list_alone() -> None:
    loss = Slice([prediction(3), replace(prediction(4), expected_gain=-0.01)], has_before=False, has_after=False)
    assert [view_of(ListQuery(part=part), loss).has_losses for part in PARTS] == [True, False, False]
    assert not view_of(ListQuery()).has_losses


def test_a_row_has_its_first_reason_and_latest_contact() -> None:
    contact = Contact("k", "s", "C003", NOW, "20 % off", "accepted", "person:anna", id=1, recorded_at=NOW)
    work = ListWork("C004", 1, owner=ME, changed_at=NOW)
    first, second = view_of(ListQuery(), contacts={"C003": contact}, work={"C004": work}).rows
    assert (first.reason, first.points, first.contact, first.state) == ("plan", 3, contact, "open")
    assert (second.reason, second.points, second.contact, second.work) == ("", None, None, work)
    assert second.state == "taken"


def test_the_later_of_a_contact_and_a_change_of_the_work_says_the_state() -> None:
    for minutes, state in [(-1, "taken"), (0, "contacted"), (1, "contacted")]:
        work = ListWork("C003", 1, owner=ME, changed_at=NOW)
        contacted = {"C003": NOW + timedelta(minutes=minutes), "C004": NOW}
        rows = view_of(ListQuery(), work={"C003": work}, contacted=contacted).rows
        assert [row.state for row in rows] == [state, "contacted"]


def test_contacted_and_done_customers_are_worked() -> None:
    counts = {"open": 5, "taken": 1, "snoozed": 2, "contacted": 3, "done": 4}
    view = view_of(ListQuery(q="C", state="done"), states=counts)
    assert view.worked == 7
    assert [(tab.name, tab.count, tab.is_current) for tab in view.states] == [
        ("all", 15, False),
        *((name, count, name == "done") for name, count in counts.items()),
    ]
    assert view.states[1].address == "/list?q=C&state=open"


def test_an_address_of_the_list_comes_back_as_its_query_and_no_other_does() -> None:
    query = ListQuery(band="high", q="ä&b", state="open", owner="person:ben", order="gain", after="7")
    assert query_of(query.here()) == query
    assert query_of("/list") == ListQuery()
    for other in ("", "/", "/lists", "//evil/list", "https://evil/list", "/list?part=none", "/list?x=1", "/list?q"):
        with pytest.raises(RequestError):
            query_of(other)


@pytest.mark.parametrize(("order", "given", "place"), [("rank", "7", 7), ("customer", "7", "7"), ("rank", "", None)])
def test_a_place_is_a_rank_or_an_id(order: str, given: str, place: object) -> None:
    assert ListQuery(order=order).place(given) == place  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 10, "٣x"])
def test_another_place_is_refused(given: str) -> None:
    with pytest.raises(RequestError):
        ListQuery().place(given)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"]  # noqa: RUF001


@pytest.mark.parametrize("sign", FORMULAS)
def test_a_spreadsheet_computes_nothing_of_the_file(sign: str) -> None:
    one = prediction(1, sign, [{"text": sign}, sign, "fine, “quoted”", "fourth"])
    given = csv_export.file_row(one, ListWork(sign, owner=sign), "taken")
    (row,) = csv.reader(io.StringIO(csv_export.lines_of([given]), newline=""))
    found = dict(zip(csv_export.COLUMNS, row, strict=True))
    assert found["customer"] == found["reason_1"] == found["reason_2"] == found["owner"] == f"'{sign}"
    assert found["reason_3"] == "fine, “quoted”"
    assert float(found["score"]) == one.score
