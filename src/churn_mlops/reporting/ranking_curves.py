"""How well scores put customers in order: ROC, precision-recall and lists of every length, each with a band.

The bands are those of a Poisson bootstrap: every customer is drawn a Poisson(1) number of times. Churners and retained
customers are counted by blocks of equal or neighbouring scores first, since the draws of a block add up to
Poisson(its count); so a million customers take no longer than two thousand. If all or none of a list left, every draw
of it says the same; so no band of a share is narrower than Wilson's interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.reporting.intervals import at_least, banded, scaled, share_of
from churn_mlops.reporting.report_data import Figure, Length, Point

REPLICATES = 500
BLOCKS = 2000
SHORTEST_LIST = 10
"""Customers on the shortest list that is evaluated."""
_FALSE_ALARMS = np.concatenate([np.linspace(0, 0.1, 21), np.linspace(0.125, 1, 36)])
_RECALLS = np.linspace(0.02, 1, 50)
_SHARES = np.concatenate([np.linspace(0.0025, 0.1, 40), np.linspace(0.11, 1, 90)])


@dataclass(frozen=True)
class Order:
    """Customers best first, counted: churners and customers among the first few, from none to all."""

    churners: Floats
    customers: Floats

    @property
    def rows(self) -> float:
        """All customers."""
        return float(self.customers[-1])

    def churners_among(self, share: Floats) -> Floats:
        """Churners among the first ``share`` of the customers; customers who tie stand in random order."""
        return np.asarray(np.interp(share * self.rows, self.customers, self.churners))

    def hits(self, false_alarms: Floats) -> Floats:
        """Share of the churners found, where this share of the retained customers is taken for churners."""
        retained = self.customers - self.churners
        return np.asarray(np.interp(false_alarms * retained[-1], retained, self.churners) / self.churners[-1])

    def precision(self, recall: Floats) -> Floats:
        """Share of churners among the customers taken for churners, if this share of all churners is found."""
        found = recall * self.churners[-1]
        # A trace less, so that customers after the last churner that is needed are not counted.
        taken = np.interp(found - 1e-9, self.churners, self.customers)
        return np.asarray(np.minimum(1.0, found / np.maximum(taken, found)))


def ordered(y: Floats, scores: Floats, most: int | None = None) -> Order:
    """Customers in the order of their scores, those with equal scores together, in at most ``most`` blocks."""
    _, places, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    if most is not None and len(counts) > most:
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        places = (starts * most // len(scores))[places]
    return _order(np.bincount(places, weights=y).astype(np.float64), np.bincount(places).astype(np.float64))


@dataclass(frozen=True)
class Ranking:
    """The curves of :func:`rank`."""

    roc: tuple[Point, ...]
    precision_recall: tuple[Point, ...]
    lengths: tuple[Length, ...]


def rank(y: Floats, scores: Floats, seed: int) -> Ranking:
    """The curves of ``scores``, with pointwise 95 % intervals.

    Args:
        y: 1 where the customer left, else 0, shape (rows,); both occur.
        scores: churn probabilities, shape (rows,).
        seed: of the bootstrap.
    """
    exact = ordered(y, scores)
    draws = _replicates(ordered(y, scores, BLOCKS), seed)

    def curve(at: Floats, figure: Callable[[Order, Floats], Floats]) -> tuple[Point, ...]:
        bands = banded(figure(exact, at), np.array([figure(order, at) for order in draws]))
        return tuple(Point(x=float(x), y=y) for x, y in zip(at, bands, strict=True))

    shares = _shares(len(y))
    churners = curve(shares, lambda order, at: order.churners_among(at) / order.rows)
    captured = curve(shares, lambda order, at: order.churners_among(at) / order.churners[-1])
    expected = np.cumsum(np.sort(scores)[::-1])[np.rint(shares * len(y)).astype(int) - 1] / len(y)
    left = float(exact.churners[-1])
    return Ranking(
        curve(_FALSE_ALARMS, Order.hits),
        tuple(Point(x=p.x, y=_honest(p.y, p.x * left / p.y.value)) for p in curve(_RECALLS, Order.precision)),
        tuple(
            Length(
                share=a.x,
                churners=at_least(a.y, scaled(share_of(a.y.value * exact.rows, a.x * exact.rows), a.x)),
                # The list of all customers holds all for certain.
                captured=b.y if a.x == 1 else _possible(b.y, left, a.x * exact.rows),
                expected=float(c),
            )
            for a, b, c in zip(churners, captured, expected, strict=True)
        ),
    )


def _honest(share: Figure, rows: float) -> Figure:
    """``share`` of so many customers, with an interval no narrower than Wilson's."""
    return at_least(share, share_of(share.value * rows, rows))


def _possible(captured: Figure, left: float, rows: float) -> Figure:
    """The share of ``left`` churners on a list of ``rows`` customers, who cannot be more churners than they are."""
    honest = _honest(captured, left)
    return Figure(value=honest.value, low=honest.low, high=max(honest.value, min(honest.high, rows / left)))


def _shares(rows: int) -> Floats:
    """Lengths of whole customers, none shorter than the shortest that is evaluated, none twice."""
    contacts = np.unique(np.rint(_SHARES * rows))
    kept = contacts[contacts >= min(SHORTEST_LIST, rows)]
    return np.asarray(kept / rows)


def _order(churners: Floats, customers: Floats) -> Order:
    start = np.zeros(1)
    return Order(np.concatenate([start, np.cumsum(churners)]), np.concatenate([start, np.cumsum(customers)]))


def _replicates(order: Order, seed: int) -> list[Order]:
    """Draws that hold both a churner and a retained customer; others have no curve."""
    draw = np.random.default_rng(seed)
    churners = np.diff(order.churners)
    retained = np.diff(order.customers) - churners
    drawn = []
    for _ in range(REPLICATES):
        left, stayed = draw.poisson(churners).astype(np.float64), draw.poisson(retained)
        if left.any() and stayed.any():
            drawn.append(_order(left, left + stayed))
    return drawn
