"""Files in the shapes that churn data is published in are understood unedited: nothing lost, all of it said."""

from __future__ import annotations

import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.validation.validate import validate
from tests.data.proposal import published_shapes as shapes


def looked_at(frame: pd.DataFrame, label: str) -> Proposal:
    """The proposal for ``frame`` as it comes from a CSV file, which the frame has to keep."""
    table = table_of_frame(frame.astype(object).where(frame.notna(), None).map(lambda cell: cell and str(cell)))
    found = propose(table, name="shape", label=label)
    assert validate(table, found.contract, need_label=True).problems == ()
    contract = found.contract
    assert {*contract.features, *contract.set_aside, label} == set(frame.columns)
    said = {finding.column for finding in found.findings}
    assert set(contract.set_aside) <= said
    return found


@pytest.mark.parametrize(
    ("name", "label", "positive", "aside"),
    [
        ("bank", "Exited", "1", {"RowNumber": "identifier", "CustomerId": "identifier", "Surname": "identifier",
                                 "Complain": "suspected_leak"}),
        ("shop", "Churn", "1", {"CustomerID": "identifier"}),
        ("line", "Churn?", "True.", {"Phone": "identifier"}),
        ("cards", "Attrition_Flag", "Attrited Customer", {
            "CLIENTNUM": "identifier", "Naive_Bayes_Classifier_Attrition_Flag_mon_1": "suspected_leak",
            "Classifier_2": "suspected_leak"}),
        ("subscriptions", "status", "Churned", {
            "user_id": "identifier", "registration_init_time": "date", "billing_month": "date", "last_login": "date",
            "renewed": "date", "updated_at": "date", "comment": "free_text"}),
    ],
)  # fmt: skip
def test_a_file_of_its_shape_is_understood(name: str, label: str, positive: str, aside: dict[str, str]) -> None:
    found = looked_at(getattr(shapes, name)(), label)
    contract = found.contract
    assert contract.label is not None
    assert contract.label.positive == positive
    assert {column: why.reason for column, why in contract.set_aside.items()} == aside
    named = next(finding.message for finding in found.findings if finding.kind == "customer_unnamed")
    assert "`--customer {}`".format("CustomerId" if name == "bank" else next(iter(aside))) in named


def test_hundreds_of_areas_and_prices_that_are_mostly_unknown_are_kept() -> None:
    found = looked_at(shapes.mobile(6_000), "Churn").contract
    assert set(found.set_aside) == {"CustomerID"}
    assert found.features["ServiceArea"].type == "category"
    price = found.features["HandsetPrice"]
    assert (price.type, price.missing_values, price.range) == ("number", ("Unknown",), (30, 200))


def test_hundreds_of_columns_that_are_mostly_missing_are_looked_at() -> None:
    frame = shapes.anonymous(800, 50)
    found = looked_at(frame, "churn")
    share = frame.isna().mean()
    aside = {column: why.reason for column, why in found.contract.set_aside.items()}
    assert {column for column, reason in aside.items() if reason == "empty"} == set(share[share >= 0.995].index)
    assert {*aside.values()} <= {"empty", "many_levels"}
    assert [column for column in found.contract.features if share[column] > 0.85]
