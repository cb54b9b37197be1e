"""Everything that learns from training data."""

from churn_mlops.models.fitting.inputs import FitSettings

__all__ = ["FitSettings"]
