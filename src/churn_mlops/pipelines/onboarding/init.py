"""Looking at data for the first time."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import ibis.expr.types as ir
from ruamel.yaml import YAML

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import DEFAULT_PATH, Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import HistoryProposal, is_event_log, propose_history
from churn_mlops.data.proposal.history_writer import write_history
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.sources.file_place import FolderPlace
from churn_mlops.data.sources.files import chosen_table
from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.database_urls import name_in, shown
from churn_mlops.errors import ConfigError

_WEEKS = 28


@dataclass(frozen=True)
class NewSession:
    """What was found in the data, and what the person has still to set so that other commands read that data.

    ``settings`` is the settings file where one was written; the proposal is that of a history where the data has one.
    ``newest`` is the day of the newest row of a history that is no longer written, and so is read as of that day.
    """

    proposal: Proposal | HistoryProposal
    advice: str | None
    settings: Path | None = None
    newest: date | None = None


def start(
    address: str,
    table: str | None,
    settings: Settings,
    config: Path | None,
    *,
    customer: str | None,
    label: str | None,
    positive: str | None,
    inactive_days: int | None = None,
) -> NewSession:
    """Write the proposed contract, and settings that name the source where there are no settings yet.

    A folder or a database of several tables gets the contract of a history, and so does one table of events; one table
    with a row for each customer gets a flat one.

    Args:
        address: file, folder or database address.
        table: table of that database or folder, None for all of them.
        settings: where the contract goes.
        config: the settings file; None takes the default one.
        customer: column that names the customer.
        label: column that says who left.
        positive: value of the label of who left.
        inactive_days: days without an event after which a customer has left, in a history without ends.

    Raises:
        ChurnError: the data cannot be read, or a column is not there; nothing is written.
    """
    place, (address, table) = address, _within_folder(address, table)
    name = (table or name_in(address)) if "://" in address else Path(address).stem
    name = name or "customers"
    tables, customer = _tables_of_history(address, table, customer, label)
    proposal: Proposal | HistoryProposal
    newest = None
    if tables is not None:
        _refuse_label(label or positive)
        proposal = propose_history(tables, name=name, customer=customer, inactive_days=inactive_days)
        newest = _long_ago(tables, proposal.contract)
        write_history(proposal, settings.contract.path)
        address, table = place, None  # the contract names the tables
    else:
        _refuse_days(inactive_days)
        what = {"customer": customer, "label": label, "positive": positive}
        proposal = propose(open_table(address, table), name=name, **what)
        write_contract(proposal.contract, proposal.findings, settings.contract.path)
    path = config or DEFAULT_PATH
    wanted = (address, table)
    # Settings from the environment alone count too: a new file under them would change nothing.
    if not path.exists() and settings.source.url in (None, address):
        as_of = {"as_of": "latest"} if newest is not None else {}
        _write_settings(path, {"url": address} | ({"table": table} if table else {}) | as_of)
        return NewSession(proposal, None, path, newest)
    if (settings.source.url, settings.source.table) != wanted:
        return NewSession(proposal, _advice(path, settings, address, table))
    return NewSession(proposal, None)


def _within_folder(address: str, table: str | None) -> tuple[str, str | None]:
    """The file that is meant where ``address`` is a folder with one table, or ``table`` names one of its files."""
    place = resolve(address)
    if not isinstance(place, FolderPlace):
        return address, table
    if table is None and len(place.files) > 1:
        return address, None
    return str(place.files[chosen_table(place.shown, place.tables(), table)]), None


def _tables_of_history(
    address: str, table: str | None, customer: str | None, label: str | None
) -> tuple[dict[str, ir.Table] | None, str | None]:
    """The tables of a history, None where there is one table with a row for each customer; what names the customer."""
    place = resolve(address)
    if table is None and place.kind != "file":
        tables = open_every_table(address)
        if len(tables) > 1:
            return tables, customer
        table = next(iter(tables))
    one = open_table(address, table)
    who = is_event_log(one, customer) if label is None else None
    return (None, customer) if who is None else ({table or place.tables()[0]: one}, who)


def _long_ago(tables: Mapping[str, ir.Table], contract: HistoryContract) -> date | None:
    """The day of the newest row, where the history ends weeks ago: read as of today, nothing would happen in it."""
    newest = last_day({key: tables[one.table or key] for key, one in contract.tables.items()}, contract, date.today())
    newest += timedelta(days=1)
    return newest if (date.today() - newest).days > _WEEKS else None


def _refuse_label(given: str | None) -> None:
    if given is not None:
        raise ConfigError(
            "`--label` and `--positive` belong to one table with a row for each customer: name it with `--table`. In a "
            "history the end of a customer is a date, or his silence (`--inactive-days`)"
        )


def _refuse_days(inactive_days: int | None) -> None:
    if inactive_days is not None:
        raise ConfigError(
            "`--inactive-days` needs a table of events, with several dated rows for each customer, and this table was "
            "not taken for one: if it is, name the column of its customers with `--customer`; if it has a row for each "
            "customer, name what says who left with `--label`"
        )


def _write_settings(path: Path, source: dict[str, str]) -> None:
    text = io.StringIO("# Settings; docs/configuration.md lists them all.\n")
    text.seek(0, io.SEEK_END)
    YAML().dump({"source": source}, text)
    try:
        write_atomic(path, text.getvalue().encode(), mode=0o600)  # the address may hold a password
    except OSError as error:
        raise ConfigError(f"cannot write the settings to {path}: {error.strerror or error}") from None


def _advice(path: Path, settings: Settings, address: str, table: str | None) -> str:
    """No password is repeated: neither that of the settings' own address nor that of the wanted one."""
    names = "no source" if settings.source.url is None else "another source"
    wanted = f"source.url to {shown(address) if '://' in address else address}" + (
        f" and source.table to {table}" if table else ""
    )
    if table is None and settings.source.table is not None:
        wanted += " and source.table to null"
    return f"the settings ({path}, or the environment) name {names}, and were left as they are: set {wanted}"
