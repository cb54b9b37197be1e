"""Parquet files, one of the file formats of ``file_formats.py``: read where they are, after a trial for damage."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as parquet
from ibis.common.exceptions import IbisError

from churn_mlops.data.sources.database import first_line
from churn_mlops.data.sources.files import identifier, literal_path, quoted
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.errors import SourceError

# Keys of the footer: of every file that Spark writes, and of the schema that Arrow keeps, without reading it itself.
_OF_SPARK, _OF_ARROW = b"org.apache.spark.version", b"ARROW:schema"


def open_parquet(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """The Parquet file at ``path`` as the view ``name`` of ``connection``; every cell is read once, as a trial.

    Raises:
        SourceError: it is not a whole Parquet file.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceError(f"{path} is empty: write it again as Parquet")
        with literal_path(path) as literal:
            # A literal path that is not the file's own is gone after this block, so the rows are copied.
            kind = "VIEW" if literal == str(path) else "TABLE"
            columns = ", ".join(
                f"{column} AT TIME ZONE 'UTC' AS {column}" for column in map(identifier, _instants(path))
            )
            rows = f"SELECT *{f' REPLACE ({columns})' if columns else ''} FROM read_parquet({quoted(literal)})"  # noqa: S608 all is quoted
            connection.raw_sql(f"CREATE {kind} {identifier(name)} AS {rows}")
        # The footer can be whole while the rows are not, and it answers a count: so every cell is read once.
        connection.raw_sql(f"SELECT max(hash(COLUMNS(*))) FROM {identifier(name)}").fetchall()  # noqa: S608 a quoted name
    except (duckdb.Error, pa.ArrowException, IbisError) as error:
        raise SourceError(f"{path} is not a whole Parquet file ({first_line(error)}): write it again") from None
    return with_plain_types(connection, name)


def parquet_columns(path: Path, _table: str) -> list[str]:
    """The column names of the Parquet file at ``path``, from its footer alone.

    Raises:
        SourceError: it is not a Parquet file.
    """
    try:
        return list(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} is not a Parquet file ({str(error).splitlines()[0]}): write it again") from None


def undecided_times(path: Path, _table: str) -> list[str]:
    """The columns of the old type of a timestamp, INT96, whose writer does not say whether they are in UTC."""
    footer = parquet.read_metadata(path)
    return [] if {_OF_SPARK, _OF_ARROW} & set(footer.metadata or {}) else _old_times(footer)


def _instants(path: Path) -> list[str]:
    """The columns of instants that DuckDB would take for local times.

    The old type of a timestamp, INT96, says nothing of a time zone. Spark writes instants in
    UTC; Arrow keeps the time zone in its own schema.
    """
    footer = parquet.read_metadata(path)
    old = _old_times(footer)
    said = footer.metadata or {}
    if _OF_SPARK in said:
        return old
    schema = pa.ipc.read_schema(pa.py_buffer(b64decode(said[_OF_ARROW]))) if old and _OF_ARROW in said else None
    return [name for name in old if schema is not None and schema.field(name).type.tz is not None]


def _old_times(footer: parquet.FileMetaData) -> list[str]:
    columns = map(footer.schema.column, range(footer.num_columns))
    return [one.name for one in columns if one.physical_type == "INT96" and one.path == one.name]
