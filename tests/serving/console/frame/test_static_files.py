"""The files of the pages come from this package, and a browser keeps them while they stay the same."""

from __future__ import annotations

import re

from tests.serving.console.visitor import Visitor


def test_the_files_that_a_page_names_are_there_for_everyone(visitor: Visitor) -> None:
    text = visitor.get("/sign-in").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert len(addresses) == 3
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert visitor.get(address.partition("?")[0]).headers["Cache-Control"] == "no-cache"


def test_no_other_file_is_sent(visitor: Visitor) -> None:
    for name in ("../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "base.html.j2", ""):
        assert visitor.get(f"/static/{name}").status_code in (303, 404)
