"""The type of a column as a feature: a number, a flag, a category, or none that a model can learn from."""

from __future__ import annotations

from churn_mlops.data.contract import FALSE_TEXTS, TRUE_TEXTS, Feature, FeatureType
from churn_mlops.data.contract.number_format import PLAIN
from churn_mlops.data.profiling.name_signals import title
from churn_mlops.data.profiling.numeric_codes import is_code
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile


def type_of(column: ColumnProfile) -> FeatureType:
    """The type of feature that ``column`` makes: 0/1 and true/false are boolean, texts and codes a category."""
    if column.kind == "boolean":
        return "boolean"
    if is_number(column):
        flag = column.distinct == 2 and column.whole and (column.smallest, column.largest) == (0.0, 1.0)
        if flag and not column.infinite and _reads_as_boolean(column):
            return "boolean"
        return "category" if is_code(column) else "number"
    levels = {level.lower() for level in column.levels}
    return "boolean" if levels and levels <= {"true", "false"} else "category"


def _reads_as_boolean(column: ColumnProfile) -> bool:
    """Whether a boolean feature can read every cell: it reads "1" and "1.0", but not "1 GB" or "+1"."""
    return column.kind == "number" or set(column.levels) <= TRUE_TEXTS | FALSE_TEXTS


def feature_of(column: ColumnProfile) -> Feature:
    """The declaration of ``column`` as a feature under its own name."""
    kind = type_of(column)
    unit = column.written.unit if kind == "number" else None
    named = title(column.name, unit)
    share = (column.rows - column.present) / column.rows
    number = kind == "number" and column.smallest is not None and column.largest is not None
    number_format = column.written.number_format if kind == "number" else PLAIN
    return Feature(
        type=kind,
        title=named if named != column.name.replace("_", " ") else None,
        min=0.0 if number and column.smallest is not None and column.smallest >= 0 else None,
        range=(column.smallest, column.largest) if number else None,
        unit=unit,
        decimal=number_format.decimal,
        thousands=number_format.thousands,
        around=number_format.around,
        levels=column.levels if kind == "category" else None,
        missing_values=tuple(text for text, _ in column.markers),
        missing=round(share, 6),
    )
