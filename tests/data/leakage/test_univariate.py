"""Leaks are found in tables that no one tuned for, and honest columns are let be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from churn_mlops.data.profiling.name_signals import may_name_leaving, names_leaving
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.sources.dataframes import table_of_frame

ROWS = 3000
Column = Callable[[npt.NDArray[np.bool_], np.random.Generator], object]


def company(seed: int, **extra: Column) -> pd.DataFrame:
    """Customers whose tenure and plan say something about leaving, and the given columns besides."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 72, ROWS)
    plan = rng.choice(["basic", "plus", "max"], ROWS)
    risk = 1 / (1 + np.exp(0.06 * tenure - 0.5 - (plan == "basic")))
    left = rng.random(ROWS) < risk
    frame = pd.DataFrame({"tenure": tenure, "plan": plan, "spend": rng.gamma(2, 30, ROWS).round(2)})
    for name, make in extra.items():
        frame[name] = make(left, rng)
    return frame.assign(gone=np.where(left, "Yes", "No"))


def looked_at(frame: pd.DataFrame) -> Proposal:
    return propose(table_of_frame(frame), name="shop", label="gone")


LEAKS: dict[str, Column] = {
    "account_flag": lambda left, rng: np.where(left, "b", "a"),
    "points": lambda left, rng: left * 3.0 + rng.normal(0, 0.5, ROWS),
    "valley": lambda left, rng: np.where(left, 0, rng.choice([-1, 1], ROWS)) * 5 + rng.normal(0, 0.5, ROWS),
    "last_invoice": lambda left, rng: np.where(left, rng.normal(50, 9, ROWS), np.nan),
    "note": lambda left, rng: [f"told us at call {row}" if gone else None for row, gone in enumerate(left)],
    "cause": lambda left, rng: np.where(left & (rng.random(ROWS) < 0.5), rng.choice(["price", "moved"], ROWS), "none"),
    "ClosedOn": lambda left, rng: [f"2024-0{1 + row % 9}-11" if gone else None for row, gone in enumerate(left)],
    "customer_status": lambda left, rng: np.where(left ^ (rng.random(ROWS) < 0.15), "off", "on"),
    "refunded": lambda left, rng: left & (rng.random(ROWS) < 0.08),
    "spent_after": lambda left, rng: np.where(left & (rng.random(ROWS) < 0.08), rng.gamma(2, 9, ROWS).round(2), 0.0),
    "chat": lambda left, rng: np.where(left & (rng.random(ROWS) < 0.08), rng.choice(["x", "y"], ROWS), None),
    "churn_score": lambda left, rng: rng.integers(0, 100, ROWS),
    "Churn Category": lambda left, rng: rng.choice(["x", "y", "z"], ROWS),
    "exit_date": lambda left, rng: [f"2024-0{1 + row % 9}-11" for row in range(ROWS)],
    "cancellationReason": lambda left, rng: rng.choice(["price", "service"], ROWS),
    "termination_reason_code": lambda left, rng: rng.integers(1, 9, ROWS),
    "days_since_cancel": lambda left, rng: rng.integers(1, 90, ROWS),
}


@pytest.mark.parametrize("name", LEAKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_leak_is_excluded(name: str, seed: int) -> None:
    found = looked_at(company(seed, **{name: LEAKS[name]})).contract
    assert found.set_aside[name].reason == "suspected_leak"
    assert set(found.set_aside) == {name}


HONEST: dict[str, Column] = {
    "marital_status": lambda left, rng: rng.choice(["single", "married"], ROWS),
    "time_left_in_contract": lambda left, rng: rng.integers(0, 24, ROWS) + 4 * ~left,
    "credit_score": lambda left, rng: rng.normal(600, 50, ROWS) - 40 * left,
    "support_calls": lambda left, rng: rng.poisson(1 + 3 * left),
    "state": lambda left, rng: rng.choice(["NY", "CA", "TX"], ROWS),
    "cancelled_orders": lambda left, rng: rng.poisson(1, ROWS),
    "lucky_numbers": lambda left, rng: [f"n{row % 45}" for row in range(ROWS)],
    "two_years": lambda left, rng: np.where(left, False, rng.random(ROWS) < 0.6),
    "products": lambda left, rng: np.where(left & (rng.random(ROWS) < 0.08), 4, rng.choice([1, 2, 3], ROWS)),
    "complained": lambda left, rng: rng.random(ROWS) < np.where(left, 0.2, 0.01),
    "income": lambda left, rng: np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(4000, 900, ROWS)),
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_honest_column_stays(name: str, seed: int) -> None:
    found = looked_at(company(seed, **{name: HONEST[name]})).contract
    assert name in found.features
    assert not found.set_aside


def test_a_column_of_noise_is_never_suspected() -> None:
    rng = np.random.default_rng(0)
    noise = {f"x{place}": rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 300) for place in range(40)}
    numbers = {f"n{place}": rng.normal(size=300) for place in range(40)}
    frame = pd.DataFrame(noise | numbers).assign(gone=rng.choice(["Yes", "No"], 300, p=[0.1, 0.9]))
    found = looked_at(frame)
    assert not found.contract.set_aside
    assert not [finding for finding in found.findings if finding.kind == "strong"]


def test_rare_churners_are_enough() -> None:
    rng = np.random.default_rng(0)
    left = np.zeros(200_000, dtype=bool)
    left[rng.choice(left.size, 60, replace=False)] = True
    frame = pd.DataFrame({"x": rng.normal(size=left.size), "refund": np.where(left, 20.0, 0.0) + rng.random(left.size)})
    assert set(looked_at(frame.assign(gone=left)).contract.set_aside) == {"refund"}


@pytest.mark.parametrize(
    "name", ["tenure", "PaymentMethod", "Contract", "internet_service", "leaves_taken", "endowment", "Exits"]
)
def test_an_innocent_name_says_nothing(name: str) -> None:
    assert not names_leaving(name)


@pytest.mark.parametrize("name", ["duration", "call_seconds", "last_contact_duration"])
def test_the_length_of_the_contact_that_decided_the_label_is_asked_about(name: str) -> None:
    frame = company(1, **{name: lambda left, rng: rng.gamma(2, 90, ROWS).round() + 150 * left})
    found = looked_at(frame)
    assert name in found.contract.features
    said = next(finding.message for finding in found.findings if finding.column == name)
    assert "the length of the contact that decided the label" in said
    plain = looked_at(company(1, **{name: lambda left, rng: rng.gamma(2, 90, ROWS).round()}))
    assert name not in {finding.column for finding in plain.findings}


@pytest.mark.parametrize("name", ["CustomerStatus", "end_date", "is_cancelled", "refund", "ReasonCode"])
def test_a_doubtful_name_needs_the_values(name: str) -> None:
    assert not names_leaving(name)
    assert may_name_leaving(name)
