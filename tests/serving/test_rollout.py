"""Servers of two releases share a store during a rollout; a server that cannot work on the store gets no traffic."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text, update

from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.contacts import contacts
from churn_mlops.store.database.migrate import MIGRATIONS
from churn_mlops.store.database.schema import SUPPORT, VERSION_TABLE
from tests.serving.processes import ROOT, ask, folder, program_before, replica

__all__ = ["folder"]  # a fixture
SETTINGS = {"store__customer_hash_key": "secret", "serving__key_refresh_seconds": "0.1"}


def record(port: int, key: str, number: int) -> int:
    """The status of a contact with the customer ``number``."""
    body = {"customer_id": f"C{number}", "offer": "20 % off", "result": "accepted"}
    return ask(port, key, "POST", "/contacts", body, {"Idempotency-Key": f"call-{number}"})[0]


def test_servers_of_two_releases_work_on_one_store_and_an_old_one_is_ready_again_after_a_restart(
    folder: Path, postgres_store: str, tmp_path: Path
) -> None:
    old = program_before(tmp_path / "before")
    settings = SETTINGS | {"store__url": postgres_store}
    with open_store(postgres_store) as store:
        key, _ = make_key(store, "crm", "service", by="test")
    migrate_store(postgres_store, list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[1].revision)
    programs = [old, ROOT / "src", old]  # the last one starts when the tables are new already
    acknowledged = []
    with ExitStack() as running:
        ports = []
        for number, program in enumerate(programs):
            ports.append(running.enter_context(replica(folder, tmp_path / f"{number}.log", program, **settings)))
            if number == 0:
                migrate_store(postgres_store)
            for port in ports:
                assert ask(port, key, "GET", "/ready")[0] == 200
                assert ask(port, key)[0] == 200
                assert record(port, key, len(acknowledged)) == 201
                acknowledged.append(f"call-{len(acknowledged)}")
    with open_store(postgres_store) as store:
        assert [one.key for one in contacts(store, limit=100)] == acknowledged


def test_a_server_that_cannot_work_on_the_tables_is_not_ready(
    folder: Path, postgres_store: str, tmp_path: Path
) -> None:
    with open_store(postgres_store) as store:
        key, _ = make_key(store, "crm", "service", by="test")
        with store.writing("age it") as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
            connection.execute(update(SUPPORT).values(oldest_program="9999"))
    settings = SETTINGS | {"store__url": postgres_store}
    with replica(folder, tmp_path / "log", **settings) as port:
        assert [ask(port, None, "GET", path)[0] for path in ("/health", "/ready")] == [200, 503]
        assert ask(port, key)[0] == 503
