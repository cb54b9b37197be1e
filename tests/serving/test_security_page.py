"""The page of who may what says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from churn_mlops.serving.permissions import EVERY_ROLE, TABLE

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    told = re.findall(r"^\| `([A-Z]+) (/\S*)` \| ([^|]+) \| (?:`([^`]+)`)? ?\|$", PAGE, re.MULTILINE)
    known = {
        (method, path): ("everybody" if rule.open else ", ".join(sorted(rule.roles)), rule.event or "")
        for (method, path), rule in TABLE.items()
    }
    assert {(m, p): (", ".join(sorted(who.split(", "))), event) for m, p, who, event in told} == known
    assert all(set(who.split(", ")) <= {*EVERY_ROLE, "everybody"} for _, _, who, _ in told)
