"""Every type of column of Parquet and SQLite files: what it is taken for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.validation.validate import validate
from tests.data.sources.formats.file_column_types import PARQUET, ROWS, SQLITE, OfType, parquet_column


def _parquet(**own: Sequence[Any]) -> pa.Table:
    columns = {name: pa.array(cells) for name, cells in own.items()}
    return pa.table(columns | {f"{name}_c": parquet_column(name, one.cells) for name, one in PARQUET.items()})


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
