"""The revision of a store's tables: looked at when a store is opened, changed by ``churn store migrate`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, delete, insert, inspect, select, text

from churn_mlops.errors import StoreError, StoreVersionError
from churn_mlops.store.database.advisory_locks import key_of, lock_beside
from churn_mlops.store.database.campaign_tables import METADATA
from churn_mlops.store.database.schema import HEAD, OLDEST_PROGRAM, SUPPORT, SUPPORT_TABLE, VERSION_TABLE

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

# As Alembic makes it, which keeps the revision there.
VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATE = "`churn store migrate`"
TABLE_WAIT_MS = 1000
"""Longest wait for a table of PostgreSQL, in milliseconds; servers and jobs that use it stand still meanwhile."""


@dataclass(frozen=True)
class TableState:
    """The tables of a store.

    Args:
        revision: of the tables, None where there are none.
        oldest_program: the oldest revision whose program works on them; None where only that of ``revision`` does.
    """

    revision: str | None
    oldest_program: str | None = None

    @property
    def fits(self) -> bool:
        """Whether this version of the program works on them."""
        newer = self.revision is not None and self.revision > HEAD
        return self.revision == HEAD or (newer and self.oldest_program is not None and self.oldest_program <= HEAD)

    def check(self, shown: str) -> None:
        """Make sure that this version of the program works on them.

        Args:
            shown: the address as it may be shown.

        Raises:
            StoreVersionError: it does not.
        """
        if self.fits:
            return
        if self.revision is None:
            raise StoreVersionError(f"the store {shown} has no tables yet: make them with {MIGRATE}")
        if self.revision < HEAD:
            raise StoreVersionError(
                f"the store {shown} was written by an older version of churn: its tables are of revision "
                f"{self.revision}, this version needs {HEAD}. Keep a backup, then run {MIGRATE}"
            )
        raise StoreVersionError(
            f"the store {shown} was written by a newer version of churn: its tables are of revision {self.revision}, "
            f"this version knows those up to {HEAD}. Install the newer version, or take the store back with its "
            f"`churn store migrate --to {HEAD}`"
        )


def table_state(connection: Connection) -> TableState:
    """The state of the store's tables."""
    there = inspect(connection)
    if not there.has_table(VERSION_TABLE):
        return TableState(None)
    found = connection.execute(select(VERSION.c.version_num)).scalar()
    if found == HEAD or not there.has_table(SUPPORT_TABLE):
        return TableState(found)
    return TableState(found, connection.execute(select(SUPPORT.c.oldest_program)).scalar())


def migrate(engine: Engine, file: Path | None, shown: str, to: str = HEAD) -> tuple[str | None, str]:
    """Run the migrations from the store's revision to ``to``, forward or back, in one transaction.

    A store without tables gets those of ``HEAD`` as they are declared, to which the migrations lead too.

    Args:
        engine: connects to the store.
        file: of an SQLite store.
        shown: the address as it may be shown.
        to: a revision that this version knows; tables of a newer release that it works on count as of ``HEAD``.

    Returns:
        the revision before and after; the first is None where there were no tables.

    Raises:
        StoreVersionError: this version does not know ``to``, or the revision that the store has.
        StoreError: a database without tables has another encoding than UTF-8.
    """
    with _alone(engine, file) as connection:
        state = table_state(connection)
        found = state.revision
        if to == HEAD and state.fits:  # also tables of a newer release that this version works on
            return found, str(found)
        if found is None:
            _check_encoding(connection, shown)
        if found is None and to == HEAD:
            _make(connection)
        elif found != to:
            _run(connection, found, to, shown)
    return found, to


@contextmanager
def _alone(engine: Engine, file: Path | None) -> Iterator[Connection]:
    """One transaction for all steps, while others who would migrate wait."""
    if file is None:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of("migration")})
            # All others queue behind a session that waits for a whole table, and a backup may hold it for minutes.
            connection.execute(text(f"SET LOCAL lock_timeout = {TABLE_WAIT_MS:d}"))
            yield connection
        return
    with lock_beside(file, "migration"), engine.connect() as connection:
        # Kept in the file; outside of a transaction, and refused while another connection has the file open.
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA journal_mode = WAL")
        with connection.begin():
            yield connection


def _check_encoding(connection: Connection, shown: str) -> None:
    """Customer IDs are of any script: a database of another encoding would refuse some, and a list with each."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StoreError(
            f"the database of the store {shown} is of the encoding {encoding}: make it with "
            "`createdb --encoding UTF8 --template template0`"
        )


def _make(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=False)
    VERSION.create(connection)
    connection.execute(insert(VERSION).values(version_num=HEAD))
    connection.execute(insert(SUPPORT).values(oldest_program=OLDEST_PROGRAM))


def _run(connection: Connection, found: str | None, to: str, shown: str) -> None:
    # Imported here: a store that is up to date, as that of a server that starts, needs no Alembic.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    known = {script.revision for script in scripts.walk_revisions()}
    if to not in known:
        raise StoreVersionError(f"there is no revision {to}: this version of churn knows {', '.join(sorted(known))}")
    if found is not None and found not in known:
        TableState(found).check(shown)
    back = found is not None and to < found

    def steps(from_revision: Any, _context: Any) -> Any:
        # As `alembic upgrade` and `alembic downgrade` do.
        return scripts._downgrade_revs(to, from_revision) if back else scripts._upgrade_revs(to, from_revision)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE)
        environment.run_migrations()
    _state_support(connection, scripts, to)


def _state_support(connection: Connection, scripts: ScriptDirectory, revision: str) -> None:
    """Write down the oldest program that works on the tables; earlier revisions have no place for it."""
    if not inspect(connection).has_table(SUPPORT_TABLE):
        return
    module: Any = scripts.get_revision(revision).module
    connection.execute(delete(SUPPORT))
    connection.execute(insert(SUPPORT).values(oldest_program=module.oldest_program))
