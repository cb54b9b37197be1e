"""A DataFrame that no table can hold is refused with what to do about it."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
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


def _arrow(kind: pa.DataType, values: list[object]) -> pd.Series:
    return pd.Series(pa.array(values, kind), dtype=pd.ArrowDtype(kind))


NUMBERS = [1.0, 2.0, 3.0, 1.0] * 5


@pytest.mark.parametrize(
    ("column", "meaning", "missing"),
    [
        (pd.Series(NUMBERS, dtype="float16"), "number", 0),
        (pd.Series(NUMBERS, dtype="longdouble"), "number", 0),
        (pd.Series(pd.arrays.SparseArray(NUMBERS)), "number", 0),
        (pd.Series(pd.arrays.SparseArray([number > 1 for number in NUMBERS])), "boolean", 0),
        (pd.Series([Decimal(1), Decimal("NaN"), Decimal("2.5"), Decimal(3)] * 5), "number", 5),
        (_arrow(pa.decimal128(12, 2), [Decimal(1), None, Decimal("2.5"), Decimal(3)] * 5), "number", 5),
        (_arrow(pa.dictionary(pa.int32(), pa.string()), ["a", "b", None, "a"] * 5), "category", 5),
        (pd.Series([b"a", b"b"] * 10), "category", 0),
        (pd.Series(pd.period_range("2024-01", periods=20, freq="M")), "date", 0),
        (pd.Series([pd.Period("2024-01"), pd.NaT] * 10), "date", 10),
        (pd.Series(pd.date_range("2024-01-01", periods=20, tz="Europe/Berlin")), "date", 0),
        (pd.Series(pd.to_timedelta(NUMBERS, unit="h")), "type", 0),
        (_arrow(pa.duration("ns"), [1, 2] * 10), "type", 0),
        (_arrow(pa.time64("ns"), [1, 2] * 10), "type", 0),
        (_arrow(pa.list_(pa.int64()), [[1], [2]] * 10), "type", 0),
    ],
)
def test_a_column_of_every_type_of_pandas_gets_its_meaning(column: pd.Series, meaning: str, missing: int) -> None:
    proposal = propose_for_frame(pd.DataFrame({"x": np.arange(20) / 7, "c": column}))
    features, excluded = proposal.contract.features, proposal.contract.set_aside
    assert (features["c"].type if "c" in features else excluded["c"].reason) == meaning
    assert proposal.profile["c"].rows - proposal.profile["c"].present == missing


def test_a_column_that_is_called_like_the_label_of_a_snapshot_is_named() -> None:
    with pytest.raises(ContractError, match="column '__label__' has a name that is kept for labels"):
        propose_for_frame(pd.DataFrame({"__label__": [1.0, 2.0], "a": [1.0, 2.0]}))
