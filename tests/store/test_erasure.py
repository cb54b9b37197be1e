"""An erased customer is in no table and no byte of the store; totals and their hash stay, which suppresses them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from churn_mlops.errors import ConfigError, CustomerErasedError, StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.contacts import NewContact, contacts, record_contact
from churn_mlops.store.database.schema import METADATA
from churn_mlops.store.database.vacuum import TOUCHED, vacuum
from churn_mlops.store.erasure import HELD, forget, reapply_erasures
from churn_mlops.store.prediction_log import PredictionRecord, records_of, write_records
from churn_mlops.store.scoring.outcomes import Labels, record_labels
from churn_mlops.store.scoring.predictions import prediction_of, predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run, run_of
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import (
    Tombstone,
    Tombstones,
    all_tombstones,
    is_erased,
    mark_of,
    tombstones,
)
from tests.find_customer_bytes import in_files, in_tables
from tests.store.builders import DAY, NEXT, NOW, batch, run
from tests.store.conftest import new_database

KEY = "a key of our own"
NAME = "Zyxomma-Petiolatum-77"
OTHER = "C000001"
NAMED, NAMELESS, OF_OTHER = "a" * 32, "b" * 32, "c" * 32
BY = "cli:anna"
STARS = datetime(2026, 11, 1, tzinfo=UTC)


def answer(id: str, customer: str | None) -> PredictionRecord:
    answer = f'{{"customer_id": "{customer}"}}' if customer else '{"churn_probability": 0.5}'
    return PredictionRecord(id, NOW, DAY, "3", "a" * 64, "local", customer, '{"tenure": 4.0}', answer)


def contact(key: str, **changed: object) -> NewContact:
    made = NewContact(key, "d" * 64, NAME, NOW, "20 % off", "accepted", "key:crm", NAMELESS, f"{NAME} threatens to go")
    return replace(made, **changed)  # type: ignore[arg-type]


def plant(store: Store) -> None:
    """``NAME`` and ``OTHER`` in every table that holds customers."""
    quoting = (
        f"warning: payment_method: unknown level: 1 row (first: {NAME}, 'pigeon (of {NAME})'); correct it",
        f"warning: payment_method: unknown level: 1 row (first: {OTHER}, 'dove'); correct it",
    )
    for day in (DAY, NEXT):
        publish(store, replace(run(day), warnings=quoting), [batch(["C000002", NAME, OTHER], [0.9, 0.8, 0.3])])
    for instant, left in ((NOW, True), (NOW + timedelta(days=1), False)):
        record_labels(store, DAY, [Labels([NAME, OTHER], [left, left])], instant)
    write_records(store, [answer(NAMED, NAME), answer(NAMELESS, None), answer(OF_OTHER, OTHER)])
    record_contact(store, contact(f"call {NAME}"))
    record_contact(store, contact("call-2", offer=f"A rebate for {NAME.upper()}", prediction_id=OF_OTHER))
    record_contact(store, contact("call-3", customer=OTHER, override_reason=None, prediction_id=OF_OTHER))


def counted(store: Store) -> dict[str, int]:
    with store.reading("count") as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in METADATA.sorted_tables
        }


def test_every_table_that_names_customers_is_seen_to() -> None:
    assert {table for table in METADATA.sorted_tables if "customer" in table.c} == set(HELD)
    assert {table.name for table in HELD} <= set(TOUCHED)


def test_nothing_of_an_erased_customer_is_left_in_any_table_and_no_other_is_touched(store: Store) -> None:
    plant(store)
    assert len(in_tables(store, NAME)) >= 6
    before, runs = counted(store), [run_of(store, day) for day in (DAY, NEXT)]
    erasure = forget(store, KEY, NAME, by=BY, clock=lambda: NOW)
    assert vacuum(store).whole
    assert in_tables(store, NAME) == []
    assert erasure.removed == {
        "predictions": 2, "outcomes": 1, "outcome_changes": 1, "answers": 2, "contacts": 2, "warnings": 2,
    }  # fmt: skip
    after = counted(store)
    gone = {table: before[table] - after[table] for table in before if before[table] != after[table]}
    assert gone == {
        "predictions": 2, "outcomes": 1, "outcome_changes": 1, "answers": 2, "audit_events": -1, "erasures": -1,
    }  # fmt: skip
    kept = [replace(run, warnings=()) for run in (run_of(store, day) for day in (DAY, NEXT)) if run is not None]
    assert kept == [replace(run, warnings=()) for run in runs if run is not None]
    assert [one.customer for one in predictions(store, DAY)] == ["C000002", OTHER]
    assert records_of(store, OF_OTHER) == [answer(OF_OTHER, OTHER)]


def test_the_totals_of_their_contacts_stay_and_the_rules_of_findings_that_quoted_them(store: Store) -> None:
    plant(store)
    before = contacts(store, limit=10)
    forget(store, KEY, NAME, by=BY)
    after = contacts(store, limit=10)
    assert [(one.at, one.result, one.caller, one.recorded_at) for one in after] == [
        (one.at, one.result, one.caller, one.recorded_at) for one in before
    ]
    assert [one.offer for one in after] == ["20 % off", "an offer", "20 % off"]
    assert after[2] == before[2]
    assert [(one.customer, one.request_sha256, one.prediction_id, one.override_reason) for one in after[:2]] == [
        ("", "", None, None)
    ] * 2
    assert len({one.key for one in after}) == 3
    found = latest_run(store)
    assert found is not None
    assert found.warnings == (
        "warning: payment_method: unknown level: 1 row; its example was erased",
        f"warning: payment_method: unknown level: 1 row (first: {OTHER}, 'dove'); correct it",
    )


@pytest.mark.parametrize(
    ("customer", "offer", "stays"),
    [("20", "20 % off for a year", True), ("1", "1 month free", True), ("2026", "free until 2026", True),
     ("10000", "for 10000, a rebate", False), ("10000", "110000 miles", True), ("12-34", "rebate (12-34)", False),
     ("C7", "x", True), ("C7", "C70 and DC7 get more", True), ("C7", "a rebate for c7.", False),
     ("C7", "for_C7_alone", False), ("C7", "for C70, and C7", False), ("A.7", "AB7", True), ("Ω", "to ω", False),
     ("Straße", "An STRASSE 1", False)],
)  # fmt: skip
def test_an_offer_goes_only_where_the_name_stands_in_it_as_a_word_and_is_no_number(
    tmp_path: Path, customer: str, offer: str, stays: bool
) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        record_contact(store, contact("call-1", customer=customer, offer=offer))
        forget(store, KEY, customer, by=BY)
        (left,) = contacts(store, limit=10)
    assert (left.customer, left.offer) == ("", offer if stays else "an offer")


def test_their_hash_is_all_that_the_audit_log_and_the_tombstone_keep(store: Store) -> None:
    plant(store)
    forget(store, KEY, NAME, by=BY, clock=lambda: NOW)
    [event] = audit_events(store)
    hash = customer_hash(KEY, NAME)
    assert (event.event, event.caller, event.customer_hash, event.at) == ("customer.forgotten", BY, hash, NOW)
    assert event.details["removed"]["predictions"] == 2
    assert all_tombstones(store) == [Tombstone(hash, mark_of(KEY), NOW)]
    assert tombstones(store, KEY).among([OTHER, NAME, None]) == {NAME}
    assert is_erased(store, KEY, NAME)
    assert not is_erased(store, KEY, OTHER)


def test_an_erasure_may_be_repeated_and_may_be_of_an_unknown_customer(store: Store) -> None:
    first = forget(store, KEY, "nobody", by=BY, clock=lambda: NOW)
    assert (first.found, first.before) == (False, None)
    publish(store, run(), [batch(["nobody", OTHER], [0.9, 0.3])])  # by a program that knows of no tombstones
    later = NOW + timedelta(days=3)
    again = forget(store, KEY, "nobody", by=BY, clock=lambda: later)
    assert (again.before, again.at, again.removed["predictions"]) == (NOW, later, 1)
    assert [one.at for one in all_tombstones(store)] == [NOW]
    assert [event.details["again"] for event in audit_events(store)] == [True, False]


@pytest.mark.parametrize("name", ["", "a\x00b"])
def test_what_is_no_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no customer was erased"):
        forget(store, KEY, name, by=BY)
    assert all_tombstones(store) == []


def test_if_the_tombstone_cannot_be_written_elsewhere_the_customer_stays(store: Store) -> None:
    plant(store)

    def full(stone: Tombstone) -> None:
        raise StoreError("the tombstone cannot be written")

    before = in_tables(store, NAME)
    with pytest.raises(StoreError, match="cannot be written"):
        forget(store, KEY, NAME, by=BY, before_commit=full)
    assert in_tables(store, NAME) == before
    assert all_tombstones(store) == []


def test_nothing_more_is_recorded_about_an_erased_customer(store: Store) -> None:
    forget(store, KEY, NAME, by=BY)
    left_out = write_records(store, [answer(NAMED, NAME), answer(OF_OTHER, OTHER)], hash_key=KEY)
    assert (left_out, records_of(store, NAMED)) == (1, [])
    assert write_records(store, [answer(NAMED, NAME)], hash_key=KEY) == 1
    assert len(records_of(store, OF_OTHER)) == 1
    with pytest.raises(CustomerErasedError):
        record_contact(store, contact("call-1"), hash_key=KEY)
    record_contact(store, contact("call-1", customer=OTHER), hash_key=KEY)
    assert [one.customer for one in contacts(store, limit=10)] == [OTHER]


def test_another_key_is_noticed(store: Store) -> None:
    forget(store, KEY, NAME, by=BY)
    with pytest.raises(ConfigError, match="1 of 1 customers were erased"):
        tombstones(store, "another key")
    with pytest.raises(ConfigError):
        is_erased(store, "another key", OTHER)
    with pytest.raises(ConfigError):
        record_contact(store, contact("call-1", customer=OTHER), hash_key="another key")
    assert contacts(store, limit=10) == []
    assert write_records(store, [answer(NAMELESS, None), answer(OF_OTHER, OTHER)], hash_key="another key") == 1
    assert [len(records_of(store, id)) for id in (NAMELESS, OF_OTHER)] == [1, 0]


def test_customers_who_came_back_are_found_by_their_hashes(store: Store) -> None:
    plant(store)
    stones = [Tombstone(customer_hash(KEY, name), mark_of(KEY), STARS) for name in (NAME, "long gone")]
    back = reapply_erasures(store, KEY, stones, by=BY)
    assert list(back) == [NAME]
    assert back[NAME].removed["predictions"] == 2
    assert vacuum(store).whole
    assert in_tables(store, NAME) == []
    assert {(one.hash, one.at) for one in all_tombstones(store)} == {(one.hash, STARS) for one in stones}
    assert reapply_erasures(store, KEY, stones, by=BY) == {}


def test_a_customer_is_erased_between_two_writers_and_never_half(address: str) -> None:
    """A group of records waits for its turn during the erasure: the records of the customer are left out."""
    open_store(address).close()
    with open_store(address) as erasing, open_store(address) as keeping:
        plant(erasing)
        begun, kept = threading.Event(), []

        def keep() -> None:
            begun.set()
            kept.append(write_records(keeping, [answer("e" * 32, NAME), answer("f" * 32, OTHER)], hash_key=KEY))

        thread = threading.Thread(target=keep)

        def let_it_wait(stone: Tombstone) -> None:
            thread.start()
            assert begun.wait(30)

        forget(erasing, KEY, NAME, by=BY, before_commit=let_it_wait)
        thread.join(30)
        assert kept == [1]
        assert vacuum(erasing).whole
        assert in_tables(erasing, NAME) == []
        assert len(records_of(erasing, "f" * 32)) == 1


def test_no_byte_of_an_erased_customer_is_left_in_the_file_and_its_log(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        plant(store)
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.3])])  # once more: what was there before lies in free pages
        assert in_files(tmp_path, NAME) != []
        forget(store, KEY, NAME, by=BY)
        assert in_files(tmp_path, NAME) != []
        vacuumed = vacuum(store)
        assert (vacuumed.whole, in_files(tmp_path, NAME)) == (True, [])
        assert prediction_of(store, OTHER) is not None


def test_a_reader_in_the_way_is_reported_and_the_next_try_succeeds(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store, open_store(address) as other:
        plant(store)
        with other.reading("read for long") as connection:
            connection.execute(text("SELECT count(*) FROM predictions")).scalar()
            forget(store, KEY, NAME, by=BY)
            vacuumed = vacuum(store, patience_ms=50)
            assert (vacuumed.whole, "a reader was at work" in vacuumed.said) == (False, True)
            assert "churn forget --again" in vacuumed.said
        assert vacuum(store).whole
        assert in_files(tmp_path, NAME) == []


def test_no_byte_of_an_erased_customer_is_left_in_the_rewritten_tables_of_a_server(server) -> None:  # type: ignore[no-untyped-def]
    with open_store(new_database(server)) as store:
        plant(store)
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.3])])
        server.psql("CHECKPOINT;")
        with store.reading("look where it lies") as connection:
            oid = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        base = Path(server.pgdata) / "base" / str(oid)
        assert in_files(base, NAME) != []
        forget(store, KEY, NAME, by=BY)
        assert vacuum(store, rewrite=True).whole
        server.psql("CHECKPOINT;")
        assert (in_files(base, NAME), in_tables(store, NAME)) == ([], [])


def test_a_session_that_reads_for_long_on_a_server_is_reported(server) -> None:  # type: ignore[no-untyped-def]
    address = new_database(server)
    with open_store(address) as store, open_store(address) as other:
        plant(store)
        with other.reading("read for long") as connection:
            connection.execute(text("SELECT count(*) FROM predictions")).scalar()
            forget(store, KEY, NAME, by=BY)
            vacuumed = vacuum(store, patience_ms=200)
        assert (vacuumed.whole, "1 session kept a transaction open" in vacuumed.said) == (False, True)
        assert vacuum(store).whole


def test_an_erasure_reads_through_no_date(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        plant(store)
        statements: list[str] = []
        event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append((given[2], given[3])))
        forget(store, KEY, NAME, by=BY)
    with closing(sqlite3.connect(tmp_path / "churn.db")) as connection:
        for words, values in statements:
            if words.startswith("DELETE"):
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {words}", values)]
                assert not [step for step in plan if step.startswith("SCAN")], (words, plan)


STONES = [Tombstone(f"{n:064x}", mark_of(KEY), STARS + timedelta(days=n)) for n in range(3)]


def test_the_file_of_tombstones_is_only_added_to_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "of its own" / "tombstones.jsonl")
    assert file.read() == []
    file.add([])
    assert not file.path.exists()
    file.add(STONES[:1])
    before = file.path.read_bytes()
    file.add(STONES[1:])
    file.add(STONES[:1])
    assert file.path.read_bytes().startswith(before)
    assert file.read() == STONES
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_line_that_was_broken_off_spoils_no_other(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.add(STONES[:2])
    whole = file.path.read_bytes()
    for length in range(whole.index(b"\n") + 2, len(whole)):
        file.path.write_bytes(whole[:length])
        assert file.read() in (STONES[:1], STONES[:2])
        file.add(STONES[2:])
        assert file.read()[-1] == STONES[2]
        assert file.read()[0] == STONES[0]


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.path.write_text('{"hash": 7}\n{}\n')
    with pytest.raises(StoreError, match=r"line 1 of .* is no tombstone"):
        file.read()


def test_the_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "tombstones.jsonl")
    with pytest.raises(StoreError, match="no customer was erased"):
        TombstoneFile(tmp_path / "tombstones.jsonl").add(STONES)
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_from_before_brings_no_customer_back(tmp_path: Path) -> None:
    path, file = tmp_path / "store" / "churn.db", TombstoneFile(tmp_path / "tombstones.jsonl")
    with open_store(f"sqlite:///{path}") as store:
        plant(store)
        vacuum(store)
        shutil.copy(path, tmp_path / "backup.db")
        forget(store, KEY, NAME, by=BY, before_commit=lambda stone: file.add([stone]))
        vacuum(store)
    for one in path.parent.iterdir():
        one.unlink()
    shutil.copy(tmp_path / "backup.db", path)
    with open_store(f"sqlite:///{path}") as store:
        assert (all_tombstones(store), prediction_of(store, NAME) is None) == ([], False)
        assert list(reapply_erasures(store, KEY, file.read(), by=BY)) == [NAME]
        assert vacuum(store).whole
        assert all_tombstones(store) == file.read()
    assert in_files(path.parent, NAME) == []


def test_a_customer_id_of_any_characters_is_recognized_by_its_hash() -> None:
    names = ["C1", "Ω", "😀", "C1 ", "c1", "\ud800"]
    away = Tombstones(KEY, frozenset(customer_hash(KEY, name) for name in names[::2]))
    assert away.among([*names, None]) == set(names[::2])
    assert not Tombstones(KEY).among(names)
