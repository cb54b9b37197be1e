"""Findings about single columns of a flat table."""

from __future__ import annotations

import pandas as pd

from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.validation.validate import validate


def test_an_id_that_is_a_word_for_missing_stops_validation_only_where_it_stands_twice() -> None:
    names = ["NA", "null", "nan", "nan", *(f"C{place}" for place in range(56))]
    table = table_of_frame(
        pd.DataFrame({"id": names, "left": ["yes", "no", "no", "yes", "no"] * 12, "age": [20, 30, 40, 50, 60, 70] * 10})
    )
    found = propose(table, name="shop", customer="id", label="left", positive="yes")
    said = {finding.kind: finding.message for finding in found.findings if finding.column == "id"}
    assert set(said) == {"missing_as_id", "customer_repeated"}
    assert said["customer_repeated"].startswith("1 rows name a customer who stands elsewhere: validation stops here")
    stops = [problem.rule for problem in validate(table, found.contract).problems if problem.severity == "stop"]
    assert stops == ["customer_repeated"]
