"""The refusals of the grammar of the aggregates, and their messages."""

from __future__ import annotations

from typing import Any

import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.errors import ContractError

TABLES = {"people": {"start": "since"}, "plans": {"valid_from": "since"}, "visits": {"event_time": "at"}}


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({}, "give one computation, one of last, count, sum, .*, age_of, ratio; found none"),
        ({"count": "visits", "since_last": "visits"}, "give one computation"),
        ({"sum": "visits"}, "`sum` takes a column, such as visits.amount"),
        ({"mean": "visits.way", "levels": ["web"]}, "`mean` gives a number, not a category"),
        ({"age_of": "plans.since", "unit": "days", "type": "boolean"}, "`age_of` gives a number, not a boolean"),
        ({"age_of": "plans.since", "unit": "days", "days": 30}, "`days` means nothing beside `age_of`"),
        ({"ratio": {"count": "visits", "days": [7, 30]}, "days": 30}, "`days` means nothing beside `ratio`"),
        ({"count": "people"}, "a table of customers has one row each: take `last` or `age_of`"),
        ({"largest": "plans.price"}, "attributes that change have a `last` value, events are counted"),
        ({"age_of": "visits.at", "unit": "days"}, "`age_of` takes a date of customers or of attributes that change"),
    ],
)
def test_an_aggregate_takes_and_gives_what_its_grammar_says(feature: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        HistoryContract.from_dict({"name": "t", "customer": "id", "tables": TABLES, "features": {"x": feature}})


@pytest.mark.parametrize("kind", ["number", "boolean", "category"])
@pytest.mark.parametrize("aggregate", ["last", "smallest", "largest"])
def test_one_value_of_a_column_may_be_of_any_type(aggregate: str, kind: str) -> None:
    feature = {aggregate: "visits.way", "type": kind, **({"levels": ["web"]} if kind == "category" else {})}
    declared = {"name": "t", "customer": "id", "tables": TABLES, "features": {"x": feature}}
    assert HistoryContract.from_dict(declared).features["x"].type == kind
