"""The aggregates that are computed are those of the contract's grammar."""

from __future__ import annotations

from churn_mlops.data.contract.history import AGGREGATES
from churn_mlops.data.snapshot.aggregate_functions import FUNCTIONS


def test_each_aggregate_of_the_grammar_has_its_function() -> None:
    assert list(FUNCTIONS) == list(AGGREGATES)


def test_each_function_has_a_class_of_its_own() -> None:
    assert len(set(FUNCTIONS.values())) == len(FUNCTIONS)
