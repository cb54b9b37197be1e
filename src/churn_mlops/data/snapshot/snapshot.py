"""The snapshot: one row for each active customer, holding only what was known at the as-of date.

One expression gives it for one date, for many dates, and for one customer; ``docs/history.md`` says what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from itertools import groupby

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.contract import AS_OF, CHURNED, DAYS_OF_UNIT, HistoryContract, HistoryFeature
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.each_date import read_each
from churn_mlops.data.engine.timestamps import wall_clock
from churn_mlops.data.snapshot.active_customers import START, active_customers
from churn_mlops.data.snapshot.aggregate_functions import FUNCTIONS, Aggregate, function_of
from churn_mlops.data.snapshot.group_by import aggregated, of_latest_row
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables
from churn_mlops.data.snapshot.labels import churn_labels

_SIDE = "__side__"


def snapshot(
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    dates: Sequence[date],
    *,
    known_until: datetime | None = None,
    customer: str | None = None,
    label: bool = False,
) -> ir.Table:
    """The snapshot of each of ``dates``, one below the other, as one expression.

    Args:
        tables: each table of the contract by its key, as ``open_tables`` gives them.
        contract: what they mean, and which features are made of them.
        dates: as-of dates; the whole of each day counts, in the contract's time zone.
        known_until: nothing later counts; for a run on the current day. Without a zone it is the contract's local time.
        customer: the only customer, by the text of their key; the row is that of the full snapshot.
        label: whether to add the label, from all that the tables hold now.

    Returns:
        The contract's customer (text), `AS_OF` (date), the features in the contract's order (float64, boolean, text),
        and with ``label`` `CHURNED` ("yes", "no", null). Rows are in no order.

    Raises:
        ValueError: there are no dates, or a label is wanted that the contract does not declare.
    """
    rows_of, parts = _parts(tables, contract, dates, known_until, customer, label)
    return ibis.union(*map(rows_of, parts)) if len(parts) > 1 else rows_of(parts[0])


def _parts(
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    dates: Sequence[date],
    known_until: datetime | None,
    customer: str | None,
    label: bool,
) -> tuple[Callable[[AsOf], ir.Table], list[AsOf]]:
    """The expression of an as-of date, and the as-of dates of a snapshot."""
    if not dates:
        raise ValueError("a snapshot needs an as-of date")
    if label and contract.label is None:
        raise ValueError(f"the contract {contract.name!r} declares no label")
    history = PointInTimeTables(tables, contract)
    if customer is not None:
        history = history.of_customer(history.key_value(customer))
    until = None if known_until is None else wall_clock(known_until, contract.time_zone)
    return partial(snapshot_of, history, label=label), [AsOf(day, until) for day in dates]


def read_history(
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    dates: Sequence[date],
    *,
    known_until: datetime | None = None,
    customer: str | None = None,
    label: bool = False,
) -> pa.Table:
    """The rows of :func:`snapshot`, computed once, by date and then by customer: the same table for the same database.

    Raises:
        ValueError: as :func:`snapshot`.
    """
    rows = read_each(*_parts(tables, contract, dates, known_until, customer, label))
    order = [(AS_OF, "ascending"), (contract.customer, "ascending")]
    return rows.cast(_schema(rows.column_names, contract)).sort_by(order)


def _schema(columns: Sequence[str], contract: HistoryContract) -> pa.Schema:
    kinds = {"number": pa.float64(), "boolean": pa.bool_(), "category": pa.string()}
    of_features = {name: kinds[feature.type] for name, feature in contract.features.items()}
    return pa.schema([(name, {AS_OF: pa.date32(), **of_features}.get(name, pa.string())) for name in columns])


def snapshot_of(history: PointInTimeTables, as_of: AsOf, *, label: bool = False) -> ir.Table:
    """The snapshot of one as-of date, as :func:`snapshot` gives it."""
    contract = history.contract
    rows = active_customers(history, as_of)
    sides = [*_computed(history, as_of), *([churn_labels(history, as_of)] if label else [])]
    for place, side in enumerate(sides):
        rows = rows.left_join(side, history.is_same_customer(rows, side), rname=f"{{name}}{_SIDE}{place}")
    values = {name: _present(rows, name, feature, as_of, contract) for name, feature in contract.features.items()}
    if label:
        values[CHURNED] = rows[CHURNED]
    customer = rows[KEY] if rows[KEY].type().is_string() else as_text(rows[KEY])
    return rows.select(
        **{contract.customer: customer, AS_OF: as_of.as_date()},
        **values,
    )


def _computed(history: PointInTimeTables, as_of: AsOf) -> list[ir.Table]:
    """The features, one row a customer: of each table its aggregates, and those of the latest row by ``where``."""
    contract = history.contract
    found = []
    for name in contract.tables:
        rows = history.rows_known_at(name, as_of)
        of_table = {
            key: function_of(feature, contract, as_of, rows.get_backend().name)
            for key, feature in contract.features.items()
            if feature.reads[0] == name and not _is_age_as_customer(contract, feature)
        }
        gathered = {key: one for key, one in of_table.items() if not one.latest_row}
        if gathered:
            found.append(aggregated(history, rows, gathered))
        rest = sorted((item for item in of_table.items() if item[1].latest_row), key=_where)
        found += [of_latest_row(history, rows, dict(alike)) for _, alike in groupby(rest, key=_where)]
    return found


def _where(item: tuple[str, Aggregate]) -> str:
    return str(sorted(item[1].where.items()))


def _present(rows: ir.Table, name: str, feature: HistoryFeature, as_of: AsOf, contract: HistoryContract) -> ir.Value:
    if _is_age_as_customer(contract, feature):
        return as_of.days_since(rows[START]) / DAYS_OF_UNIT[str(feature.unit)]
    empty = FUNCTIONS[feature.aggregate].empty
    return rows[name] if empty is None else rows[name].fill_null(empty)


def _is_age_as_customer(contract: HistoryContract, feature: HistoryFeature) -> bool:
    table, column = feature.reads
    declared = contract.tables[table]
    return feature.aggregate == "age_of" and declared.kind == "customers" and column in ("start", declared.start)
