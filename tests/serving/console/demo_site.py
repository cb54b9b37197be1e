"""The console of the demo company, with half a year behind it, for the pictures of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from churn_mlops.cli.serving import reader
from churn_mlops.config import Settings
from churn_mlops.pipelines.onboarding.demo_places import demo_settings
from churn_mlops.serving.model.model_watcher import ModelWatcher
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.user_changes import made_password
from churn_mlops.store.access.users import add_user, add_vouched_user, disable_user
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.job_records import record_job
from tests.serving.console.test_browser import Site, running

ADMIN = "maria"


@contextmanager
def demo_site(folder: Path, copy: Path) -> Iterator[Site]:
    """The console of the company that ``churn demo --no-serve --half-year`` made.

    Args:
        folder: where it was made; it is only read.
        copy: a new folder for its store, which the pages change.
    """
    copy.mkdir()
    shutil.copy(folder / "churn.db", copy)
    settings = demo_settings(Settings(), folder)
    given = {"url": f"sqlite:///{copy}/churn.db", "tombstones": copy / "tombstones.jsonl"}
    serving = settings.serving.model_copy(update={"drain_seconds": 0})
    settings = settings.model_copy(update={"store": settings.store.model_copy(update=given), "serving": serving})
    with open_store(settings.store.url) as store:
        token = with_users(store)
        with_failures(store)
    slot = ModelSlot()
    with closing(StoreClient(settings.store.url)) as link:
        ModelWatcher(settings, link, slot).first()
        with running(settings, slot, link, reader(settings)) as url:
            yield Site(url, settings.store.url, token)


def with_failures(store: Store) -> None:
    """Let the list be refused by the system that takes it, and a backup fail after one that did not."""
    now = utc_now()
    for job, hours, well in (("backup", 25, True), ("backup", 5, False), ("send", 2, False), ("send", 1, False)):
        ended = now - timedelta(hours=hours)
        record_job(store, job, ended - timedelta(seconds=20), ended, has_succeeded=well)


def with_users(store: Store) -> str:
    """Add users and keys of every kind; the token of the session of an administrator."""
    for name, role in ((ADMIN, "admin"), ("anna", "agent"), ("ben", "agent"), ("carla", "agent"), ("david", "analyst")):
        add_user(store, name, made_password(), role, by="cli:ops")
    add_vouched_user(store, "erin@example.com", "analyst", by="oidc")
    for name in ("anna", "ben", "erin@example.com"):
        start_session(store, name, timedelta(hours=12))
    disable_user(store, "carla", by=f"person:{ADMIN}")
    make_key(store, "crm", "service", by="cli:ops")
    start_session(store, ADMIN, timedelta(hours=12))
    return start_session(store, ADMIN, timedelta(hours=12)).token
