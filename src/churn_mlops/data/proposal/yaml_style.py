"""The YAML of a contract: what stands on one line, what is in quotes, how long lists are cut."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

_WIDTH = 120
_LEVELS = re.compile(r"^( +)levels: \[(.{100,})\]$", re.MULTILINE)
_ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,"]+')


def dumped(document: CommentedMap) -> str:
    """``document`` as text, its lists of levels on as many lines as they need."""
    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return _LEVELS.sub(_wrapped, out.getvalue())


def yaml_mapping(data: dict[str, Any]) -> CommentedMap:
    """``data`` on one line where it is short, a key a line otherwise."""
    made = CommentedMap((key, yaml_value(value)) for key, value in data.items())
    if not any(isinstance(value, CommentedSeq) and len(value) > 6 for value in made.values()) and "note" not in made:
        made.fa.set_flow_style()
    return made


def yaml_value(value: Any) -> Any:
    """``value`` on one line; texts that YAML could misread are in quotes."""
    if isinstance(value, list | tuple):
        items = CommentedSeq([yaml_value(item) for item in value])
        items.fa.set_flow_style()
        return items
    if isinstance(value, dict):
        made = CommentedMap((yaml_text(str(key)), yaml_value(held)) for key, held in value.items())
        made.fa.set_flow_style()
        return made
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not _is_word(value) else value


def yaml_text(text: str) -> str:
    """``text`` as a key or a value, in quotes where YAML could misread it."""
    return text if _is_word(text) else DoubleQuotedScalarString(text)


def _is_word(text: str) -> bool:
    """Whether every YAML reader takes ``text`` for this text, without quotes."""
    taken = {"y", "n", "yes", "no", "true", "false", "on", "off", "null"}
    return text.isascii() and text.replace("_", "a").isalnum() and text[0].isalpha() and text.lower() not in taken


def one_line(text: str) -> str:
    """``text`` as a comment takes it."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _wrapped(levels: re.Match[str]) -> str:
    """A list of levels on as many lines as it needs, cut between levels: a person reads and edits hundreds of them."""
    indent = " " * (len(levels[1]) + 2)
    lines = [f"{levels[1]}levels: ["]
    for item in _ITEM.findall(levels[2]):
        if len(lines[-1]) + len(item) > _WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{item}, "
    return "\n".join(line.rstrip() for line in lines).removesuffix(",") + "]"
