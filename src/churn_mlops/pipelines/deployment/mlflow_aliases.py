"""Where training runs and model versions are recorded, and its aliases, which follow what is live."""

from __future__ import annotations

import structlog

from churn_mlops.config import Settings
from churn_mlops.models.promotion import LiveModels
from churn_mlops.models.registry import CHAMPION, set_alias
from churn_mlops.models.tracking import Tracking, TrackingError

log = structlog.get_logger("churn_mlops.pipelines")


def tracking(settings: Settings) -> Tracking:
    """The place that the settings name."""
    place = settings.mlflow
    return Tracking(place.uri, place.artifacts, place.experiment, place.model_name)


def align_champion(settings: Settings) -> None:
    """Point MLflow's alias ``champion`` at the version that is live; where that fails, say so and go on.

    What is live is decided in the folder of live models; a job killed between the two leaves the alias behind.
    """
    live = LiveModels(settings.models.folder)
    named, period = None, live.current()
    while period is not None and period.version != named:  # again, where another went live in the meantime
        if not name_version(settings, CHAMPION, int(period.version)):
            return
        named, period = period.version, live.current()


def name_version(settings: Settings, alias: str, number: int) -> bool:
    """Point ``alias`` at version ``number``; where that fails, log it as a warning and give False."""
    try:
        set_alias(tracking(settings), alias, number)
    except TrackingError as error:
        standing = "is live" if alias == CHAMPION else "is recorded"
        log.warning(
            f"version {number} {standing}, but MLflow's alias {alias!r} could not be moved to it; "
            "the next training, promotion or rollback tries again",
            error=str(error),
        )
        return False
    return True
