"""What the person on call sees of a server: no request waits for the sum of a list."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import ProcessCollector
from sqlalchemy import update

from churn_mlops.errors import StoreError
from churn_mlops.on_call import StatusLine, unavailable_store
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability import store_reader
from churn_mlops.serving.observability.process_metrics import Processes, count_processes
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.status_reader import StatusReader
from churn_mlops.serving.observability.store_reader import StoreReader
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.schema import RUNS
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stalled machine is not taken for a store that is away."""
    monkeypatch.setattr(store_reader, "READ_SECONDS", 30.0)


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, run(), batches(100))
    return address


def test_a_store_that_hangs_holds_up_no_page(source: ModelSlot, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_reader, "READ_SECONDS", 0.05)
    is_over = threading.Event()

    def hang(address: str) -> Store:
        is_over.wait(60)
        raise StoreError("over")

    async def lines() -> list[StatusLine]:
        with closing(StoreClient("sqlite:///nowhere.db", hang)) as link:
            try:
                status = await StatusReader(StoreReader(link), source, Metrics(source), settings).status()
            finally:
                is_over.set()
            assert status.read_at is None
            return status.lines

    assert asyncio.run(lines()) == [unavailable_store("the store did not answer within 0.05 seconds")]


def made_late(address: str) -> None:
    with open_store(address) as store, store.writing("make it old") as connection:
        connection.execute(update(RUNS).values(finished_at=datetime.now(UTC) - timedelta(hours=27)))


def test_a_late_list_costs_what_the_metrics_know_and_no_request_sums_it_up(
    source: ModelSlot, settings: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_late(address)
    summed: list[int] = []
    monkeypatch.setattr(store_reader, "expected_gain", lambda store, of: summed.append(of.id) or 2750.4)

    async def costs() -> tuple[str, str, str]:
        with closing(StoreClient(address)) as link:
            reader = StoreReader(link)
            status = StatusReader(reader, source, Metrics(source), settings)
            first = (await status.status()).lines[0].cost
            assert summed == []
            await reader.refresh()  # knows the list by now, and sums it up
            known = (await status.status()).lines[0].cost
            with open_store(address) as store:
                publish(store, run(), batches(1), clock=lambda: datetime.now(UTC) - timedelta(hours=28))
            return first, known, (await status.status()).lines[0].cost

    first, known, of_another = asyncio.run(costs())
    assert first == of_another == "each day the expected gain of a list"
    assert known == "2,750 USD a day, the expected gain of a list"
    assert len(summed) == 1


def test_a_sum_that_came_too_late_is_not_that_of_the_newest_list(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gain() -> float | None:
        with closing(StoreClient(address)) as link:
            reader = StoreReader(link)
            await reader.refresh()

            def publish_meanwhile(store: Store, of: Any) -> float:
                publish(store, run(), batches(7))
                asyncio.run_coroutine_threadsafe(reader.look(), loop).result(30)
                return 2750.4

            loop = asyncio.get_running_loop()
            monkeypatch.setattr(store_reader, "expected_gain", publish_meanwhile)
            await reader.refresh()
            assert reader.last is not None
            return reader.last.gain

    assert asyncio.run(gain()) is None


def test_the_processes_of_a_port_are_counted(tmp_path: Path, source: ModelSlot) -> None:
    for name in ("gauge_livesum_7.db", "gauge_livesum_8.db", "counter_8.db", "counter_9.db"):
        (tmp_path / name).touch()
    assert count_processes(str(tmp_path)) == 2
    assert Metrics(source).processes == 1


def test_a_program_with_the_id_of_a_process_that_ended_is_not_measured(tmp_path: Path) -> None:
    for name in (f"counter_{os.getppid()}.db", f"counter_{os.getpid()}.db", f"gauge_livesum_{os.getpid()}.db"):
        (tmp_path / name).touch()
    shown, alone = (
        {one.name: one.samples[0].value for one in collector.collect()}
        for collector in (Processes(str(tmp_path)), ProcessCollector(registry=None))
    )
    assert shown["process_start_time_seconds"] == alone["process_start_time_seconds"]
    assert shown["process_max_fds"] == alone["process_max_fds"]
