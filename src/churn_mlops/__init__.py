"""Customer churn prediction and retention: from the customer database to proven money."""

__version__ = "0.1.0"
