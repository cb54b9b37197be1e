"""Columns that the leaving writes into a customer's row: no feature may read them."""

from __future__ import annotations

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.lives import Array
from tests.companies.known_truth.time_decoys import Shape


def _plant(company: Company, column: str, cells: Array) -> None:
    if company.names.customers in company.tables:
        company.home[column] = cells
        company.truth.leaks.add(f"{company.names.customers}.{column}")


def status(company: Company) -> None:
    """The status of today."""
    _plant(company, "status", np.where(company.lives.left, "inactive", "active").astype(object))


def reason(company: Company) -> None:
    """A reason, for half of those who left."""
    given = company.lives.left & (company.rng.random(company.lives.count) < 0.5)
    words = company.rng.choice(["price", "moved", "service"], given.size).astype(object)
    words[~given] = None
    _plant(company, "feedback_code", words)


def final_bill(company: Company) -> None:
    """A last amount, of customers who left."""
    given = company.lives.left & (company.rng.random(company.lives.count) < 0.8)
    _plant(company, "settlement", np.where(given, company.rng.gamma(3, 20, given.size).round(2), 0.0))


def segment(company: Company) -> None:
    """A segment that was computed anew when all was over."""
    other = company.rng.choice(["loyal", "new", "at risk"], company.lives.count)
    _plant(company, "rfm_group", np.where(company.lives.left, "lost", other).astype(object))


def wiped(company: Company) -> None:
    """A value that the leaving wipes out."""
    points = company.rng.gamma(3, 100, company.lives.count).round()
    _plant(company, "points", np.where(company.lives.left, np.nan, points))


PLANTED_LEAKS: dict[str, Shape] = {
    "a status of today": status,
    "a reason for who left": reason,
    "a final bill": final_bill,
    "a segment made afterwards": segment,
    "a value wiped out": wiped,
}
