"""First phase: read the source, validate it, check it for leaks, and split it into training set and test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import ibis.expr.types as ir

from churn_mlops.data.contract import DataContract, HistoryContract, load_contract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.findings import copies
from churn_mlops.data.snapshot.active_customers import count_active
from churn_mlops.data.snapshot.date_range import newest_row
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.spark import spark_running
from churn_mlops.data.validation.unlabelled import unlabelled_apart
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.pipelines.erasure.suppression import table_without, tables_without
from churn_mlops.pipelines.inputs.as_of import as_of_date, day_of_table, loaded_until, not_loaded
from churn_mlops.pipelines.inputs.open_source import check, open_history, open_source
from churn_mlops.pipelines.inputs.renewal import no_renewal
from churn_mlops.pipelines.training.context import TrainingContext
from churn_mlops.pipelines.training.label_collapse import label_collapses
from churn_mlops.pipelines.training.leakage import LeakCheck, check_history, check_table
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots, read_labelled
from churn_mlops.pipelines.training.test_set import TrainingData, split
from churn_mlops.store.suppression.tombstones import Tombstones


@dataclass(frozen=True)
class PreparedData:
    """The data that a run trains and tests on, from a flat table or from a history.

    Args:
        leaks: what the leakage checks found, and the contracts after them.
        data: training set and test set.
        report: of the validation.
        customers: in a flat source, with and without a label; of a history, the active ones of its last day.
        erased: tombstones of the customers that were left out.
        snapshots: of a history, all its rows; None of a flat table.
    """

    leaks: LeakCheck
    data: TrainingData
    report: ValidationReport
    customers: int
    erased: Tombstones
    snapshots: LabelledSnapshots | None = None

    @property
    def contract(self) -> DataContract:
        """The contract of the features that the model sees."""
        return self.leaks.contract

    @property
    def history(self) -> HistoryContract | None:
        """How the features are computed, None of a flat table."""
        return self.leaks.history


def prepare(context: TrainingContext, today: date, *, strict: bool = False) -> PreparedData:
    """Read what the context names.

    Args:
        context: of the run.
        today: the last day whose rows count.
        strict: whether to drop the features that surely leak.

    Raises:
        ChurnError: contract or source cannot be read, the data does not keep the contract, or there is too little.
    """
    erased = context.read_erased()
    with read_whole(context.source.url):
        contract = load_contract(context.contract)
        if isinstance(contract, DataContract):
            return _prepare_table(context, contract, erased, today, strict=strict)
        with spark_running(context.source.url):
            tables = tables_without(open_history(context.source, contract), contract, erased)
            return _prepare_history(context, tables, contract, erased, today, strict=strict)


def _prepare_table(
    context: TrainingContext, contract: DataContract, erased: Tombstones, today: date, *, strict: bool
) -> PreparedData:
    day = AsOf(day_of_table(context.source.as_of, contract, today))
    table = with_days_since(open_source(context.source), contract, day)
    checked = check(table_without(table, contract, erased), contract, need_label=True)
    rows = read_snapshot(checked.table, contract, label="known")
    unlabelled = read_snapshot(checked.table, contract, label="unknown")
    leaks = check_table(rows, unlabelled, contract, strict=strict, seed=context.model.seed)
    data = split(rows, leaks.contract, context.split)
    noticed = [copies(data.copies)] if data.copies else []
    noticed += unlabelled_apart(rows, unlabelled, leaks.contract)
    return PreparedData(
        leaks=leaks,
        data=data,
        report=replace(checked.report, problems=(*checked.report.problems, *noticed)),
        customers=checked.report.rows,
        erased=erased,
    )


def _prepare_history(
    context: TrainingContext,
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    erased: Tombstones,
    today: date,
    *,
    strict: bool,
) -> PreparedData:
    as_of = context.source.as_of
    last = loaded_until(as_of, tables, contract, today)
    snapshots = read_labelled(tables, contract, last, every_days=context.every_days, max_dates=context.max_dates)
    newest = newest_row(tables, contract, today)
    day = as_of_date(as_of, tables, contract, today, newest)
    missing = not_loaded(tables, contract, day, today, newest)
    leaks = check_history(snapshots, tables, contract, last, context.archive, strict=strict, seed=context.model.seed)
    missing += no_renewal(tables, contract)
    problems = (*snapshots.report.problems, *missing, *label_collapses(snapshots, contract))
    return PreparedData(
        leaks=leaks,
        data=split(snapshots.rows, leaks.contract, context.split, snapshots.as_of),
        report=replace(snapshots.report, problems=problems),
        customers=count_active(tables, contract, last),
        erased=erased,
        snapshots=snapshots,
    )
