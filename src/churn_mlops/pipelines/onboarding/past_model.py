"""The model that the demo company would have had half a year ago: it never saw what came after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.deployment import Deployment, StoredBundle
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.fit_settings import FitSettings
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.training.snapshots import read_labelled

MODEL_TYPE = "logistic_regression"
"""The type that is fitted fastest."""
SNAPSHOTS = 1
VERSION = "0"


@dataclass(frozen=True)
class _Single:
    """One deployment, as a models folder follows it."""

    deployment: Deployment
    stored: StoredBundle

    def history(self) -> tuple[Deployment, ...]:
        return (self.deployment,)

    def bundle(self, sha256: str) -> StoredBundle:
        return self.stored


def deploy_past_model(settings: Settings, contract: HistoryContract, day: date, folder: Path) -> None:
    """Fit a model on labels that were final on ``day``, and put it into a models folder of its own.

    Args:
        settings: source and training.
        contract: of the source.
        day: the day on which it was trained.
        folder: the models folder.

    Raises:
        ChurnError: the source fails, or no label was final.
    """
    tables = open_tables(str(settings.source.url), contract)
    found = read_labelled(tables, contract, day, every_days=settings.training.every_days, max_dates=SNAPSHOTS)
    flat = contract.flat()
    y = found.rows.column(LABEL).to_numpy().astype(np.float64)
    bundle = fit_bundle(
        found.rows.select(list(flat.features)), y, flat, MODEL_TYPE, history=contract, settings=FitSettings(threads=1)
    )
    _deploy(bundle, day, ZoneInfo(contract.time_zone), folder)


def _deploy(bundle: Bundle, day: date, zone: ZoneInfo, folder: Path) -> None:
    provenance: Mapping[str, str] = {"trained_on": day.isoformat()}
    since = datetime.combine(day, time(), zone)
    deployment = Deployment(VERSION, bundle.sha256, bundle.model_type, since, "the model of half a year ago")
    BundleCache(folder).follow(_Single(deployment, StoredBundle(bundle.sha256, bundle.to_bytes(), provenance)))
