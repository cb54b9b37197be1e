"""A total below a table: it is no customer, and a customer is no total."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from churn_mlops.data.sources.formats.total_row import may_be_total
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError

ROWS = "name,city,paid\nAnn,Bonn,10\nBob,Köln,20.5\nCem,Ulm,\n"


def _read(path: Path) -> tuple[list[str], list[str]]:
    names = [row["name"] for row in open_table(str(path)).to_pyarrow().to_pylist()]
    return names, [one.message for one in resolve(str(path)).remarks()]


@pytest.mark.parametrize(
    ("last", "sign"),
    [
        ("Grand total,,30.5", "has no 'city', as all other rows have"),
        ("TOTAL:,x,30.50", "has the sum of all other rows in 'paid'"),
        (",Total,30.5", "has no 'name', as all other rows have"),
        ("Gesamtsumme,,", "has no 'city'"),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_a_total_is_not_read_and_asked_about(tmp_path: Path, last: str, sign: str, ending: str) -> None:
    path = tmp_path / f"shop{ending}"
    text = f"{ROWS}{last}\n".encode()
    path.write_bytes(gzip.compress(text) if ending == ".csv.gz" else text)
    names, said = _read(path)
    assert names == ["Ann", "Bob", "Cem"]
    assert len(said) == 1
    assert sign in said[0]
    assert "If it is a customer, put another row below it" in said[0]


def test_a_sum_and_a_count_are_two_totals(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(ROWS + "Subtotal,,30.5\nTotal 3 customers,,\n")
    names, said = _read(path)
    assert (names, len(said)) == (["Ann", "Bob", "Cem"], 2)


@pytest.mark.parametrize("last", ["Total,Rom,12", "Total Energies,,30.5", "Ann,Total,30.5", "Sumner,,30.5"])
def test_a_customer_with_such_a_name_is_read(tmp_path: Path, last: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"{ROWS}{last}\n")
    names, said = _read(path)
    assert (len(names), said) == (4, [])


@pytest.mark.parametrize(
    ("ending", "count"), [(",,\n", 1), (",,\r\n" * 3, 3), (',,\n"","",""\n ,,', 3), (",,\n" * 30_000, 30_000)]
)
def test_rows_of_separators_at_the_end_are_not_read_and_counted(tmp_path: Path, ending: str, count: int) -> None:
    path = tmp_path / "shop.csv"
    rows = ROWS.replace("\n", "\r\n") if "\r" in ending else ROWS
    path.write_bytes((rows + ending).encode())
    said = f"ends with {count:,} row{'s' * (count > 1)} of separators alone, without any value: not read"
    assert _read(path) == (["Ann", "Bob", "Cem"], [said])


def test_a_total_above_rows_of_separators_is_found(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"{ROWS}Total,,30.5\n,,\n")
    names, said = _read(path)
    assert (names, len(said)) == (["Ann", "Bob", "Cem"], 2)


def test_a_row_of_separators_between_others_stays(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"{ROWS},,\nDan,Rom,1\n")
    assert _read(path) == (["Ann", "Bob", "Cem", None, "Dan"], [])


def test_a_file_of_separators_alone_holds_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("name,city,paid\n,,\n,,\n")
    with pytest.raises(SourceError, match="has a header but no rows"):
        open_table(str(path))


def test_a_total_in_utf_16_is_found(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"{ROWS}Total,,30.5\n", encoding="utf-16")
    assert [len(part) for part in _read(path)] == [3, 1]


@pytest.mark.parametrize("text", ["total", "Grand Total", "sub-total", "Summe:", "Total (12)", "итого", "Total 1,234"])
def test_words_of_totals(text: str) -> None:
    assert may_be_total(text)


def test_blanks_around_names_do_not_count_where_names_stay_different(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("customer_id , plan\nC1,a\n")
    assert open_table(str(path)).columns == ("customer_id", "plan")
    path.write_text("plan,plan \nC1,a\n")
    assert open_table(str(path)).columns == ("plan", "plan ")
