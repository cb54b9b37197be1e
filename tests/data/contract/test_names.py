"""A name in a contract means one thing."""

from __future__ import annotations

from typing import Any

import pytest

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.errors import ContractError

NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"features": {"id": {**NUMBER, "column": "charges"}}}, "the customer"),
        ({"features": {"gone": {**NUMBER, "column": "charges"}}}, "the label"),
        (
            {"features": {"tenure": NUMBER, "a": {**NUMBER, "column": "b"}, "b": {**NUMBER, "column": "c"}}},
            "feature 'a'",
        ),
        (
            {"features": {"old": {**NUMBER, "column": "new"}}, "set_aside": {"old": {"reason": "date"}}},
            "excluded column",
        ),
        ({"features": {"__label__": NUMBER}}, "the label of a snapshot"),
    ],
)
def test_a_feature_is_not_called_like_another_column(changes: dict[str, Any], taken: str) -> None:
    declared = {"name": "t", "customer": "id", "label": {"column": "gone", "positive": "yes", "negative": "no"}}
    with pytest.raises(ContractError, match=f"is called like .*{taken}"):
        DataContract.from_dict({**declared, **changes})


def test_a_feature_may_be_called_anything_else() -> None:
    features = {"charges": {**NUMBER, "column": "MonthlyCharges"}, "tenure": {**NUMBER, "column": "tenure"}}
    assert DataContract.from_dict({"name": "t", "features": features}).column_of("charges") == "MonthlyCharges"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Total", "total"], "'total' is called like feature 'Total'"),
        (["ID"], "'ID' is called like a column of every snapshot"),
        (["id"], "'id' is called like a column of every snapshot"),
        (["__start__"], "'__start__': names with two underscores"),
        (["__Customer__"], "'__Customer__': names with two underscores"),
    ],
)
def test_features_of_a_history_differ_in_more_than_case_and_leave_names_to_snapshots(
    names: list[str], message: str
) -> None:
    declared = {
        "name": "t",
        "customer": "id",
        "tables": {"people": {"start": "since"}, "visits": {"event_time": "at"}},
        "features": {name: {"count": "visits"} for name in names},
    }
    with pytest.raises(ContractError, match=message):
        HistoryContract.from_dict(declared)
