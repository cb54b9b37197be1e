"""The leakage firewall: what a model must not be told, found in the data on every training run."""

from churn_mlops.data.firewall.findings import Canary, Firewall, LeakFinding
from churn_mlops.data.firewall.frozen import changed, freeze, frozen_date, without
from churn_mlops.data.firewall.inspection import inspect

__all__ = ["Canary", "Firewall", "LeakFinding", "changed", "freeze", "frozen_date", "inspect", "without"]
