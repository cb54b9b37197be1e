"""The data contract and the source of the customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract, HistoryLabel, load_contract
from churn_mlops.data.sources.history_tables import open_tables, unread_renewal
from churn_mlops.data.sources.open import source_columns
from churn_mlops.database_urls import shown
from churn_mlops.errors import ContractError
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.reachability import check_reachable
from churn_mlops.pipelines.monitoring.segments import segment_features
from churn_mlops.suggestions import did_you_mean

_SHOWN = 5


def contract_found(settings: Settings) -> Iterator[Finding]:
    """Whether the contract is there, is valid and names the label."""
    path = settings.contract.path
    contract = load_contract(path)
    summary = f"{path}: {len(contract.features)} features, {len(contract.set_aside)} excluded columns"
    if isinstance(contract, HistoryContract):
        summary += f", a history of {len(contract.tables)} tables"
        segment_features(contract, settings.monitoring.segments)
    if contract.label is None:
        advice = "name who left under `label`; without it a model can score, but none can be trained"
        yield Finding("contract", "warning", f"{summary}, no label", advice)
    elif isinstance(contract.label, HistoryLabel):
        yield Finding("contract", "ok", f"{summary}, label {_leaving(contract.label)}")
    else:
        label = contract.label
        summary += f", label {label.column} ({label.positive} = left within {label.horizon_days} days)"
        yield Finding("contract", "ok", summary)


def source_found(settings: Settings) -> Iterator[Finding]:
    """Whether the source can be reached, and has the columns that the contract declares."""
    address = settings.source.url
    if address is None:
        advice = "run `churn init --from FILE`, or set source.url"
        yield Finding("source", "warning", "no source is configured", advice)
        return
    where = shown(address) if "://" in address else address
    try:
        check_reachable(address)
    except OSError as error:
        yield Finding("source", "failed", f"{where} cannot be reached ({error})", "start it, or correct source.url")
        return
    try:
        contract = load_contract(settings.contract.path)
    except ContractError:
        contract = None
    if isinstance(contract, HistoryContract):
        yield _with_renewal(where, contract, unread_renewal(open_tables(address, contract), contract))
        yield from _fresh(settings)
        return
    columns = source_columns(address, settings.source.table)
    summary = f"{where}{f', table {settings.source.table}' if settings.source.table else ''}: {len(columns)} columns"
    if contract is None:
        yield Finding("source", "warning", f"{summary}, and no contract to hold them against", "see the contract above")
        return
    yield _fitting(summary, columns, contract)


def _leaving(label: HistoryLabel) -> str:
    if label.inactive is not None:
        return f"no row in {label.inactive.events} for {label.days} days"
    return f"{label.event} within {label.days} days"


def _with_renewal(where: str, contract: HistoryContract, unread: str | None) -> Finding:
    if unread is not None:
        advice = "bring the column back, or correct `renewal` in the contract; lists are made meanwhile"
        return Finding("source", "warning", f"{where}: no renewal date is shown, for {unread}", advice)
    summary = f"{where}: {len(contract.tables)} tables, with all columns that the contract declares"
    return Finding("source", "ok", f"{summary}; `churn validate` checks the rows too")


def _fresh(settings: Settings) -> Iterator[Finding]:
    # Imported here: it brings what reads a history, and without one the checks need not wait.
    from churn_mlops.pipelines.inputs.freshness import freshness

    found = freshness(settings, datetime.now(UTC))
    if found is not None and found.is_old:
        advice = "has its loading stopped? Where the database is looked at as it was, all is well"
        yield Finding("newest row", "warning", str(found), advice)
    elif found is not None:
        yield Finding("newest row", "ok", str(found))


def _fitting(summary: str, columns: list[str], contract: DataContract) -> Finding:
    needed = [contract.column_of(name) for name in contract.features]
    if contract.customer is not None:
        needed.insert(0, contract.customer)
    missing = [name for name in needed if name not in columns]
    if missing:
        near = did_you_mean(missing[0], columns)
        advice = "bring the columns back, or correct the contract (`churn init --overwrite` proposes a new one)"
        return Finding("source", "failed", f"{summary}, without {_listed(missing)} of the contract ({near})", advice)
    if contract.label is not None and contract.label.column not in columns:
        advice = "training needs it; scoring does not"
        return Finding("source", "warning", f"{summary}, without the label {contract.label.column!r}", advice)
    known = {*needed, *contract.set_aside, *([contract.label.column] if contract.label else [])}
    extra = [name for name in columns if name not in known]
    if extra:
        advice = "add them to the contract as features or under `set_aside`, then `churn train`"
        return Finding("source", "warning", f"{summary}; the contract does not know {_listed(extra)}", advice)
    return Finding("source", "ok", f"{summary}, all that the contract declares; `churn validate` checks the rows too")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
