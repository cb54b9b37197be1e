"""A migration never makes servers wait long for a table, however long it has to wait for the table itself."""

from __future__ import annotations

import threading

import psycopg

from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.database.schema import HEAD
from churn_mlops.store.scoring.runs import latest_run
from tests.store.conftest import PostgresServer, new_database

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'answers'::regclass"


def test_requests_go_on_while_a_migration_waits_for_a_table_that_a_backup_reads(server: PostgresServer) -> None:
    address = new_database(server)
    migrate_store(address)
    migrate_store(address, "0007")
    migrating = threading.Thread(target=migrate_store, args=[address])
    with psycopg.connect(address) as backup, psycopg.connect(address, autocommit=True) as request:
        backup.execute("SELECT count(*) FROM answers")
        migrating.start()
        while request.execute(_WAITS).fetchone() == (0,):
            assert migrating.is_alive()
        request.execute("SET lock_timeout = '5s'")  # that of requests to a server
        request.execute("SELECT count(*) FROM answers")  # raises where the migration blocks the table
        backup.commit()
        migrating.join()
    with open_store(address) as store:
        assert latest_run(store) is None
    assert migrate_store(address) == (HEAD, HEAD)
