"""Keys are known without the store for ten minutes, and new and revoked ones are noticed in time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.errors import StoreError
from churn_mlops.serving.access.audit_log import AuditLog
from churn_mlops.serving.access.credential_cache import (
    OUTLIVE_SECONDS,
    READ_SECONDS,
    REFRESH_SECONDS,
    STALE_SECONDS,
    CredentialCache,
)
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import RETRY_SECONDS, StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.access.api_keys import list_keys, make_key, revoke_key
from churn_mlops.store.access.credentials import Credentials, credentials
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import any_customer, bearer


class Switched(StoreClient):
    """The store, until it is switched off; with a clock of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.is_down, self.now, self.asked = False, 1000.0, 0
        super().__init__(f"sqlite:///{folder}/churn.db", clock=lambda: self.now)

    def ask_now(self, work):  # type: ignore[no-untyped-def]
        self.asked += 1
        if self.is_down:
            raise StoreError("away")
        return super().ask_now(work)


@pytest.fixture
def link(tmp_path: Path) -> Switched:
    return Switched(tmp_path)


def client_of(link: Switched, source: ModelSlot, *, local_only: bool = True) -> TestClient:
    """Without its background task: every reading is one that a request asked for."""
    access = CredentialCache(link, clock=lambda: link.now)
    app = create_app(source, Settings(), store=link, access=access, local_only=local_only, read_of_source=any_customer)
    return TestClient(app, base_url="http://localhost")


def status(client: TestClient, key: str | None = None, path: str = "/model") -> int:
    return client.get(path, headers={} if key is None else bearer(key)).status_code


def made(link: Switched, name: str = "crm", role: str = "admin") -> tuple[str, str]:
    secret, key = link.ask_now(lambda store: make_key(store, name, role, by="test"))
    return secret, key.id


def test_without_keys_this_machine_may_everything_until_the_first_key(link: Switched, source: ModelSlot) -> None:
    client = client_of(link, source)
    assert status(client) == status(client, path="/metrics") == 200
    assert client.get("/model", headers={"Host": "churn.example.com"}).status_code == 400
    secret, _ = made(link)
    link.now += STALE_SECONDS + 0.1
    assert (status(client), status(client, secret)) == (401, 200)


def test_without_keys_no_other_machine_is_let_in(link: Switched, source: ModelSlot) -> None:
    client = client_of(link, source, local_only=False)
    answer = client.get("/model")
    assert answer.status_code == 503
    assert "churn keys create" in answer.json()["error"]
    assert status(client, path="/health") == 200
    secret, _ = made(link)
    link.now += STALE_SECONDS + 0.1
    assert status(client, secret) == 200


def test_a_store_that_was_never_read_lets_no_request_in(link: Switched, source: ModelSlot) -> None:
    link.is_down = True
    client = client_of(link, source)
    answer = client.get("/model")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert (status(client, "churn_any"), status(client, path="/health"), status(client, path="/ready")) == (
        503,
        200,
        503,
    )
    link.is_down = False
    link.now += RETRY_SECONDS + STALE_SECONDS
    assert status(client, path="/ready") == 200


def test_known_keys_outlive_the_store_for_ten_minutes_and_unknown_ones_are_not_called_wrong(
    link: Switched, source: ModelSlot
) -> None:
    secret, _ = made(link)
    client = client_of(link, source)
    assert (status(client, secret), status(client, "churn_unknown")) == (200, 401)
    link.is_down = True
    for seconds in (STALE_SECONDS + 0.1, OUTLIVE_SECONDS - STALE_SECONDS - 1):
        link.now += seconds
        assert (status(client, secret), status(client, "churn_unknown"), status(client)) == (200, 503, 401)
    assert status(client, path="/ready") == 200
    link.now += 2
    assert (status(client, secret), status(client, path="/ready")) == (503, 503)
    link.is_down = False
    link.now += RETRY_SECONDS + STALE_SECONDS
    assert (status(client, secret), status(client, "churn_unknown")) == (200, 401)


def test_a_revoked_key_is_refused_before_five_seconds_are_over_even_where_no_reading_ran_by_itself(
    link: Switched, source: ModelSlot
) -> None:
    secret, key_id = made(link)
    client = client_of(link, source)
    assert status(client, secret) == 200
    link.ask_now(lambda store: revoke_key(store, key_id, by="test"))
    link.now += STALE_SECONDS + 0.001
    assert status(client, secret) == 401
    assert REFRESH_SECONDS + READ_SECONDS < STALE_SECONDS < 5


def test_a_known_key_costs_no_look_at_the_store_and_a_flood_of_unknown_ones_few(
    link: Switched, source: ModelSlot
) -> None:
    secret, _ = made(link)
    client = client_of(link, source)
    status(client, secret)
    link.asked = 0
    for _ in range(50):
        status(client, secret)
    assert link.asked == 0
    assert {status(client, f"churn_{number}") for number in range(50)} == {401}
    assert link.asked <= 10


def test_parallel_requests_share_one_reading(link: Switched) -> None:
    access = CredentialCache(link, clock=lambda: link.now)

    async def many() -> None:
        await asyncio.gather(*(access.refresh() for _ in range(20)))

    asyncio.run(many())
    assert link.asked == 1


def test_while_the_store_is_unavailable_audit_events_wait_and_stand_in_the_log(
    link: Switched, source: ModelSlot, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, _ = made(link)
    client = client_of(link, source)
    assert status(client, secret) == 200
    link.is_down = True
    assert status(client, secret, "/customers/C017-secret/risk") == 200
    logged = capsys.readouterr()
    assert "customer.read" in logged.out + logged.err
    assert "C017-secret" not in logged.out + logged.err


def test_waiting_events_are_written_once_the_store_is_back_and_too_many_stop_the_reading(link: Switched) -> None:
    audit = AuditLog(link, "key", most_waiting=2)

    async def story() -> None:
        link.is_down = True
        for _ in range(2):
            await audit.record("key:crm", "customer.read", "C1", {})
        with pytest.raises(Exception, match="the audit log cannot be written"):
            await audit.record("key:crm", "customer.read", "C1", {})
        await audit.flush()
        assert len(audit.waiting) == 2
        link.is_down = False
        await audit.flush()

    asyncio.run(story())
    assert not audit.waiting
    with open_store(link._address) as store:
        assert [event.event for event in audit_events(store)] == ["customer.read"] * 2


def test_an_admin_key_out_of_a_file_is_taken_in_with_the_first_reading(link: Switched) -> None:
    secret = "churn_" + "ab" * 32
    access = CredentialCache(link, admin_key=secret, clock=lambda: link.now)
    assert not access.snapshot.is_open
    asyncio.run(access.refresh())
    assert [key.role for key in link.ask_now(list_keys)] == ["admin"]


def test_events_that_cannot_be_written_do_not_keep_the_keys_from_being_read(
    link: Switched, source: ModelSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Semaphore(0)

    async def hangs(self: AuditLog) -> None:
        await asyncio.sleep(3600)

    def counted(store: Store, **given: Any) -> Credentials:
        read.release()
        return credentials(store, **given)

    monkeypatch.setattr(AuditLog, "flush", hangs)
    monkeypatch.setattr("churn_mlops.serving.access.credential_cache.credentials", counted)
    access = CredentialCache(link, refresh_seconds=0.01)
    with TestClient(create_app(source, Settings(), store=link, access=access), base_url="http://localhost"):
        assert all(read.acquire(timeout=30) for _ in range(5))
        monkeypatch.undo()  # the last flush, at the end, is not to hang
