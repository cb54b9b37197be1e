"""Amounts that must not be added up as they stand: several currencies, payments that failed, returns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import tables_of
from tests.data.proposal.databases import Frames, tables

_DAY = pd.Timedelta(1, "D")
_START = pd.Timestamp("2024-01-01")


def _company(**columns: list[Any]) -> Frames:
    """Twenty customers with six charges of 10, 20, ... each, one every ten days; ``columns`` are those of a charge."""
    names = [f"K{place:04}" for place in range(20)]
    ends = [_START + 100 * _DAY if place % 3 == 0 else pd.NaT for place in range(20)]
    charges = pd.DataFrame(
        [(name, _START + (10 * place + 5) * _DAY, 10.0 * (place + 1)) for name in names for place in range(6)],
        columns=["customer_id", "charged_at", "amount"],
    )
    return {
        "customers": pd.DataFrame({"customer_id": names, "signup_date": _START, "cancelled_at": ends}),
        "charges": charges.assign(**{name: values * 20 for name, values in columns.items()}),
    }


def _proposed(frames: Frames) -> HistoryProposal:
    return propose_history(tables(frames), name="company")


def _said(proposal: HistoryProposal, kind: str) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == kind}


def _row(frames: Frames, proposal: HistoryProposal) -> dict[str, float]:
    """The features of one customer on day 60, with all of their charges in the window."""
    connection = next(iter(tables(frames).values())).get_backend()
    held = tables_of(connection, proposal.contract)
    (row,) = read_history(held, proposal.contract, [date(2024, 3, 1)], customer="K0001").to_pylist()
    return {name: value for name, value in row.items() if name.startswith("amount")}


def test_each_currency_is_summed_by_itself_and_a_question_names_them() -> None:
    frames = _company(currency=["EUR", "USD", "eur", "USD", "EUR", "EUR"])
    proposal = _proposed(frames)
    row = _row(frames, proposal)
    assert (row["amount_eur_90d"], row["amount_usd_90d"]) == (10 + 30 + 50 + 60, 20 + 40)
    assert "amount_90d" not in row
    assert proposal.contract.features["amount_eur_90d"].unit == "EUR"
    said = _said(proposal, "several_currencies")["charges.currency"]
    assert "the amounts are in 2 currencies (EUR 66.7%, USD 33.3%)" in said
    assert "If so, sum that instead" in said


def test_codes_of_currencies_are_known_by_their_values_and_the_rare_ones_are_reported() -> None:
    proposal = _proposed(_company(iso=["EUR", "EUR", "USD", "GBP", "CHF", "JPY"]))
    sums = {name for name in proposal.contract.features if name.startswith("amount") and name.endswith("_90d")}
    assert sums == {"amount_eur_90d", "amount_chf_90d", "amount_gbp_90d"}
    assert "those in JPY, USD are in no sum" in _said(proposal, "several_currencies")["charges.iso"]


def test_one_currency_is_the_unit_of_the_sums_and_no_question() -> None:
    proposal = _proposed(_company(currency=["EUR"] * 6))
    assert proposal.contract.features["amount_90d"].unit == "EUR"
    assert _said(proposal, "several_currencies") == {}


def test_failed_payments_are_in_no_sum_and_refunded_ones_are_because_that_comes_later() -> None:
    frames = _company(status=["succeeded", "failed", "refunded", "succeeded", "card_declined", "succeeded"])
    proposal = _proposed(frames)
    assert _row(frames, proposal)["amount_90d"] == 10 + 30 + 40 + 60
    said = _said(proposal, "failed_amounts")["charges.status"]
    assert "amounts of 40 of 120 rows (33.3%) are in no sum ('card_declined', 'failed')" in said
    assert "amounts of 20 of 120 rows (16.7%) are summed, because this may be known only later ('refunded')" in said
    assert "as in `where: {status: [succeeded]}`" in said
    ratio = proposal.contract.features["amount_trend"].ratio
    assert ratio is not None
    assert ratio.where == {"status": ("refunded", "succeeded")}


def test_the_advice_about_a_status_holds_for_sums_and_for_the_ratio_of_a_trend() -> None:
    proposal = _proposed(_company(**{"Order Status": ["Completed", "Cancelled", "Completed"] * 2}))
    advice = _said(proposal, "failed_amounts")["charges.Order Status"]
    assert "as in `where: {Order Status: [Completed]}` (for a trend, inside its `ratio`)" in advice
    advised = {"where": {"Order Status": ["Completed"]}}
    features = proposal.contract.model_dump(exclude_defaults=True)["features"]
    features["amount_90d"] |= advised
    features["amount_trend"]["ratio"] |= advised
    followed = HistoryContract.from_dict({**proposal.contract.model_dump(exclude_defaults=True), "features": features})
    ratio = followed.features["amount_trend"].ratio
    assert ratio is not None
    assert ratio.where == followed.features["amount_90d"].where == {"Order Status": ("Completed",)}


def test_a_flag_of_failure_leaves_its_rows_out() -> None:
    frames = _company(failed=[True, False, False, False, False, True])
    proposal = _proposed(frames)
    assert _row(frames, proposal)["amount_90d"] == 20 + 30 + 40 + 50
    assert "'true'" in _said(proposal, "failed_amounts")["charges.failed"]


def test_a_status_of_unknown_words_is_asked_about_and_changes_nothing() -> None:
    frames = _company(status=["A", "B", "A", "B", "A", "X"])
    proposal = _proposed(frames)
    assert _row(frames, proposal)["amount_90d"] == 210
    assert "amounts of every status are summed ('A', 'B', 'X')" in _said(proposal, "failed_amounts")["charges.status"]


def test_returns_of_amounts_above_zero_are_summed_by_themselves() -> None:
    frames = _company(type=["charge", "refund", "charge", "charge", "refund", "charge"])
    proposal = _proposed(frames)
    row = _row(frames, proposal)
    assert (row["amount_90d"], row["amount_returned_90d"]) == (10 + 30 + 40 + 60, 20 + 50)
    assert "40 of 120 rows (33.3%) are 'refund'" in _said(proposal, "returned_amounts")["charges.type"]


def test_returns_below_zero_are_subtracted_in_one_sum() -> None:
    frames = _company(type=["charge", "refund", "charge", "charge", "refund", "charge"])
    charges = frames["charges"]
    charges.loc[charges["type"] == "refund", "amount"] *= -1
    proposal = _proposed(frames)
    assert _row(frames, proposal)["amount_90d"] == 10 - 20 + 30 + 40 - 50 + 60
    assert _said(proposal, "returned_amounts") == {}


def test_counted_things_are_summed_over_all_currencies() -> None:
    proposal = _proposed(_company(currency=["EUR", "USD"] * 3, quantity=[1, 2, 3, 1, 2, 4]))
    assert proposal.contract.features["quantity_90d"].where == {}
