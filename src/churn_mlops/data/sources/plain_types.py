"""The columns of a database as one of a few plain types, which all expressions of this project read alike.

A text, a number, a boolean, a date or a timestamp stays as it is. Values that are one of these under another type are
cast: an enumeration, a UUID or the address of a network to its text, money to a number, nanoseconds to microseconds.
Any other column (JSON, a list, a time of day, a point) gets a type that nothing computes with. It may be counted and
cast to text, and the look at the table reports it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from churn_mlops.data.sources.files import identifier, quoted

_Reading = tuple[str | None, str]  # SQL of the column, whose quoted name is {0}, None where it stays; and Ibis's type

# Cut, not rounded: the last nanosecond of a day would become the next day. Below 1970 a division cuts upwards.
_NANOSECONDS = "(epoch_ns({0}) - (epoch_ns({0}) % 1000 + 1000) % 1000) // 1000"
_DUCKDB: dict[str, _Reading] = {
    "BOOLEAN": (None, "boolean"),
    "TINYINT": (None, "int8"),
    "SMALLINT": (None, "int16"),
    "INTEGER": (None, "int32"),
    "BIGINT": (None, "int64"),
    "UTINYINT": (None, "uint8"),
    "USMALLINT": (None, "uint16"),
    "UINTEGER": (None, "uint32"),
    "UBIGINT": (None, "uint64"),
    "HUGEINT": (None, "decimal(38, 0)"),
    "UHUGEINT": ("CAST({0} AS VARCHAR)", "string"),  # no number of Ibis is as wide
    "BIGNUM": ("CAST({0} AS VARCHAR)", "string"),
    "FLOAT": (None, "float32"),
    "DOUBLE": (None, "float64"),
    "DECIMAL": (None, "decimal"),
    "VARCHAR": (None, "string"),
    "ENUM": ("CAST({0} AS VARCHAR)", "string"),
    "UUID": ("CAST({0} AS VARCHAR)", "string"),
    '"NULL"': ("CAST({0} AS VARCHAR)", "string"),
    "DATE": (None, "date"),
    "TIMESTAMP": (None, "timestamp(6)"),
    "TIMESTAMP_S": ("CAST({0} AS TIMESTAMP)", "timestamp(6)"),
    "TIMESTAMP_MS": ("CAST({0} AS TIMESTAMP)", "timestamp(6)"),
    "TIMESTAMP_NS": (f"make_timestamp({_NANOSECONDS})", "timestamp(6)"),
    "TIMESTAMP WITH TIME ZONE": (None, "timestamp('UTC', 6)"),
    "TIMESTAMPTZ_NS": (f"make_timestamptz({_NANOSECONDS})", "timestamp('UTC', 6)"),
}
# The statistics of a Parquet file leave NaN out, and DuckDB 2.0 then takes every comparison with NaN for false. TRY
# hides the column from them.
_NOT_NAN = "CASE WHEN isnan(TRY({0})) THEN NULL ELSE {0} END"
_OF_VIEWS: dict[str, _Reading] = {"FLOAT": (_NOT_NAN, "float32"), "DOUBLE": (_NOT_NAN, "float64")}
# By the names of `pg_type`; a domain counts as its base.
_POSTGRES: dict[str, _Reading] = {
    "bool": (None, "boolean"),
    "int2": (None, "int16"),
    "int4": (None, "int32"),
    "int8": (None, "int64"),
    "oid": ("{0}::int8", "int64"),
    "float4": (None, "float32"),
    "float8": (None, "float64"),
    "numeric": (None, "decimal"),
    "money": ("{0}::numeric", "decimal"),
    "text": (None, "string"),
    "varchar": (None, "string"),
    "date": (None, "date"),
    "timestamp": (None, "timestamp(6)"),
    "timestamptz": (None, "timestamp('UTC', 6)"),
} | dict.fromkeys(
    "bpchar char name citext uuid inet cidr macaddr macaddr8 ltree xid xid8 pg_lsn bit1 enum".split(),
    ("{0}::text", "string"),
)
_OF_POSTGRES = """
WITH RECURSIVE held AS (
    SELECT attnum, attname, atttypid AS type, atttypmod AS modifier, false AS domain
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relname = {table} AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
        AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attnum, attname, typbasetype, typtypmod, true
    FROM held JOIN pg_type ON pg_type.oid = type AND typtype = 'd'
)
SELECT attname, format_type(type, modifier),
    CASE WHEN typtype = 'e' THEN 'enum' WHEN typname = 'bit' AND modifier = 1 THEN 'bit1' ELSE typname END, domain
FROM held JOIN pg_type ON pg_type.oid = type WHERE typtype <> 'd' ORDER BY attnum
"""


class PlainColumn(NamedTuple):
    """A column: its name, the SQL that reads it, the type that it then has, and whether it stays as it is."""

    name: str
    sql: str
    type: dt.DataType
    stays: bool


def with_plain_types(connection: ibis.BaseBackend, name: str) -> ir.Table:
    """The table ``name`` of ``connection``, its columns of plain types; rows are neither read nor copied.

    A column that is of none has the type ``unknown``, whose ``raw_type`` is what the engine calls it.
    """
    columns = plain_columns(connection, name)
    if all(column.stays for column in columns):
        return connection.table(name)
    selected = ", ".join(f"{column.sql} AS {identifier(column.name)}" for column in columns)
    schema = ibis.schema({column.name: column.type for column in columns})
    return connection.sql(f"SELECT {selected} FROM {identifier(name)}", schema=schema)  # noqa: S608 all names are quoted


def plain_columns(connection: ibis.BaseBackend, name: str) -> list[PlainColumn]:
    """The columns of the table ``name`` as :func:`with_plain_types` reads them; none of other engines."""
    return _COLUMNS[connection.name](connection, name) if connection.name in _COLUMNS else []


def _of_duckdb(connection: ibis.BaseBackend, table: str) -> list[PlainColumn]:
    found = connection.raw_sql(f"DESCRIBE {identifier(table)}").fetchall()
    views = connection.raw_sql(f"SELECT 1 FROM duckdb_views() WHERE view_name = {quoted(table)}").fetchall()  # noqa: S608 quoted
    readings = _DUCKDB | _OF_VIEWS if views else _DUCKDB
    return [_plain(row[0], row[1], readings.get(re.sub(r"\(.*\)$", "", row[1], flags=re.DOTALL))) for row in found]


def _of_postgres(connection: ibis.BaseBackend, table: str) -> list[PlainColumn]:
    with connection.raw_sql(_OF_POSTGRES.format(table=quoted(table))) as cursor:
        found: Sequence[tuple[str, str, str, bool]] = cursor.fetchall()
    connection.con.commit()  # else the transaction, and its view of the database, would stay open
    return [_plain(name, kind, _POSTGRES.get(known), domain=domain) for name, kind, known, domain in found]


def _plain(name: str, kind: str, reading: _Reading | None, *, domain: bool = False) -> PlainColumn:
    column = identifier(name)
    if reading is None:
        return PlainColumn(name, column, dt.Unknown(raw_type=kind), stays=False)
    sql, plain = reading
    if sql is None and not domain:
        return PlainColumn(name, column, dt.dtype(plain), stays=True)
    return PlainColumn(name, (sql or "{0}::" + kind).format(column), dt.dtype(plain), stays=False)


_COLUMNS = {"duckdb": _of_duckdb, "postgres": _of_postgres}
