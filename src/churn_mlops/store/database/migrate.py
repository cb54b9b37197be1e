"""Bringing the tables of a store up to date, by one program at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from churn_mlops.errors import StoreError
from churn_mlops.store.database.advisory_locks import key_of, lock_beside
from churn_mlops.store.database.schema import HEAD, METADATA, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, file: Path | None, shown: str) -> None:
    """Run the migrations that the store has not had; a store that is up to date is only looked at.

    Args:
        engine: connects to the store.
        file: of an SQLite store.
        shown: the address as it may be shown.

    Raises:
        StoreError: the store was written by a newer version of this program.
    """
    with engine.connect() as connection:
        if revision(connection) == HEAD:
            return
    with _alone(engine, file) as connection:
        found = revision(connection)
        if found != HEAD:
            _upgrade(connection, found, shown)


def revision(connection: Connection) -> str | None:
    """The revision of the store's tables, None where there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()


@contextmanager
def _alone(engine: Engine, file: Path | None) -> Iterator[Connection]:
    """One transaction for all steps, while others who would migrate wait."""
    if file is None:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of("migration")})
            yield connection
        return
    with lock_beside(file, "migration"), engine.connect() as connection:
        # Kept in the file; outside of a transaction, and refused while another connection has the file open.
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA journal_mode = WAL")
        with connection.begin():
            yield connection


def _upgrade(connection: Connection, found: str | None, shown: str) -> None:
    # Imported here: a store that is up to date, as that of a server that starts, needs no Alembic.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"the store {shown} was written by a newer version of churn: its tables are of revision {found}, this "
            f"version knows those up to {HEAD}. Install the newer version, or set store.url to another store"
        )

    def steps(from_revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs(HEAD, from_revision)  # as `alembic upgrade` does

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE)
        environment.run_migrations()
