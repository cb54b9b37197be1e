"""Writing a contract as the commented YAML file that a person goes on to edit."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.data.remarks import Finding
from churn_mlops.data.writing import write_whole
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
        write_whole(file, text.encode())
    except OSError as error:
        raise ContractError(f"the contract cannot be written to {file}: {error.strerror or error}") from None
    return file


def contract_text(contract: DataContract, findings: Sequence[Finding] = ()) -> str:
    """``contract`` as YAML, in the order of the grammar; every text that YAML could misread is in quotes."""
    document = CommentedMap()
    document["version"] = contract.version
    document["name"] = _text(contract.name)
    if contract.customer is not None:
        document["customer"] = _text(contract.customer)
    if contract.label is not None:
        document["label"] = _mapping(contract.label.model_dump())
    document["features"] = CommentedMap((_text(name), _feature(feature)) for name, feature in contract.features.items())
    if contract.set_aside:
        document["set_aside"] = CommentedMap(
            (_text(name), _mapping(why.model_dump(exclude_defaults=True))) for name, why in contract.set_aside.items()
        )
    _comment(document, contract, findings)
    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _feature(feature: Feature) -> CommentedMap:
    return _mapping(feature.model_dump(mode="json", exclude_defaults=True))


def _mapping(data: dict[str, Any]) -> CommentedMap:
    made = CommentedMap((key, _value(value)) for key, value in data.items())
    if not any(isinstance(value, CommentedSeq) and len(value) > 6 for value in made.values()) and "note" not in made:
        made.fa.set_flow_style()
    return made


def _value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        items = CommentedSeq([_value(item) for item in value])
        items.fa.set_flow_style()
        return items
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not _is_word(value) else value


def _text(text: str) -> str:
    return text if _is_word(text) else DoubleQuotedScalarString(text)


def _is_word(text: str) -> bool:
    """Whether every YAML reader takes ``text`` for this text, without quotes."""
    taken = {"y", "n", "yes", "no", "true", "false", "on", "off", "null"}
    return text.isascii() and text.replace("_", "a").isalnum() and text[0].isalpha() and text.lower() not in taken


def _comment(document: CommentedMap, contract: DataContract, findings: Sequence[Finding]) -> None:
    def above(mapping: CommentedMap, key: str, notes: list[str], indent: int) -> None:
        if notes:
            mapping.yaml_set_comment_before_after_key(key, before="\n".join(map(_one_line, notes)), indent=indent)

    said: dict[str | None, list[str]] = {}
    for finding in findings:
        said.setdefault(finding.column, []).append(finding.message)
    document.yaml_set_start_comment(
        "\n".join([_HEAD.format(name=_one_line(contract.name)), *map(_one_line, said.get(None, []))])
    )
    if contract.customer is not None:
        above(document, "customer", said.get(contract.customer, []), 0)
    if contract.label is not None:
        horizon = "horizon_days: how far ahead the label looks; set it to what your data means"
        above(document, "label", [*said.get(contract.label.column, []), horizon], 0)
    for name in contract.features:
        above(document["features"], name, said.get(contract.column_of(name), []), 2)
    if contract.set_aside:
        why = "Not seen by the model. To use one, move it to `features` with its type."
        above(document, "set_aside", [why], 0)


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
