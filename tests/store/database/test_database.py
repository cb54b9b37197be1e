"""A store is made where there is none, brought up to date by one program at a time, and says what is wrong."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from churn_mlops.errors import StoreBusyError, StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.campaign_tables import METADATA
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.database.migrate import MIGRATIONS, TableState, table_state
from churn_mlops.store.database.schema import HEAD, VERSION_TABLE
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run, published_dates
from tests.store.builders import DAY, batches, run
from tests.store.conftest import PostgresServer, new_database, new_store
from tests.surface import record
from tests.surface import store as tables


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_the_migrations_make_the_tables_that_the_code_declares(store: Store) -> None:
    with store.reading("look") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []
        assert table_state(connection) == TableState(HEAD)


def test_the_tables_on_postgresql_are_as_they_were_recorded(server: PostgresServer) -> None:

    record.check("store_postgresql", tables.described(new_store(server)))


def test_opening_again_changes_nothing_and_needs_no_alembic(address: str) -> None:
    with open_store(address) as store:
        published = publish(store, run(), batches(3))
    script = (
        "import sys\nfrom churn_mlops.store import open_store\nfrom churn_mlops.store.scoring.runs import latest_run\n"
        f"with open_store({address!r}) as store: print(latest_run(store).customers)\n"
        "print([name for name in ('alembic', 'numpy', 'pyarrow', 'pandas', 'duckdb') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["3", "[]"]
    with open_store(address) as store:
        assert latest_run(store) == published


def test_many_may_open_a_new_store_in_parallel(address: str) -> None:
    def opened(_: int) -> list[object]:
        with open_store(address) as store:
            return list(published_dates(store))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [[]] * 4


def test_an_sqlite_store_keeps_its_log_beside_it_and_its_keys(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/deep/er/churn.db") as store, store.reading("look") as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys")
        }
        assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
        assert store.file == tmp_path / "deep/er/churn.db"


def test_a_relative_address_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///store/churn.db") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        publish(store, run(), batches(2))
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_a_postgresql_address_is_taken(server: PostgresServer, scheme: str) -> None:

    address = new_store(server).replace("postgresql", scheme, 1)
    with open_store(address) as store:
        assert published_dates(store) == []
        assert "***" in store.shown
        assert address not in repr(store)


def _not_a_database(folder: Path) -> str:
    (folder / "churn.db").write_text("customer,churned\n" * 100)
    return f"sqlite:///{folder}/churn.db"


def _below_a_file(folder: Path) -> str:
    (folder / "store").write_text("")
    return f"sqlite:///{folder}/store/churn.db"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (lambda _: "mysql://u:hunter2@host/db", "store.url, mysql://.*of no kind.*postgresql://user:password@host"),
        (lambda _: "nonsense hunter2", "is no address of a database"),
        (lambda _: "postgresql://u:hunter2@host:port/db", "is no address of a database"),
        (lambda _: "sqlite://", "names no file: write sqlite:///path"),
        (lambda _: "sqlite:///:memory:", "names no file"),
        (lambda _: "postgresql://u:hunter2@127.0.0.1:1/db", "127.0.0.1:1/db: it cannot be reached: start the server"),
        (_not_a_database, "the file is no SQLite database: set store.url"),
        (_below_a_file, "cannot be made .*: make it, or set store.url"),
        (lambda folder: f"sqlite:///{folder}", "it cannot be opened: make its folder"),
    ],
)
def test_what_cannot_be_opened_says_where_and_what_to_do(
    tmp_path: Path, address: Callable[[Path], str], said: str
) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        open_store(address(tmp_path))
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_is_not_there_says_how_to_make_it(server: PostgresServer) -> None:
    with pytest.raises(StoreError, match="there is no such database: make it with createdb"):
        open_store(server.get_uri(database="nowhere"))


def test_a_user_without_rights_learns_which_are_needed(server: PostgresServer) -> None:

    address = new_store(server)
    server.psql("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
    with pytest.raises(StoreError, match="this user may not do that: grant it"):
        open_store(address.replace("postgres:@", "reader:@"))


def test_a_look_at_an_empty_database_names_the_command_of_its_owner(server: PostgresServer) -> None:
    server.psql("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
    look = inspect_store(new_database(server).replace("postgres:@", "reader:@"))
    assert look.obstacle is not None
    assert "`churn store migrate` with the database's owner" in look.obstacle


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Be a user whose permissions count, unlike those of root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def readonly() -> Iterator[Path]:
    """A folder that another user may read, and root alone may write, with a store in it."""
    with tempfile.TemporaryDirectory(prefix="churn-readonly-") as name:  # pytest's own folder keeps others out
        folder = Path(name)
        with open_store(f"sqlite:///{folder}/churn.db"):
            pass
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_says_so(readonly: Path) -> None:
    with ordinary_user():
        with (
            pytest.raises(StoreError, match=r"churn\.db: it cannot be (opened|written): make"),
            _opened(readonly) as store,
        ):
            publish(store, run(), batches(2))
        with (
            pytest.raises(StoreError, match=r"new, cannot be made \(Permission denied\): make it"),
            _opened(readonly / "new"),
        ):
            pass


def _opened(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder}/churn.db")


def test_a_file_that_is_deleted_while_it_is_open_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        publish(store, run(), batches(2))

        def gone() -> object:
            yield from batches(3, mark="D")
            (tmp_path / "churn.db").unlink()

        with pytest.raises(StoreError, match="is gone: put it back or run again"):
            publish(store, run(DAY), gone())  # type: ignore[arg-type]


def test_a_file_that_is_emptied_while_it_is_open_keeps_nothing_even_after_it_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "churn.db"
    with open_store(f"sqlite:///{file}") as store:
        publish(store, run(), batches(2))
        content = file.read_bytes()
        for emptied in (b"", content):
            file.write_bytes(emptied)
            with pytest.raises(StoreError, match="was emptied; nothing was kept: stop all servers"):
                publish(store, run(DAY), batches(3))


def test_another_program_that_writes_too_long_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "churn.db"
    with (
        open_store(f"sqlite:///{file}") as store,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        event.listen(store.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout = 1"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError, match="another program has been writing to it for too long"):
            publish(store, run(), batches(2))
        other.execute("ROLLBACK")
        assert publish(store, run(), batches(2)).customers == 2
