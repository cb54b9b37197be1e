"""What is proposed for a database in which rows of a customer, or of another key, are stored twice."""

from __future__ import annotations

import pandas as pd

from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from tests.data.proposal.databases import accounts, faulty_shop, shop, shop_of_contracts, tables


def _said(proposal: HistoryProposal, kind: str) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == kind}


def _proposed_with(rows: pd.DataFrame) -> HistoryProposal:
    return propose_history(tables(shop_of_contracts(rows)), name="shop")


def test_a_customer_stored_twice_does_not_make_a_history_of_the_table_of_customers() -> None:
    rows = accounts()
    twice = pd.concat([rows, rows.iloc[[5, 9]].assign(country=["DE", "FR"])], ignore_index=True)
    for held in (rows, twice):
        proposal = _proposed_with(held)
        assert proposal.table_roles.roles["customers"].kind == "attributes"
        assert "customers.status" in proposal.contract.set_aside
        assert "status" not in proposal.contract.features


def test_values_of_today_stay_where_few_customers_have_a_second_row_of_a_later_date() -> None:
    rows = accounts()
    later = rows.iloc[[5, 9]].assign(status="silver", signup_date=pd.Timestamp("2024-06-01"))
    proposal = _proposed_with(pd.concat([rows, later], ignore_index=True))
    assert "status" in proposal.contract.features


def test_rows_are_read_through_a_table_of_which_a_row_is_stored_twice() -> None:
    frames = faulty_shop()
    frames["orders"] = pd.concat([frames["orders"], frames["orders"].iloc[[7]]], ignore_index=True)
    proposal = propose_history(tables(frames), name="shop")
    through = proposal.contract.tables["parcels"].through
    assert through is not None
    assert (through.table, through.key) == ("orders", "order_id")
    assert "orders.order_id" in _said(proposal, "duplicate_key")


def test_a_foreign_key_that_is_refused_because_its_key_repeats_is_reported() -> None:
    frames = faulty_shop()
    frames["orders"] = pd.concat([frames["orders"], frames["orders"].head(400)], ignore_index=True)
    proposal = propose_history(tables(frames), name="shop")
    assert "parcels" not in proposal.contract.tables
    assert _said(proposal, "left_out")["parcels"] == (
        "no column leads from it to the customers: order_id is also in orders, but 400 of 3,400 rows (11.8%) repeat "
        "one there, so it names no row; left out"
    )


def test_a_row_stored_twice_is_reported_once_and_a_blank_key_is_no_orphan() -> None:
    frames = shop()
    frames["orders"].loc[[3, 4], "customer_id"] = [None, "K99999"]
    frames["tickets"] = pd.concat([frames["tickets"], frames["tickets"].iloc[[7]]], ignore_index=True)
    proposal = propose_history(tables(frames), name="shop")
    assert "1 of them is an exact copy" in _said(proposal, "duplicate_key")["tickets.ticket_id"]
    assert _said(proposal, "repeated_rows") == {}
    assert _said(proposal, "link_blank")["orders.customer_id"] == (
        "1 of 3,000 rows (0.0%) have no customer_id: they belong to no one"
    )
    assert _said(proposal, "orphans")["orders.customer_id"].startswith("1 of 3,000 rows (0.0%) name 1 which")
