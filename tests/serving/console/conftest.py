"""A console with people of every role and a published list, and a person who visits it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from churn_mlops.serving.console import customer_facts
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability import store_reader
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.scoring.publishing import publish
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import Guarded, fill
from tests.serving.console.visitor import Visitor
from tests.store.builders import batches, run

CUSTOMERS = 120


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """The store, to be copied: the slow hashes of its passwords take a while."""
    made = fill(tmp_path_factory.mktemp("console"))
    with open_store(made.address) as store:
        publish(store, run(), batches(CUSTOMERS))
    return made


@pytest.fixture(scope="session", autouse=True)
def patient_pages() -> Iterator[None]:
    """A page waits for its facts even while the machine stalls; otherwise it says that the store is away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(customer_facts, "FACTS_SECONDS", 30.0)
        patch.setattr(store_reader, "READ_SECONDS", 30.0)
        yield


@pytest.fixture
def guarded(filled: Guarded, tmp_path: Path) -> Guarded:
    shutil.copytree(Path(filled.address.removeprefix("sqlite:///")).parent, tmp_path / "store")
    return replace(filled, address=f"sqlite:///{tmp_path}/store/churn.db")


@pytest.fixture
def visitor(guarded: Guarded, source: ModelSlot) -> Iterator[Visitor]:
    with guarded.client(source) as client:
        yield Visitor(client)


@pytest.fixture
def agent(visitor: Visitor, guarded: Guarded) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions["agent"][0], domain="localhost.local")
    return visitor


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser; a module that asks for it is skipped where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for five seconds is no store that is away: the limit has tests of its own."""
    monkeypatch.setattr(StoreClient.ask, "__defaults__", (30.0,))
