"""Writing the contract of a history as the commented YAML file that a person goes on to edit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml.comments import CommentedMap

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.contract import ExcludedColumn, HistoryLabel, HistoryTable
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.history_proposal import HistoryProposal
from churn_mlops.data.proposal.unread_columns import LEFT_OUT
from churn_mlops.data.proposal.yaml_style import dumped, one_line, yaml_mapping, yaml_text
from churn_mlops.errors import ContractError

_HEAD = """The contract of {name}, a database with its history: whose the rows are, and when they were known.
Written by `churn init` from a look at the tables. Read what it asks, and edit it; its grammar stands in
docs/contract.md, what it notices in docs/init.md."""
_ASIDE = (
    "Not seen by the model, each with the reason: some would reveal for the past what was not known then. To use one, "
    "write a feature of it."
)


def write_history(proposal: HistoryProposal, path: str | os.PathLike[str]) -> Path:
    """Write the proposed contract to ``path``, each finding as a comment above what it is about; all of it, or none.

    Raises:
        ContractError: the file cannot be written there.
    """
    file = Path(path)
    try:
        write_atomic(file, history_text(proposal).encode())
    except OSError as error:
        raise ContractError(f"the contract cannot be written to {file}: {error.strerror or error}") from None
    return file


def history_text(proposal: HistoryProposal) -> str:
    """The contract as YAML, in the order of the grammar, with comments."""
    contract = proposal.contract
    document = CommentedMap()
    document["version"] = contract.version
    document["name"] = yaml_text(contract.name)
    document["customer"] = yaml_text(contract.customer)
    if contract.renewal is not None:
        document["renewal"] = yaml_text(contract.renewal)
    document["time_zone"] = contract.time_zone
    document["tables"] = CommentedMap((yaml_text(name), _table(table)) for name, table in contract.tables.items())
    if contract.label is not None:
        document["label"] = yaml_mapping(_label(contract.label))
    document["features"] = CommentedMap(
        (yaml_text(name), yaml_mapping(feature.model_dump(mode="json", exclude_defaults=True)))
        for name, feature in contract.features.items()
    )
    if contract.set_aside:
        document["set_aside"] = CommentedMap(
            (yaml_text(column), _excluded(why)) for column, why in contract.set_aside.items()
        )
    _comment(document, proposal)
    return dumped(document)


def _label(label: HistoryLabel) -> dict[str, object]:
    """The label with its horizon, which a person shall see; not beside `inactive`, whose days it is."""
    shown = label.model_dump(mode="json", exclude_defaults=True)
    return shown | ({} if label.inactive is not None else {"horizon_days": label.horizon_days})


def _excluded(why: ExcludedColumn) -> CommentedMap:
    made = yaml_mapping(why.model_dump(exclude_defaults=True))
    if why.note == LEFT_OUT:  # as many lines as the tables have columns would hide the others
        made.fa.set_flow_style()
    return made


def _table(table: HistoryTable) -> CommentedMap:
    held = table.model_dump(mode="json", exclude_defaults=True)
    if table.ends is not None:  # the columns that it stands for are no columns of the database
        held = {name: value for name, value in held.items() if name not in ("end", "end_known_at")}
    return yaml_mapping(held)


def _comment(document: CommentedMap, proposal: HistoryProposal) -> None:
    contract = proposal.contract
    said = _said(proposal.findings)
    left_out = [name for name in said if name not in contract.tables and name != "label"]
    head = [_HEAD.format(name=one_line(contract.name))]
    document.yaml_set_start_comment("\n".join(head))
    notes = ["days begin and end by this zone: set that of the company, such as Europe/Berlin"]
    _above(document, "time_zone", notes, 0)
    _above(document, "tables", [f"{name}: {text}" for name in left_out for text in said[name]], 0)
    for name in contract.tables:
        _above(document["tables"], name, said.get(name, []), 2)
    others = [f"    {choice.how()}" for choice in proposal.choices[1:]]
    ways = ["What the contract would say for the other ways:", *others] if others else []
    _above(document, "label" if contract.label is not None else "features", said.get("label", []) + ways, 0)
    if contract.set_aside:
        _above(document, "set_aside", [_ASIDE], 0)


def _said(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """The messages about each table, its columns named; those about excluded columns stand elsewhere."""
    said: dict[str, list[str]] = {}
    for finding in findings:
        table, _, column = (finding.column or "").partition(".")
        if not finding.message.startswith("excluded ("):
            said.setdefault(table, []).append(f"{column}: {finding.message}" if column else finding.message)
    return said


def _above(mapping: CommentedMap, key: str, notes: Sequence[str], indent: int) -> None:
    if notes:
        mapping.yaml_set_comment_before_after_key(key, before="\n".join(map(one_line, notes)), indent=indent)
