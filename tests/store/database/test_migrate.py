"""Migrations: forward and back with rows in the tables, and which programs work on which tables."""

from __future__ import annotations

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, insert, text, update

from churn_mlops.errors import StoreError, StoreVersionError
from churn_mlops.store import Store, migrate_store, open_store
from churn_mlops.store.campaigns.notes import add_note, notes_of
from churn_mlops.store.contacts import NewContact, contacts, record_contact
from churn_mlops.store.database import migrate
from churn_mlops.store.database.migrate import MIGRATIONS, TableState, table_state
from churn_mlops.store.database.schema import CONTACTS, HEAD, METADATA, OLDEST_PROGRAM, SUPPORT, VERSION_TABLE
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.store.builders import NOW, batches, run
from tests.store.conftest import PostgresServer, new_database
from tests.surface import store as tables

FIRST_WITH_SUPPORT = "0009"


def revisions() -> list[str]:
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def set_revision(store: Store, revision: str, oldest_program: str | None) -> None:
    """Let the store look as a newer version left it."""
    with store.writing("age it") as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))
        if oldest_program is None:
            connection.execute(delete(SUPPORT))
        else:
            connection.execute(update(SUPPORT).values(oldest_program=oldest_program))


def assert_as_declared(address: str) -> None:
    """The tables are those that the code declares."""
    with open_store(address) as store, store.reading("look") as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_every_migration_leads_back_to_the_first_and_forward_again(address: str) -> None:
    with open_store(address) as store:
        published = publish(store, run(), batches(3))
        add_note(store, "C1", "called back", by="anna")
        kept = notes_of(store, "C1")
    for revision in revisions()[:-1][::-1]:
        migrate_store(address, revision)
        with pytest.raises(StoreVersionError, match=rf"older version of churn: .* of revision {revision}, .* {HEAD}"):
            open_store(address)
        if revision == "0004":  # the earliest that has notes
            migrate_store(address)
            with open_store(address) as store:
                assert notes_of(store, "C1") == kept
            migrate_store(address, revision)
    assert migrate_store(address) == ("0001", HEAD)
    assert_as_declared(address)
    with open_store(address) as store:
        assert latest_run(store) == published


def test_a_store_of_the_first_revision_is_brought_up_to_date_with_all_it_holds(address: str) -> None:
    with open_store(address) as store:
        published = publish(store, run(), batches(3))
        with store.writing("go back") as connection:
            for table in reversed(METADATA.sorted_tables):
                if table.name not in ("scoring_runs", "predictions", "outcomes", "outcome_changes"):
                    table.drop(connection)
            for column in ("asked_for", "newest_row", "shadow_version", "shadow_sha256", "shadow_seconds"):
                connection.execute(text(f"ALTER TABLE scoring_runs DROP COLUMN {column}"))
            for column in ("campaign_id", "why_not", "shadow_score"):
                connection.execute(text(f"ALTER TABLE predictions DROP COLUMN {column}"))
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    assert migrate_store(address) == ("0001", HEAD)
    assert_as_declared(address)
    with open_store(address) as store:
        assert latest_run(store) == published


def test_contacts_of_an_earlier_revision_are_kept(address: str) -> None:
    old = {
        "key": "call-1",
        "request_sha256": "a" * 64,
        "customer": "C1",
        "at": NOW,
        "offer": "20 % off",
        "result": "accepted",
        "caller": "key:crm",
        "recorded_at": NOW,
    }
    with open_store(address) as store:
        migrate_store(address, "0003")
        with store.writing("record a contact as before") as connection:
            connection.execute(insert(CONTACTS).values(old))
    migrate_store(address)
    assert_as_declared(address)
    with open_store(address) as store:
        [kept] = contacts(store, limit=10)
        assert (kept.id, kept.key, kept.channel, kept.dismissal, kept.at) == (1, "call-1", "api", None, NOW)
        new = NewContact("call-2", "b" * 64, "C1", NOW, "20 % off", "not_offered", "key:crm", dismissal="bad_time")
        assert record_contact(store, new)[0].id == 2


def test_the_migrations_lead_to_the_tables_that_a_new_store_gets(address: str) -> None:
    migrate_store(address)
    made = tables.described(address)
    migrate_store(address, "0001")
    migrate_store(address)
    assert tables.described(address) == made


def test_opening_a_server_without_tables_makes_none(server: PostgresServer) -> None:
    address = new_database(server)
    with pytest.raises(StoreVersionError, match="has no tables yet: make them with `churn store migrate`"):
        open_store(address)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert migrate_store(address) == (None, HEAD)
    with open_store(address) as store:
        assert latest_run(store) is None


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_name_gets_no_tables(server: PostgresServer, encoding: str) -> None:
    address = new_database(server)
    name = f"encoding_{encoding.lower()}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(StoreError, match=f"is of the encoding {encoding}: make it with"):
        migrate_store(server.get_uri(database=name))


def test_opening_needs_no_right_to_make_tables(server: PostgresServer) -> None:
    address = new_database(server)
    migrate_store(address)
    with psycopg.connect(address) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
        connection.execute("DROP ROLE IF EXISTS serving")
        connection.execute("CREATE ROLE serving LOGIN")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO serving")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO serving")
    with open_store(address.replace("postgres:", "serving:", 1)) as store:
        add_note(store, "C1", "called back", by="anna")
    with psycopg.connect(address) as connection:
        connection.execute("DROP OWNED BY serving")
        connection.execute("DROP ROLE serving")


@pytest.mark.parametrize("oldest", [HEAD, "0001"])
def test_tables_of_a_newer_version_that_still_supports_this_program_are_opened(store: Store, oldest: str) -> None:
    set_revision(store, "9999", oldest)
    assert migrate_store(store.address) == ("9999", "9999")  # as the migration of a release that is taken back
    with open_store(store.address) as opened:
        assert latest_run(opened) is None


@pytest.mark.parametrize("oldest", ["9999", "9998", None])
def test_tables_of_a_newer_version_that_does_not_support_this_program_are_refused(
    store: Store, oldest: str | None
) -> None:
    set_revision(store, "9999", oldest)
    said = (
        rf"newer version of churn: .* revision 9999, .* up to {HEAD}. Install the newer version, or take .* --to {HEAD}"
    )
    with pytest.raises(StoreVersionError, match=said):
        open_store(store.address)
    with pytest.raises(StoreVersionError, match="newer version of churn"):
        migrate_store(store.address)
    with store.reading("look") as connection:
        assert table_state(connection) == TableState("9999", oldest)


def test_the_program_of_the_revision_before_works_on_the_newest_tables(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "HEAD", revisions()[-2])
    with open_store(store.address) as opened:
        assert latest_run(opened) is None


def test_a_revision_that_is_not_known_is_named_with_those_that_are(address: str) -> None:
    with pytest.raises(StoreVersionError, match=r"no revision 0000: .* knows 0001, .*" + HEAD):
        migrate_store(address, "0000")


def test_every_revision_says_which_programs_work_on_it() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    known = revisions()
    for revision in known[known.index(FIRST_WITH_SUPPORT) :]:
        oldest = scripts.get_revision(revision).module.oldest_program
        assert oldest in known
        assert oldest <= known[known.index(revision) - 1], f"{revision} refuses the program of the release before"
    assert oldest == OLDEST_PROGRAM
