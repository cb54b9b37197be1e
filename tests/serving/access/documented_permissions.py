"""The permissions of every role, as the page about them promises: ``docs/security.md``, read as a person reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
_ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| ([^|]+) \| (?:`([^`]+)`)? ?\|$", re.MULTILINE)


@dataclass(frozen=True)
class Promise:
    """The row of the page about one route.

    Args:
        callers: the roles that may call it; everyone where ``everyone`` is among them.
        event: what is noted of it, empty where nothing is.
    """

    callers: frozenset[str]
    event: str

    def lets_in(self, role: str | None) -> bool:
        """Whether this role may; None is a principal who is not known."""
        return "everyone" in self.callers or role in self.callers


def promises() -> dict[tuple[str, str], Promise]:
    """The table of the page, by method and path."""
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {(method, path): Promise(frozenset(who.split(", ")), event) for method, path, who, event in rows}
