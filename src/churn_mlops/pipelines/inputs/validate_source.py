"""Validate the source against its contract, a flat table or a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import AS_OF, DataContract, HistoryContract, load_contract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.findings import Problem
from churn_mlops.data.snapshot.date_range import first_day, newest_row, rows_after, rows_between
from churn_mlops.data.snapshot.labels import training_dates
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.copied_customers import find_copied_customers
from churn_mlops.data.validation.validate import ValidationReport, validate
from churn_mlops.data.validation.validate_history import check_history
from churn_mlops.pipelines.inputs.as_of import as_of_date, day_of_table, loaded_until, not_loaded
from churn_mlops.pipelines.inputs.open_source import open_history, open_source
from churn_mlops.pipelines.inputs.renewal import no_renewal

_NO_LABEL = Problem("warning", "", "no_label_declared", 0, (), "declare `label` in the contract: training needs one")


def validate_source(settings: Settings, address: str | None, now: datetime | None = None) -> ValidationReport:
    """Validate the source, or what is at ``address``, against the contract.

    The tables of a history are checked against each other first; then the snapshot of the as-of date is validated as a
    flat table is.

    Args:
        settings: names the contract and the source.
        address: a file or database instead of the source.
        now: the present time, with a time zone.

    Raises:
        ChurnError: the data or the contract cannot be read, or a table or a column of a history is missing.
    """
    contract = load_contract(settings.contract.path)
    if isinstance(contract, DataContract):
        table = open_source(settings.source) if address is None else open_table(address)
        day = day_of_table(settings.source.as_of, contract, (now or datetime.now(UTC)).astimezone().date())
        return _validate_table(with_days_since(table, contract, AsOf(day)), contract)
    tables = open_history(settings.source, contract) if address is None else open_tables(address, contract)
    problems = check_history(tables, contract)
    if any(problem.severity == "stop" for problem in problems):
        return _report(0, problems)
    today = (now or datetime.now(UTC)).astimezone(ZoneInfo(contract.time_zone)).date()
    problems += _check_dates(settings.source.as_of, tables, contract, today)
    day = as_of_date(settings.source.as_of, tables, contract, today)
    rows = read_history(tables, contract, [day])
    if not len(rows):
        newest = newest_row(tables, contract, today)
        message = (
            f"there was no customer on {day}, the newest row is of {newest}: set source.as_of, or check the churn dates"
        )
        return _report(0, [*problems, Problem("stop", contract.customers, "no_customers", 0, (), message)])
    found = validate(ibis.memtable(rows.drop_columns([AS_OF])), contract.flat())
    return _report(found.rows, [*problems, *found.problems])


def _validate_table(table: ir.Table, contract: DataContract) -> ValidationReport:
    found = validate(table, contract)
    unlabelled = [] if contract.label else [_NO_LABEL]
    if found.stop:
        return _report(found.rows, [*found.problems, *unlabelled])
    return _report(found.rows, [*found.problems, *unlabelled, *find_copied_customers(table, contract)])


def _report(rows: int, problems: list[Problem]) -> ValidationReport:
    return ValidationReport(rows, tuple(sorted(problems, key=lambda problem: problem.severity != "stop")))


def _check_dates(
    as_of: str, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date
) -> Iterator[Problem]:
    """Whether the history reaches up to its as-of date, shows its renewals, and is long enough to train on."""
    first, newest = first_day(tables, contract), newest_row(tables, contract, today)
    yield from not_loaded(tables, contract, as_of_date(as_of, tables, contract, today, newest), today, newest)
    yield from no_renewal(tables, contract)
    for name, rows in rows_after(tables, contract, today).items():
        message = (
            f"they are dated after today, {today}: no snapshot sees them yet; are they planned, or is a date wrong?"
        )
        yield Problem("warning", name, "future_rows", rows, (), message)
    for name, rows in rows_between(tables, contract, newest, today).items():
        message = (
            f"they are dated after {newest}, where the other tables end: they are taken for planned, and {newest} for "
            "the newest day. Has the loading of the others stopped? Then load them, or set `source.as_of` to a date"
        )
        yield Problem("warning", name, "planned_rows", rows, (), message)
    if contract.label is None:
        yield _NO_LABEL
    elif not training_dates(contract, first, loaded_until(as_of, tables, contract, today), 1, 1):
        message = (
            f"the history runs from {first} to {newest}, and a label is final {contract.label.final_after} days "
            "after its as-of date: no label is final yet; bring a longer history, or shorten the horizon"
        )
        yield Problem("warning", "", "history_too_short", 0, (), message)
