"""Typed settings: a YAML file, and over it the environment as ``CHURN__SECTION__KEY``."""

from churn_mlops.config.loading import DEFAULT_PATH, Reading, load_settings, read_settings
from churn_mlops.config.reference import settings_reference
from churn_mlops.config.settings import Settings, check_as_of

__all__ = [
    "DEFAULT_PATH",
    "Reading",
    "Settings",
    "check_as_of",
    "load_settings",
    "read_settings",
    "settings_reference",
]
