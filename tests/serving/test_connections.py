"""Connections to PostgreSQL: each names its program, and a server opens no more than it may."""

from __future__ import annotations

import http.client
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from tests.command import runner
from tests.serving.processes import folder, replica

__all__ = ["folder"]  # a fixture
WORKERS, CONNECTIONS = 2, 3
OTHERS = """
SELECT application_name FROM pg_stat_activity WHERE datname = current_database()
AND backend_type = 'client backend' AND state IS NOT NULL AND application_name <> 'counts'
"""
"""The connections of other programs: not autovacuum's, and not one that is starting, which has no name yet."""


def programs(address: str) -> Counter[str]:
    """How many connections each program has to the database at ``address``."""
    with psycopg.connect(address, application_name="counts") as connection:
        return Counter(name for (name,) in connection.execute(OTHERS))


def test_several_processes_of_a_server_open_no_more_connections_than_each_may_and_name_them(
    folder: Path, postgres_store: str, tmp_path: Path
) -> None:
    with open_store(postgres_store) as store:
        key, _ = make_key(store, "crm", "agent", by="test")
    settings = {
        "store__url": postgres_store,
        "store__connections": str(CONNECTIONS),
        "store__customer_hash_key": "secret",
        "serving__workers": str(WORKERS),
    }
    seen: list[Counter[str]] = []
    with replica(folder, tmp_path / "log", **settings) as port, ThreadPoolExecutor(12) as asking:
        for _ in range(5):
            answers = [asking.submit(_list, port, key) for _ in range(60)]
            seen.append(programs(postgres_store))
            assert {answer.result() for answer in answers} <= {200, 404, 503}
    assert {name for names in seen for name in names} == {"churn serve"}
    assert max(names["churn serve"] for names in seen) <= WORKERS * CONNECTIONS
    assert max(names["churn serve"] for names in seen) > 1


def _list(port: int, key: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/api/list", headers={"Authorization": f"Bearer {key}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_an_open_store_lets_a_further_caller_wait_for_a_connection(postgres_store: str) -> None:
    def slow(_number: int) -> int:
        with store.reading("wait") as connection:
            connection.exec_driver_sql("SELECT pg_sleep(0.02)")
            return sum(programs(postgres_store).values())

    while programs(postgres_store):  # of the program that made the tables, whose end PostgreSQL notices a little later
        pass
    with open_store(postgres_store, connections=CONNECTIONS) as store, ThreadPoolExecutor(9) as asking:
        counted = list(asking.map(slow, range(18)))
    assert max(counted) == CONNECTIONS


@pytest.mark.parametrize("given", [None, "nightly"])
def test_a_command_names_itself_to_postgresql_unless_a_name_is_given(
    given: str | None,
    postgres_store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHURN__STORE__URL", postgres_store)
    monkeypatch.delenv("PGAPPNAME", raising=False)
    if given is not None:
        monkeypatch.setenv("PGAPPNAME", given)
    with open_store(postgres_store), psycopg.connect(postgres_store, autocommit=True) as connection:
        connection.execute(_KEEP_NAMES)
    assert runner(monkeypatch, capsys)("keys", "create", "--name", "crm", "--role", "agent").code == 0
    with psycopg.connect(postgres_store) as connection:
        assert connection.execute("SELECT DISTINCT program FROM programs").fetchall() == [(given or "churn keys",)]
    assert os.environ.get("PGAPPNAME") == given


_KEEP_NAMES = """
CREATE TABLE programs (program text);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO programs VALUES (current_setting('application_name')); RETURN NEW; END $$;
CREATE TRIGGER keep BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION keep();
"""
"""A trigger that writes down which program makes a key."""
