"""A DataFrame that no table can hold is refused with what to do about it."""

from __future__ import annotations

import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.errors import ContractError, DataError


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "a"], "the table has a column twice: 'a'; rename one of them"),
        (["a", "b", "A"], "the table has 'a' and 'A', which differ in case alone; rename one of them"),
    ],
)
def test_columns_with_the_same_name_are_named(names: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        table_of_frame(pd.DataFrame([[1, 2, 3]], columns=names))


def test_a_column_of_a_type_that_no_table_holds_is_named() -> None:
    with pytest.raises(DataError, match="column 'c' is of type complex128, which no table holds"):
        table_of_frame(pd.DataFrame({"c": [1j, 2j]}))


def test_a_column_that_is_called_like_the_label_of_a_snapshot_is_named() -> None:
    with pytest.raises(ContractError, match="column '__label__' has a name that is kept for labels"):
        propose_for_frame(pd.DataFrame({"__label__": [1.0, 2.0], "a": [1.0, 2.0]}))
