"""The tables of a history against their contract: each fault of the rows that count is reported once."""

from __future__ import annotations

from typing import Any

import pandas as pd

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.validation.validate_history import check_history
from tests.data.proposal.databases import Frames, tables

_DAY = pd.Timedelta(1, "D")
_START = pd.Timestamp("2024-01-01")
_CONTRACT: dict[str, Any] = {
    "name": "company",
    "customer": "customer_id",
    "tables": {
        "customers": {"start": "signup_date", "ends": "changes"},
        "changes": {"event_time": "changed_at", "where": {"kind": "cancelled"}},
    },
    "label": {"event": "customers.end"},
    "features": {"tenure": {"age_of": "customers.start", "unit": "months"}},
}


def _company() -> Frames:
    """Ten customers who upgrade and then cancel, some of whom are not named where they upgrade."""
    names = [f"K{place}" for place in range(10)]
    upgrades = pd.DataFrame({"customer_id": names, "changed_at": _START + 10 * _DAY, "kind": "upgraded"})
    ends = pd.DataFrame({"customer_id": names[:5], "changed_at": _START + 60 * _DAY, "kind": "cancelled"})
    return {
        "customers": pd.DataFrame({"customer_id": names, "signup_date": _START}),
        "changes": pd.concat([upgrades, ends], ignore_index=True),
    }


def _said(frames: Frames, contract: dict[str, Any] = _CONTRACT) -> list[tuple[str, str, int]]:
    found = check_history(tables(frames), HistoryContract.from_dict(contract))
    return [(problem.column, problem.rule, problem.rows) for problem in found]


def test_rows_that_a_table_leaves_out_have_no_faults() -> None:
    frames = _company()
    frames["changes"].loc[0:3, "customer_id"] = None
    frames["changes"].loc[4:6, "changed_at"] = pd.NaT
    assert _said(frames) == []


def test_customers_who_end_twice_are_counted_among_the_ends() -> None:
    frames = _company()
    again = frames["changes"].tail(2).assign(changed_at=_START + 90 * _DAY)
    frames["changes"] = pd.concat([frames["changes"], again], ignore_index=True)
    (problem,) = check_history(tables(frames), HistoryContract.from_dict(_CONTRACT))
    assert problem.rule == "several_ends"
    assert problem.advice.startswith("2 of 5 customers in it stand there more than once")


def test_a_table_of_which_no_row_is_kept_is_empty() -> None:
    frames = _company()
    frames["changes"] = frames["changes"].head(10)
    assert _said(frames) == [("changes", "empty_table", 0)]


def test_rows_without_a_customer_are_reported_once() -> None:
    frames = _company()
    frames["changes"].loc[14, "customer_id"] = None
    assert _said(frames) == [("changes.customer_id", "link_blank", 1)]


def test_an_id_that_is_a_word_for_missing_is_a_customer_and_is_asked_about() -> None:
    visits = pd.DataFrame(
        {"customer_id": ["K1", "K1", "NA", "NA"], "seen_at": [_START + place * _DAY for place in range(4)]}
    )
    contract = _CONTRACT | {
        "tables": {"customers": {"table": "visits", "start": "seen_at"}, "visits": {"event_time": "seen_at"}},
        "label": {"inactive": {"events": "visits", "days": 30}},
    }
    opened = tables({"visits": visits})
    found = check_history(opened | {"customers": opened["visits"]}, HistoryContract.from_dict(contract))
    (problem,) = [problem for problem in found if problem.rule == "missing_as_id"]
    assert (problem.severity, problem.column) == ("warning", "visits.customer_id")
    assert problem.advice.startswith("2 rows are those of a customer 'NA'")


def _with_ends(ends: list[str]) -> list[tuple[str, str, str, int]]:
    """The problems with customers of which so many left, and 100 stayed."""
    names = [f"K{place}" for place in range(len(ends) + 100)]
    starts = [str((_START + place % 50 * _DAY).date()) for place in range(len(names))]
    frame = pd.DataFrame({"id": names, "since": starts, "until": [*ends, *[None] * 100]})
    contract = {
        "name": "company",
        "customer": "id",
        "tables": {"customers": {"start": "since", "end": "until", "formats": {"until": "%Y-%m-%d"}}},
        "label": {"event": "customers.end"},
        "features": {"tenure": {"age_of": "customers.start", "unit": "months"}},
    }
    found = check_history(tables({"customers": frame}), HistoryContract.from_dict(contract))
    return [(problem.severity, problem.column, problem.rule, problem.rows) for problem in found]


def test_more_than_one_percent_of_the_ends_that_is_not_read_stops_and_not_of_all_rows() -> None:
    ends = [str((_START + (60 + place % 90) * _DAY).date()) for place in range(199)]
    assert _with_ends(ends) == []
    assert _with_ends([*ends, "31.05.2024"]) == [("warning", "customers.until", "date_unread", 1)]
    assert _with_ends([*ends[:98], "31.05.2024"]) == [("stop", "customers.until", "date_unread", 1)]
    assert _with_ends([*ends[:50], *["9999-12-31"] * 100]) == []
