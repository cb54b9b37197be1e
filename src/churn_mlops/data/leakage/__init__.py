"""The leakage checks: every training run searches the data for columns that a model must not see."""

from churn_mlops.data.leakage.inspect import inspect
from churn_mlops.data.leakage.known_rows import KnownRows, known_rows
from churn_mlops.data.leakage.report import Canary, LeakageReport, LeakFinding
from churn_mlops.data.leakage.snapshot_hashes import changed, freeze, frozen_date, without

__all__ = [
    "Canary",
    "KnownRows",
    "LeakFinding",
    "LeakageReport",
    "changed",
    "freeze",
    "frozen_date",
    "inspect",
    "known_rows",
    "without",
]
