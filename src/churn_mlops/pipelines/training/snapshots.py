"""Snapshots for training: which as-of dates to learn from, their rows, and which of them come later than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.config import Settings
from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.snapshot.date_range import first_day
from churn_mlops.data.snapshot.labels import training_dates
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.errors import DataError
from churn_mlops.pipelines.inputs.open_source import check

Dates = npt.NDArray[np.datetime64]
_ON = " on "


@dataclass(frozen=True)
class Periods:
    """Customers at several as-of dates, all with a known label.

    Args:
        rows: customer, label and features as ``read_snapshot`` gives them, one row a customer and date.
        as_of: the date of each row, shape (rows,), days.
        report: of the validation.
        unlabelled: rows left out, since the label says nothing of them: they left before the lead was over, or not by
            their own choice.
    """

    rows: pa.Table
    as_of: Dates
    report: ValidationReport
    unlabelled: int

    @property
    def dates(self) -> list[date]:
        """The as-of dates, ascending."""
        return [day.astype(object) for day in np.unique(self.as_of)]


def read_periods(settings: Settings, tables: Mapping[str, ir.Table], contract: HistoryContract, last: date) -> Periods:
    """The rows to train on: customers at up to ``training.snapshots`` as-of dates with labels matured by ``last``.

    Raises:
        DataError: no label has matured, none is known, or the snapshots do not keep the contract.
    """
    training = settings.training
    first = first_day(tables, contract)
    dates = training_dates(contract, first, last, training.every_days, training.snapshots)
    if not dates:
        needs = contract.label.matures_after if contract.label else 0
        raise DataError(
            f"the history runs from {first} to {last}: a label matures {needs} days after its as-of date, so there is "
            "none to learn from; bring a longer history, or a shorter horizon"
        )
    found = read_history(tables, contract, dates, label=True)
    known = found.filter(pc.is_valid(found[LEFT]))
    if not len(known):
        raise DataError(
            f"of {len(found):,} rows at {len(dates)} as-of dates none has a known label: check the contract"
        )
    flat = contract.flat()
    # A customer stands there once for each date: for the rule that nobody stands twice, a row's name tells both.
    name = pc.binary_join_element_wise(known[contract.customer], pc.cast(known[AS_OF], pa.string()), _ON)
    place = known.schema.get_field_index(contract.customer)
    named = known.set_column(place, contract.customer, name).drop_columns([AS_OF])
    checked = check(ibis.memtable(named), flat, need_label=True)
    rows = read_snapshot(ibis.memtable(known.drop_columns([AS_OF])), flat, label="known")
    as_of = known[AS_OF].to_numpy().astype("datetime64[D]")
    return Periods(rows, as_of, checked.report, len(found) - len(known))


def before(periods: Periods, first: date, gap_days: int) -> npt.NDArray[np.bool_]:
    """Which rows have labels that were final before ``first``, shape (rows,): dates ``gap_days`` or more before it."""
    return np.asarray(periods.as_of <= np.datetime64(first - timedelta(days=gap_days), "D"))
