"""The comparison that decides about promotion: a challenger and the champion, by log loss, on the same customers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from churn_mlops.models.metrics import log_losses
from churn_mlops.models.scorers.lookup_tables import Floats, Places

NOISE = 1.96


@dataclass(frozen=True)
class Comparison:
    """Challenger against rival, row for row.

    Args:
        gain: mean log loss of the rival less that of the challenger, nats a customer; above 0 the challenger is better.
        error: standard error of ``gain``.
        customers: how many were compared.
    """

    gain: float
    error: float
    customers: int

    @property
    def beyond_noise(self) -> bool:
        """Whether the challenger is better by more than 1.96 standard errors."""
        return self.gain > NOISE * self.error

    @property
    def is_better(self) -> bool:
        """Whether the challenger is better at all, by as much as :attr:`figures` can show."""
        return round(self.gain, 5) > 0

    @property
    def figures(self) -> str:
        """The comparison from the challenger's side, as people read it."""
        difference = f"{abs(self.gain):.5f}"
        if float(difference) == 0:
            return f"the same log loss to 5 decimals, standard error {self.error:.5f}"
        return f"log loss {difference} {'better' if self.gain > 0 else 'worse'}, standard error {self.error:.5f}"


def compare(y: Floats, challenger: Floats, rival: Floats, clusters: Places | None = None) -> Comparison:
    """Compare two sets of scores of the same customers by log loss.

    Args:
        y: 1 where the customer left, else 0, shape (rows,).
        challenger: churn probabilities, shape (rows,).
        rival: churn probabilities, shape (rows,).
        clusters: the customer of each row, as a whole number, shape (rows,), where one may have several.
    """
    gains = log_losses(y, rival) - log_losses(y, challenger)
    if clusters is None:
        return Comparison(float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))), len(gains))
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=gains - gains.mean())
    error = math.sqrt(float(sums @ sums) * len(sums) / max(len(sums) - 1, 1)) / len(gains)
    return Comparison(float(gains.mean()), error, len(sums))
