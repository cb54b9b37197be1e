"""The page of who may what says what the code does."""

from __future__ import annotations

from churn_mlops.serving.access.permissions import EVERY_ROLE, TABLE
from tests.serving.access.documented_permissions import Promise, promises


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    known = {
        route: Promise(frozenset({"everyone"} if rule.open else rule.roles), rule.event or "")
        for route, rule in TABLE.items()
    }
    assert promises() == known
    assert all(promise.callers <= {*EVERY_ROLE, "everyone"} for promise in promises().values())
