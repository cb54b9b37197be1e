"""Where the frozen snapshots of earlier training runs are."""

from __future__ import annotations

from churn_mlops.config import Settings
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive


def snapshot_archive(settings: Settings) -> SnapshotArchive:
    """The frozen snapshots beside the models of ``settings``."""
    return SnapshotArchive(settings.models.folder / "frozen", settings.training.set_aside_key)
