"""Copies under another customer ID are counted in the engine, by the rule of the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churn_mlops.data.contract import Label
from churn_mlops.data.profiling.copied_rows import copied_rows
from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.sources.dataframes import table_of_frame

ROWS = 500
LABEL = Label(column="churn", positive="yes", negative="no")


def customers() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    churn = np.where(rng.random(ROWS) < 0.3, "yes", "no").astype(object)
    churn[:20] = None
    columns = {"charge": rng.permutation(ROWS) / 100, "plan": rng.choice(["a", "b"], ROWS), "churn": churn}
    return pd.DataFrame(columns)


def with_ids(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(id=[f"K-{row:05}" for row in range(len(frame))])


def said(frame: pd.DataFrame, customer: str | None = "id") -> dict[str, str]:
    found = propose(table_of_frame(frame), name="t", customer=customer, label="churn")
    return {finding.kind: finding.message for finding in found.findings if finding.column is None}


def test_a_feature_may_be_called_like_what_is_counted() -> None:
    frame = with_ids(pd.concat([customers(), customers().head(80)], ignore_index=True))
    frame = frame.rename(columns={"plan": "n", "charge": "k"})
    assert copied_rows(table_of_frame(frame), ["n", "k"], "k", LABEL) == 60


def test_copies_under_another_id_are_counted_and_rows_without_a_label_are_not() -> None:
    frame = with_ids(pd.concat([customers(), customers().head(80)], ignore_index=True))
    assert copied_rows(table_of_frame(frame), ["plan", "charge"], "charge", LABEL) == 60
    assert copied_rows(table_of_frame(frame), ["plan"], "plan", LABEL) == 0
    assert copied_rows(table_of_frame(with_ids(customers())), ["plan", "charge"], "charge", LABEL) == 0


def test_init_reports_copies_under_another_id() -> None:
    frame = with_ids(pd.concat([customers(), customers().tail(80)], ignore_index=True))
    assert said(frame)["copies"].startswith("80 rows equal an earlier row in every feature and the label but 'id'")
    assert "copies" not in said(with_ids(customers()))
    assert "copies" not in said(with_ids(frame[["plan", "churn"]]))


def test_without_a_customer_rows_that_repeat_are_copies_or_customers_who_look_alike() -> None:
    twice = pd.concat([customers(), customers().tail(80)], ignore_index=True)
    assert said(twice, None)["copies"].startswith("80 rows equal an earlier row in every feature and the label: far")
    assert "repeated_rows" not in said(twice, None)
    assert "who look alike" in said(twice[["plan", "churn"]], None)["repeated_rows"]
