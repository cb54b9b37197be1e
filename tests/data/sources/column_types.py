"""Every type that a column of an engine may have, with values of it and what a column of it is worth to a model."""

from __future__ import annotations

from typing import NamedTuple

ROWS = 24


class OfType(NamedTuple):
    """A column of one type.

    Args:
        sql: the type.
        values: in SQL; they come again and again, one a row.
        meaning: what `init` makes of the column: the type of a feature, or the reason for which it is excluded.
        missing: how many of the values are missing.
    """

    sql: str
    values: tuple[str, ...]
    meaning: str
    missing: int = 0


_UUIDS = tuple(f"'00000000-0000-0000-0000-0000000000{place:02}'" for place in range(10, 10 + ROWS))

DUCKDB = {
    "tiny": OfType("TINYINT", ("1", "2", "3"), "number"),
    "small": OfType("SMALLINT", ("1", "2", "NULL"), "number", 1),
    "whole": OfType("INTEGER", ("0", "1"), "boolean"),
    "big": OfType("BIGINT", ("9007199254740992", "9007199254740993", "1"), "number"),
    "huge": OfType("HUGEINT", ("170141183460469231731687303715884105727", "5", "7"), "number"),
    "tiny_plus": OfType("UTINYINT", ("1", "2", "255"), "number"),
    "small_plus": OfType("USMALLINT", ("1", "2", "65535"), "number"),
    "whole_plus": OfType("UINTEGER", ("1", "2", "4294967295"), "number"),
    "big_plus": OfType("UBIGINT", ("1", "2", "18446744073709551615"), "number"),
    "huge_plus": OfType("UHUGEINT", ("1", "2", "340282366920938463463374607431768211455"), "number"),
    "endless": OfType("BIGNUM", ("1", "2", "-123456789012345678901234567890123456789012345678901234567890"), "number"),
    "single": OfType("REAL", ("1.5", "'nan'", "'inf'"), "number", 1),
    "double": OfType("DOUBLE", ("1.5", "'nan'", "'-inf'", "2"), "number", 1),
    "price": OfType("DECIMAL(18, 2)", ("1.50", "2.25", "3"), "number"),
    "long_price": OfType("DECIMAL(38, 20)", ("0.33333333333333333333", "2", "3"), "number"),
    "flag": OfType("BOOLEAN", ("true", "false", "NULL"), "boolean", 1),
    "word": OfType("VARCHAR", ("'red'", "'blue'", "' '"), "category", 1),
    "plan": OfType("ENUM('basic', 'pro')", ("'basic'", "'pro'", "NULL"), "category", 1),
    "uuid": OfType("UUID", _UUIDS, "identifier"),
    "bytes": OfType("BLOB", ("'a'", "'b'"), "type"),
    "bits": OfType("BIT", ("'101'", "'1'"), "type"),
    "day": OfType("DATE", ("'2024-01-01'", "'infinity'", "'0044-03-15 (BC)'", "'12000-01-01'"), "date", 3),
    "clock": OfType("TIME", ("'10:00'", "'24:00'"), "type"),
    "clock_ns": OfType("TIME_NS", ("'10:00'", "'11:00'"), "type"),
    "clock_zone": OfType("TIMETZ", ("'10:00:00+01'", "'11:00:00+01'"), "type"),
    "instant": OfType("TIMESTAMP", ("'2024-01-01'", "'infinity'", "'0044-03-15 (BC) 00:00:00'"), "date", 2),
    "instant_s": OfType("TIMESTAMP_S", ("'2024-01-01'", "'2024-01-02'"), "date"),
    "instant_ms": OfType("TIMESTAMP_MS", ("'2024-01-01'", "'2024-01-02'"), "date"),
    "instant_ns": OfType("TIMESTAMP_NS", ("'2024-11-30 23:59:59.999999999'", "'infinity'"), "date", 1),
    "instant_zone": OfType("TIMESTAMPTZ", ("'2024-01-01'", "'-infinity'"), "date", 1),
    "instant_zone_ns": OfType("TIMESTAMPTZ_NS", ("'2024-01-01'", "'2024-01-02'"), "date"),
    "lasting": OfType("INTERVAL", ("INTERVAL 1 DAY", "INTERVAL 2 MONTH"), "type"),
    "list": OfType("INTEGER[]", ("[1]", "[1, 2]"), "type"),
    "array": OfType("INTEGER[2]", ("[1, 2]", "[3, 4]"), "type"),
    "struct": OfType("STRUCT(a INTEGER)", ("{'a': 1}", "{'a': 2}"), "type"),
    "map": OfType("MAP(VARCHAR, INTEGER)", ("MAP {'a': 1}", "MAP {'b': 1}"), "type"),
    "union": OfType("UNION(a INTEGER, b VARCHAR)", ("1", "'x'"), "type"),
    "json": OfType("JSON", ("'{\"a\": 1}'", "'[]'"), "type"),
    "variant": OfType("VARIANT", ("1", "'x'"), "type"),
    "place": OfType("GEOMETRY", ("'POINT (1 2)'", "'POINT (3 4)'"), "type"),
}

POSTGRES = {
    "small": OfType("smallint", ("1", "2", "NULL"), "number", 1),
    "whole": OfType("integer", ("0", "1"), "boolean"),
    "big": OfType("bigint", ("9007199254740992", "9007199254740993", "1"), "number"),
    "counted": OfType("serial", ("1", "2", "3"), "number"),
    "internal": OfType("oid", ("1", "2", "3"), "number"),
    "single": OfType("real", ("1.5", "'nan'", "'inf'"), "number", 1),
    "double": OfType("double precision", ("1.5", "'nan'", "'-inf'", "2"), "number", 1),
    "price": OfType("numeric(10, 2)", ("1.50", "'NaN'", "3"), "number", 1),
    "endless": OfType("numeric", ("1::numeric / 3", "'NaN'", "'Infinity'", "1e60"), "number", 1),
    "cash": OfType("money", ("'1.50'", "'-2'", "NULL"), "number", 1),
    "flag": OfType("boolean", ("true", "false", "NULL"), "boolean", 1),
    "word": OfType("text", ("'red'", "'blue'", "' '"), "category", 1),
    "short": OfType("varchar(5)", ("'red'", "'blue'"), "category"),
    "padded": OfType("char(5)", ("'red'", "'blue'", "''"), "category", 1),
    "letter": OfType('"char"', ("'a'", "'b'"), "category"),
    "named": OfType("name", ("'a'", "'b'"), "category"),
    "plan": OfType("plan_name", ("'basic'", "'pro'", "NULL"), "category", 1),
    "mail": OfType("short_text", ("'red'", "'blue'"), "category"),
    "positive": OfType("positive", ("5", "6", "7"), "number"),
    "plan_of_domain": OfType("paid_plan", ("'pro'", "NULL"), "category", 1),
    "uuid": OfType("uuid", _UUIDS, "identifier"),
    "network": OfType("inet", ("'10.0.0.1'", "'10.0.0.2'"), "category"),
    "networks": OfType("cidr", ("'10.0.0.0/24'", "'10.0.1.0/24'"), "category"),
    "device": OfType("macaddr", ("'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"), "category"),
    "device_8": OfType("macaddr8", ("'08:00:2b:01:02:03:04:05'", "'08:00:2b:01:02:03:04:06'"), "category"),
    "log_place": OfType("pg_lsn", ("'0/0'", "'0/1'"), "category"),
    "transaction": OfType("xid", ("'5'", "'6'", "'7'"), "number"),
    "transaction_8": OfType("xid8", ("'5'", "'6'", "'7'"), "number"),
    "one_bit": OfType("bit(1)", ("B'0'", "B'1'"), "boolean"),
    "bits": OfType("bit(3)", ("B'101'", "B'100'"), "type"),
    "some_bits": OfType("bit varying", ("B'101'", "B'1'"), "type"),
    "bytes": OfType("bytea", ("'a'", "'b'"), "type"),
    "day": OfType("date", ("'2024-01-01'", "'infinity'", "'0044-03-15 BC'", "'12000-01-01'"), "date", 3),
    "clock": OfType("time", ("'10:00'", "'24:00'"), "type"),
    "clock_zone": OfType("timetz", ("'10:00+01'", "'24:00+01'"), "type"),
    "instant": OfType("timestamp", ("'2024-01-01'", "'infinity'", "'0044-03-15 BC'", "'12000-01-01'"), "date", 3),
    "instant_zone": OfType("timestamptz", ("'2024-01-01'", "'-infinity'"), "date", 1),
    "lasting": OfType("interval", ("'1 day'", "'2 months'"), "type"),
    "list": OfType("integer[]", ("'{1}'", "'{1,2}'"), "type"),
    "words": OfType("text[]", ("'{a}'", "'{a,b}'"), "type"),
    "pair": OfType("pair", ("'(1,a)'", "'(2,b)'"), "type"),
    "json": OfType("json", ("'{\"a\": 1}'", "'[]'"), "type"),
    "json_binary": OfType("jsonb", ("'{\"a\": 1}'", "'[]'"), "type"),
    "json_path": OfType("jsonpath", ("'$.a'", "'$.b'"), "type"),
    "xml": OfType("xml", ("NULL",), "empty", 1),  # a server without libxml makes none
    "point": OfType("point", ("'(1,2)'", "'(3,4)'"), "type"),
    "line": OfType("line", ("'{1,2,3}'", "'{1,2,4}'"), "type"),
    "stretch": OfType("lseg", ("'[(1,2),(3,4)]'", "'[(1,2),(3,5)]'"), "type"),
    "box": OfType("box", ("'(1,2),(3,4)'", "'(1,2),(3,5)'"), "type"),
    "path": OfType("path", ("'[(1,2),(3,4)]'", "'[(1,2),(3,5)]'"), "type"),
    "polygon": OfType("polygon", ("'((1,2),(3,4))'", "'((1,2),(3,5))'"), "type"),
    "circle": OfType("circle", ("'<(1,2),3>'", "'<(1,2),4>'"), "type"),
    "words_of_text": OfType("tsvector", ("'a'", "'b'"), "type"),
    "search": OfType("tsquery", ("'a'", "'b'"), "type"),
    "range": OfType("int4range", ("'[1,2)'", "'[1,3)'"), "type"),
    "dates": OfType("daterange", ("'[2024-01-01,2024-02-01)'", "'[2024-01-01,)'"), "type"),
    "ranges": OfType("int4multirange", ("'{[1,2)}'", "'{[1,3)}'"), "type"),
    "table_name": OfType("regclass", ("'pg_class'", "'pg_type'"), "type"),
    "snapshot": OfType("pg_snapshot", ("'1:1:'", "'1:2:'"), "type"),
}
POSTGRES_TYPES = """
CREATE TYPE plan_name AS ENUM ('basic', 'pro');
CREATE DOMAIN short_text AS varchar(20);
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE DOMAIN paid_plan AS plan_name;
CREATE TYPE pair AS (a integer, b text);
"""


def created(table: str, own: str, columns: dict[str, OfType]) -> str:
    """The statement that creates ``table`` with the columns ``own``, in SQL, and one of each type."""
    return f"CREATE TABLE {table} ({own}, {', '.join(f'{name}_c {one.sql}' for name, one in columns.items())})"


def inserted(table: str, own: list[str], columns: dict[str, OfType]) -> str:
    """The statement that writes a row for each of ``own``, the values of the other columns in SQL."""
    rows = [
        ", ".join([first, *(one.values[place % len(one.values)] for one in columns.values())])
        for place, first in enumerate(own)
    ]
    return f"INSERT INTO {table} VALUES {', '.join(f'({row})' for row in rows)}"
