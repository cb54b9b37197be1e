"""The plain Python way in: load_csv and validate_data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from churn_mlops.data import DataContract, load_csv, validate_data
from churn_mlops.errors import ChurnError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_becomes_a_frame(tmp_path: Path) -> None:
    frame = load_csv(write(tmp_path / "a.csv", "id,tenure,plan\nC1,3,NA\nC2,4,\n"))
    assert frame.columns.tolist() == ["id", "tenure", "plan"]
    assert frame["tenure"].tolist() == [3, 4]
    assert frame["plan"].tolist()[0] == "NA"
    assert frame["plan"].isna().tolist() == [False, True]


def test_a_blank_keeps_its_column_as_text(tmp_path: Path) -> None:
    frame = load_csv(write(tmp_path / "a.csv", "id,total\nC1, \nC2,4.5\n"))
    assert frame["total"].tolist() == [" ", "4.5"]


def test_the_separator_is_found(tmp_path: Path) -> None:
    assert load_csv(write(tmp_path / "a.csv", "id;x\nC1;3\n"))["x"].tolist() == [3]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nobody\.csv"):
        load_csv(tmp_path / "nobody.csv")


@pytest.mark.parametrize("text", ["a,b\n1,2\n3\n", "a,b\n1,2,3\n4,5,6\n", "a,a\n1,2\n", "", 'a,b\n1,"2\n'])
def test_a_bad_file_is_named_and_never_filled_up(tmp_path: Path, text: str) -> None:
    with pytest.raises((ChurnError, OSError), match=r"bad\.csv"):
        load_csv(write(tmp_path / "bad.csv", text))


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChurnError, match="folder"):
        load_csv(tmp_path)


def test_valid_data_is_true() -> None:
    assert validate_data(pd.DataFrame({"a": [1], "b": [2]}), ["a"]) is True


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match=r"tenur\b.*plan.*nearest: 'tenure'"):
        validate_data(pd.DataFrame({"tenure": [1]}), ["tenur", "plan"])


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        validate_data(load_csv(write(tmp_path / "a.csv", "a,b\n")), ["a"])


def test_the_contract_needs_no_engine() -> None:
    code = (
        "import sys, churn_mlops.data.contract.flat;"
        "heavy = {'pandas', 'pyarrow', 'ibis', 'duckdb'} & set(sys.modules);"
        "sys.exit(bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert DataContract.__name__ == "DataContract"


def test_a_total_row_and_blanks_around_names_are_left_out(tmp_path: Path) -> None:
    frame = load_csv(write(tmp_path / "a.csv", "id ,paid\nC1,1\nC2,2\nTotal,3\n"))
    assert (list(frame.columns), frame["id"].tolist()) == (["id", "paid"], ["C1", "C2"])
