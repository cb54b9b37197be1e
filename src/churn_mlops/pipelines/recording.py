"""Where training runs and model versions are recorded."""

from __future__ import annotations

from churn_mlops.config import Settings
from churn_mlops.models.tracking import Tracking


def tracking(settings: Settings) -> Tracking:
    """The place that the settings name."""
    place = settings.mlflow
    return Tracking(place.uri, place.artifacts, place.experiment, place.model_name)
