"""Ends that are rows of a table of events with a certain value."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from churn_mlops.data.contract import CHURNED
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from tests.data.proposal.databases import Frames, tables

_DAY = pd.Timedelta(1, "D")
_START = pd.Timestamp("2024-01-01")


def _log(end: str, later: str = "Home") -> Frames:
    """Forty users who visit a page every four days, for 200 days; a third of them visit ``end`` last, on their day."""
    rows = []
    for place in range(40):
        gone = 60 + 3 * place if place % 3 == 0 else None
        for day in range(place % 4, gone or 200, 4):
            rows.append((f"U{place:03}", _START + day * _DAY, ["Home", later, "Help"][day // 4 % 3]))
        if gone is not None:
            rows.append((f"U{place:03}", _START + gone * _DAY, end))
    visits = pd.DataFrame(rows, columns=["user_id", "seen_at", "page"])
    users = pd.DataFrame({"user_id": sorted(visits["user_id"].unique()), "registered_at": _START})
    return {"users": users, "visits": visits}


def _proposed(frames: Frames) -> HistoryProposal:
    return propose_history(tables(frames), name="log")


def _said(proposal: HistoryProposal) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == "end_event"}


def test_a_page_of_cancellation_is_taken_for_the_end_and_asked_about() -> None:
    frames = _log("Cancellation Confirmation")
    proposal = _proposed(frames)
    contract = proposal.contract
    assert contract.tables["users"].ends == "visits_ends"
    ends = contract.tables["visits_ends"]
    assert (ends.table, ends.event_time, ends.where) == ("visits", "seen_at", {"page": ("Cancellation Confirmation",)})
    assert contract.label is not None
    assert contract.label.event == "users.end"
    said = _said(proposal)["visits.page"]
    assert (
        "14 customers have a row with 'Cancellation Confirmation', and 0% of them have a row more than a week" in said
    )
    assert "Is a customer gone then?" in said


def test_customers_who_never_were_in_a_table_do_not_stop_there() -> None:
    frames = _log("Home", later="Refund")
    shop = frames["visits"][frames["visits"]["user_id"] < "U020"]
    shop = shop[(shop["page"] != "Refund") | ~shop.duplicated(["user_id", "page"])]
    others = frames["visits"][frames["visits"]["user_id"] >= "U020"].drop(columns="page")
    app = others.rename(columns={"seen_at": "opened_at"})
    proposal = _proposed({"users": frames["users"], "visits": shop, "app": app})
    assert "visits_ends" not in proposal.contract.tables


def test_the_labels_of_such_ends_are_those_of_the_events() -> None:
    frames = _log("Cancellation Confirmation")
    contract = _proposed(frames).contract
    connection = next(iter(tables(frames).values())).get_backend()
    held = {key: connection.table(one.table or key) for key, one in contract.tables.items()}
    rows = read_history(held, contract, [date(2024, 4, 9)], label=True)  # day 99
    left = [60 + 3 * place for place in range(0, 40, 3)]
    assert np.sum(rows[CHURNED].to_numpy(zero_copy_only=False) == "yes") == sum(99 < day <= 129 for day in left)
    assert len(rows) == 40 - sum(day <= 99 for day in left)


def test_a_value_that_only_the_rows_show_is_asked_about_and_not_taken() -> None:
    proposal = _proposed(_log("Page 17"))
    assert "visits_ends" not in proposal.contract.tables
    said = _said(proposal)["visits.page"]
    assert "they are not taken for the end" in said
    assert "where: {page: [Page 17]}}`, and `ends: visits_ends` there" in said


def test_a_value_that_speaks_of_leaving_and_parts_no_one_is_no_end() -> None:
    proposal = _proposed(_log("Home", later="Cancel"))
    assert _said(proposal) == {}
    assert "visits_ends" not in proposal.contract.tables


def test_a_status_of_a_history_is_taken_for_the_end_beside_tables_with_other_kinds_of_times() -> None:
    frames = _log("Home")
    users, visits = frames["users"], frames["visits"]
    last = visits.groupby("user_id")["seen_at"].max()
    closed = [(name, day + _DAY, "closed") for name, day in last.items() if day < _START + 190 * _DAY]
    opened = [(name, _START + 20 * _DAY, "active") for name in users["user_id"]]
    states = pd.DataFrame(opened + closed, columns=["user_id", "changed_on", "status"])
    frames["user_status"] = states.assign(changed_on=states["changed_on"].dt.date)
    contract = _proposed(frames).contract
    ends = contract.tables[str(contract.tables[contract.customers].ends)]
    assert (ends.table, ends.where) == ("user_status", {"status": ("closed",)})


def test_mailings_that_go_on_for_everyone_do_not_hide_an_end_that_speaks_of_leaving() -> None:
    for page, taken in (("Cancellation Confirmation", True), ("Page 17", False)):
        frames = _log(page)
        users = frames["users"]["user_id"].to_numpy()
        sent = pd.DataFrame(
            {"user_id": np.tile(users, 20), "sent_at": _START + np.repeat(np.arange(20), 40) * 10 * _DAY}
        )
        contract = _proposed(frames | {"mailings": sent}).contract
        assert ("visits_ends" in contract.tables) == taken


def test_a_closed_state_is_an_end_by_the_acts_alone_where_mailings_go_on() -> None:
    frames = _log("Home")
    users, visits = frames["users"]["user_id"].to_numpy(), frames["visits"]
    last = visits.groupby("user_id")["seen_at"].max()
    closed = [(name, day + _DAY, "closed") for name, day in last.items() if day < _START + 190 * _DAY]
    opened = [(name, _START, "active") for name in users]
    sent = pd.DataFrame({"user_id": np.tile(users, 20), "sent_at": _START + np.repeat(np.arange(20), 40) * 10 * _DAY})
    states = pd.DataFrame(opened + closed, columns=["user_id", "changed_on", "status"])
    contract = _proposed(frames | {"states": states, "mailings": sent}).contract
    ends = contract.tables[str(contract.tables[contract.customers].ends)]
    assert (ends.table, ends.where) == ("states", {"status": ("closed",)})
