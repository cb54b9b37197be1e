"""JSON files, one of the file formats of ``file_formats.py``: objects one a line, or in one list, every value as text.

Values are texts, as in delimited files: the engine's own guessing would make days and identifiers of some of them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import first_line
from churn_mlops.data.sources.files import identifier, literal_path, quoted
from churn_mlops.errors import SourceError

_OF_OBJECTS = "format = 'auto', records = true, maximum_object_size = 16777216"


def open_json(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """Load the JSON file at ``path`` into ``connection`` as the table ``name`` of texts; a missing key is null.

    Raises:
        SourceError: the file holds no JSON objects.
    """
    spec = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in json_columns(path, name))
    try:
        with literal_path(path) as literal:
            connection.raw_sql(
                f"CREATE TABLE {identifier(name)} AS SELECT * FROM "  # noqa: S608 all is quoted
                f"read_json({quoted(literal)}, columns = {{{spec}}}, {_OF_OBJECTS})"
            )
    except duckdb.Error as error:
        raise SourceError(_explained(path, first_line(error))) from None
    return connection.table(name)


def json_columns(path: Path, _table: str) -> list[str]:
    """The keys of all objects in the JSON file at ``path``, in the order in which they come.

    Raises:
        SourceError: as :func:`open_json`.
    """
    try:
        with literal_path(path) as literal, duckdb.connect() as connection:
            options = f"maximum_depth = 1, sample_size = -1, {_OF_OBJECTS}"
            rows = f"SELECT * FROM read_json({quoted(literal)}, {options})"  # noqa: S608 the path is quoted
            found = connection.execute(f"DESCRIBE {rows}").fetchall()
    except duckdb.Error as error:
        raise SourceError(_explained(path, first_line(error))) from None
    if not found or not path.stat().st_size:
        raise SourceError(_explained(path, "it is empty"))
    return [str(row[0]) for row in found]


def _explained(path: Path, why: str) -> str:
    return f"{path} cannot be read as JSON ({why}): write one object a line, or one list of objects"
