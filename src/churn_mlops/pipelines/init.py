"""Looking at data for the first time, and checking it against its contract afterwards."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from churn_mlops.config import DEFAULT_PATH, Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.data.contract_file import write_contract
from churn_mlops.data.proposal import Proposal, propose
from churn_mlops.data.sources import open_table
from churn_mlops.data.validation import ValidationReport, validate
from churn_mlops.pipelines.reading import open_source


def propose_contract(
    address: str,
    table: str | None,
    settings: Settings,
    config: Path | None,
    *,
    customer: str | None,
    label: str | None,
    positive: str | None,
) -> Proposal:
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
    name = Path(address.split("?")[0]).stem or "customers"
    proposal = propose(open_table(address, table), name=name, customer=customer, label=label, positive=positive)
    write_contract(proposal.contract, proposal.findings, settings.contract.path)
    path = config or DEFAULT_PATH
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        source = {"url": address} | ({"table": table} if table else {})
        with path.open("w", encoding="utf-8") as file:
            file.write("# Settings; docs/configuration.md lists them all.\n")
            YAML().dump({"source": source}, file)
    return proposal


def validate_source(settings: Settings, address: str | None) -> ValidationReport:
    """Check the source, or the file at ``address``, against the contract.

    Raises:
        ChurnError: the data or the contract cannot be read.
    """
    contract = DataContract.load(settings.contract.path)
    table = open_source(settings) if address is None else open_table(address)
    return validate(table, contract)
