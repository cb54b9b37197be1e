"""One customer's row of the snapshot, by a statement that is compiled once for all customers and as-of dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis.expr.types as ir

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.as_of import AnyAsOf, AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.engine.prepared import PreparedStatement, prepared, text_parameter, whole_parameter
from churn_mlops.data.engine.timestamps import wall_clock
from churn_mlops.data.engine.typed_table import typed
from churn_mlops.data.snapshot.known_rows import PointInTimeTables, key_of
from churn_mlops.data.snapshot.snapshot import snapshot_of

_CUSTOMER = "customer"
_KINDS: Mapping[str, Callable[[Any], Any]] = {"number": float, "boolean": bool, "category": str}
Values = dict[str, Any]


@dataclass(frozen=True)
class PreparedCustomer:
    """A statement for one customer and one as-of date, both of which each run gives.

    Args:
        statement: the compiled expression.
        whole: whether keys are whole numbers; else they are texts.
        kinds: what each feature of the result becomes, by its name: float, bool or str.
        time_zone: of local times; None where the statement knows no as-of date.
    """

    statement: PreparedStatement
    whole: bool
    kinds: Mapping[str, Callable[[Any], Any]]
    time_zone: str | None = None

    def on(self, connection: Any) -> Callable[[str, date, datetime], Values | None]:
        """A function that reads a customer by their ID on a driver's ``connection``, which stays open.

        It takes the customer, the as-of date and the present, as ``snapshot`` does. It gives the columns of the row;
        None if there is no such row.
        """
        run = self.statement.on(connection)

        def read(customer: str, day: date, known_until: datetime) -> Values | None:
            key = key_of(customer, whole=self.whole)
            if key is None:
                return None
            as_of = AsOf(day, None if self.time_zone is None else wall_clock(known_until, self.time_zone))
            found = run({name: key if name == _CUSTOMER else as_of.value_of(name) for name in self.statement.names})
            return found[0] if found else None

        return read

    def values(self, row: Values) -> Values:
        """The features of ``row``; None where one is missing."""
        return {name: None if row[name] is None else kind(row[name]) for name, kind in self.kinds.items()}


def prepare_snapshot(
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    normal: frozenset[tuple[str, str]] = frozenset(),
) -> PreparedCustomer:
    """The expression of ``snapshot`` for one customer, compiled.

    Args:
        tables: each table of the contract by its key, as ``open_tables`` gives them.
        contract: what they mean.
        normal: as of :class:`PointInTimeTables`.
    """
    history = PointInTimeTables(tables, contract, normal=normal)
    one = history.of_customer(_parameter(history.key_is_whole))
    statement = prepared(snapshot_of(one, AnyAsOf()))
    kinds = {name: _KINDS[feature.type] for name, feature in contract.features.items()}
    return PreparedCustomer(statement, history.key_is_whole, kinds, contract.time_zone)


def prepare_row(table: ir.Table, contract: DataContract, column: str, *, normal: bool = False) -> PreparedCustomer:
    """The row of one customer of a flat table, read as ``typed`` reads it, compiled.

    Args:
        table: one row a customer.
        contract: what its columns mean.
        column: of the customers.
        normal: whether every text there is written as ``as_text`` writes it.
    """
    key = table[column]
    whole = key.type().is_integer()
    rows = table.filter((key if whole or normal else as_text(key)) == _parameter(whole))
    kinds = {name: str if feature.type == "category" else float for name, feature in contract.features.items()}
    rows = with_days_since(rows, contract, AnyAsOf())
    return PreparedCustomer(prepared(typed(rows, contract)), whole, kinds)


def _parameter(whole: bool) -> ir.Value:
    return whole_parameter(_CUSTOMER) if whole else text_parameter(_CUSTOMER)
