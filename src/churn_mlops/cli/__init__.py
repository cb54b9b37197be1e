"""The ``churn`` command."""

from churn_mlops.cli.main import main

__all__ = ["main"]
