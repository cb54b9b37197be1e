"""Every text is where it is looked for, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

from churn_mlops.serving import console
from churn_mlops.serving.console.frame.navigation import PAGES
from churn_mlops.serving.console.frame.texts import Texts

ROOM = Path(console.__file__).parent
SOURCES = [*ROOM.rglob("*.py"), *ROOM.glob("templates/*.j2")]
WRITTEN = "".join(file.read_text(encoding="utf-8") for file in SOURCES)
KEY = r"[a-z_]+(?:\.[a-z0-9_]+)*"


def used() -> set[str]:
    """Keys that stand in the code as they are."""
    return set(re.findall(rf'(?:\bt|texts)\(\s*["\']({KEY})["\']', WRITTEN))


def beginnings() -> set[str]:
    """Keys whose last part is put in by the code."""
    asked = re.findall(rf'["\']({KEY}\.)["\'] ~', WRITTEN) + re.findall(rf'f"({KEY}\.)\{{', WRITTEN)
    return {*asked, *(f"{key}." for key in re.findall(rf'count\(\s*["\']({KEY})["\']', WRITTEN))}


def test_every_key_of_the_code_has_its_text() -> None:
    known = Texts().by_key
    assert len(used()) > 60
    assert {key for key in used() if key not in known} == set()
    assert {one for one in beginnings() if not any(key.startswith(one) for key in known)} == set()


def test_no_text_is_left_over() -> None:
    quoted = set(re.findall(rf"""["']({KEY})["']""", WRITTEN))
    over = [key for key in Texts().by_key if key not in quoted and not key.startswith(tuple(beginnings()))]
    assert over == []


def test_a_page_of_the_navigation_has_a_name() -> None:
    assert all(Texts()(f"pages.{name}") for name, _ in PAGES)


def test_a_text_for_one_thing_differs_from_that_for_many() -> None:
    said = Texts()
    assert said.count("find.found", 1, "1") == "1 customer"
    assert said.count("find.found", 2, "2") == "2 customers"
