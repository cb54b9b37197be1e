"""The only place of these tests that reaches behind public names: if a module moves, its path changes here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from typer.main import get_command

from churn_mlops.cli.main import app
from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.models.fitting.inputs import FitSettings
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.tracking import Tracking, reach
from churn_mlops.pipelines.scoring.single_customer import CustomerRow
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.permissions import TABLE
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.access.api_keys import KEY_ROLES, make_key
from churn_mlops.store.access.users import PERSON_ROLES, add_user
from churn_mlops.store.database.migrate import MIGRATIONS
from churn_mlops.store.erasure import forget

__all__ = [
    "KEY_ROLES",
    "PERSON_ROLES",
    "CustomerRow",
    "FitSettings",
    "HistoryContract",
    "add_user",
    "forget",
    "make_key",
]


def command() -> Any:
    """The ``churn`` command with all its sub-commands, as Typer parses it."""
    return get_command(app)


def revisions() -> list[str]:
    """Revisions of the store's migrations, the first one first."""
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


@contextmanager
def application(
    predictor: ChurnPredictor | None,
    settings: Settings,
    read_customer: Callable[[str, Any], CustomerRow | None],
) -> Iterator[TestClient]:
    """A client of the application with everything that it can have: a store, access control, and the source.

    Args:
        predictor: of the model that is live, None for a server without a model.
        settings: of the server; its store is made where there is none.
        read_customer: reads one customer of the source, given their ID and the bundle.
    """
    live = (
        None if predictor is None else ServedModel(predictor, "3", "2026-11-23T06:00:00+00:00", "logistic_regression")
    )
    link = StoreClient(settings.store.url)
    served = create_app(
        ModelSlot(live),
        settings,
        store=link,
        access=CredentialCache(link),
        local_only=True,
        read_of_source=read_customer,
    )
    with TestClient(served, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        yield client
    link.close()


def permissions() -> dict[str, dict[str, Any]]:
    """The roles and the audit event of each route, by method and path."""
    return {
        f"{method} {path}": {"roles": sorted(rule.roles), "open": rule.open, "event": rule.event}
        for (method, path), rule in TABLE.items()
    }


def make_mlflow_database(path: Path) -> None:
    """Make an empty MLflow database at ``path``."""
    reach(Tracking(f"sqlite:///{path}", path.parent, "churn", "churn"))
