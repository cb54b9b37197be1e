"""Where the frozen snapshots of earlier training runs are."""

from __future__ import annotations

from churn_mlops.config import Settings
from churn_mlops.data.leakage.snapshot_archive import FrozenSnapshots


def frozen_snapshots(settings: Settings) -> FrozenSnapshots:
    """The frozen snapshots beside the models of ``settings``."""
    return FrozenSnapshots(settings.models.folder / "frozen", settings.training.set_aside_key)
