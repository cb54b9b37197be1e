"""Files of statistics packages as a source: labels are texts, declared codes are missing, days are days."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError
from tests.data.sources.formats.kinds_of_files import COLUMNS, customers, frame, texts, write_sav

ROWS = customers()


def _read(path: Path) -> list[dict[str, Any]]:
    return open_table(str(path)).to_pyarrow().to_pylist()


def test_an_spss_file_gives_the_texts_of_its_labels_and_no_code_for_missing(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "shop.sav", ROWS)
    assert _read(path) == texts(ROWS)
    place = resolve(str(path))
    assert (place.kind, place.tables(), place.columns("shop")) == ("file", ["shop"], list(COLUMNS))
    assert place.remarks() == []


def test_a_stata_file_gives_the_texts_of_its_labels(tmp_path: Path) -> None:
    codes = {"basic": 1, "plus": 2, "pro": 3}
    coded = frame(ROWS).assign(plan=[codes[row[3]] for row in ROWS])
    path = tmp_path / "shop.dta"
    pyreadstat.write_dta(coded, path, variable_value_labels={"plan": {code: plan for plan, code in codes.items()}})
    assert _read(path) == texts(ROWS)


def test_a_flag_of_zero_and_one_in_a_transport_file_is_zero_and_one(tmp_path: Path) -> None:
    """Zero in IBM's floating point is 5.4e-79 to some readers."""
    path = tmp_path / "shop.xpt"
    short = [name[:8] for name in COLUMNS]
    pyreadstat.write_xport(frame(ROWS).set_axis(short, axis=1), path, file_format_version=5)
    read = _read(path)
    assert {row["churn"] for row in read} == {"0", "1"}
    assert [list(row.values()) for row in read] == [list(row.values()) for row in texts(ROWS)]


def test_labels_of_some_values_only_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "shop.sav"
    ages = pd.DataFrame({"id": ["a", "b", "c"], "age": [30.0, 41.0, 99.0], "at": [datetime(2024, 1, 5, 10, 30)] * 3})
    pyreadstat.write_sav(ages, path, variable_value_labels={"age": {99: "refused", 98: "unknown"}})
    assert [(row["age"], row["at"]) for row in _read(path)][2] == ("99", "2024-01-05 10:30:00")
    (said,) = resolve(str(path)).remarks()
    assert (said.column, said.kind) == ("age", "labels")
    assert "99 is 'refused'. If one of them means missing" in said.message


def test_numbers_of_four_bytes_are_as_short_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.dta"
    pd.DataFrame({"id": [1, 2], "x": pd.array([0.1, 2.5], dtype="float32")}).to_stata(path, write_index=False)
    assert [row["x"] for row in _read(path)] == ["0.1", "2.5"]


@pytest.mark.parametrize("ending", [".sav", ".dta", ".xpt", ".sas7bdat", ".por"])
def test_a_damaged_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"shop{ending}"
    path.write_bytes(b"$FL2" + b"x" * 400)
    with pytest.raises(SourceError, match=r"cannot be read to its end .*export it as CSV"):
        open_table(str(path))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    pyreadstat.write_sav(frame(ROWS).iloc[:0].drop(columns="since"), tmp_path / "shop.sav")
    with pytest.raises(SourceError, match="holds no rows"):
        open_table(str(tmp_path / "shop.sav"))


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sav(tmp_path / "shop.sav", ROWS)
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(SourceError, match=r"needs the package pyreadstat: install it .*churn-mlops\[files\]"):
        open_table(str(path))
