"""A small company whose customers and visits have a column of every type of their engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from tests.data.sources.column_types import DUCKDB, POSTGRES, POSTGRES_TYPES, OfType, created
from tests.data.sources.formats.file_column_types import PARQUET, SQLITE, parquet_column

Cells = Mapping[str, Sequence[Any]]
CUSTOMERS = 160
_FIRST = date(2023, 1, 1)
_DAYS = 240
_OWN = {
    "customers": {
        "customer_id": "varchar(9)",
        "signed_up": "date",
        "ended": "date",
        "churned": "varchar(3)",
        "complaints": "integer",
        "letters": "integer",
        "phone_calls": "integer",
    },
    "visits": {"visit_id": "varchar(9)", "customer_id": "varchar(9)", "visited_at": "timestamp"},
}
_TELLING = ("complaints", "letters", "phone_calls")
TYPES: Mapping[str, Mapping[str, Any]] = {
    "duckdb": DUCKDB,
    "postgres": POSTGRES,
    "sqlite": SQLITE,
    "parquet": PARQUET,
}


def write_company(engine: str, folder: Path, server: str | None = None) -> str:
    """The company in a database, or in files, of ``engine`` (a key of `TYPES`); its address.

    Args:
        engine: keeps the company.
        folder: of the files.
        server: address of an empty database, for PostgreSQL.
    """
    own = {"customers": _customers(), "visits": _visits()}
    if engine == "parquet":
        return _in_parquet(folder, own)
    if engine == "sqlite":
        return _in_sqlite(folder / "company.sqlite", own)
    if engine == "duckdb":
        with duckdb.connect(folder / "company.duckdb") as connection:
            _in_sql(connection.execute, own, DUCKDB)
        return str(folder / "company.duckdb")
    assert server is not None
    with psycopg.connect(server) as database:
        database.execute(POSTGRES_TYPES)
        _in_sql(database.execute, own, POSTGRES)
    return server


def _ends() -> list[int | None]:
    """The day on which each customer leaves, None of those who stay."""
    rng = np.random.default_rng(1)
    return [int(rng.integers(100, _DAYS)) if rng.random() < 0.6 else None for _ in range(CUSTOMERS)]


def _customers() -> Cells:
    ends, rng = _ends(), np.random.default_rng(2)
    return {
        "customer_id": [f"k{row:04}" for row in range(CUSTOMERS)],
        "signed_up": [_FIRST + timedelta(row % 60) for row in range(CUSTOMERS)],
        "ended": [None if end is None else _FIRST + timedelta(end) for end in ends],
        "churned": ["no" if end is None else "yes" for end in ends],
        **{name: [int(rng.poisson(2 if end is None else 5)) for end in ends] for name in _TELLING},
    }


def _visits() -> Cells:
    """Visits once in 20 days; who leaves comes less often in the last weeks."""
    rng, seen = np.random.default_rng(3), []
    for row, end in enumerate(_ends()):
        day = row % 60 + 1
        while day < (_DAYS if end is None else end):
            seen.append((f"k{row:04}", datetime.combine(_FIRST, datetime.min.time()) + timedelta(day, 36_000)))
            day += int(rng.integers(12, 28)) + (30 if end is not None and day > end - 50 else 0)
    return {
        "visit_id": [f"v{row:06}" for row in range(len(seen))],
        "customer_id": [who for who, _ in seen],
        "visited_at": [at for _, at in seen],
    }


def _drawn(values: Sequence[Any], rows: int, seed: int) -> list[Any]:
    return [values[place] for place in np.random.default_rng(seed).integers(0, len(values), rows)]


def _typed(own: Cells, types: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The cells of the columns of every type: drawn, so that no column says the same as another."""
    rows = len(next(iter(own.values())))
    return {name: _drawn(one.values, rows, rows + place) for place, (name, one) in enumerate(types.items())}


def _in_sql(execute: Callable[[str], Any], own: Mapping[str, Cells], types: Mapping[str, OfType]) -> None:
    for table, cells in own.items():
        execute(created(table, ", ".join(f"{name} {kind}" for name, kind in _OWN[table].items()), dict(types)))
        texts = [["NULL" if cell is None else f"'{cell}'" for cell in column] for column in cells.values()]
        rows = map(", ".join, zip(*texts, *_typed(cells, types).values(), strict=True))
        execute(f"INSERT INTO {table} VALUES {', '.join(f'({row})' for row in rows)}")


def _in_sqlite(path: Path, own: Mapping[str, Cells]) -> str:
    with closing(sqlite3.connect(path)) as connection:
        for table, cells in own.items():
            columns = [*(f"{name} {kind}" for name, kind in _OWN[table].items())]
            columns += [f"{name}_c {one.kind}" for name, one in SQLITE.items()]
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            texts = [
                [cell if cell is None or isinstance(cell, int) else str(cell) for cell in column]
                for column in cells.values()
            ]
            rows = zip(*texts, *_typed(cells, SQLITE).values(), strict=True)
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
        connection.commit()
    return str(path)


def _in_parquet(folder: Path, own: Mapping[str, Cells]) -> str:
    (folder / "company").mkdir()
    for table, cells in own.items():
        columns = {name: pa.array(column) for name, column in cells.items()}
        columns |= {f"{name}_c": parquet_column(name, column) for name, column in _typed(cells, PARQUET).items()}
        pq.write_table(pa.table(columns), folder / "company" / f"{table}.parquet")
    return str(folder / "company")
