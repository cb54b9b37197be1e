"""FeatureEngineer: raw columns to inputs, fitted on the training rows and on no others."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError, NotFittedError
from churn_mlops.features import FeatureEngineer
from tests.companies.customers import CONTRACT, customers


def test_inputs_stand_in_the_order_of_the_contract() -> None:
    engineer = FeatureEngineer(CONTRACT).fit(customers(500))
    assert engineer.get_feature_names_out().tolist() == list(CONTRACT.features)
    inputs = engineer.transform(
        [{"channel": "phone", "plan": "yearly", "senior": "Yes", "charges": " 12.5 ", "tenure": 3}]
    )
    assert inputs.tolist() == [[3.0, 12.5, 1.0, 1.0, 2.0]]


def test_levels_rare_or_new_share_a_place_and_missing_has_its_own() -> None:
    engineer = FeatureEngineer(CONTRACT, min_level_rows=10).fit(customers(500))
    assert engineer.levels_["plan"] == ("monthly", "yearly")
    plans = engineer.transform({"plan": ["monthly", "yearly", "rare", "new", None, "", float("nan")]})[:, 3]
    assert plans.tolist() == [0, 1, 2, 2, 3, 3, 3]


def test_an_absent_column_is_missing_in_every_row() -> None:
    engineer = FeatureEngineer(CONTRACT).fit(customers(500))
    inputs = engineer.transform({"tenure": [1, 2]})
    assert np.isnan(inputs[:, 1]).all()
    assert inputs[:, 4].tolist() == [4, 4]


def test_all_features_at_fault_are_named_with_their_first_row() -> None:
    engineer = FeatureEngineer(CONTRACT).fit(customers(500))
    with pytest.raises(DataError) as caught:
        engineer.transform({"tenure": [1, "x", "y"], "charges": [float("inf"), 1, 2], "senior": [0, 1, 2]})
    assert [name for name, _ in caught.value.problems] == ["tenure", "charges", "senior"]
    assert "row 2: 'x' is not a number" in str(caught.value)


def test_it_is_fitted_before_it_transforms() -> None:
    with pytest.raises(NotFittedError):
        FeatureEngineer(CONTRACT).transform(customers(5))


def test_another_name_of_a_column_is_followed() -> None:
    declared = {**CONTRACT.to_dict(), "features": {"months": {"type": "number", "column": "tenure"}}}
    engineer = FeatureEngineer(type(CONTRACT).from_dict(declared)).fit(customers(50))
    assert engineer.transform([{"tenure": 4}]).tolist() == [[4.0]]
    assert engineer.transform([{"months": 5}]).tolist() == [[5.0]]


def test_extension_types_and_twice_named_columns() -> None:
    engineer = FeatureEngineer(CONTRACT).fit(customers(500))
    frame = pd.DataFrame(
        {"tenure": pd.array([1, None], dtype="Int64"), "senior": pd.array([True, None], dtype="boolean")}
    )
    inputs = engineer.transform(frame)
    assert inputs[0, [0, 2]].tolist() == [1.0, 1.0]
    assert np.isnan(inputs[1, [0, 2]]).all()
    with pytest.raises(DataError, match="twice"):
        engineer.transform(pd.DataFrame([[1, 2]], columns=["tenure", "tenure"]))


def test_exact_numbers_of_a_database_are_read() -> None:
    engineer = FeatureEngineer(CONTRACT).fit(customers(500))
    table = pa.table(
        {"charges": pa.array(["12.50", None]).cast(pa.decimal128(10, 2)), "tenure": pa.array([1, None], pa.int16())}
    )
    inputs = engineer.transform(table)
    assert inputs[0, :2].tolist() == [1.0, 12.5]
    assert np.isnan(inputs[1, :2]).all()


def test_a_column_declared_under_another_name_wins_over_one_that_is_called_like_the_feature() -> None:
    declared = {**CONTRACT.to_dict(), "features": {"months": {"type": "number", "column": "tenure"}}}
    engineer = FeatureEngineer(type(CONTRACT).from_dict(declared)).fit(customers(50))
    assert engineer.transform({"tenure": [4], "months": [99]}).tolist() == [[4.0]]


LEVELS = {
    0.0: [True, np.bool_(True), "true", np.str_("true")],
    1.0: [1, 1.0, "1", " 1 ", np.float32(1), np.int8(1), Decimal("1.0")],
    2.0: [2, "other"],
    3.0: [None, "", pd.NA, pd.NaT, Decimal("NaN"), np.float64("nan")],
}


@pytest.mark.parametrize(
    ("expected", "value"), [(place, value) for place, values in LEVELS.items() for value in values]
)
def test_a_level_is_known_however_its_value_is_kept(expected: float, value: object) -> None:
    contract = DataContract.from_dict({"name": "t", "features": {"a": {"type": "category", "levels": ["true", "1"]}}})
    engineer = FeatureEngineer(contract, min_level_rows=0).fit([])
    assert engineer.transform([{"a": value}])[0, 0] == expected


ODD = [[1, 2], {"a": 1}, (1,), np.array([1, 2]), b"1", Decimal("sNaN"), pytest.param(10**5000, id="long")]


@pytest.mark.parametrize("kind", ["number", "boolean", "category"])
@pytest.mark.parametrize("value", ODD)
def test_a_cell_that_is_no_value_is_named(kind: str, value: object) -> None:
    feature = {"type": kind} | ({"levels": ["a"]} if kind == "category" else {})
    contract = DataContract.from_dict({"name": "t", "features": {"a": feature}})
    with pytest.raises(DataError, match="a: row 1: "):
        FeatureEngineer(contract).fit([{"a": None}]).transform([{"a": value}])


@pytest.mark.parametrize("column", [[-99, 5], ["-99", "5"], np.array([-99, 5]), pa.array([-99.0, 5.0])])
def test_a_number_that_is_declared_missing_is_missing_however_the_column_comes(column: object) -> None:
    features = {"age": {"type": "number", "missing_values": ["-99"]}}
    engineer = FeatureEngineer(DataContract.from_dict({"name": "t", "features": features})).fit({"age": column})
    assert np.isnan(engineer.transform({"age": column})[:, 0]).tolist() == [True, False]
