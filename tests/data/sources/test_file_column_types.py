"""Every type of column of Parquet and SQLite files: what it is taken for."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.validation.validate import validate

ROWS = 24


class OfType(NamedTuple):
    """A column of one type: its values, which come again and again, what it is taken for, and how many are missing."""

    kind: Any
    values: Sequence[Any]
    meaning: str
    missing: int = 0

    @property
    def cells(self) -> list[Any]:
        return [self.values[row % len(self.values)] for row in range(ROWS)]


_DAY, _NEXT = datetime(2024, 1, 1), datetime(2024, 1, 2)
PARQUET = {
    "int8": OfType(pa.int8(), (1, 2, None), "number", 1),
    "int16": OfType(pa.int16(), (0, 1), "boolean"),
    "int32": OfType(pa.int32(), (1, 2, 3), "number"),
    "int64": OfType(pa.int64(), (2**53, 2**53 + 1, 5), "number"),
    "uint8": OfType(pa.uint8(), (1, 2, 255), "number"),
    "uint16": OfType(pa.uint16(), (1, 2, 3), "number"),
    "uint32": OfType(pa.uint32(), (1, 2, 3), "number"),
    "uint64": OfType(pa.uint64(), (1, 2, 2**64 - 1), "number"),
    "half": OfType(pa.float16(), (1.5, 2, 3), "number"),
    "float": OfType(pa.float32(), (1.5, float("nan"), 2, 4), "number", 1),
    "double": OfType(pa.float64(), (1.25, 2, None), "number", 1),
    "decimal": OfType(pa.decimal128(12, 2), (Decimal("1.50"), Decimal(2), Decimal(3)), "number"),
    "long_decimal": OfType(pa.decimal128(38, 20), (Decimal(1), Decimal("0.5"), Decimal(3)), "number"),
    "longest_decimal": OfType(pa.decimal256(60, 2), (Decimal(1), Decimal(2), Decimal(4)), "number"),
    "flag": OfType(pa.bool_(), (True, False, None), "boolean", 1),
    "word": OfType(pa.string(), ("red", "blue", " "), "category", 1),
    "long_word": OfType(pa.large_string(), ("red", "blue", "green"), "category"),
    "level": OfType(pa.dictionary(pa.int32(), pa.string()), ("basic", "pro", None), "category", 1),
    "uuid": OfType(pa.uuid(), [uuid.UUID(int=row).bytes for row in range(ROWS)], "identifier"),
    "bytes": OfType(pa.binary(), (b"a", b"b"), "type"),
    "two_bytes": OfType(pa.binary(2), (b"ab", b"cd"), "type"),
    "day": OfType(pa.date32(), (date(2024, 1, 1), date(2024, 1, 2)), "date"),
    "day_ms": OfType(pa.date64(), (date(2024, 1, 1), date(2024, 1, 3)), "date"),
    "far_day": OfType(
        pa.int32(), (3_000_000, -1_000_000, 19_723), "date", 2
    ),  # days from 1970, of which a date32 is made
    "second": OfType(pa.timestamp("s"), (_DAY, _NEXT), "date"),
    "milli": OfType(pa.timestamp("ms"), (_DAY, _NEXT, None), "date", 1),
    "micro": OfType(pa.timestamp("us"), (_DAY, _NEXT), "date"),
    "nano": OfType(pa.timestamp("ns"), (_DAY, _NEXT), "date"),
    "instant": OfType(pa.timestamp("us", "Europe/Berlin"), (_DAY, _NEXT), "date"),
    "nano_instant": OfType(pa.timestamp("ns", "UTC"), (_DAY, _NEXT), "date"),
    "clock": OfType(pa.time32("ms"), (time(10), time(11)), "type"),
    "micro_clock": OfType(pa.time64("us"), (time(10), time(11)), "type"),
    "nano_clock": OfType(pa.time64("ns"), (1, 2), "type"),
    "lasting": OfType(pa.duration("s"), (timedelta(1), timedelta(2), timedelta(9)), "number"),
    "list": OfType(pa.list_(pa.int64()), ([1], [2]), "type"),
    "struct": OfType(pa.struct({"a": pa.int64()}), ({"a": 1}, {"a": 2}), "type"),
    "map": OfType(pa.map_(pa.string(), pa.int64()), ([("a", 1)], [("b", 1)]), "type"),
    "json": OfType(pa.json_(), ('{"a": 1}', "[]"), "type"),
    "nothing": OfType(pa.null(), (None,), "empty", 1),
}


def _array(one: OfType, name: str) -> pa.Array:
    if isinstance(one.kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(one.kind, pa.array(one.cells, one.kind.storage_type))
    array = pa.array(one.cells, one.kind)
    return array.cast(pa.date32()) if name == "far_day" else array


def _parquet(**own: Sequence[Any]) -> pa.Table:
    columns = {name: pa.array(cells) for name, cells in own.items()}
    return pa.table(columns | {f"{name}_c": _array(one, name) for name, one in PARQUET.items()})


def _ids() -> list[str]:
    return [f"k{row}" for row in range(ROWS)]


def _meanings(proposal: Proposal) -> dict[str, str]:
    contract = proposal.contract
    found: dict[str, str] = {name: feature.type for name, feature in contract.features.items()}
    return found | {name: why.reason for name, why in contract.set_aside.items() if why.reason != "duplicate"}


def _check(proposal: Proposal, types: dict[str, OfType]) -> None:
    found = _meanings(proposal)
    wanted = {f"{name}_c": one.meaning for name, one in types.items()}
    assert found == {name: meaning for name, meaning in wanted.items() if name in found}
    assert len(found) > len(wanted) / 2  # some say the same as another
    for name, one in types.items():
        column = proposal.profile[f"{name}_c"]
        assert column.rows - column.present == ROWS * one.missing // len(one.values), name


def test_a_column_of_every_type_of_parquet_gets_its_meaning(tmp_path: Path) -> None:
    pq.write_table(_parquet(customer_id=_ids()), tmp_path / "shop.parquet")
    table = open_table(str(tmp_path / "shop.parquet"))
    proposal = propose(table, name="shop", customer="customer_id")
    _check(proposal, PARQUET)
    assert not validate(table, proposal.contract).stop
    assert read_snapshot(table, proposal.contract).num_rows == ROWS


def test_a_history_in_parquet_is_read_whatever_else_stands_in_its_files(tmp_path: Path) -> None:
    days = [date(2024, 1, 1 + row) for row in range(ROWS)]
    pq.write_table(_parquet(customer_id=_ids(), signed_up=days), tmp_path / "customers.parquet")
    pq.write_table(_parquet(customer_id=_ids(), seen=days), tmp_path / "visits.parquet")
    contract = propose_history(open_every_table(str(tmp_path)), name="shop").contract
    of_no_use = {f"{name}_c" for name, one in PARQUET.items() if one.meaning == "type"}
    excluded = {name for name, why in contract.set_aside.items() if why.reason == "type"}
    assert {name.partition(".")[2] for name in excluded} == of_no_use
    assert read_history(open_tables(str(tmp_path), contract), contract, [date(2024, 2, 1)]).num_rows == ROWS


def test_nan_in_a_parquet_file_is_missing_in_every_count(tmp_path: Path) -> None:
    numbers = [float("nan") if row % 3 == 0 else row / 4 for row in range(3 * ROWS)]
    pq.write_table(pa.table({"a": numbers, "b": list(range(3 * ROWS))}), tmp_path / "shop.parquet")
    table = open_table(str(tmp_path / "shop.parquet"))
    proposal = propose(table, name="shop")
    assert (proposal.profile["a"].missing, proposal.contract.features["a"].range) == (ROWS, (0.25, 17.75))
    assert read_snapshot(table, proposal.contract)["a"].null_count == ROWS
    read = table.aggregate(a=table.a.sum(), rows=table.a.count()).to_pyarrow().to_pylist()
    assert read == [{"a": sum(row / 4 for row in range(3 * ROWS) if row % 3), "rows": 2 * ROWS}]


# SQLite keeps any value in a column of any type, so the values decide.
SQLITE = {
    "whole": OfType("INTEGER", (1, 2, 3), "number"),
    "flag": OfType("BOOLEAN", (0, 1), "boolean"),
    "real": OfType("REAL", (1.5, 2, None), "number", 1),
    "price": OfType("DECIMAL(10, 2)", ("1.50", 2, 3.5), "number"),
    "numeric": OfType("NUMERIC", ("1e3", 5, 7), "number"),
    "big": OfType("BIGINT", (2**53, 2**53 + 1, 5), "number"),
    "infinite_text": OfType("REAL", ("nan", 2, 3), "number", 1),
    "word": OfType("TEXT", ("red", "blue", " "), "category", 1),
    "short": OfType("VARCHAR(5)", ("red", "blue", "green"), "category"),
    "bytes": OfType("BLOB", (b"red", b"\xff", b"blue"), "category"),
    "untyped": OfType("", ("basic", "pro", None), "category", 1),
    "mixed": OfType("INTEGER", (1, "two", 3.5), "category"),
    "uuid": OfType("UUID", [str(uuid.UUID(int=row)) for row in range(ROWS)], "identifier"),
    "day": OfType("DATE", ("2024-01-01", "2024-01-02"), "date"),
    "moment": OfType("DATETIME", ("2024-01-01 10:00:00", "2024-01-02 10:00:00.123"), "date"),
    "day_or_month": OfType("DATE", ("25/01/2024", "01/25/2024"), "date"),
    "created": OfType("TIMESTAMP", (1_700_000_000, 1_700_086_400), "date"),
    "json": OfType("JSON", ('{"a": 1}', "[]"), "category"),
}


def _sqlite(path: Path, types: dict[str, OfType], **tables: dict[str, Sequence[Any]]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table, own in tables.items():
            names = [*own, *(f"{name}_c {one.kind}" for name, one in types.items())]
            connection.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            rows = zip(*own.values(), *(one.cells for one in types.values()), strict=True)
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows)
        connection.commit()


def test_a_column_of_every_type_of_sqlite_gets_its_meaning(tmp_path: Path) -> None:
    _sqlite(tmp_path / "shop.sqlite", SQLITE, shop={"customer_id": _ids()})
    table = open_table(str(tmp_path / "shop.sqlite"))
    proposal = propose(table, name="shop", customer="customer_id")
    _check(proposal, SQLITE)
    assert not validate(table, proposal.contract).stop
    assert read_snapshot(table, proposal.contract).num_rows == ROWS


def test_days_of_sqlite_in_two_orders_are_counted_and_never_guessed_cell_by_cell(tmp_path: Path) -> None:
    days = [f"2024-01-{1 + row:02}" for row in range(ROWS)]
    mixed = [f"{13 + row % 12}/01/2024" if row else "01/25/2024" for row in range(ROWS)]
    _sqlite(
        tmp_path / "shop.sqlite",
        {},
        customers={"customer_id": _ids(), "signed_up DATE": days},
        visits={"customer_id": _ids(), "seen DATE": mixed},
    )
    proposal = propose_history(open_every_table(str(tmp_path / "shop.sqlite")), name="shop")
    assert proposal.contract.tables["visits"].formats == {"seen": "%d/%m/%Y"}
    (unread,) = [one for one in proposal.findings if (one.kind, one.column) == ("date_unread", "visits.seen")]
    assert unread.rows == 1


def test_a_history_in_sqlite_is_read_whatever_else_stands_in_its_tables(tmp_path: Path) -> None:
    days = [f"2024-01-{1 + row:02}" for row in range(ROWS)]
    _sqlite(
        tmp_path / "shop.sqlite",
        SQLITE,
        customers={"customer_id": _ids(), "signed_up DATE": days},
        visits={"customer_id": _ids(), "seen DATE": days},
    )
    address = str(tmp_path / "shop.sqlite")
    contract = propose_history(open_every_table(address), name="shop").contract
    assert contract.tables["visits"].customer is None
    assert read_history(open_tables(address, contract), contract, [date(2024, 2, 1)]).num_rows > 0
