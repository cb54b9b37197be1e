"""The shadow: a second model that scores the customers of a run beside the champion. No one acts on its scores.

It is a challenger on trial; without one it is the version that the champion replaced, as long as that is watched. So
both are compared on the same customers, by what becomes of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.sources.spark import is_spark
from churn_mlops.deployment import active_history
from churn_mlops.errors import BundleError, ContractError, DataError, SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.store import Store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.trials import running_trial

log = structlog.get_logger("churn_mlops.pipelines")
SnapshotBy = Callable[[HistoryContract], pa.Table]


@dataclass(frozen=True)
class Shadow:
    """The model in the shadow.

    Args:
        version: as people see it.
        sha256: of its bundle.
        is_challenger: whether it is on trial; otherwise it is the version that the champion replaced.
    """

    version: str
    sha256: str
    is_challenger: bool


@dataclass(frozen=True)
class ShadowScores:
    """The scores of the shadow.

    Args:
        shadow: the model.
        seconds: the time that they took.
        scores: churn probabilities, shape (customers,).
    """

    shadow: Shadow
    seconds: float
    scores: Floats = field(repr=False)

    def in_order(self, order: npt.NDArray[np.intp]) -> ShadowScores:
        """The same in another order of the customers."""
        return replace(self, scores=self.scores[order])


def shadow_of(store: Store, settings: Settings, champion_sha256: str, now: datetime) -> Shadow | None:
    """The model in the shadow of a champion, None where there is none.

    Args:
        store: says which challenger is on trial, and what was live before.
        settings: of the section ``training``; customers on Spark are not scored twice.
        champion_sha256: hash of the champion's bundle.
        now: the present, with a time zone.

    Raises:
        StoreError: the store fails.
    """
    if is_spark(settings.source.url):
        return None
    trial = running_trial(store)
    if trial is not None and trial.champion_sha256 == champion_sha256:
        return Shadow(trial.version, trial.sha256, is_challenger=True)
    history = Deployments(store).history()
    if not history or history[-1].sha256 != champion_sha256 or history[-1].rollback:
        return None
    active = active_history(history)
    is_watched = now - history[-1].since <= timedelta(days=settings.training.watch_days)
    if not is_watched or len(active) < 2 or active[-2].sha256 == champion_sha256:
        return None
    return Shadow(active[-2].version, active[-2].sha256, is_challenger=False)


def shadow_scores(
    store: Store, shadow: Shadow, history: HistoryContract, snapshot_by: SnapshotBy
) -> ShadowScores | None:
    """The scores of the shadow; None where it cannot score, which is logged and holds up nothing.

    Args:
        store: holds its bundle.
        shadow: the model.
        history: the contract of the champion, whose customers are scored.
        snapshot_by: gives the customers as a contract says; a feature may be computed otherwise by that of the shadow.

    Raises:
        StoreError: the store fails.
    """
    began = time.perf_counter()
    try:
        content = Deployments(store).bundle(shadow.sha256).content
        bundle = Bundle.from_bytes(content, f"the bundle of version {shadow.version}")
        own = bundle.history or history
        snapshot = snapshot_by(own)
        scores = ChurnPredictor(bundle).score(snapshot)
        if own != history:
            customers = snapshot_by(history).column(history.customer)
            scores = _of(customers.to_pylist(), snapshot.column(own.customer).to_pylist(), scores)
    except (BundleError, ContractError, DataError, SourceError) as error:
        log.warning("shadow_not_scored", model_version=shadow.version, reason=str(error))
        return None
    return ShadowScores(shadow, time.perf_counter() - began, scores)


def _of(customers: list[str], scored: list[str], scores: Floats) -> Floats:
    """The scores of ``customers``; NaN where there is none."""
    found = dict(zip(scored, scores.tolist(), strict=True))
    return np.array([found.get(one, np.nan) for one in customers])
