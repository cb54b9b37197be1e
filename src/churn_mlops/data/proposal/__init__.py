"""The data contract that ``churn init`` proposes and writes."""

from churn_mlops.data.proposal.flat_proposal import propose

__all__ = ["propose"]
