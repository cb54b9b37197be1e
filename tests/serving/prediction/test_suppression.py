"""An erased customer is suppressed: the server answers nothing about them, records nothing and logs nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from churn_mlops.config import Settings
from churn_mlops.errors import StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.pipelines.scoring.single_customer import CustomerRow
from churn_mlops.serving.api.customers import NO_ONE, ReadCustomer
from churn_mlops.serving.app import create_app
from churn_mlops.serving.prediction.prediction_logger import PredictionLogger
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck, reapply_lost_erasures
from churn_mlops.serving.resilience.store_client import THREADS, StoreClient, StoreUnavailableError
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.contacts import contacts
from churn_mlops.store.erasure import forget, holds
from churn_mlops.store.prediction_log import PredictionRecord, records_of
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import Tombstone, mark_of
from tests.find_customer_bytes import in_tables
from tests.store.builders import batch, run

LOCAL = "http://localhost"
KEY = "a key of our own"
NAME, OTHER = "Zyxomma-Petiolatum-77", "C000001"
SETTINGS = Settings.model_validate({"store": {"customer_hash_key": KEY}})
VALUES = {"tenure": 4.0, "monthly_charges": 65.5, "total_charges": None, "contract_type": "one_year", "senior": False}
CONTACT = {"offer": "20 % off for a year", "result": "accepted"}


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    on_server = request.param == "postgresql"
    address = str(request.getfixturevalue("postgres_store")) if on_server else f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.2])])
    return address


@pytest.fixture
def link(address: str) -> Iterator[StoreClient]:
    link = StoreClient(address)
    yield link
    link.close()


class Source:
    """Knows every customer, and remembers the customers it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, customer: str, bundle: Any) -> Any:
        if customer != NO_ONE:  # a server asks for no one when it opens the source
            self.asked.append(customer)
        return CustomerRow(VALUES, date(2026, 11, 23))


def client_of(source: Any, link: StoreClient, read: ReadCustomer | None, settings: Settings = SETTINGS) -> TestClient:
    return TestClient(create_app(source, settings, store=link, read_of_source=read), base_url=LOCAL)


def post(client: TestClient, key: str, customer: str, **more: str) -> Any:
    return client.post("/contacts", json={"customer_id": customer, **CONTACT, **more}, headers={"Idempotency-Key": key})


def erase_customer(address: str, key: str = KEY) -> None:
    with open_store(address) as store:
        forget(store, key, NAME, by="cli:anna")


def test_the_risk_of_an_erased_customer_is_not_found_and_the_source_is_not_asked(
    source: Any, link: StoreClient, address: str
) -> None:
    knows = Source()
    with client_of(source, link, knows) as client:
        assert client.get(f"/customers/{NAME}/risk").status_code == 200
        erase_customer(address)
        gone, other = client.get(f"/customers/{NAME}/risk"), client.get(f"/customers/{OTHER}/risk")
    assert (gone.status_code, other.status_code, knows.asked) == (404, 200, [NAME, OTHER])
    assert NAME not in gone.text
    with client_of(source, link, None) as client:
        assert client.get(f"/customers/{NAME}/risk").status_code == 404
        assert client.get(f"/predictions?customer={NAME}").json()["predictions"] == []


def test_a_contact_with_an_erased_customer_is_refused_and_earlier_ones_name_no_customer(
    source: Any, link: StoreClient, address: str
) -> None:
    with client_of(source, link, None) as client:
        first, other = post(client, "call-1", NAME), post(client, "call-2", OTHER)
        erase_customer(address)
        refused = [post(client, key, NAME) for key in ("call-1", "call-3")]
        listed = client.get("/contacts").json()["contacts"]
        assert post(client, "call-2", OTHER).content == other.content
    assert first.status_code == 201
    assert [answer.status_code for answer in refused] == [410, 410]
    assert refused[0].json()["fields"] == [{"field": "customer_id", "problem": "was erased"}]
    erased = {"customer_id": None, "prediction_id": None, "override_reason": None}
    assert listed == [first.json() | erased, other.json()]


def record(id: str, customer: str | None) -> PredictionRecord:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    return PredictionRecord(id, now, now.date(), "3", "f" * 64, "local", customer, "{}", '{"of": "them"}')


def test_a_record_that_waits_during_the_erasure_of_its_customer_is_not_written(
    source: Any, link: StoreClient, address: str
) -> None:
    logger = PredictionLogger(link, 100, every=0.001, hash_key=KEY)
    for id, customer in (("a" * 32, NAME), ("b" * 32, OTHER), ("c" * 32, None)):
        assert logger.log([record(id, customer)])
    erase_customer(address)
    logger.start()
    logger.close()
    assert (logger.stats.kept, logger.stats.dropped, logger.stats.waiting) == (2, 1, 0)
    with open_store(address) as store:
        assert [len(records_of(store, id * 32)) for id in "abc"] == [0, 1, 1]


def test_an_answer_about_an_erased_customer_while_the_store_is_unavailable_is_written_nowhere(
    source: Any, address: str
) -> None:
    erase_customer(address)
    away = [True]

    def opener(address: str) -> Store:
        if away[0]:
            raise StoreError("the store cannot be reached")
        return open_store(address)

    link = StoreClient(address, opener, clock=_always_later())
    with client_of(source, link, Source()) as client:
        answers = [client.get(f"/customers/{name}/risk") for name in (NAME, OTHER)]
        away[0] = False
    link.close()
    assert [answer.status_code for answer in answers] == [200, 200]
    with open_store(address) as store:
        kept = [records_of(store, answer.headers["X-Prediction-Id"]) for answer in answers]
        assert [len(one) for one in kept] == [0, 1]
        assert NAME not in str(contacts(store, limit=10))


@contextmanager
def stuck(address: str, link: StoreClient) -> Iterator[None]:
    """Every thread of ``client`` waits for a lock that another program holds, as a long write does."""
    other, ended = open_store(address), threading.Semaphore(0)
    is_file = other.file is not None
    with closing(other), other.engine.connect() as connection:
        connection = connection.execution_options(churn_writes=is_file)
        with connection.begin():
            if not is_file:
                connection.execute(text("LOCK TABLE answers IN ACCESS EXCLUSIVE MODE"))
            asyncio.run(_ask_in_vain(link, ended))
            yield
    assert all(ended.acquire(timeout=30) for _ in range(THREADS))


async def _ask_in_vain(link: StoreClient, ended: threading.Semaphore) -> None:
    def work(store: Store) -> None:
        try:
            with store.writing("wait for the lock") as connection:
                connection.execute(text("SELECT count(*) FROM answers"))
        finally:
            ended.release()

    asked = [link.ask(work, 0.3) for _ in range(THREADS)]
    assert [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)] == [
        StoreUnavailableError
    ] * THREADS
    with pytest.raises(StoreUnavailableError):
        await link.ask(lambda store: None)


def test_while_every_thread_waits_for_a_lock_an_erased_customer_is_not_found(
    source: Any, link: StoreClient, address: str
) -> None:
    erase_customer(address)
    knows = Source()
    with client_of(source, link, knows) as client, stuck(address, link):
        gone, other = client.get(f"/customers/{NAME}/risk"), client.get(f"/customers/{OTHER}/risk")
    assert (gone.status_code, other.status_code, knows.asked) == (404, 200, [OTHER])


def test_an_erasure_while_a_server_runs_is_known_to_it_with_the_next_reading(link: StoreClient, address: str) -> None:
    check = SuppressionCheck(link, KEY)

    async def asked_while_stuck() -> list[bool]:
        return [await check.holds(name) for name in (NAME, OTHER)]

    asyncio.run(check.refresh())
    erase_customer(address)
    asyncio.run(check.refresh())
    with stuck(address, link):
        assert asyncio.run(asked_while_stuck()) == [True, False]
        asyncio.run(check.refresh())
        assert asyncio.run(asked_while_stuck()) == [True, False]


def test_a_customer_that_the_store_once_reported_as_erased_is_known_from_then_on(
    link: StoreClient, address: str
) -> None:
    check = SuppressionCheck(link, KEY)
    asyncio.run(check.refresh())
    erase_customer(address)
    assert asyncio.run(check.holds(NAME))
    with stuck(address, link):
        assert asyncio.run(check.holds(NAME))
        assert not asyncio.run(check.holds(OTHER))


def test_a_server_that_starts_while_the_store_is_unavailable_reads_the_file_of_tombstones(
    source: Any, tmp_path: Path
) -> None:
    def away(address: str) -> Store:
        raise StoreError("the store cannot be reached")

    file = tmp_path / "tombstones.jsonl"
    TombstoneFile(file).add([Tombstone(customer_hash(KEY, NAME), mark_of(KEY), datetime(2026, 11, 1, tzinfo=UTC))])
    settings = Settings.model_validate({"store": {"customer_hash_key": KEY, "tombstones": str(file)}})
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db", away)
    knows = Source()
    with client_of(source, link, knows, settings) as client:
        assert client.get(f"/customers/{NAME}/risk").status_code == 404
    assert knows.asked == []
    file.write_text("broken\n")
    with client_of(source, link, Source(), settings) as client:  # it still starts
        assert client.get("/health").status_code == 200
    link.close()


def _always_later() -> Callable[[], float]:
    """A clock by which the store may be tried again immediately."""
    seconds = [0.0]

    def tick() -> float:
        seconds[0] += 10
        return seconds[0]

    return tick


def test_under_another_key_nothing_is_answered_or_recorded_by_customer_id_and_one_error_is_logged(
    source: Any, link: StoreClient, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    knows = Source()
    with client_of(source, link, knows) as client:
        assert post(client, "call-1", OTHER).status_code == 201
    erase_customer(address, "the key before")
    with client_of(source, link, knows) as client:
        risks = [client.get(f"/customers/{name}/risk") for name in (NAME, OTHER, OTHER)]
        refused = [post(client, key, name) for key, name in (("call-2", NAME), ("call-3", OTHER))]
        predicted = client.post("/predict", json=VALUES)
    assert [answer.status_code for answer in risks + refused] == [503] * 5
    assert {answer.json()["error"] for answer in risks + refused} == {OtherHashKeyError().error}
    assert "store.customer_hash_key" in OtherHashKeyError().error
    assert (predicted.status_code, knows.asked) == (200, [])
    with open_store(address) as store:
        assert [one.customer for one in contacts(store, limit=10)] == [OTHER]
        assert len(records_of(store, predicted.headers["X-Prediction-Id"])) == 1
    assert "".join(capsys.readouterr()).count("store.customer_hash_key is another") == 1


def test_under_another_key_no_record_with_a_customer_id_is_written(
    source: Any, link: StoreClient, address: str
) -> None:
    erase_customer(address, "the key before")
    logger = PredictionLogger(link, 100, every=0.001, hash_key=KEY)
    for id, customer in (("a" * 32, NAME), ("b" * 32, OTHER), ("c" * 32, None)):
        assert logger.log([record(id, customer)])
    logger.start()
    logger.close()
    assert (logger.stats.kept, logger.stats.dropped, logger.stats.waiting) == (1, 2, 0)
    with open_store(address) as store:
        assert [len(records_of(store, id * 32)) for id in "abc"] == [0, 0, 1]


def test_a_key_that_is_found_to_be_another_between_two_readings_is_refused_too(
    source: Any, link: StoreClient, address: str
) -> None:
    knows = Source()
    with client_of(source, link, knows) as client:
        erase_customer(address, "the key before")
        assert client.get(f"/customers/{OTHER}/risk").status_code == 503
        assert post(client, "call-1", OTHER).status_code == 503
    assert knows.asked == []
    with open_store(address) as store:
        assert contacts(store, limit=10) == []


def test_no_line_of_the_log_names_an_erased_customer(
    source: Any, link: StoreClient, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    erase_customer(address)
    with client_of(source, link, Source()) as client:
        client.get(f"/customers/{NAME}/risk")
        post(client, "call-1", NAME)
    logged = "".join(capsys.readouterr())
    assert "/contacts" in logged
    assert NAME not in logged
    with open_store(address) as store:
        assert [event.event for event in audit_events(store)] == ["customer.forgotten"]
        assert [table for table in in_tables(store, NAME) if table != "pg_stats"] == []


def test_erasures_are_reapplied_to_a_restored_backup_when_the_server_starts(
    source: Any, address: str, link: StoreClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tombstones.jsonl"
    TombstoneFile(file).add([Tombstone(customer_hash(KEY, NAME), mark_of(KEY), datetime(2026, 11, 1, tzinfo=UTC))])
    given = {"customer_hash_key": KEY, "tombstones": str(file)}
    assert any(link.ask_now(lambda store: holds(store, NAME)).values())
    other_key = Settings.model_validate({"store": given | {"customer_hash_key": "another"}})
    reapply_lost_erasures(other_key, link)
    assert any(link.ask_now(lambda store: holds(store, NAME)).values())
    reapply_lost_erasures(Settings.model_validate({"store": given}), link)
    assert not any(link.ask_now(lambda store: holds(store, NAME)).values())
    assert any(link.ask_now(lambda store: holds(store, OTHER)).values())
    logged = capsys.readouterr()
    assert "another than the one under which" in logged.out + logged.err
    assert NAME not in logged.out + logged.err
    with client_of(source, link, Source()) as client:
        assert client.get(f"/customers/{NAME}/risk").status_code == 404
