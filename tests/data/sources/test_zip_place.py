"""A .zip as a source: the table in it, or its tables; and no way out of the folder of its copy."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from churn_mlops.data.sources import zip_place
from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError
from tests.data.sources.formats.kinds_of_files import customers, texts, write_csv, write_workbook

ROWS = customers()


def _packed(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("name", ["shop.csv", "2024/May/shop.csv", "shop"])
def test_the_one_table_of_a_zip_is_the_table(tmp_path: Path, name: str) -> None:
    text = write_csv(tmp_path / "plain.csv", ROWS).read_text()
    path = _packed(tmp_path / "export.zip", **{name: text, "readme.pdf": b"%PDF", "__MACOSX/._shop.csv": "x"})
    place = resolve(str(path))
    assert (place.kind, place.tables()) == ("file", ["shop"])
    assert open_table(str(path)).to_pyarrow().to_pylist() == texts(ROWS)


def test_a_workbook_in_a_zip_is_read(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "shop.xlsx", ROWS).read_bytes()
    path = _packed(tmp_path / "export.zip", **{"shop.xlsx": book})
    assert open_table(str(path)).to_pyarrow().to_pylist() == texts(ROWS)


def test_several_files_are_tables_by_name(tmp_path: Path) -> None:
    text = write_csv(tmp_path / "plain.csv", ROWS).read_text()
    path = _packed(
        tmp_path / "export.zip",
        **{"shop.csv": text, "LICENSE": "Free", "sub/orders.csv": "customer_id,day\nC0001,2024-05-01\n"},
    )
    assert sorted(open_every_table(str(path))) == ["orders", "shop"]
    assert open_table(str(path), "shop").to_pyarrow().to_pylist() == texts(ROWS)
    with pytest.raises(SourceError, match=r"export\.zip holds 2 tables \(orders, shop\): name the one"):
        open_table(str(path))


def test_an_error_names_the_file_in_the_zip(tmp_path: Path) -> None:
    path = _packed(tmp_path / "export.zip", **{"shop.csv": "a,b\n1,2\n1\n"})
    with pytest.raises(SourceError, match=r"export\.zip/shop\.csv, line 3: 1 cells where the header has 2"):
        open_table(str(path))


@pytest.mark.parametrize("name", ["../../shop.csv", "/tmp/shop.csv", "..\\shop.csv", "a/../../shop.csv"])
def test_a_path_in_a_zip_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    path = _packed(tmp_path / "a" / "b" / "export.zip", **{name: "a,b\n1,2\n"})
    before = sorted(tmp_path.rglob("*"))
    assert open_table(str(path)).to_pyarrow().to_pylist() == [{"a": "1", "b": "2"}]
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/shop.csv").exists()


def test_a_zip_that_grows_without_end_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_place, "LARGEST_UNPACKED", 2**20)
    path = _packed(
        tmp_path / "export.zip", **{"a.csv": "a,b\n" + "1,2\n" * 200_000, "b.csv": "a,b\n" + "1,2\n" * 200_000}
    )
    with pytest.raises(SourceError, match=r"holds more than .* GB, unpacked"):
        resolve(str(path))


def _many(path: Path) -> None:
    _packed(path, **{f"{number}.txt": "" for number in range(zip_place.MOST_FILES + 1)})


def _locked(path: Path) -> None:
    """The flag of encryption is set; nothing is encrypted."""
    data = bytearray(_packed(path, **{"shop.csv": "a,b\n1,2\n"}).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 99), "is not a whole .zip file"),
        (lambda path: _packed(path, **{"readme.pdf": "x"}), "holds no table: pack files into it that end in .csv"),
        (lambda path: _packed(path, **{"a/s.csv": "a,b\n1,2", "b/S.csv": "a,b\n1,2"}), "two files called 'S.csv'"),
        (_many, "holds more than 1000 files"),
        (_locked, "has a password: unpack it"),
    ],
)
def test_a_zip_that_cannot_be_read_is_refused(make: Callable[[Path], Any], says: str, tmp_path: Path) -> None:
    make(tmp_path / "export.zip")
    with pytest.raises(SourceError, match=says):
        resolve(str(tmp_path / "export.zip"))


def test_a_name_that_is_too_long_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{'n' * 400}.csv", "id,plan\n1,a\n")
    with pytest.raises(SourceError, match="name is too long"):
        resolve(str(path))
