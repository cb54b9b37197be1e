"""A backup is whole and encrypted, and its restore brings back everything but who was erased or revoked since."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from churn_mlops.errors import BackupError, ConfigError, StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.pipelines.backup.restore_backup import restore_backup
from churn_mlops.pipelines.erasure.erase import forget_customer
from churn_mlops.store import copy_store, open_store
from churn_mlops.store.access.api_keys import list_keys, revoke_key
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.users import add_user
from churn_mlops.store.campaigns.do_not_contact import blocked_customers, set_do_not_contact
from churn_mlops.store.campaigns.notes import add_note, notes_of
from churn_mlops.store.contacts import contacts
from churn_mlops.store.database.schema import SESSIONS
from churn_mlops.store.suppression.tombstones import all_tombstones
from tests.pipelines.backup.site import KEY, Site, contact, everything
from tests.store.builders import NOW


def test_a_wiped_site_is_restored_as_it_was_and_elsewhere_too(site: Site, tmp_path: Path) -> None:
    before = everything(site.address)
    made = site.backup()
    assert (made.is_encrypted, made.rows["predictions"], made.path.stat().st_mode & 0o777) == (True, 40, 0o600)
    assert b"C000001" not in made.path.read_bytes()
    elsewhere = Site(tmp_path / "elsewhere", f"sqlite:///{tmp_path}/elsewhere.db")
    done = restore_backup(made.path, elsewhere.file, key_file=site.key)
    assert (done.made_at, done.rows["contacts"], done.erased_again, done.revoked_again) == (NOW, 1, 0, 0)
    assert done.kept == (elsewhere.file, elsewhere.folder / "contract.yaml")
    assert everything(elsewhere.address) == before
    with open_store(site.address) as store:
        contact(store, "call-2", "C000003")
    restore_backup(made.path, site.file, key_file=site.key, replace=True)
    assert everything(site.address) == before
    with open_store(site.address) as store:
        contact(store, "call-3", "C000004")  # ids go on
        assert [one.key for one in contacts(store, limit=5)] == ["call-1", "call-3"]


def test_settings_are_written_where_there_are_none_and_name_the_store(site: Site, tmp_path: Path) -> None:
    before = everything(site.address)
    made = site.backup()
    contract = site.folder / "contract.yaml"
    contract.unlink()
    new = tmp_path / "new" / "config.yaml"
    done = restore_backup(made.path, new, key_file=site.key, replace=True)
    assert done.written == (new, contract)
    assert (new.read_bytes(), contract.read_text()) == (site.file.read_bytes(), "name: demo\n")
    assert everything(site.address) == before


def test_a_store_that_holds_rows_is_replaced_only_if_asked(site: Site) -> None:
    made = site.backup()
    before = everything(site.address)
    with pytest.raises(StoreError, match=r"holds rows in .* already"):
        restore_backup(made.path, site.file, key_file=site.key)
    assert everything(site.address) == before


@pytest.mark.parametrize("knows", ["the present store", "the file of tombstones"])
def test_a_customer_who_was_erased_after_the_backup_does_not_come_back(site: Site, tmp_path: Path, knows: str) -> None:
    made = site.backup()
    forget_customer(site.settings, "C000001", by="cli:anna")
    if knows == "the file of tombstones":
        with open_store(f"sqlite:///{tmp_path}/empty.db") as empty, open_store(site.address) as store:
            copy_store(empty, store, replace=True)
    done = restore_backup(made.path, site.file, key_file=site.key, replace=True)
    assert done.erased_again == 1
    held = everything(site.address)
    assert "C000001" not in repr(held["predictions"])
    assert "C000001" not in repr(held["contacts"])
    with open_store(site.address) as store:
        assert [one.hash for one in all_tombstones(store)] == [customer_hash(KEY, "C000001")]


def test_a_customer_who_is_erased_while_a_backup_is_restored_does_not_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.backup()
    from churn_mlops.pipelines.backup import restore_backup as room

    real, calls = room.reapply_erasures, []

    def reapplied(*given: object, **named: object) -> object:
        result = real(*given, **named)  # type: ignore[arg-type]
        if not calls:
            forget_customer(site.settings, "C000001", by="cli:anna")
        calls.append(result)
        return result

    monkeypatch.setattr(room, "reapply_erasures", reapplied)
    done = restore_backup(made.path, site.file, key_file=site.key, replace=True)
    assert (len(calls), done.erased_again) == (2, 1)
    assert "C000001" not in repr(everything(site.address)["predictions"])


def test_another_key_of_the_hashes_stops_the_restore(site: Site) -> None:
    forget_customer(site.settings, "C000001", by="cli:anna")
    made = site.backup()
    before = everything(site.address)
    site.file.write_text(site.file.read_text().replace(KEY, "another key of this company"))
    with pytest.raises(ConfigError, match="customer_hash_key is another"):
        restore_backup(made.path, site.file, key_file=site.key, replace=True)
    assert everything(site.address) == before


def test_what_was_revoked_since_stays_revoked_and_every_session_ends(site: Site) -> None:
    with open_store(site.address) as store:
        add_user(store, "anna", "correct horse battery", "agent", by="test")
        start_session(store, "anna", timedelta(hours=1))
        made = site.backup()
        (key,) = list_keys(store)
        revoke_key(store, key.id, by="test")
    assert restore_backup(made.path, site.file, key_file=site.key, replace=True).revoked_again == 1
    with open_store(site.address) as store, store.reading("look") as connection:
        assert list_keys(store)[0].revoked_at is not None
        assert connection.scalar(select(func.count()).select_from(SESSIONS)) == 0


def test_a_wish_since_the_backup_outlives_the_restore(site: Site) -> None:
    wish = partial(set_do_not_contact, reason="they asked", by="anna")
    with open_store(site.address) as store:
        wish(store, "C000001", blocked=True)
        wish(store, "C000002", blocked=True)
        made = site.backup()
        wish(store, "C000002", blocked=False)
        wish(store, "C000003", blocked=True)
    done = restore_backup(made.path, site.file, key_file=site.key, replace=True)
    with open_store(site.address) as store:
        assert (done.wishes_again, blocked_customers(store)) == (2, {"C000001", "C000003"})


def test_a_backup_holds_one_instant_while_contacts_and_lists_come_in(site: Site, tmp_path: Path) -> None:
    stop, acknowledged = threading.Event(), []

    def record() -> None:
        with open_store(site.address) as store:
            while not stop.is_set():
                number = len(acknowledged)
                contact(store, f"busy-{number:06d}", f"C{number % 40:06d}")
                add_note(store, f"C{number % 40:06d}", f"busy-{number:06d}", by="anna")
                acknowledged.append(number)

    busy = threading.Thread(target=record)
    busy.start()
    try:
        first = len(acknowledged)
        made = [site.backup(NOW + timedelta(seconds=number)) for number in range(2)]
    finally:
        stop.set()
        busy.join()
    for backup in made:
        restored = f"sqlite:///{tmp_path}/{backup.path.name}.db"
        elsewhere = Site(tmp_path / f"elsewhere-{backup.path.name}", restored)
        restore_backup(backup.path, elsewhere.file, key_file=site.key)
        with open_store(restored) as store:
            kept = sorted(one.key for one in contacts(store, limit=1_000_000) if one.key.startswith("busy"))
            noted = sorted(
                note.text
                for number in range(40)
                for note in notes_of(store, f"C{number:06d}", limit=1_000_000)
                if note.text.startswith("busy")
            )
        assert kept == [f"busy-{number:06d}" for number in range(len(kept))]  # no gap: those before the instant, all
        assert noted in (kept, kept[:-1])
        assert len(kept) >= first


def test_a_store_that_was_lost_does_not_cost_the_backups_of_it(here: Site) -> None:
    good = [here.backup(NOW + timedelta(days=day)).path for day in range(2)]
    store = Path(here.address.removeprefix("sqlite:///"))
    for emptied in (lambda: os.truncate(store, 0), store.unlink):
        emptied()
        with pytest.raises(BackupError, match=r"has no tables.*`churn restore` brings it back"):
            here.backup(NOW + timedelta(days=2))
    open_store(here.address).close()  # as a server does that starts again
    assert here.backup(NOW + timedelta(days=3)).deleted == ()
    assert all(path.exists() for path in good)
    restore_backup(good[-1], here.file, key_file=here.key, replace=True)
    assert len(everything(here.address)["predictions"]) == 40


def test_a_folder_of_models_that_cannot_be_written_does_not_hide_that_the_store_is_restored(here: Site) -> None:
    made = here.backup()
    with open_store(here.address) as store:
        contact(store, "call-2", "C000003")
    (here.folder / "models").write_text("no folder")
    with pytest.raises(BackupError, match="the store is restored, but the folder of live models"):
        restore_backup(made.path, here.file, key_file=here.key, replace=True)
    assert len(everything(here.address)["contacts"]) == 1
