"""The truth about the demo company, in a file of its own: what no database of a real company holds. For tests only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from churn_mlops.data.demo_company.months import days_moved
from churn_mlops.data.demo_company.tables import Columns, arrow


class Truth:
    """A Parquet file: one row for each customer and as-of date."""

    def __init__(self, path: Path, last_day: date) -> None:
        self._path, self._moved = path, days_moved(last_day)
        self._writer: pq.ParquetWriter | None = None

    def add(self, columns: Columns) -> None:
        """Append the rows of one as-of date."""
        rows = arrow(columns, {"as_of": "DATE"}, self._moved)
        texts = {name for name in rows.column_names if pa.types.is_dictionary(rows.schema.field(name).type)}
        for place, name in enumerate(rows.column_names):
            if name in texts:
                rows = rows.set_column(place, name, rows[name].cast(pa.string()))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._writer.write_table(rows)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
