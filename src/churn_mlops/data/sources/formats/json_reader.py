"""JSON files, one of the file formats of ``file_formats.py``: objects one a line, or in one list, every value as text.

Values are texts, as in delimited files: the engine's own guessing would make days and identifiers of some of them. An
answer of an interface, which is one object around the list, as in ``{"status": "ok", "data": [...]}``, is that list.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import first_line
from churn_mlops.data.sources.files import identifier, literal_path, quoted
from churn_mlops.data.sources.formats.converted import check_names
from churn_mlops.errors import SourceError

_HEAD_BYTES = 4096
_OF_ROWS = frozenset("data rows records results items values value customers list entries content".split())
"""Keys under which an answer of an interface has its rows."""
_RENAMED = re.compile(r".*_\d+", re.DOTALL)
_QUOTE, _ESCAPED = '"', '\\"'
_OF_OBJECTS = "format = 'auto', records = true, maximum_object_size = 16777216"


def open_json(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """Load the JSON file at ``path`` into ``connection`` as the table ``name`` of texts; a missing key is null.

    Raises:
        SourceError: the file holds no JSON objects.
    """
    shape = _shape_of(path)
    try:
        with literal_path(path) as literal:
            connection.raw_sql(f"CREATE TABLE {identifier(name)} AS {_rows_of(literal, shape)}")
    except duckdb.Error as error:
        raise SourceError(_explained(path, first_line(error))) from None
    return connection.table(name)


def json_columns(path: Path, _table: str) -> list[str]:
    """The keys of all objects in the JSON file at ``path``, in the order in which they come.

    Raises:
        SourceError: as :func:`open_json`.
    """
    return _shape_of(path).columns


def _keys_of(connection: duckdb.DuckDBPyConnection, literal: str) -> list[str]:
    """The keys of all objects of a file as they are written: the engine renames one that another one repeats."""
    keys = (
        "SELECT DISTINCT unnest(json_keys(json)) AS key "
        "FROM read_json_objects(?, format = 'auto', maximum_object_size = 16777216) ORDER BY key"
    )
    return [str(key) for (key,) in connection.execute(keys, [literal]).fetchall()]


class _Shape(NamedTuple):
    """The keys of the rows of a file, and the key of the one object around them, if there is one."""

    columns: list[str]
    around: str | None


def _shape_of(path: Path) -> _Shape:
    try:
        with literal_path(path) as literal, duckdb.connect() as connection:
            options = f"maximum_depth = 1, sample_size = -1, {_OF_OBJECTS}"
            rows = f"SELECT * FROM read_json({quoted(literal)}, {options})"  # noqa: S608 the path is quoted
            found = connection.execute(f"DESCRIBE {rows}").fetchall()
            if not found or not path.stat().st_size:
                raise SourceError(_explained(path, "it is empty"))
            around = _around(path, connection, rows)
            if around is None:
                columns = [str(row[0]) for row in found]
                if any(map(_RENAMED.fullmatch, columns)):
                    check_names(_keys_of(connection, literal), str(path))
                return _Shape(columns, None)
            keys = f"SELECT DISTINCT json_keys(one) FROM ({_inside(literal, around)})"  # noqa: S608 all is quoted
            held = connection.execute(keys).fetchall()
    except duckdb.Error as error:
        raise SourceError(_explained(path, first_line(error))) from None
    named = (str(key) for (some,) in sorted(held, key=lambda row: -len(row[0])) for key in some)
    columns = list(dict.fromkeys(named))
    check_names(columns, str(path))
    return _Shape(columns, around)


def _rows_of(literal: str, shape: _Shape) -> str:
    """The statement that reads the rows of a file of ``shape`` as texts."""
    columns, around = shape
    if around is None:
        spec = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in columns)
        return f"SELECT * FROM read_json({quoted(literal)}, columns = {{{spec}}}, {_OF_OBJECTS})"  # noqa: S608 quoted
    paths = (f'$."{column.replace(_QUOTE, _ESCAPED)}"' for column in columns)
    cells = (
        f"json_extract_string(one, {quoted(to)}) AS {identifier(key)}" for to, key in zip(paths, columns, strict=True)
    )
    return f"SELECT {', '.join(cells)} FROM ({_inside(literal, around)})"  # noqa: S608 all is quoted


def _around(path: Path, connection: duckdb.DuckDBPyConnection, rows: str) -> str | None:
    """The key under which one object around the rows holds them; None where the rows stand in the file itself.

    Raises:
        SourceError: the one object of the file holds several lists of objects, or an empty one instead.
    """
    with path.open("rb") as file:
        if not file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            return None
    objects = connection.execute(f"{rows} LIMIT 2")
    names, held = [str(one[0]) for one in objects.description], objects.fetchall()
    if len(held) != 1:
        return None
    lists = [name for name, value in zip(names, held[0], strict=True) if str(value).replace(" ", "").startswith("[{")]
    if len(lists) > 1:
        raise SourceError(
            f"{path} holds one object with several lists of objects ({', '.join(lists)}): write each list into a file "
            "of its own, and give their folder"
        )
    empty = [name for name, value in zip(names, held[0], strict=True) if _is_no_row(name, value, len(names))]
    if empty and not lists:
        raise SourceError(
            f"{path} holds no row: {empty[0]!r} is empty; was the export made before there was data, or with a filter "
            "that keeps nothing? Export it again"
        )
    return lists[0] if lists else None


def _is_no_row(name: str, value: object, keys: int) -> bool:
    """Whether the one object of a file has ``value`` where an answer has its rows; an object may be a row, too."""
    none = value is None or str(value).replace(" ", "") in ("[]", "{}", "null")
    return none and (keys == 1 or (name.lower() in _OF_ROWS and value is not None))


def _inside(literal: str, around: str) -> str:
    """The statement that reads the objects of the list under the key ``around``, as ``one`` each."""
    read = f"read_json({quoted(literal)}, columns = {{{quoted(around)}: 'JSON[]'}}, {_OF_OBJECTS})"
    return f"SELECT unnest({identifier(around)}) AS one FROM {read}"  # noqa: S608 all is quoted


def _explained(path: Path, why: str) -> str:
    if "non-record JSON" in why:
        why = "it holds no object with values"
    return f"{path} cannot be read as JSON ({why}): write one object a line, or one list of objects"
