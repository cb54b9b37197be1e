"""Writing the list to a file: whole or not at all, and harmless in a spreadsheet."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as parquet

from churn_mlops.atomic_files import write_atomic
from churn_mlops.errors import ConfigError

# The last four are the wide signs of East Asian keyboards, which count as well.
FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001


def export(customers: pa.Table, path: Path, *, exact: str | None = None) -> None:
    """Write ``customers`` to ``path`` in the format of its ending: .csv, .parquet or .json.

    In a CSV file an apostrophe precedes each text, in a cell or the header, that a spreadsheet would read as a formula.

    Args:
        customers: the list.
        path: the file.
        exact: column whose texts get no apostrophe, so that other systems can join them.

    Raises:
        ConfigError: another ending, or a path that cannot be written.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise ConfigError(f"cannot write {path}: the ending says the format, one of {', '.join(WRITERS)}")
    try:
        write_atomic(path, write(customers, exact))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None


def with_apostrophe(customers: pa.Table, column: str, path: Path) -> int:
    """How many texts of ``column`` get an apostrophe in a file at ``path``."""
    if path.suffix.lower() != ".csv" or not _is_text(customers.column(column).type):
        return 0
    return int(pc.sum(_formulas(customers.column(column))).as_py() or 0)


def _csv(customers: pa.Table, exact: str | None) -> bytes:
    sink = io.BytesIO()
    header = [f"'{name}" if re.match(FORMULA, name) else name for name in customers.column_names]
    for place, name in enumerate(customers.column_names):
        column = customers.column(name)
        if name != exact and _is_text(column.type):
            text = column.cast(pa.string())
            defused = pc.if_else(_formulas(column), pc.binary_join_element_wise("'", text, ""), text)
            customers = customers.set_column(place, name, defused)
        elif pa.types.is_dictionary(column.type):
            customers = customers.set_column(place, name, column.cast(column.type.value_type))
    pc_csv.write_csv(customers.rename_columns(header), sink, pc_csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _formulas(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.match_substring_regex(column.cast(pa.string()), FORMULA)


def _parquet(customers: pa.Table, _: str | None) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(customers, sink)
    return sink.getvalue()


def _json(customers: pa.Table, _: str | None) -> bytes:
    # Not by pandas, which rounds numbers: a score is the same in every format.
    rows = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in customers.to_pylist())
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()


WRITERS: dict[str, Callable[[pa.Table, str | None], bytes]] = {".csv": _csv, ".parquet": _parquet, ".json": _json}
