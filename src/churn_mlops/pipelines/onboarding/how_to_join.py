"""Several tables of one row for each customer: how a person makes one table of them."""

from __future__ import annotations

from collections.abc import Mapping

from churn_mlops.data.sources.file_place import FilePlace, FolderPlace
from churn_mlops.data.sources.files import identifier, quoted
from churn_mlops.data.sources.formats.file_formats import WORKBOOK
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.data.sources.zip_place import ZipPlace

_READ_BY_DUCKDB = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".json", ".jsonl", ".ndjson")


def how_to_join(address: str, keys: Mapping[str, str]) -> str:
    """The statement that makes one flat table of several, and the command that reads it.

    Args:
        address: of the tables, as ``resolve`` takes it.
        keys: the column of customers of each table.
    """
    place = resolve(address)
    if isinstance(place, ZipPlace):
        return f"Unpack {place.shown}, and start `churn init` again with the folder"
    if isinstance(place, FilePlace) and place.path.suffix.lower() in WORKBOOK.endings:
        return "Save each sheet as a CSV file in one folder, and start `churn init` again with the folder"
    if not isinstance(place, FolderPlace):
        rows = _joined({table: identifier(table) for table in keys}, keys)
        return f"Make a view of them: SELECT * {rows}; then `churn init --table VIEW`, with `--label`"
    files = {table: place.files[table] for table in keys}
    others = [file.name for file in files.values() if not file.name.lower().endswith(_READ_BY_DUCKDB)]
    if others:
        return f"Save {', '.join(others)} as CSV, and start `churn init` again"
    rows = _joined({table: quoted(str(file)) for table, file in files.items()}, keys)
    made, then = f"COPY (SELECT * {rows}) TO 'customers.parquet'", "--from customers.parquet"
    return f"Join them with DuckDB: {made}; then `churn init {then}`, with `--label` for the column of churners"


def _joined(named: Mapping[str, str], keys: Mapping[str, str]) -> str:
    (first, key), *others = keys.items()
    joins = " ".join(
        f"JOIN {named[table]} USING ({identifier(key)})"
        if own == key
        else f"JOIN {named[table]} ON {identifier(own)} = {identifier(key)}"
        for table, own in others
    )
    return f"FROM {named[first]} {joins}"
