"""``churn init``: propose a data contract from the data, and write it with the settings that name the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import ibis.expr.types as ir

from churn_mlops.config import DEFAULT_PATH
from churn_mlops.config.settings import Source
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.one_row_each import OneRowEachError
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.proposal.history_writer import write_history
from churn_mlops.data.proposal.shapes.panel import Panel, find_panel
from churn_mlops.data.proposal.shapes.single_table import SingleTable, holds_spells, is_event_log, on_refused_spells
from churn_mlops.data.snapshot.date_range import complete_day, newest_row
from churn_mlops.data.sources.file_place import FolderPlace
from churn_mlops.data.sources.files import chosen_table
from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.database_urls import name_in
from churn_mlops.errors import ConfigError, ContractError
from churn_mlops.pipelines.onboarding.how_to_join import how_to_join
from churn_mlops.pipelines.onboarding.init_settings import InitSettings

_RECENT_DAYS = 28


@dataclass(frozen=True)
class InitRequest:
    """The facts about the data that the user states.

    Args:
        address: file, folder or database address.
        table: table of that database or folder, None for all of them.
        customer: column of the customer ID, None to find it.
        label: column that says which customers churned, None to find it.
        positive: value of the label for customers who churned, None to find it.
        inactive_days: days without an event after which a customer has churned, for a history without churn dates.
        as_of: the day on which the rows of a flat table were taken, None to find it.
    """

    address: str
    table: str | None = None
    customer: str | None = None
    label: str | None = None
    positive: str | None = None
    inactive_days: int | None = None
    as_of: date | None = None


@dataclass(frozen=True)
class InitResult:
    """The findings in the data, and what is left to do.

    Args:
        proposal: the contract, that of a history where the data has one.
        settings: the settings file, None where none was written.
        newest: day of the newest row of a history that is no longer written, or holds a row for each period.
        as_of: the last complete day of such a history, as of which it is read.
        advice: what the user has to set, so that other commands read this data; None where nothing is left.
    """

    proposal: Proposal | HistoryProposal
    settings: Path | None = None
    newest: date | None = None
    as_of: date | None = None
    advice: str | None = None


@dataclass(frozen=True)
class _Proposed:
    """A proposal, the source it is for, as the settings name it, and the days between the dates to learn from."""

    proposal: Proposal | HistoryProposal
    address: str
    table: str | None
    newest: date | None = None
    every_days: int | None = None
    day: date | None = None

    @property
    def as_of(self) -> date | None:
        """The last complete day of a history that is read as of its newest row."""
        contract = self.proposal.contract
        if self.newest is None or not isinstance(contract, HistoryContract):
            return None
        return complete_day(self.newest, contract)

    def settings(self) -> InitSettings:
        """The settings that this source and this history need."""
        day = None if self.day is None else self.day.isoformat()
        return InitSettings(self.address, self.table, "latest" if self.newest is not None else day, self.every_days)


def initialize(request: InitRequest, contract: Path, source: Source, config: Path | None) -> InitResult:
    """Write the proposed contract, and the settings that name the source unless a person wrote settings.

    A folder or a database of several tables gets the contract of a history, and so does one table of events, or of
    spells with a start and an end. One table with a row for each customer gets a flat contract.

    Args:
        request: the data.
        contract: file to write the contract to.
        source: the source of the present settings.
        config: the settings file; None takes the default one.

    Raises:
        ChurnError: the data cannot be read, or a column is missing; nothing is written.
    """
    found = _propose(request)
    if isinstance(found.proposal, HistoryProposal):
        write_history(found.proposal, contract)
    else:
        write_contract(found.proposal.contract, found.proposal.findings, contract)
    path, settings = config or DEFAULT_PATH, found.settings()
    if settings.write(path, source):
        return InitResult(found.proposal, path, found.newest, found.as_of)
    return InitResult(found.proposal, advice=settings.advice(path, source))


def _propose(request: InitRequest) -> _Proposed:
    address, table = _within_folder(request.address, request.table)
    name = ((table or name_in(address)) if "://" in address else Path(address).stem) or "customers"
    shape = _shape(request, address, table)
    history = None if shape is None else _history(request, shape, name)
    if shape is None or history is None or (shape.is_spells and not _says_when_they_end(history)):
        return _Proposed(_flat(request, open_table(address, table), name, history), address, table, day=request.as_of)
    _refuse_day(request.as_of)
    if shape.panel is None:
        _refuse_label(request.label or request.positive)
    history = replace(history, findings=(*_on_source(request.address), *history.findings))
    newest = _newest(shape, history.contract)
    next(iter(shape.tables.values())).get_backend().disconnect()
    every_days = None if shape.panel is None else shape.panel.days
    return _Proposed(history, request.address, None, newest, every_days)  # the contract names the tables


def _history(request: InitRequest, shape: _Shape, name: str) -> HistoryProposal:
    customer, days, today = shape.customer, request.inactive_days, date.today()
    try:
        return propose_history(
            shape.tables,
            name=name,
            customer=customer,
            inactive_days=days,
            today=today,
            panel=shape.panel,
            is_spells=shape.is_spells,
        )
    except OneRowEachError as error:
        raise ContractError(f"{error}. {how_to_join(request.address, error.keys)}") from None


def _says_when_they_end(history: HistoryProposal) -> bool:
    """Whether the spells show who left, or will once a question about them is answered."""
    label = history.contract.label
    asks = any(finding.kind == "end_unknown" for finding in history.findings)
    return asks or (label is not None and label.event is not None)


def _flat(request: InitRequest, table: ir.Table, name: str, refused: HistoryProposal | None) -> Proposal:
    """The contract of a row for each customer; ``refused`` is the history that the rows are not taken for."""
    _refuse_days(request.inactive_days, request.customer)
    customer, label, positive = request.customer, request.label, request.positive
    proposal = propose(table, name=name, customer=customer, label=label, positive=positive, as_of=request.as_of)
    findings = () if refused is None else (on_refused_spells(refused.table_roles.customers, refused.choices),)
    return replace(proposal, findings=(*_on_reading(resolve(request.address)), *findings, *proposal.findings))


def _within_folder(address: str, table: str | None) -> tuple[str, str | None]:
    """The file that is meant where ``address`` is a folder with one table, or ``table`` names one of its files."""
    place = resolve(address)
    if not isinstance(place, FolderPlace):
        return address, table
    if table is None and len(place.files) > 1:
        return address, None
    return str(place.files[chosen_table(place.shown, place.tables(), table)]), None


@dataclass(frozen=True)
class _Shape:
    """Tables that may be a history.

    Args:
        tables: by their names in the source.
        customer: the column of customer IDs, None to find it.
        panel: the shape of one table with a row for each customer and period.
        is_spells: whether it is one table of rows with a start and an end; if those do not show who left, each row is a
            customer.
    """

    tables: Mapping[str, ir.Table]
    customer: str | None
    panel: Panel | None = None
    is_spells: bool = False


def _shape(request: InitRequest, address: str, table: str | None) -> _Shape | None:
    """The tables that may be a history; None for one table with a row for each customer."""
    place, customer = resolve(address), request.customer
    if table is None and place.kind != "file":
        tables = open_every_table(address)
        if len(tables) > 1:
            return _Shape(tables, customer)
        table = next(iter(tables))
    one = open_table(address, table)
    tables = {table or place.tables()[0]: one}
    single = SingleTable(one)
    if (panel := find_panel(single, customer)) is not None:
        panel = replace(panel, label=request.label, positive=request.positive)
        return _Shape(tables, panel.customer, panel)
    if request.label is not None:
        return None
    if (who := is_event_log(single, customer)) is not None:
        return _Shape(tables, who)
    if request.inactive_days is None and (who := holds_spells(single, customer)) is not None:
        return _Shape(tables, who, is_spells=True)
    return None


def _on_source(address: str) -> Iterator[Finding]:
    """Tables that are left out because another one holds their rows, and times that may be in UTC."""
    place = resolve(address)
    for table, column in place.undecided_times():
        what = (
            "holds timestamps of the old type INT96, and the file does not say whether they are in UTC: they are read "
            "as local time. If they are in UTC, write the file again with timestamps of a time zone"
        )
        yield Finding(f"{table}.{column}", "time_zone_unknown", what)
    yield from _on_reading(place)
    for part, whole in place.partitions().items():
        yield Finding(part, "left_out", f"is a part of {whole}, which is read with all its parts; left out")
    place.close()


def _on_reading(place: Place) -> Iterator[Finding]:
    yield from place.remarks()
    for table in place.guessed_encodings():
        what = "is no UTF-8 and is read as Windows-1252: are its letters right? If they are not, save it as UTF-8"
        yield Finding(table, "encoding", what)


def _newest(shape: _Shape, contract: HistoryContract) -> date | None:
    """The day of the newest row, if runs are to be as of it: an old history as of today has no recent events.

    A panel has none between two periods either.
    """
    named = {key: shape.tables[one.table or key] for key, one in contract.tables.items()}
    newest = newest_row(named, contract, date.today())
    return newest if shape.panel is not None or (date.today() - newest).days > _RECENT_DAYS else None


def _refuse_label(given: str | None) -> None:
    if given is not None:
        raise ConfigError(
            "`--label` and `--positive` belong to one table with a row for each customer: name it with `--table`. In a "
            "history, churn is a date or inactivity (`--inactive-days`)"
        )


def _refuse_day(as_of: date | None) -> None:
    if as_of is not None:
        raise ConfigError(
            "`--as-of` belongs to one table with a row for each customer. A history knows its days: `source.as_of` in "
            "the settings says as of which one runs are"
        )


def _refuse_days(inactive_days: int | None, customer: str | None) -> None:
    if inactive_days is None:
        return
    needed = "`--inactive-days` needs a table of events, with several dated rows for each customer"
    if customer is not None:
        raise ConfigError(
            f"{needed}, and no column holds dates that differ between the rows of one {customer!r}: write the date of "
            "each row into one column, such as 2024-01-31"
        )
    raise ConfigError(
        f"{needed}, and this table was not recognised as one: if it is, name its column of customer IDs with "
        "`--customer`; if it has a row for each customer, name the column that says which customers churned with "
        "`--label`"
    )
