"""The pages as a reader meets them: blocks of commands, of Python, and of what they print."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
COMMAND = re.compile(r"^(\$ )?(churn|curl|make|pip|python|mlflow|docker|kubectl|cp|sed) ", re.MULTILINE)
_FENCE = re.compile(r"^```(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, blank where it has none, and its lines."""

    language: str
    text: str

    def commands(self) -> list[str]:
        """The commands of a block of shell, one each, however many lines it takes."""
        found, held = [], ""
        for line in self.text.splitlines():
            held += line + "\n"
            if held.endswith("\\\n"):
                continue
            try:
                words = shlex.split(held, comments=True)
            except ValueError:  # a quotation goes on in the next line
                continue
            if words:
                found.append(held.strip())
            held = ""
        assert not held.strip(), f"a quotation is not closed: {held}"
        return found


def blocks(page: str) -> list[Block]:
    """The fenced blocks of ``page``, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(found["language"], found["text"]) for found in _FENCE.finditer(text)]


def shape(line: str) -> str:
    """What stays of a line whatever the figures: its words."""
    return " ".join(re.sub(r"\d[\d.,:T+-]*\d|\d", "#", line).split())
