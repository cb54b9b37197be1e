"""``churn campaign`` and ``churn contacts``."""
