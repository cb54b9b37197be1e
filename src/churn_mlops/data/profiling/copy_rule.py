"""Whether rows that equal another in everything but the customer are copies under another ID, or look alike.

Copies agree in the label. Customers who look alike leave or stay each on their own, so that groups of them often hold
both labels: as often as the churn rate of rows that are equal in all features but the finest makes it likely.
"""

from __future__ import annotations

FEWEST_COPIES = 10
"""Fewer rows that repeat are no finding."""
WEIGHT_OF_ALL = 5.0
"""Rows for which the churn rate of all counts beside that of nearly equal rows."""
_FEWEST_MIXED = 5.0  # where chance makes fewer, their absence shows nothing
_SELDOM_MIXED = 1 / 3


def are_copies(repeated: int, mixed: int, expected: float) -> bool:
    """Whether rows that equal an earlier one in all features are mostly copies.

    Args:
        repeated: rows that equal an earlier one in all features.
        mixed: groups of equal rows that hold both labels.
        expected: how many such groups would hold both if all were customers who look alike.
    """
    return repeated >= FEWEST_COPIES and expected >= _FEWEST_MIXED and mixed <= _SELDOM_MIXED * expected
