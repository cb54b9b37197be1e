"""The findings of validation: all problems together, with rows and values, and warnings that do not stop."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.validate import ValidationReport, validate
from churn_mlops.errors import ContractError

CONTRACT = DataContract.from_dict(
    {
        "name": "shop",
        "label": {"column": "left", "positive": "1", "negative": "0"},
        "features": {
            "age": {"type": "number", "min": 18, "range": [20, 60], "missing": 0.1},
            "member": {"type": "boolean"},
            "plan": {"type": "category", "column": "Plan", "levels": ["a", "b"], "missing_values": ["none"]},
        },
        "set_aside": {"note": {"reason": "free_text"}},
    }
)
ROWS = 200
GOOD = pd.DataFrame(
    {"age": [30.0, 50.0] * 100, "member": [True, False] * 100, "Plan": ["a", "b"] * 100, "left": [1, 0] * 100}
)


def report(frame: pd.DataFrame, **asked: bool) -> ValidationReport:
    return validate(table_of_frame(frame), CONTRACT, **asked)


def rules(found: ValidationReport) -> dict[tuple[str, str], int]:
    return {(problem.column, problem.rule): problem.rows for problem in found.problems}


def test_nothing_is_wrong_with_good_rows() -> None:
    assert report(GOOD, need_label=True) == ValidationReport(ROWS, ())


def test_all_problems_are_reported_together() -> None:
    frame = GOOD.assign(spare=1)
    frame.loc[3:9, "age"] = 7
    frame.loc[[20, 30], "age"] = np.inf
    frame.loc[40, "age"] = 61
    frame["member"] = frame["member"].astype(object)
    frame.loc[50, "member"] = "perhaps"
    frame.loc[60:62, "Plan"] = ["c", "c", "A"]
    found = report(frame)
    assert rules(found) == {
        ("age", "infinite"): 2,
        ("age", "below_min"): 7,
        ("member", "not_yes_or_no"): 1,
        ("spare", "extra_column"): 0,
        ("age", "outside_range"): 1,
        ("Plan", "unknown_level"): 3,
    }
    assert found.stop
    assert [problem.severity for problem in found.problems] == ["stop"] * 3 + ["warning"] * 3
    below = next(problem for problem in found.problems if problem.rule == "below_min")
    assert below.examples == tuple((f"row {row} of the data", "7.0") for row in range(4, 9))
    levels = next(problem for problem in found.problems if problem.rule == "unknown_level")
    assert "'c' (2), 'A' (1)" in levels.advice
    assert json.loads(json.dumps(found.to_dict()))["problems"][0]["rule"] == "infinite"


def test_warnings_do_not_stop() -> None:
    found = report(GOOD.assign(age=99.0, Plan="z"))
    assert not found.stop
    assert len(found.problems) == 2


@pytest.mark.parametrize(("missing", "reported"), [(0, False), (25, False), (70, True)])
def test_missing_more_than_usual_is_reported_beyond_chance(missing: int, reported: bool) -> None:
    frame = GOOD.copy()
    frame.loc[: missing - 1, "age"] = np.nan
    assert (("age", "missing_more") in rules(report(frame))) is reported


def test_one_missing_of_few_rows_is_not_reported() -> None:
    frame = GOOD.head(10).copy()
    frame.loc[0, "Plan"] = "none"
    assert report(frame).problems == ()


def test_a_label_matters_only_where_a_model_is_trained_on_it() -> None:
    without = GOOD.drop(columns="left")
    assert report(without).problems == ()
    assert rules(report(without, need_label=True)) == {("left", "missing_column"): 0}
    assert not report(GOOD.assign(left=7)).stop
    assert report(GOOD.assign(left=7), need_label=True).stop
    assert report(GOOD.assign(left=1)).problems == ()
    assert rules(report(GOOD.assign(left=1), need_label=True)) == {("left", "label_constant"): ROWS}


def test_an_empty_table_stops() -> None:
    assert ("", "empty_table") in rules(report(GOOD.head(0)))


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "duckdb", "db", "csv.gz"])
def test_every_source_gives_the_same_snapshot(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows[1].{ending}"
    frame = GOOD.assign(age=[None, *GOOD["age"][1:]], Plan=[" a", "none", *GOOD["Plan"][2:]], note='it\'s; "so",\n|')
    if ending == "parquet":
        frame.to_parquet(path)
    elif ending == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE rows AS SELECT * FROM frame")
    elif ending == "db":
        with sqlite3.connect(path) as store:
            frame.to_sql("rows", store, index=False)
        store.close()
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    table = open_table(str(path))
    assert validate(table, CONTRACT, need_label=True).problems == ()
    rows = read_snapshot(table, CONTRACT).to_pydict()
    assert rows["age"] == [None, *GOOD["age"][1:]]
    assert rows["member"] == [1.0, 0.0] * 100
    assert rows["plan"] == ["a", None, *GOOD["Plan"][2:]]
    assert rows[LABEL] == [1, 0] * 100


def test_a_snapshot_takes_the_rows_with_the_wanted_label() -> None:
    frame = GOOD.assign(left=["1", "0", None, " "] * 50)
    assert read_snapshot(table_of_frame(frame), CONTRACT, label="known").num_rows == 100
    assert read_snapshot(table_of_frame(frame), CONTRACT, label="unknown").num_rows == 100
    assert LABEL not in read_snapshot(table_of_frame(GOOD.drop(columns="left")), CONTRACT).column_names
    with pytest.raises(ContractError, match="label column 'left'"):
        read_snapshot(table_of_frame(GOOD.drop(columns="left")), CONTRACT, label="known")
    with pytest.raises(ContractError, match="nearest: 'plans'"):
        read_snapshot(table_of_frame(GOOD.rename(columns={"Plan": "plans"})), CONTRACT)
