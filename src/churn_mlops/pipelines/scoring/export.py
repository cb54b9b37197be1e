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


def export(customers: pa.Table, path: Path) -> None:
    """Write ``customers`` to ``path`` in the format of its ending: .csv, .parquet or .json.

    In a CSV file an apostrophe precedes each text, in a cell or the header, that a spreadsheet would read as a formula.

    Raises:
        ConfigError: another ending, or a path that cannot be written.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise ConfigError(f"cannot write {path}: the ending says the format, one of {', '.join(WRITERS)}")
    try:
        write_atomic(path, write(customers))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None


def _csv(customers: pa.Table) -> bytes:
    sink = io.BytesIO()
    customers = customers.rename_columns(
        [f"'{name}" if re.match(FORMULA, name) else name for name in customers.column_names]
    )
    for place, name in enumerate(customers.column_names):
        column = customers.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
            customers = customers.set_column(place, name, column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.string())
            risky = pc.match_substring_regex(column, FORMULA)
            defused = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
            customers = customers.set_column(place, name, defused)
    pc_csv.write_csv(customers, sink, pc_csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def _parquet(customers: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(customers, sink)
    return sink.getvalue()


def _json(customers: pa.Table) -> bytes:
    # Not by pandas, which rounds numbers: a score is the same in every format.
    rows = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in customers.to_pylist())
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {".csv": _csv, ".parquet": _parquet, ".json": _json}
