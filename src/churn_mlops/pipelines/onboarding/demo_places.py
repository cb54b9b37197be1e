"""The places of the demo: its own folder, and a store and a record of MLflow that the environment may name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.config.environment import variable_of
from churn_mlops.errors import ConfigError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.store import Store, migrate_store, open_store
from churn_mlops.store.database.contents import filled_tables
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.deployments import Deployments

SNAPSHOTS = 4
SETTINGS_CELLS = 160_000
LEARNING_RATE = 0.1
"""The demo is ready in a minute: it has fewer dates, chooses settings on a smaller matrix, and takes larger steps."""
CONTROLLED = ("contract_type", "payment_method", "tech_support", "online_security")
"""The features of the demo company that an agent could change."""
STORE, RECORD = "store.url", "mlflow.uri"
_ITS_OWN = ("source.url", "source.table", "source.as_of", "contract.path", "models.folder", "store.tombstones")
"""Settings of what the demo makes; those of another company would be overwritten, or mixed with it."""
_OF_EVERY_STORE = ("api_keys", "people", "sessions", "audit_events", "job_records")
"""Tables that may hold rows before there is a company: who may send requests, who did, and jobs that found nothing."""


def demo_settings(settings: Settings, folder: Path, given: Collection[str] = ()) -> Settings:
    """``settings`` with all that is read or written inside ``folder``, and training as fast as a demo needs.

    Args:
        settings: of the command.
        folder: of the demo.
        given: settings that the environment holds, as ``section.key``; they count, also the address of a store.

    Raises:
        ConfigError: ``given`` has a place that the demo makes itself.
    """
    if refused := [variable_of(name) for name in _ITS_OWN if name in given]:
        raise ConfigError(
            f"the demo makes its own company in {folder}/, so it takes no {' and no '.join(refused)}: unset "
            f"{'it' if len(refused) == 1 else 'them'}; it takes {variable_of(STORE)} and {variable_of(RECORD)}"
        )
    changed: dict[str, dict[str, Any]] = {
        "source": {"url": str(folder / "company.duckdb"), "table": None, "as_of": "latest"},
        "contract": {"path": folder / "contract.yaml"},
        "models": {"folder": folder / "models"},
        "store": {
            "url": f"sqlite:///{folder / 'churn.db'}",
            "tombstones": folder / "erasures" / "tombstones.jsonl",
        },
        "mlflow": {
            "uri": f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}",
            "artifacts": folder / "mlflow" / "artifacts",
        },
        "console": {"controlled": CONTROLLED},
        "training": {"snapshots": SNAPSHOTS, "settings_cells": SETTINGS_CELLS, "learning_rate": LEARNING_RATE},
    }
    left = {
        section: {key: value for key, value in keys.items() if f"{section}.{key}" not in given}
        for section, keys in changed.items()
    }
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in left.items()}
    )


def check_places(settings: Settings, given: Collection[str], *, is_kept: bool) -> None:
    """Refuse a store, or a record of MLflow, that the environment names and that holds another company.

    Args:
        settings: as :func:`demo_settings` gives them.
        given: settings that the environment holds.
        is_kept: whether the company in the folder stays, with its model.

    Raises:
        ConfigError: the store or the record holds something that is not of the company in the folder.
        StoreVersionError: the tables of the store are of another version; they stay as they are.
        StoreError: the store cannot be used.
        TrackingError: MLflow cannot be reached.
    """
    if STORE in given:
        if inspect_store(settings.store.url).tables.revision is None:  # never those of another company
            migrate_store(settings.store.url)
        with open_store(settings.store.url) as store:
            _check_store(store, BundleCache(settings.models.folder) if is_kept else None)
    if RECORD in given and not is_kept:
        _check_record(settings)


def _check_store(store: Store, ours: BundleCache | None) -> None:
    filled = filled_tables(store, besides=_OF_EVERY_STORE)
    live = {one.sha256 for one in Deployments(store).history()}
    if filled and (ours is None or live.isdisjoint(one.sha256 for one in ours.history())):
        raise ConfigError(
            f"the store {store.shown} holds rows already (in {', '.join(filled)}), of another company or of a demo "
            "that did not end, and the demo neither deletes nor mixes them: set "
            f"{variable_of(STORE)} to an empty database, or unset it"
        )


def _check_record(settings: Settings) -> None:
    # Imported here: MLflow takes seconds.
    from churn_mlops.models.registry import versions
    from churn_mlops.pipelines.deployment.mlflow_aliases import tracking

    name = settings.mlflow.model_name
    if versions(tracking(settings)):
        raise ConfigError(
            f"MLflow at {variable_of(RECORD)} has versions of the model {name} already, and the demo does not mix "
            f"its own with them: set {variable_of('mlflow.model_name')} to another name, or unset {variable_of(RECORD)}"
        )
