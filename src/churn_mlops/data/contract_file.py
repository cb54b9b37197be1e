"""Writing a contract as the commented YAML file that a person goes on to edit."""

from __future__ import annotations

import io
import os
import re
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

_WIDTH = 120
_LEVELS = re.compile(r"^( +)levels: \[(.{100,})\]$", re.MULTILINE)
_ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,"]+')
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
    return _LEVELS.sub(_wrapped, out.getvalue())


def _wrapped(levels: re.Match[str]) -> str:
    """A list of levels on as many lines as it needs, cut between levels: a person reads and edits hundreds of them."""
    indent = " " * (len(levels[1]) + 2)
    lines = [f"{levels[1]}levels: ["]
    for item in _ITEM.findall(levels[2]):
        if len(lines[-1]) + len(item) > _WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{item}, "
    return "\n".join(line.rstrip() for line in lines).removesuffix(",") + "]"


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
    ready: dict[str | None, dict[str, Any]] = {}
    for finding in findings:
        said.setdefault(finding.column, []).append(finding.message)
        ready.setdefault(finding.column, {}).update(finding.suggestion)
    document.yaml_set_start_comment(
        "\n".join([_HEAD.format(name=_one_line(contract.name)), *map(_one_line, said.get(None, []))])
    )
    if contract.customer is not None:
        above(document, "customer", said.get(contract.customer, []), 0)
    if contract.label is not None:
        notes = said.get(contract.label.column, [])
        if not any(finding.kind == "horizon" for finding in findings):
            notes = [*notes, "horizon_days: how far ahead the label looks; set it to what your data means"]
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
    yaml.dump(CommentedMap((key, _flow(value)) for key, value in data.items()), out)
    return out.getvalue()


def _flow(value: Any) -> Any:
    if not isinstance(value, dict):
        return _value(value)
    made = CommentedMap((_text(key), _value(others)) for key, others in value.items())
    made.fa.set_flow_style()
    return made


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
