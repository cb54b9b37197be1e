"""The settings of a command: those of ``--config``, with logging set up as they say."""

from __future__ import annotations

import typer

from churn_mlops.config import Settings, load_settings
from churn_mlops.logs import configure


def settings_of(context: typer.Context) -> Settings:
    """Read the settings and set the logs up.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """
    settings = load_settings(context.obj)
    configure(settings.logging.level, settings.logging.format)
    return settings
