"""Whole numbers that name kinds of things are levels, or a question, and never merged."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import HistoryContract, HistoryFeature
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.sources.history_tables import tables_of
from churn_mlops.data.validation.validate import validate
from tests.data.proposal.databases import tables

ROWS = 600
RNG = np.random.default_rng(15)


def looked_at(**columns: object) -> Proposal:
    table = table_of_frame(pd.DataFrame({"x": RNG.normal(size=ROWS), **columns}))
    found = propose(table, name="t")
    assert validate(table, found.contract).problems == ()
    return found


def said(found: Proposal, column: str) -> dict[str, str]:
    return {finding.kind: finding.message for finding in found.findings if finding.column == column}


def test_codes_with_leading_zeros_are_levels_and_stay_apart() -> None:
    found = looked_at(tariff=["001", "01", "1"] * 200)
    assert found.contract.features["tariff"].levels == ("001", "01", "1")
    assert said(found, "tariff")["codes"].startswith("400 of 600 whole numbers have a leading zero, as in '001'")
    assert "'001' (200 rows) and '01' (200 rows) and '1' (200 rows)" in said(found, "tariff")["same_levels"]
    suggested = next(finding for finding in found.findings if finding.kind == "same_levels").suggestion
    assert suggested == {"same": {"001": ["01", "1"]}}


@pytest.mark.parametrize("name", ["zip", "plan_id", "payment_method_id", "Area Code", "status", "PLANID", "call_type"])
def test_whole_numbers_under_the_name_of_a_code_are_levels(name: str) -> None:
    found = looked_at(**{name: [200, 404, 500, 503] * 150})
    assert found.contract.features[name].levels == ("200", "404", "500", "503")
    assert said(found, name)["codes"].startswith("whole numbers under the name of a code: taken for codes")


@pytest.mark.parametrize("name", ["visits", "prepaid", "tenure", "NumOfProducts", "bid", "score", "months_valid"])
def test_whole_numbers_under_another_name_are_numbers(name: str) -> None:
    assert looked_at(**{name: [200, 404, 500, 503] * 150}).contract.features[name].type == "number"


def test_too_many_codes_are_excluded_with_a_question() -> None:
    found = looked_at(
        branch=[f"{row % 300:05}" for row in range(ROWS)], zip=[10_000 + row % 300 for row in range(ROWS)]
    )
    aside = found.contract.set_aside
    assert (aside["branch"].reason, aside["zip"].reason) == ("unclear", "many_levels")
    assert aside["branch"].note.startswith("300 whole numbers, 600 with a leading zero, as in 007: if they are codes")
    assert "if they count something, declare {type: number}" in aside["branch"].note


def test_one_leading_zero_among_many_numbers_is_asked_about() -> None:
    found = looked_at(age=["05", *(str(18 + row % 60) for row in range(ROWS - 1))])
    assert found.contract.features["age"].type == "number"
    assert said(found, "age")["leading_zero"].startswith("1 of 600 whole numbers have a leading zero, as in '05'")


@pytest.mark.parametrize("texts", [["0.5", "0.25", "3"], ["0", "10", "100"]])
def test_zeros_that_begin_no_whole_number_are_no_sign_of_codes(texts: list[str]) -> None:
    assert looked_at(odd=texts * 200).contract.features["odd"].type == "number"


def test_na_among_codes_of_two_letters_is_a_level() -> None:
    found = looked_at(country=["NA", "DE", "FR"] * 200)
    assert found.contract.features["country"].levels == ("DE", "FR", "NA")
    assert said(found, "country")["marker"].startswith("'NA' in 200 rows stands among codes of two letters")


@pytest.mark.parametrize("others", [["Germany", "France"], ["A", "B"], ["3", "5"]])
def test_na_among_other_texts_is_missing(others: list[str]) -> None:
    found = looked_at(odd=["NA", *others] * 200)
    assert found.contract.features["odd"].missing_values == ("NA",)
    assert said(found, "odd")["marker"].startswith("'NA' in 200 rows is taken for missing")


def history() -> dict[str, pd.DataFrame]:
    days = pd.date_range("2026-01-01", periods=200)
    who = [f"C{row:03}" for row in range(60)]
    ends = [str(days[150 + row % 40].date()) if row % 4 == 0 else None for row in range(60)]
    customers = pd.DataFrame(
        {
            "customer_id": who,
            "signed_up": [str(day.date()) for day in days[:60]],
            "ended_on": ends,
            "country": ["NA", "DE", "FR"] * 20,
            "town": ["NA", "Windhoek", "Berlin"] * 20,
        }
    )
    calls = pd.DataFrame(
        {
            "customer_id": [who[row % 60] for row in range(600)],
            "called_on": [str(days[60 + row % 90].date()) for row in range(600)],
            "status": [(200, 404, 500)[row % 3] for row in range(600)],
            "payment_method_id": [1 + row % 4 for row in range(600)],
            "tariff": [("001", "01", "1")[row % 3] for row in range(600)],
            "minutes": RNG.integers(1, 300, 600),
        }
    )
    return {"customers": customers, "calls": calls}


def proposed_history() -> tuple[HistoryContract, list[str]]:
    found = propose_history(tables(history()), name="t")
    return found.contract, [f"{finding.column}: {finding.message}" for finding in found.findings]


def test_codes_of_a_history_are_counted_and_never_summed() -> None:
    contract, _ = proposed_history()
    summed = {str(feature.sum) for feature in contract.features.values() if feature.sum is not None}
    assert summed == {"calls.minutes"}
    assert {"status_kinds_90d", "payment_method_id_kinds_90d", "tariff_kinds_90d"} <= set(contract.features)


def test_a_text_of_a_history_that_is_taken_for_missing_is_reported() -> None:
    contract, messages = proposed_history()
    assert contract.features["country"].levels == ("DE", "FR", "NA")
    assert contract.features["town"].missing_values == ("NA",)
    assert any("customers.town: 'NA' in 20 rows is taken for missing" in message for message in messages)
    assert any(
        "customers.country: 'NA' in 20 rows stands among codes of two letters" in message for message in messages
    )


def test_levels_of_a_history_are_joined_by_same_as_the_question_says() -> None:
    frames = history()
    frames["customers"]["town"] = ["Berlin", "berlin", "Windhoek"] * 20
    found = propose_history(tables(frames), name="t")
    (question,) = (one for one in found.findings if one.kind == "same_levels" and one.column == "customers.town")
    assert "'berlin' (20 rows)" in question.message
    assert question.message.endswith("join them by `same` in the contract")
    declared = found.contract.features["town"].model_dump(exclude_defaults=True)
    joined = HistoryFeature(**declared | {"levels": ["Berlin", "Windhoek"], "same": {"Berlin": ["berlin"]}})
    contract = found.contract.model_copy(update={"features": {"town": joined}})
    held = tables_of(next(iter(tables(frames).values())).get_backend(), contract)
    snapshot = read_history(held, contract, [date(2026, 4, 1)]).to_pandas()
    towns = read_snapshot(table_of_frame(snapshot), contract.flat())["town"].to_pylist()
    assert set(towns) == {"Berlin", "Windhoek"}
