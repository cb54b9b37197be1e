"""The name of every log event is nouns and a participle in snake case; all else stands in fields."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
LOGS = SOURCE / "churn_mlops/logs.py"  # it hands on the events of its callers
LEVELS = ("debug", "info", "warning", "error", "critical", "exception", "info_lines")
EVENT = re.compile(r"[a-z]+(_[a-z0-9]+)+")


def events_of(source: str) -> list[str]:
    """The events that a module logs: of each call its first argument, as code unless it is a literal."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _name(node) in LEVELS]
    return [str(ast.literal_eval(call.args[0])) if _is_literal(call) else ast.unparse(call) for call in calls]


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_literal(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant)


def test_every_log_event_is_in_snake_case() -> None:
    events = {path: events_of(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py") if path != LOGS}
    assert [(path.name, event) for path, found in events.items() for event in found if not EVENT.fullmatch(event)] == []
    assert sum(map(len, events.values())) > 30


@pytest.mark.parametrize(
    "call", ["log.info('it failed')", "log.error(f'failed_{3}')", "self.logger.warning(text)", "x.info()"]
)
def test_prose_and_computed_events_are_found(call: str) -> None:
    (event,) = events_of(call)
    assert not EVENT.fullmatch(event)


def test_an_event_is_read_from_a_call_and_from_many_lines() -> None:
    assert events_of("log.info('a_done', b=1)\ninfo_lines('c_done', d)\nprint('e')") == ["a_done", "c_done"]
