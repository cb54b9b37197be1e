"""Many columns that are missing alike are one line, and what matters is not buried."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.data.proposal.summary import group_left_out, group_missing

ROWS = 200
RNG = np.random.default_rng(3)


def frame(columns: int) -> pd.DataFrame:
    found = pd.DataFrame({"base": RNG.normal(size=ROWS)})
    for place in range(columns):
        gone = RNG.random(ROWS) < 0.3 + 0.02 * place
        found[f"x{place}"] = np.where(gone, np.nan, RNG.normal(size=ROWS))
    return found


@pytest.mark.parametrize("columns", [1, 5])
def test_a_few_columns_have_a_line_each(columns: int) -> None:
    findings = propose_for_frame(frame(columns)).findings
    assert group_missing(findings) == list(findings)


def test_more_than_five_are_one_line_with_the_first_names_and_the_range_of_shares() -> None:
    table = frame(20).assign(plan=["CC", "Credit Card"] * (ROWS // 2))
    findings = propose_for_frame(table).findings
    shares = [table[f"x{place}"].isna().mean() for place in range(20)]
    said = group_missing(findings)
    assert [finding.kind for finding in said] == ["missing", "same_levels"]
    assert said[0].message == (
        f"x0, x1, x2 and 17 others: missing in {min(shares):.2%} to {max(shares):.2%} of the rows"
    )
    assert sum(finding.kind == "missing" for finding in findings) == 20


def test_a_column_whose_blanks_follow_from_another_keeps_its_line() -> None:
    table = frame(6)
    table["tenure"] = np.arange(ROWS) % 40
    table["total"] = [None if tenure == 0 else f"{1.5 * tenure}" for tenure in table["tenure"]]
    said = group_missing(propose_for_frame(table).findings)
    assert [finding.column for finding in said] == [None, "total"]
    assert "exactly those where tenure is 0" in said[1].message


def test_a_table_that_is_left_out_has_one_line_and_what_may_rescue_it() -> None:
    kept = [
        Finding("articles", "left_out", "no column leads from it to the customers; left out"),
        Finding("articles.code", "keys_nearly_meet", "is compared in a normal form"),
        Finding("orders", "repeated_rows", "3 rows repeat an earlier row"),
        Finding(None, "copies", "copies"),
    ]
    noise = [Finding("articles", "repeated_rows", "2 rows"), Finding("articles.made", "date_unread", "1 row")]
    assert group_left_out([*noise, *kept]) == kept
