"""YAML files that people write: settings and contracts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from churn_mlops.errors import ChurnError

_UNQUOTED = re.compile(r"[^\"']*")
_REPEATED = re.compile(r'found duplicate key "[^"]*"')
MOST_PARTS = 100_000
"""Most keys and values, each as often as aliases repeat it."""


def read_yaml(file: Path, what: str, failure: type[ChurnError], missing: str) -> Any:
    """The content of the file, as plain data. No error quotes the file, which may hold a password.

    Args:
        file: the file.
        what: what errors call it.
        failure: the error to raise.
        missing: what to say where there is no such file.

    Raises:
        ChurnError: ``failure``: the file is not there, cannot be read, or is not YAML of a sensible size.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise failure(missing) from None
    except (OSError, UnicodeDecodeError) as error:
        raise failure(f"{what} {file} cannot be read: {error}") from None
    try:
        # Counted before anything is built of it: merges (`<<`) are copied out while it is.
        if _parts(YAML(typ="safe", pure=True).compose(text), {}) > MOST_PARTS:
            raise failure(
                f"{what} {file} is too large: {MOST_PARTS:,} keys and values are the most, aliases counted out"
            )
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        raise failure(f"{what} {file} is not YAML: {_problem_of(error)}") from None
    except YAMLError:
        raise failure(f"{what} {file} is not YAML") from None
    except RecursionError:
        raise failure(f"{what} {file} is not YAML that can be used: it nests too deeply") from None
    except ValueError:
        raise failure(f"{what} {file} is not YAML that can be used: a date or number in it does not exist") from None


def _problem_of(error: MarkedYAMLError) -> str:
    """Line, column and problem: no more of it than the words before a quotation, and which key is there twice."""
    mark = error.problem_mark or error.context_mark
    where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    said = str(error.problem or error.context or "it cannot be read")
    return where + (_REPEATED.match(said) or _UNQUOTED.match(said) or [""])[0].strip()


def _parts(node: Node | None, known: dict[int, int]) -> int:
    """How many keys and values there are; what aliases share is read one time, and counted as often as it appears."""
    if not isinstance(node, MappingNode | SequenceNode):
        return 1
    if id(node) not in known:
        known[id(node)] = 1  # of an alias to what it stands in
        children = [value for _, value in node.value] if isinstance(node, MappingNode) else node.value
        known[id(node)] = 1 + sum(_parts(child, known) for child in children)
    return known[id(node)]
