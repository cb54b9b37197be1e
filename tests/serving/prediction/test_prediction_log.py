"""Answers are kept off the path of requests, whatever becomes of the store meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from churn_mlops.errors import StoreError
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import Live, LiveSource
from churn_mlops.serving.prediction.prediction_log import Keeper, Said
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.store import Store, open_store
from churn_mlops.store.prediction_log import answers_of

ID = "{:032x}".format


@dataclass
class Door:
    """Opens the store while it is there; lets a test wait until a group was tried."""

    is_away: bool = False

    def __post_init__(self) -> None:
        self.tried = threading.Event()

    def __call__(self, address: str) -> Store:
        self.tried.set()
        if self.is_away:
            raise StoreError("the store cannot be reached")
        return open_store(address)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def link(tmp_path: Path, door: Door) -> Iterator[StoreLink]:
    ticks = iter(range(10**9))
    link = StoreLink(f"sqlite:///{tmp_path}/churn.db", door, lambda: float(next(ticks)))  # tries every time
    yield link
    link.close()


@pytest.fixture
def live(source: LiveSource) -> Live:
    assert source.current is not None
    return source.current


def said(live: Live, number: int, count: int = 1, **changed: Any) -> Said:
    made = Said(ID(number), 1.7e9, live, "2026-11-23", "local", [{"tenure": 1.5}] * count, [b"{}"] * count, count > 1)
    return made._replace(**changed)


def kept(link: StoreLink, number: int) -> int:
    return len(link.ask_now(lambda store: answers_of(store, ID(number))))


def test_what_was_said_is_in_the_store_once_it_is_counted_as_kept(link: StoreLink, live: Live) -> None:
    keeper = Keeper(link, 100, every=0.001)
    assert keeper.keep(said(live, 1))
    assert keeper.keep(said(live, 2, 30, customer="C1"))
    assert (keeper.waiting, keeper.kept) == (31, 0)
    keeper.start()
    keeper.close()
    assert (keeper.waiting, keeper.kept, keeper.dropped) == (0, 31, 0)
    assert (kept(link, 1), kept(link, 2)) == (1, 30)
    one = link.ask_now(lambda store: answers_of(store, f"{ID(2)}-7"))[0]
    assert (one.inputs, one.customer, one.model_version) == ('{"tenure":1.5}', "C1", "3")


def test_a_full_queue_drops_and_counts_and_never_waits(link: StoreLink, live: Live) -> None:
    keeper = Keeper(link, 5)
    assert [keeper.keep(said(live, number)) for number in range(7)] == [True] * 5 + [False] * 2
    assert not keeper.keep(said(live, 9, 3))
    assert (keeper.waiting, keeper.dropped) == (5, 5)


def test_what_waits_while_the_store_is_away_is_kept_when_it_is_back(link: StoreLink, live: Live, door: Door) -> None:
    door.is_away = True
    keeper = Keeper(link, 100, every=0.001)
    keeper.start()
    assert all(keeper.keep(said(live, number)) for number in range(20))
    assert door.tried.wait(10)
    assert (keeper.kept, keeper.waiting) == (0, 20)
    door.is_away = False
    keeper.close()
    assert (keeper.kept, keeper.dropped) == (20, 0)
    assert all(kept(link, number) == 1 for number in range(20))


def test_what_cannot_be_kept_before_the_end_is_counted_as_dropped_and_told(
    link: StoreLink, live: Live, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    door.is_away = True
    keeper = Keeper(link, 100, every=0.001, drain_seconds=0.05)
    keeper.keep(said(live, 1, 40))
    keeper.start()
    keeper.close()
    assert (keeper.waiting, keeper.kept, keeper.dropped) == (0, 0, 40)
    logged = capsys.readouterr()
    assert "answers were not kept" in logged.out + logged.err


def test_one_that_the_store_refuses_takes_no_other_with_it(link: StoreLink, live: Live) -> None:
    keeper = Keeper(link, 100, every=0.001)
    for number in range(5):
        keeper.keep(said(live, number, caller="a\x00b" if number == 2 else "local"))
    keeper.start()
    keeper.close()
    assert (keeper.kept, keeper.dropped, link.state) == (4, 1, "reachable")
    assert [kept(link, number) for number in range(5)] == [1, 1, 0, 1, 1]


def test_a_group_whose_commit_was_not_heard_of_is_kept_once(link: StoreLink, live: Live) -> None:
    """The store fails once after it has committed: the group is given again, and each answer stands there once."""
    failures = [StoreError("the connection broke")]
    ask = link.ask_now

    def asked(work: Callable[[Store], Any]) -> Any:
        answer = ask(work)
        if failures:
            raise failures.pop()
        return answer

    link.ask_now = asked  # type: ignore[method-assign]
    keeper = Keeper(link, 100, every=0.001)
    keeper.keep(said(live, 1, 10))
    keeper.start()
    keeper.close()
    assert (keeper.kept, keeper.dropped, kept(link, 1)) == (10, 0, 10)


def test_a_great_many_are_written_in_groups_of_a_thousand(link: StoreLink, live: Live) -> None:
    groups: list[int] = []

    @event.listens_for(link.ask_now(lambda store: store.engine), "before_cursor_execute")
    def _note(_c: Any, _x: Any, sql: str, rows: Any, *_: Any) -> None:
        if sql.startswith("INSERT INTO answers"):
            groups.append(len(rows))

    keeper = Keeper(link, 10_000, every=0.001)
    for number in range(2500):
        keeper.keep(said(live, number))
    keeper.keep(said(live, 5000, 3000))  # a batch is not torn apart
    keeper.start()
    keeper.close()
    assert groups == [1000, 1000, 3500]


def test_an_application_starts_and_drains_its_keeper(source, settings, link, customer) -> None:
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        ids = [client.post("/predict", json=customer).headers["X-Prediction-Id"] for _ in range(5)]
        batch = client.post("/predict/batch", json={"customers": [customer] * 4}).headers["X-Prediction-Id"]
    found = [link.ask_now(lambda store, id=id: answers_of(store, id)) for id in [*ids, batch]]
    assert [len(answers) for answers in found] == [1] * 5 + [4]


def test_predictions_go_on_while_the_store_is_away_and_it_is_told(source, settings, link, door, customer) -> None:
    door.is_away = True
    settings = settings.model_copy(update={"serving": settings.serving.model_copy(update={"answers_waiting": 3})})
    with TestClient(create_app(source, settings, store=link), base_url="http://localhost") as client:
        assert client.get("/ready").json()["store"] == "away"
        assert [client.post("/predict", json=customer).status_code for _ in range(5)] == [200] * 5
        assert door.tried.wait(10)
        ready = client.get("/ready")
        assert (ready.status_code, ready.json()["answers_waiting"], ready.json()["answers_dropped"]) == (200, 3, 2)
        told = client.get("/metrics").text
        assert "churn_answers_dropped_total 2.0" in told
        assert "churn_answers_waiting 3.0" in told
        assert client.get(f"/predictions/{ID(1)}").status_code == 503
        door.is_away = False
    assert link.state == "reachable"
