"""The disaster drill: upgrade, backup, erasure, downgrade and upgrade under load; then the store is wiped and restored.

    python -m bench.drill [--contacts 500]

Servers of two releases take contacts meanwhile. It fails if an acknowledged contact is lost, a request fails, or an
erased customer comes back.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory

from churn_mlops.config import Settings, load_settings
from churn_mlops.pipelines.backup.encryption import new_key
from churn_mlops.pipelines.backup.make_backup import Backup, make_backup
from churn_mlops.pipelines.backup.restore_backup import restore_backup
from churn_mlops.pipelines.erasure.erase import forget_customer
from churn_mlops.store import migrate_store, open_store, publish
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.contacts import contacts
from churn_mlops.store.database.migrate import MIGRATIONS
from churn_mlops.store.database.schema import HEAD
from tests.postgres import new_database, new_store, postgres_server
from tests.serving.processes import ROOT, ask, fill, program_before, replica
from tests.store.builders import batches, run

HASH_KEY = "an own key of this company"
ERASED = "C000007"


@dataclass
class Load:
    """Contacts that are recorded one after the other, on whatever servers are in rotation.

    Args:
        key: of the API.
        ports: of the servers in rotation; replaced as a whole.
        acknowledged: keys of the contacts, in their order.
        failed: status of each request that was not answered 201.
    """

    key: str
    ports: tuple[int, ...] = ()
    acknowledged: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Record contacts until it is stopped."""
        number = 0
        while not self._stopped.is_set():
            body = {"customer_id": f"C{number % 40:06d}", "offer": "20 % off", "result": "accepted"}
            key = f"call-{number:06d}"
            port = self.ports[number % len(self.ports)]
            status, _ = ask(port, self.key, "POST", "/contacts", body, {"Idempotency-Key": key})
            if status == 201:
                self.acknowledged.append(key)
            elif status != 410:  # the customer was erased: nothing more is recorded of them
                self.failed.append(status)
            number += 1

    def wait_for(self, more: int) -> None:
        """Wait until ``more`` contacts are acknowledged, or one failed."""
        until = len(self.acknowledged) + more
        while len(self.acknowledged) < until and not self.failed:
            time.sleep(0.01)  # a poll

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run on a thread of its own until the block ends."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()


def drill(folder: Path, server: str, more: int, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Run the drill once.

    Args:
        folder: empty, for everything.
        server: the address of a PostgreSQL server.
        more: contacts between two steps.
        say: takes a line for each step.

    Returns:
        what was counted; `failed`, `lost` and `back` are to be empty.
    """
    fill(folder)
    site = _site(folder, new_store(server))
    early, known = _under_load(site, more, say)
    say("wiped, and restored into another database")
    late = make_backup(site.settings, site.file)
    found = {}
    for name, backup, expected in (("early", early, known), ("late", late, set(site.load.acknowledged))):
        place = new_database(server)
        elsewhere = folder / f"{name}.yaml"
        text = site.file.read_text(encoding="utf-8")
        elsewhere.write_text(text.replace(site.settings.store.url, place), encoding="utf-8")
        restore_backup(backup.path, elsewhere, key_file=site.key_file)
        found[name] = _missing(place, expected)
    return {
        "acknowledged": len(site.load.acknowledged),
        "failed": site.load.failed,
        "lost": {name: lost for name, (lost, _) in found.items()},
        "back": {name: back for name, (_, back) in found.items()},
    }


@dataclass(frozen=True)
class Site:
    """A site whose store is at the revision before the newest.

    Args:
        folder: its working directory.
        settings: of the site.
        file: of the settings.
        key_file: opens its backups.
        before: the revision.
        load: not running yet.
    """

    folder: Path
    settings: Settings
    file: Path
    key_file: Path
    before: str
    load: Load


def _site(folder: Path, address: str) -> Site:
    file, key_file = _settings(folder, address)
    with open_store(address) as store:
        publish(store, run(), batches(40))
        key, _ = make_key(store, "crm", "service", by="drill")
    before = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[1].revision
    migrate_store(address, before)
    return Site(folder, load_settings(file, {}), file, key_file, before, Load(key))


def _under_load(site: Site, more: int, say: Callable[[str], None]) -> tuple[Backup, set[str]]:
    """Upgrade, back up, erase, downgrade and upgrade; returns the backup, and what was acknowledged before it."""
    address, load = site.settings.store.url, site.load
    old, new = program_before(site.folder / "before"), ROOT / "src"
    given = {"store__url": address, "store__customer_hash_key": HASH_KEY, "serving__drain_seconds": "0"}
    with ExitStack() as servers, ExitStack() as first:
        load.ports = (first.enter_context(replica(site.folder, site.folder / "old.log", old, **given)),)
        with load.running():
            load.wait_for(more)
            say("upgrade: migrate, then a new server, then the old one goes")
            migrate_store(address)
            load.wait_for(more)
            newer = servers.enter_context(replica(site.folder, site.folder / "new.log", new, **given))
            load.ports = (*load.ports, newer)
            load.wait_for(more)
            load.ports = (newer,)
            load.wait_for(2)  # the request to the old one has ended
            first.close()
            say("backup, then an erasure")
            known = set(load.acknowledged)
            early = make_backup(site.settings, site.file)
            load.wait_for(more)
            forget_customer(site.settings, ERASED, by="drill")
            load.wait_for(more)
            say("downgrade: an old server, then the tables; and the tables forward again")
            older = servers.enter_context(replica(site.folder, site.folder / "older.log", old, **given))
            load.ports = (older,)
            for revision in (site.before, HEAD):
                load.wait_for(more)
                migrate_store(address, revision)
            load.wait_for(more)
    return early, known


def _settings(folder: Path, address: str) -> tuple[Path, Path]:
    private, public = new_key()
    key_file, settings_file = folder / "backup.key", folder / "settings.yaml"
    key_file.write_text(private, encoding="ascii")
    settings = {
        "store": {"url": address, "customer_hash_key": HASH_KEY, "tombstones": str(folder / "tombstones.jsonl")},
        "models": {"folder": str(folder / "models")},
        "contract": {"path": str(folder / "contract.yaml")},
        "backup": {"folder": str(folder / "backups"), "recipients": [public]},
    }
    settings_file.write_text(json.dumps(settings), encoding="utf-8")
    return settings_file, key_file


def _missing(address: str, acknowledged: set[str]) -> tuple[list[str], list[str]]:
    """The acknowledged contacts that are not in the store, and the contacts of the erased customer that are."""
    with open_store(address) as store:
        kept = contacts(store, limit=10_000_000)
    of_erased = sum(int(key.removeprefix("call-")) % 40 == int(ERASED[1:]) for key in acknowledged)
    lost = sorted(acknowledged - {one.key for one in kept})
    # The contacts of an erased customer stay as totals, without their keys.
    lost = [key for key in lost if int(key.removeprefix("call-")) % 40 != int(ERASED[1:])]
    emptied = sum(one.customer == "" for one in kept)
    if emptied < of_erased:
        lost.append(f"{of_erased - emptied} contacts of the erased customer, as totals")
    return lost, [one.key for one in kept if one.customer == ERASED]


def main() -> None:
    """Run it on a server of its own, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=500, help="contacts between two steps")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        found = drill(Path(folder), server, given.contacts, print)
    print(json.dumps(found, indent=1))
    if found["failed"] or any(found["lost"].values()) or any(found["back"].values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
