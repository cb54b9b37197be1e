"""Labelled snapshots for training: the as-of dates of a history to learn from, and the customers at each of them."""

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
class LabelledSnapshots:
    """Customers at several as-of dates, all with a known label.

    Args:
        rows: customer, label and features as ``read_snapshot`` gives them, one row per customer and date.
        as_of: the date of each row, shape (rows,), days.
        report: of the validation.
        unlabelled: rows left out because their label is unknown: the customer churned before the lead was over, or not
            by their own choice.
    """

    rows: pa.Table
    as_of: Dates
    report: ValidationReport
    unlabelled: int

    @property
    def dates(self) -> list[date]:
        """The as-of dates, ascending."""
        return [day.astype(object) for day in np.unique(self.as_of)]

    def final_before(self, day: date, gap_days: int) -> npt.NDArray[np.bool_]:
        """Which rows have labels that were final before ``day``, shape (rows,): dates ``gap_days`` or more earlier."""
        return np.asarray(self.as_of <= np.datetime64(day - timedelta(days=gap_days), "D"))


def read_labelled(
    tables: Mapping[str, ir.Table], contract: HistoryContract, last: date, *, every_days: int, max_dates: int
) -> LabelledSnapshots:
    """The rows to train on: customers at the latest as-of dates whose labels are final by ``last``.

    Args:
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        last: the day until which labels are known.
        every_days: days between two as-of dates, 1 or more.
        max_dates: most as-of dates, 1 or more.

    Raises:
        DataError: no label is final, none is known, or the snapshots do not keep the contract.
    """
    first = first_day(tables, contract)
    dates = training_dates(contract, first, last, every_days, max_dates)
    if not dates:
        needs = contract.label.final_after if contract.label else 0
        raise DataError(
            f"the history runs from {first} to {last}: a label is final {needs} days after its as-of date, so there is "
            "none to learn from; bring a longer history, or a shorter horizon"
        )
    found = read_history(tables, contract, dates, label=True)
    known = found.filter(pc.is_valid(found[LEFT]))
    if not len(known):
        raise DataError(
            f"of {len(found):,} rows at {len(dates)} as-of dates none has a known label: check the contract"
        )
    report = check(ibis.memtable(_one_row_per_id(known, contract)), contract.flat(), need_label=True).report
    rows = read_snapshot(ibis.memtable(known.drop_columns([AS_OF])), contract.flat(), label="known")
    return LabelledSnapshots(
        rows, known[AS_OF].to_numpy().astype("datetime64[D]"), report, unlabelled=len(found) - len(known)
    )


def _one_row_per_id(rows: pa.Table, contract: HistoryContract) -> pa.Table:
    """``rows`` with IDs of customer and date: the contract asks for unique IDs, and a customer has several dates."""
    ids = pc.binary_join_element_wise(rows[contract.customer], pc.cast(rows[AS_OF], pa.string()), _ON)
    place = rows.schema.get_field_index(contract.customer)
    return rows.set_column(place, contract.customer, ids).drop_columns([AS_OF])
