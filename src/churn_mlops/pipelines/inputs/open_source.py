"""The beginning of every job: the contract, the source, and the validation between them."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.sources.history_tables import open_tables_at
from churn_mlops.data.sources.open import open_table_at
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.data.validation.validate import ValidationReport, validate
from churn_mlops.errors import ConfigError, DataError


@dataclass(frozen=True)
class Checked:
    """A table that its validation let through, and the report with its warnings."""

    table: ir.Table
    report: ValidationReport


def resolve_source(settings: Settings) -> Place:
    """The place of ``source.url``.

    Raises:
        ConfigError: no source is configured.
        SourceError: there is no such file, or its format is unknown.
    """
    if settings.source.url is None:
        raise ConfigError(
            "no source is configured: run `churn init --from` with a file or a database, or set source.url in "
            "config/config.yaml"
        )
    return resolve(settings.source.url)


def open_source(settings: Settings) -> ir.Table:
    """The table that ``source.url`` names.

    Raises:
        ConfigError: no source is configured.
        SourceError: it cannot be opened.
    """
    return open_table_at(resolve_source(settings), settings.source.table)


def open_history(settings: Settings, contract: HistoryContract) -> dict[str, ir.Table]:
    """The tables of the history that ``source.url`` names, by their keys in the contract.

    Raises:
        ConfigError: no source is configured.
        SourceError: it cannot be opened, or lacks a table or a column.
    """
    return open_tables_at(resolve_source(settings), contract)


def check(table: ir.Table, contract: DataContract, *, need_label: bool = False) -> Checked:
    """``table`` with its validation report.

    Raises:
        DataError: the validation says stop; every problem is named.
    """
    report = validate(table, contract, need_label=need_label)
    if report.stop:
        stops = [problem for problem in report.problems if problem.severity == "stop"]
        lines = [f"  {problem}" for problem in stops]
        raise DataError("\n".join(["the data does not keep its contract; `churn validate` shows all:", *lines]))
    return Checked(table, report)
