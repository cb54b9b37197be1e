"""Open the configured source, and validate a table of it."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from churn_mlops.config.settings import Source
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.sources.history_tables import open_tables_at
from churn_mlops.data.sources.open import open_table_at
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.data.validation.validate import ValidationReport, validate
from churn_mlops.errors import ConfigError, DataError


@dataclass(frozen=True)
class Checked:
    """A table that passed its validation, and the report with its warnings."""

    table: ir.Table
    report: ValidationReport


def resolve_source(source: Source) -> Place:
    """The place of ``source.url``.

    Raises:
        ConfigError: no source is configured.
        SourceError: there is no such file, or its format is unknown.
    """
    if source.url is None:
        raise ConfigError(
            "no source is configured: run `churn init --from` with a file or a database, or set source.url in "
            "config/config.yaml"
        )
    return resolve(source.url)


def open_source(source: Source) -> ir.Table:
    """The table that the settings ``source.url`` and ``source.table`` name.

    Raises:
        ConfigError: no source is configured.
        SourceError: it cannot be opened.
    """
    return open_table_at(resolve_source(source), source.table)


def open_history(source: Source, contract: HistoryContract) -> dict[str, ir.Table]:
    """The tables of the history that ``source.url`` names, by their keys in the contract.

    Raises:
        ConfigError: no source is configured.
        SourceError: it cannot be opened, or a table or a column is missing.
    """
    return open_tables_at(resolve_source(source), contract)


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
