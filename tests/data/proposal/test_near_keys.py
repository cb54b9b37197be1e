"""Keys that nearly meet: two tables of a database that write the same customers differently."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import tables_of
from churn_mlops.data.validation.validate_history import check_history
from tests.data.proposal.databases import Frames, tables

_DAY = pd.Timedelta(1, "D")
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def _plain(place: int) -> str:
    return str(400 + place)


def _uuid(place: int) -> str:
    text = f"{place * 7919 + 12345:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _salesforce(place: int) -> str:
    return f"001Ab{'aA'[place % 2]}{'bB'[place // 2 % 2]}00{place // 4:06}"


def _long(place: int) -> str:
    """The ID of 18 characters: each of the last three says which of five are capitals."""
    short = _salesforce(place)
    fives = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(_CHECKS[sum(sign.isupper() << bit for bit, sign in enumerate(five))] for five in fives)


SPELLINGS: list[tuple[str, Callable[[int], str], Callable[[int], str]]] = [
    ("whole_number", _plain, lambda place: f"{_plain(place)}.0"),
    ("whole_number", lambda place: f"{_plain(place):0>7}", _plain),
    ("salesforce_15", _long, _salesforce),
    ("salesforce_15", _salesforce, _long),
    ("lower_case", lambda place: f"Cx{place:04}Q", lambda place: f"CX{place:04}q"),
    ("letters_and_digits", _uuid, lambda place: _uuid(place).replace("-", "")),
    ("letters_and_digits", _uuid, lambda place: f"{{{_uuid(place).upper()}}}"),
]


def company(of_customer: Callable[[int], str], of_payment: Callable[[int], str]) -> Frames:
    """Forty customers, a third of whom have left, and three payments of each."""
    places = range(40)
    since = [pd.Timestamp("2024-01-01") + place * _DAY for place in places]
    until = [since[place] + 200 * _DAY if place % 3 == 0 else pd.NaT for place in places]
    customers = {"customer_id": list(map(of_customer, places)), "signup_date": since, "cancelled_at": until}
    payments = [
        (of_payment(place), since[place] + months * 30 * _DAY, 5.0 + place) for place in places for months in range(3)
    ]
    return {
        "customers": pd.DataFrame(customers),
        "payments": pd.DataFrame(payments, columns=["customer_id", "paid_at", "amount"]),
    }


def _proposed(frames: Frames) -> HistoryProposal:
    return propose_history(tables(frames), name="company")


def _said(proposal: HistoryProposal, kind: str) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == kind}


def _sums(frames: Frames, contract: HistoryContract) -> list[float]:
    connection = next(iter(tables(frames).values())).get_backend()
    rows = read_history(tables_of(connection, contract), contract, [date(2024, 4, 1)])
    return sorted(row["amount_90d"] for row in rows.to_pylist())


@pytest.mark.parametrize(("form", "of_customer", "of_payment"), SPELLINGS)
def test_keys_that_differ_in_writing_alone_are_linked_by_a_normal_form_which_is_asked_about(
    form: str, of_customer: Callable[[int], str], of_payment: Callable[[int], str]
) -> None:
    frames = company(of_customer, of_payment)
    proposal = _proposed(frames)
    through = proposal.contract.tables["payments"].through
    assert through is not None
    assert (through.table, through.normal_form) == ("customers", form)
    said = _said(proposal, "keys_nearly_meet")["payments.customer_id"]
    assert f"{min(frames['payments']['customer_id'])!r} and " in said
    assert "120 of 120 rows (100.0%) name a key" in said
    assert "Do both mean the same?" in said
    # Every customer paid on their first day, after 30 days and after 60 days; 1 April is day 91.
    paid = [sum(91 - 90 < place + 30 * month <= 91 for month in range(3)) for place in range(40)]
    assert _sums(frames, proposal.contract) == sorted((5.0 + place) * paid[place] for place in range(40))


def test_customers_are_called_as_their_own_table_writes_them() -> None:
    frames = company(lambda place: f"{_plain(place):0>7}", _plain)
    contract = _proposed(frames).contract
    connection = next(iter(tables(frames).values())).get_backend()
    found = read_history(tables_of(connection, contract), contract, [date(2024, 4, 1)], customer="0000405")
    assert [(row["customer_id"], row["amount_90d"]) for row in found.to_pylist()] == [("0000405", 30.0)]


def test_keys_that_meet_as_they_are_need_no_normal_form() -> None:
    proposal = _proposed(company(_uuid, _uuid))
    assert proposal.contract.tables["payments"].through is None
    assert _said(proposal, "keys_nearly_meet") == {}


def test_a_normal_form_that_makes_one_of_two_customers_is_not_taken() -> None:
    frames = company(lambda place: f"{_plain(place):0>7}", _plain)
    customers = frames["customers"]
    again = customers.iloc[[1]].assign(customer_id="00400")
    frames["customers"] = pd.concat([customers, again], ignore_index=True)
    frames["visits"] = pd.DataFrame({"customer_id": customers["customer_id"], "seen_at": customers["signup_date"]})
    proposal = _proposed(frames)
    assert "payments" not in proposal.contract.tables
    said = _said(proposal, "left_out")["payments"]
    assert "'400' and '0000400' differ by leading zeros" in said
    assert "would make one key of '0000400' and '00400', so it is not taken" in said


def test_a_normal_form_that_makes_one_of_two_names_in_the_events_is_only_offered() -> None:
    frames = company(_plain, _plain)
    frames["payments"].loc[:29, "customer_id"] += ".0"
    frames["payments"].loc[30, "customer_id"] = "400"
    proposal = _proposed(frames)
    assert proposal.contract.tables["payments"].through is None
    said = _said(proposal, "orphans")["payments.customer_id"]
    assert "'400.0' and '400' differ by leading zeros, or .0" in said
    assert "normal_form: whole_number" in said


def test_a_table_a_step_further_is_read_through_a_link_in_a_normal_form() -> None:
    frames = company(_uuid, lambda place: _uuid(place).upper())
    payments = frames["payments"]
    payments["payment_id"] = [f"P{place:05}" for place in range(len(payments))]
    frames["refunds"] = pd.DataFrame(
        {"payment_id": payments["payment_id"], "refunded_at": payments["paid_at"], "back": payments["amount"]}
    )
    contract = _proposed(frames).contract
    through = contract.tables["refunds"].through
    assert through is not None
    assert (through.table, through.normal_form) == ("payments", None)
    connection = next(iter(tables(frames).values())).get_backend()
    rows = read_history(tables_of(connection, contract), contract, [date(2024, 4, 1)]).to_pylist()
    assert [row["back_90d"] for row in rows] == [row["amount_90d"] for row in rows]


def test_customers_of_lasting_rows_keep_the_names_that_these_rows_give_them() -> None:
    frames = company(_uuid, lambda place: _uuid(place).upper())
    customers, payments = frames["customers"], frames["payments"]
    left = customers["cancelled_at"].notna()
    frames["subscriptions"] = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].str.replace("-", ""),
            "start_date": customers["signup_date"],
            "end_date": (customers["signup_date"] + 45 * _DAY).where(left),
        }
    )
    frames["customers"] = customers.drop(columns="cancelled_at")
    frames["payments"] = payments[~(np.repeat(left.to_numpy(), 3) & (np.arange(120) % 3 == 2))]
    contract = _proposed(frames).contract
    assert contract.label is not None
    assert contract.label.event == f"{contract.customers}.end"
    connection = next(iter(tables(frames).values())).get_backend()
    held = {key: connection.table(one.table or key) for key, one in contract.tables.items()}
    rows = read_history(held, contract, [date(2024, 2, 1)]).to_pylist()
    assert len(rows) == 32
    assert sum(row["amount_90d"] for row in rows) > 0


def test_validation_stops_where_a_normal_form_makes_one_of_two_customers() -> None:
    frames = company(lambda place: f"{_plain(place):0>7}", _plain)
    contract = _proposed(frames).contract
    assert _stops(frames, contract) == []
    frames["customers"].loc[1, "customer_id"] = "00400"
    assert [problem.rule for problem in _stops(frames, contract)] == ["keys_merged"]


def test_validation_names_the_two_ways_in_which_keys_are_written() -> None:
    plain, other = company(_plain, _plain), company(_plain, lambda place: f"{_plain(place)}.0")
    (problem,) = _stops(other, _proposed(plain).contract)
    assert problem.rule == "orphans"
    assert "normal_form: whole_number" in problem.advice


def _stops(frames: Frames, contract: HistoryContract) -> list[Any]:
    return [problem for problem in check_history(tables(frames), contract) if problem.severity == "stop"]
