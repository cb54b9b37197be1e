"""Looking at data for the first time, and checking it against its contract afterwards."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from churn_mlops.config import DEFAULT_PATH, Settings
from churn_mlops.data.addresses import name_in, shown
from churn_mlops.data.contract import DataContract
from churn_mlops.data.contract_file import write_contract
from churn_mlops.data.proposal import Proposal, propose
from churn_mlops.data.sources import open_table
from churn_mlops.data.validation import ValidationReport, validate
from churn_mlops.data.writing import write_whole
from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.reading import open_source


@dataclass(frozen=True)
class Started:
    """What was found in the data, and what the person has still to set so that other commands read that data.

    ``settings`` is the settings file where one was written.
    """

    proposal: Proposal
    advice: str | None
    settings: Path | None = None


def start(
    address: str,
    table: str | None,
    settings: Settings,
    config: Path | None,
    *,
    customer: str | None,
    label: str | None,
    positive: str | None,
) -> Started:
    """Write the proposed contract, and settings that name the source where there are no settings yet.

    Args:
        address: file or database address.
        table: table of that database, None where there is only one.
        settings: where the contract goes.
        config: the settings file; None takes the default one.
        customer: column that names the customer.
        label: column that says who left.
        positive: value of the label of who left.

    Raises:
        ChurnError: the data cannot be read, or a column is not there; nothing is written.
    """
    name = (table or name_in(address)) if "://" in address else Path(address).stem
    proposal = propose(
        open_table(address, table), name=name or "customers", customer=customer, label=label, positive=positive
    )
    write_contract(proposal.contract, proposal.findings, settings.contract.path)
    path = config or DEFAULT_PATH
    wanted = (address, table)
    # Settings from the environment alone count too: a new file under them would change nothing.
    if not path.exists() and settings.source.url in (None, address):
        _write_settings(path, {"url": address} | ({"table": table} if table else {}))
        return Started(proposal, None, path)
    if (settings.source.url, settings.source.table) != wanted:
        return Started(proposal, _advice(path, settings, address, table))
    return Started(proposal, None)


def _write_settings(path: Path, source: dict[str, str]) -> None:
    text = io.StringIO("# Settings; docs/configuration.md lists them all.\n")
    text.seek(0, io.SEEK_END)
    YAML().dump({"source": source}, text)
    try:
        write_whole(path, text.getvalue().encode(), mode=0o600)  # the address may hold a password
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


def validate_source(settings: Settings, address: str | None) -> ValidationReport:
    """Check the source, or the file at ``address``, against the contract.

    Raises:
        ChurnError: the data or the contract cannot be read.
    """
    contract = DataContract.load(settings.contract.path)
    table = open_source(settings) if address is None else open_table(address)
    return validate(table, contract)
