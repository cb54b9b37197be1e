"""Bad files: each is refused by a message that names the thing and the remedy, and nothing is left half-written."""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.validate import validate
from churn_mlops.errors import ChurnError, SourceError

GOOD = "id,tenure,charge,plan,churn\n" + "".join(
    f"C{row:03},{row % 7},{row / 2 + 1},{'basic' if row % 3 else 'plus'},{'Yes' if row % 4 == 0 else 'No'}\n"
    for row in range(60)
)
CONTRACT = DataContract.from_dict(
    {
        "name": "shop",
        "customer": "id",
        "label": {"column": "churn", "positive": "Yes", "negative": "No"},
        "features": {
            "tenure": {"type": "number", "min": 0, "range": [0, 6]},
            "charge": {"type": "number", "min": 0, "max": 1000},
            "plan": {"type": "category", "levels": ["basic", "plus"]},
        },
    }
)
Make = bytes | str | Callable[[Path], object]


def _folder(path: Path) -> None:
    path.mkdir()


def _cut_parquet(path: Path) -> None:
    duckdb.sql(f"COPY (SELECT range AS a, range AS b FROM range(5000)) TO '{path}' (FORMAT parquet)")
    path.write_bytes(path.read_bytes()[:-40])


def _hollow_parquet(path: Path) -> None:
    duckdb.sql(f"COPY (SELECT range AS a, hash(range) AS b FROM range(5000)) TO '{path}' (FORMAT parquet)")
    whole = path.read_bytes()
    path.write_bytes(b"PAR1" + b"\xff" * 30_000 + whole[30_004:])


def _two_tables(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE customers (a INT); CREATE TABLE orders (a INT)")


def _no_tables(path: Path) -> None:
    duckdb.connect(str(path)).close()


def _two_sqlite_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE customers (a); CREATE TABLE orders (a);")
    connection.close()


UNREADABLE: list[tuple[str, str, Make, list[str]]] = [
    ("a workbook called .csv", "f.csv", b"PK\x03\x04" + b"\0" * 90, ["f.csv", "workbook", "call it .xlsx"]),
    ("empty", "f.csv", "", ["f.csv", "empty", "header"]),
    ("only blanks", "f.csv", "\n\n  \n", ["f.csv", "empty"]),
    ("only a byte order mark", "f.csv", b"\xef\xbb\xbf", ["f.csv", "empty"]),
    ("header only", "f.csv", "a,b\n", ["f.csv", "no rows"]),
    ("header only without a line end", "f.csv", "a,b", ["f.csv", "no rows"]),
    ("unknown separator", "f.csv", "a^b\n1^2\n", ["f.csv, line 1", "comma, semicolon, tab"]),
    (
        "blanks between the columns",
        "f.txt",
        " id  day\n 1   2\n",
        ["f.txt, line 1", "blanks seem to separate its 2 col"],
    ),
    ("a title above the header", "f.csv", "Customers of May\na,b\n1,2\n", ["f.csv, line 1", "title of 1 line"]),
    (
        "UTF-8 with a letter of Windows-1252",
        "f.csv",
        b"a,b\n\xc3\xa9,2\n3,caf\xe9\n",
        ["f.csv, line 3", "0xe9", "save it"],
    ),
    ("cut UTF-16", "f.csv", "a,b\n1,2\n".encode("utf-16")[:-1], ["f.csv", "UTF-16", "export it again"]),
    ("UTF-16 without a mark", "f.csv", "a,b\n1,2\n".encode("utf-16-le"), ["f.csv, line 1", "NUL"]),
    ("cut within a letter", "f.csv", "a,b\n1,\u00e9".encode()[:-1], ["f.csv, line 2", "not UTF-8"]),
    ("binary rubbish", "f.csv", bytes(range(128, 256)) * 40, ["f.csv, line 1", "not UTF-8"]),
    ("NUL byte", "f.csv", b"a,b\n1,2\n3,\x00\n", ["f.csv, line 3", "NUL"]),
    ("short row", "f.csv", "a,b,c\n1,2,3\n4,5\n", ["f.csv, line 3", "2 cells", "header has 3"]),
    ("long row", "f.csv", "a,b,c\n1,2,3\n4,5,6,7\n", ["f.csv, line 3", "4 cells", "header has 3"]),
    ("all rows longer than the header", "f.csv", "a,b\n1,2,3\n4,5,6\n", ["f.csv, line 2", "3 cells"]),
    (
        "short row far below",
        "f.csv",
        "a,b\n" + "1,2\n" * 60_000 + "1\n" + "1,2\n" * 9,
        ["f.csv, line 60002", "header has 2"],
    ),
    ("header twice", "f.csv", "a,b,a\n1,2,3\n", ["f.csv, line 1", "columns 1 and 3", "'a'"]),
    ("header twice but for capitals", "f.csv", "Churn,churn\n1,2\n", ["f.csv, line 1", "capitals"]),
    ("taken name for an unnamed column", "f.csv", ",a,column_1\n0,2,3\n", ["f.csv, line 1", "both called 'column_1'"]),
    ("quotation mark left open", "f.csv", 'a,b\n1,"2\n3,4\n', ["f.csv", "quotation mark"]),
    ("text after a quotation mark", "f.csv", 'a,b\n1,"2"x\n3,4\n', ["f.csv, line 2", "quotation mark"]),
    ("cut gzip", "f.csv.gz", gzip.compress(GOOD.encode())[:-20], ["f.csv.gz", "gzip"]),
    ("no gzip at all", "f.csv.gz", GOOD, ["f.csv.gz", "gzip"]),
    ("folder", "f.csv", _folder, ["f.csv", "folder"]),
    ("folder of Parquet", "f.parquet", _folder, ["f.parquet", "folder"]),
    ("not there", "g.csv", lambda path: None, ["there is no file", "g.csv", "check the path"]),
    ("cut Parquet", "f.parquet", _cut_parquet, ["f.parquet", "Parquet"]),
    ("Parquet with a spoilt middle", "f.parquet", _hollow_parquet, ["f.parquet", "Parquet"]),
    ("empty Parquet", "f.parquet", b"", ["f.parquet", "empty"]),
    ("CSV called Parquet", "f.parquet", GOOD, ["f.parquet", "Parquet"]),
    ("DuckDB of several tables", "f.duckdb", _two_tables, ["f.duckdb", "2 tables (customers, orders)", "--table"]),
    ("DuckDB of no table", "f.duckdb", _no_tables, ["f.duckdb", "no table"]),
    ("CSV called DuckDB", "f.duckdb", GOOD, ["f.duckdb", "DuckDB"]),
    ("SQLite of several tables", "f.db", _two_sqlite_tables, ["f.db", "customers, orders"]),
    ("CSV called SQLite", "f.sqlite", GOOD, ["f.sqlite", "SQLite"]),
    ("unknown ending", "f.docx", b"PK", ["f.docx", ".docx", ".csv"]),
    ("a file of R", "f.rda", b"RDX3", ["f.rda is a file of R", "write.csv"]),
    ("a pickle", "f.pkl", b"\x80", ["f.pkl is a pickle of Python", "to_parquet"]),
    ("packed twice", "f.json.gz", b"\x1f\x8b", ["f.json.gz is packed: unpack it"]),
    ("no ending", "customers", GOOD, ["customers", ".csv"]),
]


def _make(path: Path, content: Make) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("name", "content", "says"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: Make, says: list[str]) -> None:
    _make(tmp_path / name, content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SourceError) as caught:
        open_table(str(tmp_path / name))
    for word in says:
        assert word in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("address", ["ftp://host/file", "nonsense://x", "postgres://user:secret@127.0.0.1:1/db"])
def test_an_address_that_leads_nowhere_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_table(address)
    assert address.split("://")[0] in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
def test_an_address_of_a_database_file_makes_no_file(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*customers"):
        open_table(f"{scheme}://{tmp_path}/customers.db")
    assert not list(tmp_path.iterdir())
    (_two_tables if scheme == "duckdb" else _two_sqlite_tables)(tmp_path / "f.db")
    with pytest.raises(SourceError, match="customers, orders"):
        open_table(f"{scheme}://{tmp_path}/f.db")


@pytest.mark.parametrize("ending", ["duckdb", "db"])
def test_a_table_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"f.{ending}"
    (_two_tables if ending == "duckdb" else _two_sqlite_tables)(path)
    with pytest.raises(SourceError, match=r"no table 'customer'; nearest: 'customers'"):
        open_table(str(path), "customer")


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """Root may read everything, so the file is opened by a process that has given that up."""
    path = tmp_path / "f.csv"
    path.write_text(GOOD)
    path.chmod(0)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from churn_mlops.data.sources.files import check_file\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: check_file(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        if os.geteuid() == 0 and folder.owner() == "root" and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o711)
    found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert found.stdout.startswith("SourceError no permission to read"), found
    assert "chmod" in found.stdout


def _with(**changes: str) -> str:
    """The good file with the given columns' cells of the third row (or of all rows, by ``all_``) exchanged."""
    header, *rows = GOOD.splitlines()
    names = header.split(",")
    out = []
    for place, row in enumerate(rows):
        cells = row.split(",")
        for key, value in changes.items():
            if key.startswith("all_"):
                cells[names.index(key.removeprefix("all_"))] = value
            elif place == 2:
                cells[names.index(key)] = value
        out.append(",".join(cells))
    return "\n".join([header, *out]) + "\n"


BREAKING: list[tuple[str, str, str, list[str]]] = [
    ("customer twice", _with(id="C000"), "customer_repeated", ["id", "C000", "2 rows"]),
    ("customer blank", _with(id=" "), "customer_missing", ["id", "row 3 of the data"]),
    ("label column missing", GOOD.replace(",churn", ",churned"), "missing_column", ["churn", "nearest: 'churned'"]),
    ("label constant", _with(all_churn="No"), "label_constant", ["churn", "'Yes'"]),
    ("label of three values", _with(churn="Maybe"), "label_other_value", ["churn", "C002", "Maybe", "blank"]),
    ("all labels blank", _with(all_churn=""), "label_unknown", ["churn", "Yes"]),
    ("feature column missing", GOOD.replace("tenure", "Tenure_Months"), "missing_column", ["tenure", "Tenure_Months"]),
    ("infinity", _with(charge="inf"), "not_a_number", ["charge", "C002", "inf"]),
    ("too large for a number", _with(charge="1e999"), "not_a_number", ["charge", "1e999"]),
    ("1e308", _with(charge="1e308"), "absurd", ["charge", "C002", "1e+308"]),
    ("text in a number", _with(tenure="two"), "not_a_number", ["tenure", "C002", "two", "missing_values"]),
    ("decimal comma", _with(charge='"12;5"').replace(";", ","), "not_a_number", ["charge", "12,5", "decimal point"]),
    ("negative charge", _with(charge="-4.5"), "below_min", ["charge", "C002", "-4.5", "min"]),
    ("charge above the maximum", _with(charge="1000.5"), "above_max", ["charge", "C002", "1000.5", "max"]),
]


@pytest.mark.parametrize(
    ("content", "rule", "says"), [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING]
)
def test_a_file_that_breaks_its_contract_stops(tmp_path: Path, content: str, rule: str, says: list[str]) -> None:
    (tmp_path / "f.csv").write_text(content)
    report = validate(open_table(str(tmp_path / "f.csv")), CONTRACT, need_label=True)
    assert report.stop
    text = next(str(problem) + str(problem.examples) for problem in report.problems if problem.rule == rule)
    for word in says:
        assert word in text


@pytest.mark.parametrize("charge", ["1.5", "$1,5", "1,50 GB", "1 234", "$", "1,2,3"])
def test_a_number_in_another_number_format_than_the_declared_stops(tmp_path: Path, charge: str) -> None:
    declared = CONTRACT.to_dict()
    declared["features"]["charge"] = {"type": "number", "decimal": ",", "thousands": ".", "around": ["EUR"]}
    (tmp_path / "f.csv").write_text(_with(all_charge='"1.234,50 EUR"', charge=f'"{charge}"'))
    report = validate(open_table(str(tmp_path / "f.csv")), DataContract.from_dict(declared))
    assert [(problem.rule, problem.rows) for problem in report.problems] == [("not_a_number", 1)]
    assert "as in '1.234,5 EUR'" in report.problems[0].advice


def test_a_good_file_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(GOOD)
    assert validate(open_table(str(tmp_path / "f.csv")), CONTRACT, need_label=True).problems == ()


@pytest.mark.parametrize(
    ("content", "asked", "says"),
    [
        (GOOD, {"label": "Churned"}, "'churn'"),
        (GOOD, {"customer": "ID", "label": "churn"}, "'id'"),
        (GOOD, {"label": "churn", "positive": "Left"}, "'Yes' (15)"),
        (GOOD, {"label": "plan"}, "--positive"),
        (_with(all_churn="No"), {"label": "churn"}, "only 'No'"),
        (_with(all_churn=" "), {"label": "churn"}, "blank in every row"),
        (_with(churn="Maybe"), {"label": "churn"}, "3 values"),
        (_with(churn="unknown"), {"label": "churn", "positive": "Yes"}, "leave the cell blank where 'unknown' stands"),
        (GOOD, {"label": "charge"}, "60 values"),
        ("id,churn\nC1,Yes\nC2,No\n", {"customer": "id", "label": "churn"}, "no column is left"),
    ],
)
def test_what_cannot_be_proposed_is_refused(tmp_path: Path, content: str, asked: dict[str, str], says: str) -> None:
    (tmp_path / "f.csv").write_text(content)
    with pytest.raises(ChurnError) as caught:
        propose(open_table(str(tmp_path / "f.csv")), name="shop", **asked)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_a_contract_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").mkdir()
    with pytest.raises(ChurnError, match=r"contract\.yaml"):
        write_contract(CONTRACT, [], tmp_path / "contract.yaml")
    assert [path.name for path in tmp_path.rglob("*")] == ["contract.yaml"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ChurnError, match="cannot be written"):
        write_contract(CONTRACT, [], tmp_path / "file" / "contract.yaml")
