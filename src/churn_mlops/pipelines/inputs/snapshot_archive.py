"""The archive of frozen snapshots of earlier training runs."""

from __future__ import annotations

from churn_mlops.config import Settings
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive


def snapshot_archive(settings: Settings) -> SnapshotArchive:
    """The archive in the folder of models of ``settings``."""
    return SnapshotArchive(settings.models.folder / "frozen", settings.training.set_aside_key)
