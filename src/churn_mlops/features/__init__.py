"""Fitted transformation of customers into model inputs."""

from churn_mlops.features.engineer import FeatureEngineer

__all__ = ["FeatureEngineer"]
