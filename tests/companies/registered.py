"""A store with registered and deployed versions, real bundles with figures and curves among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from churn_mlops.deployment import StoredBundle
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions
from tests.companies.versions import version_of

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


def made(number: int) -> dict[str, Any]:
    """How version ``number`` was made: a later one is better, and its intervals overlap those of its neighbours."""
    auc = round(0.8 + number / 100, 2)
    return {
        "of": str(number),
        "trained_at": (NOW + timedelta(days=number)).isoformat(),
        "verdict": f"<b>verdict {number}</b>",
        "set_aside": {"share": 0.2},
        "data_fingerprint": "f" * 64,
        "features": ["tenure", "charges", "plan"][:number],
        "metrics": {
            "auc": {"value": auc, "low": auc - 0.015, "high": auc + 0.015},
            "log_loss": {"value": 0.3 - number / 100, "low": 0.2, "high": 0.4},
        },
        "curves": {
            "calibration": [
                {"customers": 50, "expected": share, "observed": share * 0.9, "low": share * 0.8, "high": share}
                for share in (0.1, 0.3, 0.6)
            ],
            "gain": [
                {"share": share, "captured": found, "low": found * 0.9, "high": min(1.0, found * 1.1)}
                for share, found in ((0.01, 0.05), (0.1, 0.4), (0.5, 0.8), (1.0, 1.0))
            ],
        },
    }


def register(address: str, *numbers: int, curves: bool = True) -> None:
    """Register versions, as training does."""
    with open_store(address) as store:
        for number in numbers:
            bundle, how = version_of(number), made(number)
            if not curves:
                del how["curves"]
            versions = ModelVersions(store, clock=lambda day=number: NOW + timedelta(days=day))
            stored = StoredBundle(bundle.sha256, bundle.to_bytes(), how)
            versions.register(stored, version=str(number), model_type=bundle.model_type)


def register_again(address: str, version: int, number: int) -> None:
    """Register the bundle of another number as ``version``, as training does after MLflow was built again."""
    bundle = version_of(number)
    with open_store(address) as store:
        stored = StoredBundle(bundle.sha256, bundle.to_bytes(), made(number))
        ModelVersions(store).register(stored, version=str(version), model_type=bundle.model_type)


def deploy(address: str, *numbers: int, by: str = "churn") -> None:
    """Make versions live, one after the other."""
    with open_store(address) as store:
        for number in numbers:
            bundle = version_of(number)
            stored = StoredBundle(bundle.sha256, bundle.to_bytes(), made(number))
            Deployments(store).deploy(
                stored, version=str(number), model_type=bundle.model_type, reason=f"why <i>{number}</i>", by=by
            )


def live(address: str) -> str | None:
    """The version that is live."""
    with open_store(address) as store:
        current = Deployments(store).current()
    return current and current.version
