"""The metrics of a model: what each computes, and the words that the command, the report and the card use for it.

A new metric is one entry of ``METRICS``: the report, the model card, the command and the training record show it.
Promotion compares log loss alone (``comparison.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from churn_mlops.models.calibration import SMALLEST_SLOPE, fit_calibration
from churn_mlops.models.scorers.lookup_tables import Floats

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Metric:
    """One metric; calling it gives its value, 0 or more.

    Args:
        name: its key in records and in ``--json``.
        title: what people read, in a table.
        meaning: what it says, for readers who do not know it.
        compute: the value, from labels (1 where the customer churned, else 0) and churn probabilities, each of shape
            (rows,); NaN where there is none.
        target: which values are good, after the title in a terminal; None where ``meaning`` is needed.
        digits: decimal places in reports.
        largest: the largest value that these labels allow; None where there is no bound.
    """

    name: str
    title: str
    meaning: str
    compute: Callable[[Floats, Floats], float]
    target: str | None = None
    digits: int = 2
    largest: Callable[[Floats], float] | None = None

    def __call__(self, y: Floats, scores: Floats) -> float:
        """The value for these labels and scores."""
        return self.compute(y, scores)

    @property
    def label(self) -> str:
        """The title with the target, for a terminal."""
        return self.title if self.target is None else f"{self.title} ({self.target})"

    def text(self, value: float) -> str:
        """``value`` as reports write it."""
        return f"{value:.{self.digits}f}"


# Log loss and AUC as in scikit-learn, whose checks of its inputs take longer than the sums, 31 times over.
def log_losses(y: Floats, scores: Floats) -> Floats:
    """The log loss of each customer, nats, shape (rows,); no score counts as closer to 0 or 1 than `EPSILON`.

    Args:
        y: 1 where the customer churned, else 0, shape (rows,).
        scores: churn probabilities, shape (rows,).
    """
    kept = np.clip(scores, EPSILON, 1 - EPSILON)
    return np.asarray(-(y * np.log(kept) + (1 - y) * np.log1p(-kept)))


def _log_loss(y: Floats, scores: Floats) -> float:
    return float(log_losses(y, scores).mean())


def _auc(y: Floats, scores: Floats) -> float:
    from scipy.stats import rankdata  # imported here: who only writes titles should not wait for it

    churned = y == 1
    count = int(churned.sum())
    above = rankdata(scores)[churned].sum() - count * (count + 1) / 2
    return float(above / (count * (len(y) - count)))


def _lift(y: Floats, scores: Floats) -> float:
    top = _top_decile(scores)
    return float(top @ y / top.sum() / y.mean())


def _observed_over_expected(y: Floats, scores: Floats) -> float:
    return float(y.sum() / scores.sum())


def _top_observed_over_expected(y: Floats, scores: Floats) -> float:
    top = _top_decile(scores)
    return float(top @ y / (top @ scores))


def _slope(y: Floats, scores: Floats) -> float:
    """The calibration slope; NaN where there is none: scores all alike, in no order of churn, or in a perfect one."""
    if scores.min() == scores.max() or scores[y == 1].min() > scores[y == 0].max():
        return math.nan
    kept = np.clip(scores, 1e-12, 1 - 1e-12)
    slope = fit_calibration(np.log(kept / (1 - kept)), y, prior=False).slope
    return slope if slope > SMALLEST_SLOPE else math.nan  # there the fit ends, and the figure would be its own


def _empc(y: Floats, scores: Floats) -> float:
    """The EMPC of Verbraken et al. 2013 at alpha 6, beta 14, value 200, incentive 10, contact 1."""
    from empulse.metrics import empc_score

    return float(empc_score(y, scores, alpha=6, beta=14, clv=200, incentive_cost=10, contact_cost=1))


def _pr_auc(y: Floats, scores: Floats) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y, scores))


def _one(y: Floats) -> float:
    return 1.0


def _largest_lift(y: Floats) -> float:
    """The top holds no more churners than there are, and no more than it has customers."""
    return float(min(len(y) / _top_size(y), 1 / y.mean()))


def _top_decile(scores: Floats) -> Floats:
    """How much of each row is in the top decile, shape (rows,): rows that tie at its edge share what is left of it."""
    size = _top_size(scores)
    edge = np.partition(scores, -size)[-size]
    above, tied = scores > edge, scores == edge
    return np.asarray(above + tied * ((size - above.sum()) / tied.sum()))


def _top_size(rows: Floats) -> int:
    return max(1, round(len(rows) / 10))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "log_loss",
            "Log loss",
            "how far scores are from what happened; lower is better, and models are chosen by it",
            _log_loss,
            target="lower is better",
            digits=4,
        ),
        Metric(
            "auc",
            "AUC",
            "how often a churner has a higher score than a retained customer; 0.5 is a coin, 1 is perfect",
            _auc,
            digits=3,
            largest=_one,
        ),
        Metric(
            "pr_auc",
            "PR AUC",
            "mean share of churners among the customers listed, over all lengths of the list",
            _pr_auc,
            digits=3,
            largest=_one,
        ),
        Metric(
            "lift_top_decile",
            "Lift in the top decile",
            "how many times as frequent churners are there as on average",
            _lift,
            largest=_largest_lift,
        ),
        Metric(
            "calibration_slope",
            "Calibration slope",
            "1 is right; below 1, high scores are too high and low ones too low",
            _slope,
            target="1 is right",
        ),
        Metric(
            "observed_over_expected",
            "Observed over expected",
            "churners for each churner that the scores expect; 1 is right",
            _observed_over_expected,
            target="1 is right",
        ),
        Metric(
            "observed_over_expected_top_decile",
            "The same in the top decile",
            "whether the highest scores hold; 1 is right",
            _top_observed_over_expected,
            target="1 is right",
        ),
        Metric(
            "empc",
            "Expected maximum profit (EMPC)",
            "a fixed yardstick for models (EMPC), not the money of this company",
            _empc,
        ),
    )
}
"""Each metric by its name."""
