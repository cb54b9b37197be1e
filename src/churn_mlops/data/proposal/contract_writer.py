"""Writing a contract as the commented YAML file that a person goes on to edit."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.findings.column_findings import HORIZON_UNKNOWN
from churn_mlops.data.proposal.yaml_style import dumped, one_line, yaml_mapping, yaml_text, yaml_value
from churn_mlops.errors import ContractError

_HEAD = """The data contract of {name}: what each column means. Written by `churn init` from a look at the data.
Edit it; its grammar stands in docs/contract.md. `churn validate` checks data against it."""


def write_contract(contract: DataContract, findings: Sequence[Finding], path: str | os.PathLike[str]) -> Path:
    """Write ``contract`` to ``path``, each finding as a comment above what it is about; all of the file, or none.

    Raises:
        ContractError: the file cannot be written there.
    """
    file = Path(path)
    text = contract_text(contract, findings)
    try:
        write_atomic(file, text.encode())
    except OSError as error:
        raise ContractError(f"the contract cannot be written to {file}: {error.strerror or error}") from None
    return file


def contract_text(contract: DataContract, findings: Sequence[Finding] = ()) -> str:
    """``contract`` as YAML, in the order of the grammar; every text that YAML could misread is in quotes."""
    document = CommentedMap()
    document["version"] = contract.version
    document["name"] = yaml_text(contract.name)
    if contract.customer is not None:
        document["customer"] = yaml_text(contract.customer)
    if contract.as_of is not None:
        document["as_of"] = yaml_text(contract.as_of)
    if contract.formats:
        document["formats"] = yaml_mapping(dict(contract.formats))
    if contract.label is not None:
        document["label"] = yaml_mapping(contract.label.model_dump(exclude_unset=True))
    document["features"] = CommentedMap(
        (yaml_text(name), _feature(feature)) for name, feature in contract.features.items()
    )
    if contract.set_aside:
        document["set_aside"] = CommentedMap(
            (yaml_text(name), yaml_mapping(why.model_dump(exclude_defaults=True)))
            for name, why in contract.set_aside.items()
        )
    _comment(document, contract, findings)
    return dumped(document)


def _feature(feature: Feature) -> CommentedMap:
    return yaml_mapping(feature.model_dump(mode="json", exclude_defaults=True))


def _comment(document: CommentedMap, contract: DataContract, findings: Sequence[Finding]) -> None:
    def above(mapping: CommentedMap, key: str, notes: list[str], indent: int) -> None:
        if notes:
            mapping.yaml_set_comment_before_after_key(key, before="\n".join(map(one_line, notes)), indent=indent)

    said: dict[str | None, list[str]] = {}
    ready: dict[str | None, dict[str, Any]] = {}
    for finding in findings:
        said.setdefault(finding.column, []).append(finding.message)
        ready.setdefault(finding.column, {}).update(finding.suggestion)
    document.yaml_set_start_comment(
        "\n".join([_HEAD.format(name=one_line(contract.name)), *map(one_line, said.get(None, []))])
    )
    if contract.customer is not None:
        above(document, "customer", said.get(contract.customer, []), 0)
    if contract.label is not None:
        notes = said.get(contract.label.column, [])
        stated = "horizon_days" in contract.label.model_fields_set
        if not (stated or any(finding.kind == "horizon" for finding in findings)):
            notes = [*notes, HORIZON_UNKNOWN]
        above(document, "label", notes, 0)
    for name in contract.features:
        column = contract.column_of(name)
        above(document["features"], name, said.get(column, []), 2)
        if ready.get(column):
            _offer(document["features"][name], ready[column])
    if contract.set_aside:
        why = "Not seen by the model. To use one, move it to `features` with its type."
        above(document, "set_aside", [why], 0)


def _offer(feature: CommentedMap, suggestion: dict[str, Any]) -> None:
    """Write the keys of ``suggestion`` as comments into ``feature``, each on a line of its own, to be un-commented."""
    feature.fa.set_block_style()
    lines = [line for key, value in suggestion.items() for line in _yaml({key: value}).splitlines()]
    last = list(feature)[-1]
    feature.yaml_set_comment_before_after_key(last, before="\n".join(lines), indent=4)


def _yaml(data: dict[str, Any]) -> str:
    """``data`` as one line of YAML for each key."""
    yaml = YAML()
    yaml.width = 100_000
    out = io.StringIO()
    yaml.dump(CommentedMap((key, yaml_value(value)) for key, value in data.items()), out)
    return out.getvalue()
