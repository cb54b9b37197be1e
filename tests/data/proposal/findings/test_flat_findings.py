"""The findings about a flat file: customers, rows, the label, levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.proposal.flat_proposal import Proposal, propose, propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.validate import validate

ROWS = 400
RNG = np.random.default_rng(5)
LEFT = RNG.random(ROWS) < 0.3
BASE = pd.DataFrame({"x": RNG.normal(size=ROWS), "plan": RNG.choice(["a", "b"], ROWS)})


def looked_at(**columns: object) -> Proposal:
    return propose_for_frame(BASE.assign(**columns))


def reasons(contract: DataContract) -> dict[str, str]:
    return {name: why.reason for name, why in contract.set_aside.items()}


def test_customers_who_repeat_are_reported() -> None:
    ids = ["C1", "C1", None] + [f"D{row}" for row in range(ROWS - 3)]
    found = propose(table_of_frame(BASE.assign(id=ids)), name="shop", customer="id")
    assert {finding.kind for finding in found.findings} >= {"customer_repeated", "customer_missing"}


def test_rows_without_a_label_are_reported() -> None:
    label = np.where(LEFT, "Yes", "No").astype(object)
    label[:7] = None
    found = propose(table_of_frame(BASE.assign(left=label)), name="shop", label="left")
    assert any("7 of 400 rows have no label" in finding.message for finding in found.findings)


def test_the_assumed_horizon_is_reported() -> None:
    found = propose(table_of_frame(BASE.assign(left=LEFT)), name="t", label="left")
    said = next(finding for finding in found.findings if finding.kind == "horizon")
    assert said.column == "left"
    assert "30 days are assumed: write the days into the label of the contract" in said.message
    assert "horizon_days" not in found.contract.label.model_fields_set
    assert "horizon" not in {finding.kind for finding in looked_at().findings}


def test_many_levels_are_reported_with_how_many_count_as_other() -> None:
    rows = 2000
    frame = pd.DataFrame({"city": [f"c{row % 60}" if row < 1900 else f"r{row % 25}" for row in range(rows)]})
    found = propose_for_frame(frame)
    said = {finding.kind: finding.message for finding in found.findings}
    assert said["levels"].startswith('85 levels; 25 of them stand in fewer than 10 rows and count as one, "other"')
    assert "levels" not in {finding.kind for finding in looked_at().findings}


@pytest.mark.parametrize(
    ("copies", "others", "says"),
    [
        (60, 0, "60 rows are exact copies: remove them"),
        (1, 0, "1 row is an exact copy of an earlier one: remove it"),
        (2, 3, "2 rows are exact copies: remove them; for the others, one row for each customer: keep the right one"),
        (0, 3, "one row for each customer: keep the right one"),
    ],
)
def test_a_customer_who_repeats_in_exact_copies_is_reported(copies: int, others: int, says: str) -> None:
    frame = BASE.assign(id=[f"K-{row}" for row in range(ROWS)])
    again = pd.concat([frame, frame.head(copies), frame.head(others).assign(x=99.0)], ignore_index=True)
    table = table_of_frame(again)
    found = propose(table, name="t", customer="id")
    said = next(finding.message for finding in found.findings if finding.kind == "customer_repeated")
    assert said.endswith(says) or f"; {says}, or name another" in said
    problem = next(each for each in validate(table, found.contract).problems if each.rule == "customer_repeated")
    assert problem.rows == copies + others
    assert problem.advice.startswith(says)


def test_a_column_that_may_be_the_label_is_offered_where_none_is_named() -> None:
    status = np.where(LEFT, "Cancelled", "Active")
    messages = {finding.kind: finding.message for finding in looked_at(**{"My Status": status}).findings}
    assert messages["label_unnamed"].endswith("'My Status' may say who left: name it with `--label 'My Status'`")
    churn = np.where(LEFT, "Yes", "No")
    messages = {finding.kind: finding.message for finding in looked_at(status=status, Churn=churn).findings}
    assert "'Churn' or 'status' may say who left: name it with `--label Churn`" in messages["label_unnamed"]
    plain = looked_at(
        partner=churn, paperless=LEFT.astype(int), active=churn, kind=np.where(LEFT, "level 1", "level 0")
    )
    assert "label_unnamed" not in {finding.kind for finding in plain.findings}
    named = propose(table_of_frame(BASE.assign(status=status)), name="t", label="status")
    assert "label_unnamed" not in {finding.kind for finding in named.findings}


def test_a_name_with_blanks_is_offered_as_a_shell_takes_it() -> None:
    found = looked_at(**{"Kunde Nr.": [f"K-{row:05}" for row in range(ROWS)]}).findings
    said = next(finding.message for finding in found if finding.kind == "customer_unnamed")
    assert "`--customer 'Kunde Nr.'`" in said


@pytest.mark.parametrize("customer", ["cust", None])
def test_customers_with_a_row_a_month_are_reported_as_a_history(customer: str | None) -> None:
    panel = pd.DataFrame(
        {"cust": np.repeat(range(200), 4), "month": [f"2026-{1 + row % 4:02}-01" for row in range(800)]}
    )
    panel = panel.assign(bill=RNG.normal(50, 9, 800).round(1), churned=RNG.integers(0, 2, 800))
    found = propose(table_of_frame(panel), name="t", customer=customer, label="churned").findings
    said = next(finding.message for finding in found if finding.kind == "history")
    assert "each 'cust' has several rows, and 'month' dates them" in said
    one = panel.drop_duplicates("cust")
    found = propose(table_of_frame(one), name="t", customer=customer, label="churned").findings
    assert "history" not in {finding.kind for finding in found}


def test_nines_far_from_all_other_numbers_are_asked_about() -> None:
    nps = np.where(RNG.random(ROWS) < 0.2, -99, RNG.integers(0, 11, ROWS))
    found = next(finding for finding in looked_at(nps=nps).findings if finding.kind == "outlying")
    assert "lies far from all others (0 to 10)" in found.message
    assert found.suggestion == {"missing_values": ["-99"]}
    near = looked_at(age=RNG.integers(20, 100, ROWS), far=np.where(RNG.random(ROWS) < 0.1, -50, 7 + LEFT))
    assert "outlying" not in {finding.kind for finding in near.findings}


def test_repeated_rows_and_later_outcomes_are_reported(public_data: Path) -> None:
    found = propose(
        open_table(str(public_data / "hillstrom" / "hillstrom.csv")), name="mail", label="visit", positive=1
    )
    said = {(finding.column, finding.kind): finding.message for finding in found.findings}
    assert "6,562 rows repeat" in said[None, "repeated_rows"]
    assert "different customers who look alike" in said[None, "repeated_rows"]
    assert reasons(found.contract) == {"conversion": "suspected_leak", "spend": "suspected_leak"}
