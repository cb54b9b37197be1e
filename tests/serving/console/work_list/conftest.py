"""Fixtures of the tests of the list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.users import add_user
from tests.serving.access.secured_app import PASSWORD, Guarded
from tests.serving.console.test_browser import Site, served


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    """A server for a browser, with ben as a second agent."""
    with open_store(guarded.address) as store:
        add_user(store, "ben", PASSWORD, "agent", by="test")
    with served(guarded) as found:
        yield found
