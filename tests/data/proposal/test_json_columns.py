"""Columns of JSON objects and lists in a flat table: they are no levels, and are no features."""

from __future__ import annotations

import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.errors import ContractError
from tests.data.proposal.test_flat_proposal import ROWS, looked_at, reasons


@pytest.mark.parametrize("kinds", [3, ROWS])
def test_objects_and_lists_of_json_are_no_levels(kinds: int) -> None:
    orders = [f'[{{"day": "2024-01-{1 + row % 28:02}", "value": {row % kinds}}}]' for row in range(ROWS)]
    assert reasons(looked_at(orders=orders).contract)["orders"] == "type"
    bracketed = [f"[{'ab'[row % 2]}]" for row in range(ROWS)]
    assert looked_at(seat=bracketed).contract.features["seat"].type == "category"


def test_a_table_of_json_alone_is_refused_with_what_to_do() -> None:
    frame = pd.DataFrame({"profile": [f'{{"age": {row}}}' for row in range(40)]})
    with pytest.raises(ContractError, match="profile holds objects or lists of JSON: make a column of each value"):
        propose_for_frame(frame)
