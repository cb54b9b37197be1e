"""Answers are kept off the path of requests, whatever becomes of the store meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from churn_mlops.errors import StoreError
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.prediction.prediction_logger import LogStats, PredictionLogger
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.prediction_log import PredictionRecord, records_of

NOW, DAY = datetime(2026, 11, 23, 6, tzinfo=UTC), date(2026, 11, 23)
ID = "{:032x}".format


@dataclass
class Door:
    """Opens the store while it is there; lets a test wait until a group was tried."""

    is_down: bool = False

    def __post_init__(self) -> None:
        self.tried = threading.Event()

    def __call__(self, address: str) -> Store:
        self.tried.set()
        if self.is_down:
            raise StoreError("the store cannot be reached")
        return open_store(address)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def link(tmp_path: Path, door: Door) -> Iterator[StoreClient]:
    ticks = iter(range(10**9))
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db", door, lambda: float(next(ticks)))  # tries every time
    yield link
    link.close()


@pytest.fixture
def live(source: ModelSlot) -> ServedModel:
    assert source.current is not None
    return source.current


def records(number: int, count: int = 1, **changed: Any) -> list[PredictionRecord]:
    made = PredictionRecord(
        ID(number), NOW, DAY, "3", "f" * 64, "local", None, inputs='{"tenure":1.5}', answer="{}"
    )._replace(**changed)
    return [made] if count == 1 else [made._replace(id=f"{made.id}-{place}") for place in range(count)]


def kept(link: StoreClient, number: int) -> int:
    return len(link.ask_now(lambda store: records_of(store, ID(number))))


def test_an_answer_is_in_the_store_once_it_is_counted_as_kept(link: StoreClient, live: ServedModel) -> None:
    logger = PredictionLogger(link, 100, every=0.001)
    assert logger.log(records(1))
    assert logger.log(records(2, 30, customer="C1"))
    assert (logger.stats.waiting, logger.stats.kept) == (31, 0)
    logger.start()
    logger.close()
    assert logger.stats == LogStats(waiting=0, kept=31, dropped=0)
    assert (kept(link, 1), kept(link, 2)) == (1, 30)
    one = link.ask_now(lambda store: records_of(store, f"{ID(2)}-7"))[0]
    assert (one.inputs, one.customer, one.model_version) == ('{"tenure":1.5}', "C1", "3")


def test_a_full_queue_drops_and_counts_and_never_waits(link: StoreClient, live: ServedModel) -> None:
    logger = PredictionLogger(link, 5)
    assert [logger.log(records(number)) for number in range(7)] == [True] * 5 + [False] * 2
    assert not logger.log(records(9, 3))
    assert (logger.stats.waiting, logger.stats.dropped) == (5, 5)


def test_records_that_wait_while_the_store_is_unavailable_are_written_when_it_is_back(
    link: StoreClient, live: ServedModel, door: Door
) -> None:
    door.is_down = True
    logger = PredictionLogger(link, 100, every=0.001)
    logger.start()
    assert all(logger.log(records(number)) for number in range(20))
    assert door.tried.wait(10)
    assert (logger.stats.kept, logger.stats.waiting) == (0, 20)
    door.is_down = False
    logger.close()
    assert (logger.stats.kept, logger.stats.dropped) == (20, 0)
    assert all(kept(link, number) == 1 for number in range(20))


def test_records_that_cannot_be_written_before_the_end_are_counted_as_dropped_and_logged(
    link: StoreClient, live: ServedModel, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    door.is_down = True
    logger = PredictionLogger(link, 100, every=0.001, drain_seconds=0.05)
    logger.log(records(1, 40))
    logger.start()
    logger.close()
    assert logger.stats == LogStats(waiting=0, kept=0, dropped=40)
    logged = capsys.readouterr()
    assert "prediction_log_dropped" in logged.out + logged.err


def test_one_that_the_store_refuses_takes_no_other_with_it(link: StoreClient, live: ServedModel) -> None:
    logger = PredictionLogger(link, 100, every=0.001)
    for number in range(5):
        logger.log(records(number, caller="a\x00b" if number == 2 else "local"))
    logger.start()
    logger.close()
    assert (logger.stats.kept, logger.stats.dropped, link.state) == (4, 1, "reachable")
    assert [kept(link, number) for number in range(5)] == [1, 1, 0, 1, 1]


def test_a_group_whose_commit_was_not_heard_of_is_kept_once(link: StoreClient, live: ServedModel) -> None:
    """The store fails once after it has committed: the group is given again, and each answer stands there once."""
    failures = [StoreError("the connection broke")]
    ask = link.ask_now

    def asked(work: Callable[[Store], Any]) -> Any:
        answer = ask(work)
        if failures:
            raise failures.pop()
        return answer

    link.ask_now = asked  # type: ignore[method-assign]
    logger = PredictionLogger(link, 100, every=0.001)
    logger.log(records(1, 10))
    logger.start()
    logger.close()
    assert (logger.stats.kept, logger.stats.dropped, kept(link, 1)) == (10, 0, 10)


def test_a_great_many_are_written_in_groups_of_a_thousand(link: StoreClient, live: ServedModel) -> None:
    groups: list[int] = []

    @event.listens_for(link.ask_now(lambda store: store.engine), "before_cursor_execute")
    def _note(_c: Any, _x: Any, sql: str, rows: Any, *_: Any) -> None:
        if sql.startswith("INSERT INTO answers"):
            groups.append(len(rows))

    logger = PredictionLogger(link, 10_000, every=0.001)
    for number in range(2500):
        logger.log(records(number))
    logger.log(records(5000, 3000))  # a batch is not torn apart
    logger.start()
    logger.close()
    assert groups == [1000, 1000, 3500]


def test_an_application_starts_and_drains_its_keeper(source, settings, link, customer) -> None:
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        ids = [client.post("/predict", json=customer).headers["X-Prediction-Id"] for _ in range(5)]
        batch = client.post("/predict/batch", json={"customers": [customer] * 4}).headers["X-Prediction-Id"]
    found = [link.ask_now(lambda store, id=id: records_of(store, id)) for id in [*ids, batch]]
    assert [len(answers) for answers in found] == [1] * 5 + [4]


def test_predictions_go_on_while_the_store_is_unavailable_and_ready_and_metrics_show_it(
    source, settings, link, door, customer
) -> None:
    door.is_down = True
    settings = settings.model_copy(update={"serving": settings.serving.model_copy(update={"answers_waiting": 3})})
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        assert client.get("/ready").json()["store"] == "away"
        assert [client.post("/predict", json=customer).status_code for _ in range(5)] == [200] * 5
        assert door.tried.wait(10)
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["answers_waiting"], ready.json()["answers_dropped"]) == (200, 3, 2)
        metrics = client.get("/metrics").text
        assert "churn_answers_dropped_total 2.0" in metrics
        assert "churn_answers_waiting 3.0" in metrics
        assert client.get(f"/predictions/{ID(1)}").status_code == 503
        door.is_down = False
    assert link.state == "reachable"
