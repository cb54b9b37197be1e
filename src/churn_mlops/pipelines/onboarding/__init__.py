"""The first contact: ``churn init`` and the demo."""
