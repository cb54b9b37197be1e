"""A full disk and a server that stops while a date is published: reported clearly, and nothing published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from churn_mlops.errors import StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.scoring.predictions import Predictions, predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.store.builders import DAY, batches, run
from tests.store.conftest import PostgresServer, new_store


def _check_old(store: Store, customers: int) -> None:
    found = latest_run(store)
    assert found is not None
    assert found.customers == len(predictions(store, DAY)) == customers


def test_a_full_disk_is_reported_and_nothing_is_published(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        publish(store, run(), batches(50))

        @event.listens_for(store.engine, "checkout")
        def _fill(connection: Any, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        pages = 40
        with pytest.raises(StoreError, match=r"publish the predictions of 2026-11-22 in .*disk is full: make room"):
            publish(store, run(version="4"), batches(20_000, mark="D"))
        _check_old(store, 50)
        pages = 100_000
        assert publish(store, run(version="4"), batches(20_000, mark="D")).customers == 20_000


def test_a_server_that_ends_the_connection_is_reported_and_nothing_is_published(server: PostgresServer) -> None:
    with open_store(new_store(server)) as store:
        publish(store, run(), batches(50))

        def ended() -> Iterator[Predictions]:
            yield from batches(3000, mark="D")
            with store.reading("end the others") as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            yield from batches(3000, mark="E")

        with pytest.raises(StoreError, match=r"publish the predictions of 2026-11-22 in .*cannot be reached: start"):
            publish(store, run(version="4"), ended())
        _check_old(store, 50)
        assert publish(store, run(version="4"), batches(60)).customers == 60


def test_a_connection_that_ends_in_the_last_step_publishes_nothing(server: PostgresServer) -> None:
    with open_store(new_store(server)) as store:
        publish(store, run(), batches(50))

        @event.listens_for(store.engine, "commit")
        def _end(connection: Any) -> None:
            if connection.exec_driver_sql("SELECT count(*) FROM predictions").scalar() == 70:
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        with pytest.raises(StoreError, match="cannot be reached"):
            publish(store, run(version="4"), batches(70, mark="D"))
        event.remove(store.engine, "commit", _end)
        _check_old(store, 50)


def test_a_server_that_stops_is_reported_and_works_again_when_it_is_back(server: PostgresServer) -> None:
    with open_store(new_store(server)) as store:
        publish(store, run(), batches(50))

        def stopped() -> Iterator[Predictions]:
            yield from batches(3000, mark="D")
            server.get_postmaster_info().process.terminate()
            server.stop()

        with pytest.raises(StoreError, match="cannot be reached: start the server"):
            publish(store, run(version="4"), stopped())
        with pytest.raises(StoreError, match=r"read the latest run in .*cannot be reached"):
            latest_run(store)
        server.ensure_postgres_running()
        _check_old(store, 50)
        assert publish(store, run(version="4"), batches(60)).customers == 60
