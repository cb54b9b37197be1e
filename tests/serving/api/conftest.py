"""A store with a published list of ten customers, and a link to it; a test that needs another has its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, run(), batches(10))
    return address


@pytest.fixture
def link(address: str) -> Iterator[StoreClient]:
    link = StoreClient(address)
    yield link
    link.close()
