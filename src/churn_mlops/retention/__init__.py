"""Retention: from a score to an action, and what it is worth."""

from churn_mlops.retention.economics import Action, Economics, action, break_even_probability, expected_gain

__all__ = ["Action", "Economics", "action", "break_even_probability", "expected_gain"]
