"""``churn store``, ``churn backup``, ``churn restore`` and ``churn forget``."""
