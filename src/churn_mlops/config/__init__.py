"""Typed settings: a YAML file, and over it the environment as ``CHURN__SECTION__KEY``."""

from churn_mlops.config.loading import DEFAULT_PATH, load_settings
from churn_mlops.config.reference import settings_reference
from churn_mlops.config.settings import Settings

__all__ = ["DEFAULT_PATH", "Settings", "load_settings", "settings_reference"]
