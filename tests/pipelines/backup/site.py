"""A site whose store is backed up in tests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from churn_mlops.config import Settings, load_settings
from churn_mlops.pipelines.backup.encryption import new_key
from churn_mlops.pipelines.backup.make_backup import Backup, make_backup
from churn_mlops.store import Store, open_store, publish
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.campaigns.notes import add_note
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.copy import TABLES
from tests.store.builders import NOW, batches, run

KEY = "an own key of this company"


class Site:
    """Settings of a machine, with a private key that opens its backups."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir()
        private, public = new_key()
        self.folder, self.key = folder, folder / "private.key"
        self.key.write_text(f"# a comment\n{private}\n")
        self.file = folder / "config.yaml"
        self.file.write_text(
            f"store: {{url: '{address}', customer_hash_key: {KEY}, tombstones: {folder}/tombstones.jsonl}}\n"
            f"contract: {{path: {folder}/contract.yaml}}\nmodels: {{folder: {folder}/models}}\n"
            f"backup: {{folder: {folder}/backups, recipients: [{public}], keep: 2}}\n"
        )
        (folder / "contract.yaml").write_text("name: demo\n")
        self.settings: Settings = load_settings(self.file, {})

    @property
    def address(self) -> str:
        return self.settings.store.url

    def backup(self, at: datetime = NOW) -> Backup:
        return make_backup(self.settings, self.file, clock=lambda: at)


def contact(store: Store, key: str, customer: str) -> None:
    record_contact(store, NewContact(key, "b" * 64, customer, NOW, "20 % off", "accepted", "key:crm"))


def everything(address: str) -> dict[str, list[tuple[object, ...]]]:
    with open_store(address) as store, store.reading("look") as connection:
        return {
            table.name: list(map(tuple, connection.execute(select(table).order_by(*table.primary_key.columns))))
            for table in TABLES
        }


def filled(folder: Path, address: str) -> Site:
    """A site whose store holds something of each kind."""
    made = Site(folder, address)
    with open_store(address) as store:
        publish(store, run(), batches(40))
        contact(store, "call-1", "C000001")
        add_note(store, "C000002", "wants to leave", by="anna")
        make_key(store, "crm", "service", by="test")
    return made
