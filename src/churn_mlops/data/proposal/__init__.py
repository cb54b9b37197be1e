"""What ``churn init`` proposes, and how it writes it."""

from churn_mlops.data.proposal.flat_proposal import propose

__all__ = ["propose"]
