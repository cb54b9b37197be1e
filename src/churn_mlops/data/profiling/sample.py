"""A bounded sample of a table, for questions that need whole rows: at most 50,000 of either class, evenly spaced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.contract import Label
from churn_mlops.data.contract.number_format import NumberFormat
from churn_mlops.data.engine.cell_values import as_text, is_infinite, text_to_number
from churn_mlops.data.engine.typed_table import LABEL, label_value
from churn_mlops.data.profiling.table_profile import ColumnProfile, kind_of
from churn_mlops.data.profiling.value_counts import MISSING_TEXTS

_ROWS = 50_000


@dataclass(frozen=True)
class Sample:
    """Rows of a table by column.

    Attributes:
        values: numbers as float64 with NaN for missing, other columns as the rank of their text with NaN for missing.
        numeric: names of the columns that hold numbers.
        label: 1 for who left, 0 for who stayed; empty where there is no label.
        weights: how many rows of the table a retained customer and a churner of the sample stand for.
    """

    values: dict[str, npt.NDArray[np.float64]]
    numeric: frozenset[str]
    label: npt.NDArray[np.int8]
    weights: tuple[float, float]


def is_number(column: ColumnProfile) -> bool:
    """Whether every cell of ``column`` is a number, or missing, or a text that usually means missing."""
    return (
        column.numbers > 0 and column.kind in ("text", "number") and column.numbers + column.infinite >= column.present
    )


def take_sample(
    table: ir.Table, columns: Sequence[ColumnProfile], label: Label | None, counts: tuple[int, int]
) -> Sample:
    """Fetch the sample of ``columns``.

    Args:
        table: where the rows are.
        columns: what to fetch, by their profiles.
        label: the label; rows without one are left out. None takes all rows.
        counts: how many rows stayed and left, or, without a label, the number of rows and 0.
    """
    steps = tuple(max(1, math.ceil(count / _ROWS)) for count in counts)
    place = ibis.row_number()
    rows = table.mutate(place.name("__row__"))
    if label is None:
        rows = rows.filter(rows["__row__"] % steps[0] == 0)
    else:
        rows = rows.mutate(label_value(rows[label.column], label).name(LABEL))
        step = ibis.ifelse(rows[LABEL] == 1, steps[1], steps[0])
        rows = rows.filter(rows[LABEL].notnull(), rows["__row__"] % step == 0)
    numeric = frozenset(column.name for column in columns if is_number(column))
    cells = [
        _cell(rows[column.name], column.written.number_format if column.name in numeric else None).name(column.name)
        for column in columns
    ]
    fetched = rows.select([*cells, *([rows[LABEL]] if label is not None else [])]).to_pyarrow()
    values = {column.name: _numbers(fetched[column.name]) for column in columns}
    labels = np.asarray(fetched[LABEL] if label is not None else [], dtype=np.int8)
    return Sample(values, numeric, labels, (float(steps[0]), float(steps[1])))


def _cell(column: ir.Column, number_format: NumberFormat | None) -> ir.Column:
    """A number as ``number_format`` writes it; text where there is none."""
    if number_format is not None and kind_of(column) == "number":
        number = column.cast("float64").nullif(float("nan"))
        return ibis.ifelse(is_infinite(number), ibis.null("float64"), number)
    text = as_text(column)
    if number_format is not None:
        return text_to_number(text, number_format)
    return ibis.ifelse(text.lower().isin(sorted(MISSING_TEXTS)), ibis.null("string"), text)


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    encoded = column.combine_chunks().dictionary_encode()
    texts = np.asarray(encoded.dictionary.to_pylist() or [""], dtype=object)
    ranks = np.empty(len(texts) + 1)
    ranks[:-1] = np.argsort(np.argsort(texts.astype(str), kind="stable"), kind="stable")
    ranks[-1] = np.nan
    places = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return np.asarray(ranks[places], dtype=np.float64)
