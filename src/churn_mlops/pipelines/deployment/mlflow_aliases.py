"""MLflow, which records training runs and model versions; its aliases follow the deployments."""

from __future__ import annotations

import structlog

from churn_mlops.config import Settings
from churn_mlops.models.registry import CHAMPION, set_alias
from churn_mlops.models.tracking import Tracking, TrackingError
from churn_mlops.pipelines.deployment.deploy import history

log = structlog.get_logger("churn_mlops.pipelines")


def tracking(settings: Settings) -> Tracking:
    """The place that the settings name."""
    place = settings.mlflow
    return Tracking(place.uri, place.artifacts, place.experiment, place.model_name)


def align_champion(settings: Settings) -> None:
    """Point MLflow's alias ``champion`` at the version that is live; where that fails, say so and go on.

    The store decides what is live. A server that promotes does not reach MLflow, and a job that is killed in between
    leaves the alias behind.
    """
    named, live = None, _live_version(settings)
    while live is not None and live != named:  # again, where another went live in the meantime
        if not name_version(settings, CHAMPION, int(live)):
            return
        named, live = live, _live_version(settings)


def name_version(settings: Settings, alias: str, number: int) -> bool:
    """Point ``alias`` at version ``number``; where that fails, log it as a warning and give False."""
    try:
        set_alias(tracking(settings), alias, number)
    except TrackingError as error:
        retried = "at the next training, promotion, rollback or `churn models list`"
        log.warning("mlflow_alias_failed", alias=alias, version=number, retried=retried, error=str(error))
        return False
    return True


def _live_version(settings: Settings) -> str | None:
    deployments = history(settings)
    return deployments[-1].version if deployments else None
