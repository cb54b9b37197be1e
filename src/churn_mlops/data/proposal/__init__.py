"""What ``churn init`` proposes, and how it writes it."""
