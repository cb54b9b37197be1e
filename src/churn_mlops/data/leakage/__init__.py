"""The leakage firewall: what a model must not be told, found in the data on every training run."""

from churn_mlops.data.leakage.inspect import inspect
from churn_mlops.data.leakage.report import Canary, Firewall, LeakFinding
from churn_mlops.data.leakage.snapshot_hashes import changed, freeze, frozen_date, without

__all__ = ["Canary", "Firewall", "LeakFinding", "changed", "freeze", "frozen_date", "inspect", "without"]
