"""An application with keys, people and sessions of every kind, for tests of who may what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.pipelines.scoring.single_customer import CustomerRow
from churn_mlops.serving.access_control import credential_cache_of
from churn_mlops.serving.api.customers import Row
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key, revoke_key
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.users import add_user, disable_user

PASSWORD = "correct horse battery"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
KEY_ROLES = ("agent", "analyst", "service", "admin")
PERSON_ROLES = ("agent", "analyst", "admin")


@dataclass
class Guarded:
    """A server with its store."""

    address: str
    keys: dict[str, str] = field(default_factory=dict)
    """One of each role, and ``expired`` and ``revoked``."""
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Token and CSRF token of a person of each role, and of ``expired``, ``ended`` and ``disabled``."""

    @contextmanager
    def client(
        self,
        source: ModelSlot,
        *,
        local_only: bool = True,
        more: Any = None,
        oidc: dict[str, Any] | None = None,
        **serving: Any,
    ) -> Iterator[TestClient]:
        """The application, its gate closed."""
        settings = Settings.model_validate({"serving": serving, "store": {"url": self.address}, "oidc": oidc or {}})
        link = StoreClient(self.address)
        app = create_app(
            source,
            settings,
            store=link,
            access=credential_cache_of(settings, link),
            local_only=local_only,
            read_of_source=any_customer,
        )
        if more is not None:
            more(app)
        with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
            yield client
        link.close()


def fill(folder: Path) -> Guarded:
    """A store with all kinds of keys, people and sessions."""
    made = Guarded(f"sqlite:///{folder}/churn.db")
    with open_store(made.address) as store:
        for role in KEY_ROLES:
            made.keys[role], _ = make_key(store, f"{role}-key", role, by="test")
        made.keys["expired"], _ = make_key(
            store, "old", "admin", by="test", expires_at=NOW - DAY, clock=lambda: NOW - 2 * DAY
        )
        made.keys["revoked"], key = make_key(store, "lost", "admin", by="test")
        revoke_key(store, key.id, by="test")
        for role in (*PERSON_ROLES, "disabled"):
            add_user(store, f"{role}-person", PASSWORD, "admin" if role == "disabled" else role, by="test")
            begun = start_session(store, f"{role}-person", DAY)
            made.sessions[role] = (begun.token, begun.csrf_token)
        disable_user(store, "disabled-person", by="test")
        begun = start_session(store, "admin-person", DAY, clock=lambda: NOW - 2 * DAY)
        made.sessions["expired"] = (begun.token, begun.csrf_token)
    return made


def any_customer(customer: str, bundle: Any) -> Row:
    """The source, which knows every customer."""
    return CustomerRow({"tenure": 4.0}, NOW.date())


def add_unlisted_route(app: FastAPI) -> None:
    """A route that is not in the table of permissions."""

    @app.post("/not/in/the/table")
    async def unlisted() -> dict[str, bool]:
        return {"reached": True}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def cookie(session: tuple[str, str], *, csrf: str | None = None) -> dict[str, str]:
    """The headers that a browser sends, with the session's own CSRF token unless given another."""
    return {"Cookie": f"churn_session={session[0]}", "X-CSRF-Token": session[1] if csrf is None else csrf}
