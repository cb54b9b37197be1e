"""The grammar of the aggregates: what each computation of a history's feature takes and gives.

:class:`HistoryFeature` names the aggregates, each in one line; `data/snapshot/aggregate_functions.py` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from churn_mlops.data.contract.feature import FeatureType

TableKind = Literal["customers", "attributes", "events"]
_ANY_TYPE: tuple[FeatureType, ...] = ("number", "boolean", "category")


@dataclass(frozen=True)
class AggregateGrammar:
    """The input and the types of an aggregate.

    Args:
        takes: whether it is given a table, or a column of one as `table.column`.
        types: of the features that it can give.
        tables: the kinds of tables that it can read.
        windowed: whether `days` means something beside it.
    """

    takes: Literal["table", "column"] = "column"
    types: tuple[FeatureType, ...] = ("number",)
    tables: tuple[TableKind, ...] = ("events",)
    windowed: bool = True


OfRows = Annotated[str | None, AggregateGrammar(takes="table")]
"""A number, computed from the rows of a table of events."""
OfValues = Annotated[str | None, AggregateGrammar()]
"""A number, computed from the values of a column of events."""
OneValue = Annotated[str | None, AggregateGrammar(types=_ANY_TYPE)]
"""One of the values of a column of events, of any type."""
LatestValue = Annotated[str | None, AggregateGrammar(types=_ANY_TYPE, tables=("customers", "attributes", "events"))]
"""The value of a customer's latest row."""
LatestDate = Annotated[str | None, AggregateGrammar(tables=("customers", "attributes"), windowed=False)]
"""A number, of the date of a customer's latest row."""
OWN_WINDOWS = AggregateGrammar(windowed=False)
"""The grammar of a :class:`Ratio`, which declares its inputs itself."""

NOT_OF_KIND = {
    "customers": "a table of customers has one row each: take `last` or `age_of`",
    "attributes": "attributes that change have a `last` value, events are counted",
    "events": "`age_of` takes a date of customers or of attributes that change",
}
"""The error message for an aggregate that cannot read a table of a kind."""
