"""Metrics of scores whose customers count by weights, and whose labels may be probabilities.

With weights of 1 and labels of 0 and 1 they are the metrics of ``models.metrics``. A label between 0 and 1 counts as
that much of a churner, which gives the value that is expected where the label is not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from churn_mlops.models.metrics import log_losses

Floats = npt.NDArray[np.float64]
TOP = 0.1


@dataclass(frozen=True)
class Ranked:
    """Rows by score, the lowest first; each field has shape (rows,), and there is at least one row.

    Args:
        y: 1 where the customer churned, 0 where they stayed, between the two where it is not known yet.
        scores: churn probabilities.
        weights: above 0.
    """

    y: Floats
    scores: Floats
    weights: Floats

    @classmethod
    def of(cls, y: Floats, scores: Floats, weights: Floats) -> Ranked:
        """The rows in the order of their scores."""
        order = np.argsort(scores, kind="stable")
        return cls(y[order], scores[order], weights[order])

    def only(self, kept: npt.NDArray[np.bool_]) -> Ranked:
        """The rows that are ``kept``, in the same order."""
        return Ranked(self.y[kept], self.scores[kept], self.weights[kept])

    @property
    def churners(self) -> float:
        """Weight of the churners."""
        return float(self.weights @ self.y)

    @property
    def expected(self) -> float:
        """Weight of the churners that the scores expect."""
        return float(self.weights @ self.scores)

    def auc(self) -> float:
        """How often a churner has a higher score than a retained customer."""
        churned = np.add.reduceat(self.weights * self.y, self.ties)
        stayed = np.add.reduceat(self.weights * (1 - self.y), self.ties)
        below = np.cumsum(stayed) - stayed
        return float(churned @ (below + stayed / 2) / (churned.sum() * stayed.sum()))

    def log_loss(self) -> float:
        """Mean log loss, nats a customer."""
        return float(self.weights @ log_losses(self.y, self.scores) / self.weights.sum())

    def observed_per_100(self) -> float:
        """Churners for 100 that the scores expect."""
        return 100 * self.churners / self.expected

    def top_observed_per_100(self) -> float:
        """The same in the top decile."""
        top = self.top
        return float(100 * (top @ self.y) / (top @ self.scores))

    def lift(self) -> float:
        """How many times as frequent churners are in the top decile as on average."""
        return float(self.top @ self.y / self.top.sum() / (self.churners / self.weights.sum()))

    @cached_property
    def top(self) -> Floats:
        """The weight of each row in the top decile by weight: rows that tie at its edge share what is left of it."""
        return self.top_of(TOP * float(self.weights.sum()))

    def top_of(self, weight: float) -> Floats:
        """The same for the top rows of a total ``weight``."""
        together = np.add.reduceat(self.weights, self.ties)
        above = together[::-1].cumsum()[::-1] - together
        share = np.clip((weight - above) / together, 0, 1)
        return np.asarray(np.repeat(share, np.diff([*self.ties, len(self.y)])) * self.weights)

    @cached_property
    def ties(self) -> npt.NDArray[np.intp]:
        """The first row of each score."""
        return np.flatnonzero(np.concatenate([[True], np.diff(self.scores) > 0]))


def sum_below(values: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    """The sum of the values before the block of each row, and half of its block."""
    blocks = np.add.reduceat(values, starts)
    return np.repeat(np.cumsum(blocks) - blocks / 2, np.diff([*starts, len(values)]))
