"""`churn init` says what each time is taken for, and asks where the rows do not decide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.errors import ContractError
from tests.data.discovery.accounts import DAY, NEWEST, NONE, Accounts, accounts, company
from tests.data.proposal.databases import Frames, tables


def _said(frames: Frames, kind: str) -> dict[str, str]:
    return _of(propose_history(tables(frames), name="x"), kind)


def _of(proposal: HistoryProposal, kind: str) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == kind}


def _with_trials(made: Accounts) -> Frames:
    trials = np.where(made.some(0.6), made.start + 14 * DAY, NONE)
    return company(made, ended_at=made.end, trial_end=trials, updated_at=made.later(made.start, 0, 400))


def test_each_time_is_named_with_what_it_is_taken_for() -> None:
    proposal = propose_history(tables(_with_trials(accounts(100))), name="x")
    said = _of(proposal, "times")
    assert said["accounts"] == (
        "its times: created_at is the start, ended_at is the end, trial_end is not used, updated_at is not used"
    )
    assert said["payments"] == "its times: paid_at is when it happened"
    assert _of(proposal, "customers")["accounts"].startswith("a customer is a row of accounts (account_id): 100 custom")


def test_times_that_are_called_like_an_end_or_a_recorded_time_are_asked_about_with_their_counts() -> None:
    proposal = propose_history(tables(_with_trials(accounts(100))), name="x")
    asked = _of(proposal, "end_other")
    assert list(asked) == ["accounts.trial_end"]
    assert "accounts.ended_at is taken" in asked["accounts.trial_end"]
    assert "as after a trial or a discount" in asked["accounts.trial_end"]
    assert "write `end: trial_end` into the table of customers" in asked["accounts.trial_end"]
    assert "when this trial is over? Then write `trial_end: trial_end` there" in asked["accounts.trial_end"]
    refused = _of(proposal, "known_refused")
    assert "the time of the last change or load, and is not taken" in refused["accounts.updated_at"]


def test_a_time_that_lies_ahead_for_most_is_proposed_as_the_renewal() -> None:
    made = accounts(100)
    periods = np.where(made.left, made.end, made.later(np.full(len(made.names), NEWEST), 1, 29))
    asked = _said(company(made, ended_at=made.end, current_period_end=periods), "end_other")
    assert "write `renewal: accounts.current_period_end`: agents see it" in asked["accounts.current_period_end"]
    assert "trial" not in asked["accounts.current_period_end"]
    trials = _of(propose_history(tables(_with_trials(made)), name="x"), "end_other")
    assert "renewal" not in trials["accounts.trial_end"]


def test_a_time_that_no_event_decides_about_is_asked_about_if_no_end_is_taken() -> None:
    made = accounts(100)
    frames = company(made, col_7=made.end, col_8=made.start)
    frames.pop("logins")
    frames["payments"] = frames["payments"].groupby("account_id", as_index=False).first()  # each pays once, at first
    asked = _said(frames, "end_other")
    assert list(asked) == ["accounts.col_7"]
    assert "It is not taken: the rows do not decide. Does it say who left?" in asked["accounts.col_7"]


def test_rows_that_go_on_after_all_others_are_asked_about() -> None:
    made = accounts(100)
    frames = company(made, ended_at=made.end)
    assert _of(propose_history(tables(frames), name="x"), "newest_day") == {}
    staying = made.names[~made.left]
    later = pd.DataFrame({"account_id": np.repeat(staying, 2), "amount": 9.5})
    later["paid_at"] = NEWEST + made.draw.integers(1, 61, len(later)) * DAY
    frames["payments"] = pd.concat([frames["payments"], later], ignore_index=True)
    said = _said(frames, "newest_day")["payments"]
    assert f"payments.paid_at goes on to {later['paid_at'].max().date()}, after {NEWEST}" in said
    frames.pop("logins")
    alone = _said(frames, "newest_day")["accounts"]
    assert "payments.paid_at" in alone
    assert "are the later rows planned?" in alone


def test_the_list_of_other_customers_names_the_tables_that_others_lead_to() -> None:
    made = accounts(100)
    frames = company(made, ended_at=made.end)
    frames["contracts"] = frames["accounts"][["account_id", "created_at"]].copy()
    frames["contracts"].insert(0, "contract_id", np.arange(100) + 900)
    frames["bills"] = pd.concat([frames["contracts"][["contract_id"]].assign(billed_on=made.start)] * 2)
    said = _said(frames, "customers")["accounts"]
    assert said.endswith("or are they those of contracts (100 rows; `--customer contracts.contract_id`)?")
    answered = propose_history(tables(frames), name="x", customer="contracts.contract_id")
    assert answered.contract.customer == "contract_id"
    assert answered.contract.tables["bills"].time == "billed_on"
    said = _of(answered, "customers")["contracts"]
    assert said == "a customer is a row of contracts (contract_id): 100 customers"
    with pytest.raises(ContractError, match=r"no table has a column .bills\.contract"):
        propose_history(tables(frames), name="x", customer="bills.contract")


def test_what_a_plainly_named_customer_acts_on_is_no_other_customer_and_neither_is_their_table_without_a_time() -> None:
    made = accounts(100)
    frames = company(made)
    orders = frames["payments"].rename(columns={"account_id": "customer"})
    orders["product_id"] = np.arange(len(orders)) % 40 + 300
    shop = {
        "orders": orders,
        "customer": pd.DataFrame({"id": made.names, "country": "DE"}),
        "products": pd.DataFrame({"product_id": np.arange(40) + 300, "brand": [f"b{row}" for row in range(40)]}),
    }
    proposal = propose_history(tables(shop), name="x")
    (said,) = _of(proposal, "customers").values()
    assert said.startswith("a customer is a value of orders.customer, the same as a row of customer (id), which has no")
    assert said.endswith(f"{len(set(orders['customer'])):,} customers; `id` in lists")
    times = _of(proposal, "times")["orders"]
    assert "paid_at is when it happened and the start (a customer's first row)" in times


def test_tables_that_no_time_leads_to_are_no_other_customers() -> None:
    made = accounts(100)
    frames = company(made, ended_at=made.end)
    frames["artists"] = pd.DataFrame({"artist_id": np.arange(40) + 300, "name": [f"artist {row}" for row in range(40)]})
    frames["albums"] = pd.DataFrame({"album_id": np.arange(80) + 900, "artist_id": np.arange(80) % 40 + 300})
    assert "or are they those of" not in _said(frames, "customers")["accounts"]


def test_a_table_of_ends_that_the_rows_alone_show_is_asked_about() -> None:
    made = accounts(300)
    ends = pd.DataFrame({"account_id": made.names[made.left], "d21": made.end[made.left]})
    said = _said(company(made) | {"t3": ends}, "end_table")["t3.d21"]
    assert "is taken for the ends of customers by its rows, not by its name" in said
    assert "Is a customer gone then?" in said
