"""The columns of a source, without reading its rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from churn_mlops.data.sources.csv_reader import csv_columns
from churn_mlops.data.sources.files import check_file, is_duckdb
from churn_mlops.data.sources.open import DELIMITED, SQLITE, ending_of, open_table
from churn_mlops.data.sources.sqlite_reader import sqlite_columns
from churn_mlops.errors import SourceError


def source_columns(address: str, table: str | None = None) -> list[str]:
    """Names of the columns of the table at ``address``; of a file, only its beginning or its footer is looked at.

    Args:
        address: as of :func:`churn_mlops.data.sources.open.open_table`.
        table: name of the table in a database; may be left out where there is only one.

    Raises:
        SourceError: it cannot be reached, or is no table.
    """
    if "://" in address:
        return list(open_table(address, table).columns)
    path = Path(address).expanduser()
    check_file(path)
    ending = ending_of(path)
    if ending in DELIMITED:
        return csv_columns(path)
    if ending in SQLITE and not is_duckdb(path):
        return sqlite_columns(path, table)
    if ending == ".parquet":
        try:
            return list(parquet.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{path} is not a Parquet file ({str(error).splitlines()[0]}): write it again") from None
    return list(open_table(address, table).columns)
