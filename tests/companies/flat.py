"""The demo company: a made-up internet provider whose customers leave for causes a person can recognise.

No real data is used. One hidden trait, how committed a customer is, ties the columns together as in a real company:
those on a month-to-month contract tend to be newer, to pay by electronic check and to take no extras. The churners of
the 30 days are then drawn from :func:`demo_hazard`, so that tests can compare a model with the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.atomic_files import write_atomic

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]

CONTRACT_TYPES = ("month-to-month", "one_year", "two_year")
PAYMENT_METHODS = ("electronic_check", "mailed_check", "bank_transfer", "credit_card")
INTERNET_SERVICES = ("dsl", "fiber_optic", "no")
OPEN_SHARE = 0.25
"""Share of customers whose 30 days are not over: their label is blank, and they are the ones to score."""

_INTERCEPT = -5.29  # brings the mean of the hazard to 5 % a month


@dataclass(frozen=True)
class DemoFiles:
    """The files of the demo company."""

    customers: Path
    contract: Path


def demo_hazard(columns: Mapping[str, Any]) -> Floats:
    """True probability of leaving within 30 days, shape (n,), from the eight columns (arrays or lists of length n)."""
    tenure = np.asarray(columns["tenure"], dtype=np.float64)
    charges = np.asarray(columns["monthly_charges"], dtype=np.float64)
    contract, internet = np.asarray(columns["contract_type"]), np.asarray(columns["internet_service"])
    monthly, fiber = contract == "month-to-month", internet == "fiber_optic"
    log_odds = _INTERCEPT + 0.8 * monthly - 0.6 * (contract == "two_year")
    log_odds = log_odds + 0.4 * fiber - 0.4 * (internet == "no") + 0.8 * (monthly & fiber)
    log_odds = log_odds + 0.6 * (np.asarray(columns["payment_method"]) == "electronic_check")
    log_odds = log_odds + 0.5 * (np.asarray(columns["tech_support"]) == "no")
    log_odds = log_odds + 0.5 * (np.asarray(columns["online_security"]) == "no")
    log_odds = log_odds + 0.1 * (charges - 65.0) / 10.0
    log_odds = log_odds + 0.6 * np.exp(-tenure / 6.0) - 0.15 * np.minimum(tenure, 48.0) / 12.0
    # The welcome discount ends after twelve months; only who has no fixed term can walk away then.
    log_odds = log_odds + 3.0 * monthly * np.exp(-(((tenure - 12.0) / 2.0) ** 2))
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)


def demo_columns(customers: int, seed: int) -> dict[str, npt.NDArray[Any]]:
    """The ten columns of the customer file, each of shape (customers,); the same seed gives the same values."""
    draw = np.random.default_rng(seed)
    commitment = draw.standard_normal(customers)
    columns = _services(draw, commitment)
    tenure = _tenure(draw, commitment, columns["contract_type"])
    charges = _charges(draw, columns)
    total = np.round(tenure * charges * np.exp(draw.normal(0.0, 0.04, customers)), 2)
    columns = {
        "customer_id": np.char.mod("C%07d", np.arange(1, customers + 1)),
        "tenure": tenure,
        "monthly_charges": charges,
        "total_charges": total,
        **columns,
    }
    left = draw.random(customers) < demo_hazard(columns)
    still_open = draw.random(customers) < OPEN_SHARE
    columns["churned"] = np.where(still_open, "", np.where(left, "yes", "no"))
    return columns


def write_demo(folder: Path, customers: int = 20_000, seed: int = 20261123) -> DemoFiles:
    """Write ``customers.csv`` and ``contract.yaml`` into ``folder``, which is made when it is not there.

    Each file appears whole or not at all. The same ``customers`` and ``seed`` give the same bytes.

    Raises:
        ValueError: ``customers`` is below 1.
    """
    if customers < 1:
        raise ValueError(f"customers is {customers}; the demo company needs at least 1")
    columns = demo_columns(customers, seed)
    cells = [columns[name] for name in columns]
    texts = [np.char.mod("%.2f", cell) if cell.dtype.kind == "f" else cell.astype(str) for cell in cells]
    lines = [",".join(columns), *map(",".join, zip(*(text.tolist() for text in texts), strict=True))]
    folder.mkdir(parents=True, exist_ok=True)
    files = DemoFiles(folder / "customers.csv", folder / "contract.yaml")
    write_atomic(files.customers, ("\n".join(lines) + "\n").encode())
    write_atomic(files.contract, _CONTRACT.encode())
    return files


def _services(draw: np.random.Generator, commitment: Floats) -> dict[str, npt.NDArray[Any]]:
    zero = np.zeros_like(commitment)
    contract = _choose(draw, CONTRACT_TYPES, [0.35 - 0.9 * commitment, zero, -0.1 + 0.8 * commitment])
    internet = _choose(draw, INTERNET_SERVICES, [0.55 + zero, 0.35 - 0.5 * commitment, -0.6 + 0.1 * commitment])
    fiber = internet == "fiber_optic"
    payment = _choose(
        draw,
        PAYMENT_METHODS,
        [0.1 - 0.7 * commitment + 0.5 * fiber, -0.3 + zero, 0.3 * commitment, 0.1 + 0.3 * commitment],
    )
    takes_extras = 1.0 / (1.0 + np.exp(-(0.9 * commitment - 0.4 * fiber)))
    extras = [(draw.random(len(commitment)) < takes_extras) & (internet != "no") for _ in range(2)]
    return {
        "contract_type": contract,
        "payment_method": payment,
        "internet_service": internet,
        "tech_support": np.where(extras[0], "yes", "no"),
        "online_security": np.where(extras[1], "yes", "no"),
    }


def _choose(draw: np.random.Generator, levels: tuple[str, ...], utilities: list[Floats]) -> Texts:
    """One level a customer, with chances proportional to exp(utility) (the Gumbel trick)."""
    utility = np.stack(utilities, axis=1)
    chosen: Texts = np.asarray(levels)[np.argmax(utility + draw.gumbel(size=utility.shape), axis=1)]
    return chosen


def _tenure(draw: np.random.Generator, commitment: Floats, contract: Texts) -> npt.NDArray[np.int64]:
    """Months with the company, 1 to 72."""
    typical = np.select([contract == level for level in CONTRACT_TYPES], [18.0, 32.0, 44.0]) * np.exp(0.35 * commitment)
    return np.clip(np.ceil(draw.gamma(1.3, typical / 1.3)), 1, 72).astype(np.int64)


def _charges(draw: np.random.Generator, columns: Mapping[str, npt.NDArray[Any]]) -> Floats:
    """USD a month: by internet service and extras."""
    base = np.select([columns["internet_service"] == level for level in INTERNET_SERVICES], [45.0, 72.0, 22.0])
    extras = 6.0 * (columns["tech_support"] == "yes") + 5.0 * (columns["online_security"] == "yes")
    noise = draw.normal(0.0, 8.0, len(base))
    return np.asarray(np.round(np.clip(base + extras + noise, 15.0, 130.0), 2), dtype=np.float64)


_CONTRACT = """\
# The data contract of the demo company: what each column means and may hold.
version: 1
name: demo
customer: customer_id

# Who left within 30 days. Blank: the 30 days are not over, so nobody knows yet; `churn score` scores these customers.
label: {column: churned, positive: "yes", negative: "no", horizon_days: 30}

features:
  tenure:
    type: number
    title: tenure
    words: "{value} months with us"
    unit: months
    min: 0
    range: [1, 72]
  monthly_charges:
    type: number
    words: "{value} USD a month"
    unit: USD/month
    min: 0
    range: [15, 130]
  total_charges:
    type: number
    words: "{value} USD paid so far"
    unit: USD
    min: 0
    range: [10, 11000]
  contract_type:
    type: category
    words: "{value} contract"
    levels: [month-to-month, one_year, two_year]
  payment_method:
    type: category
    words: "payment by {value}"
    levels: [electronic_check, mailed_check, bank_transfer, credit_card]
  internet_service:
    type: category
    words: "internet service: {value}"
    levels: [dsl, fiber_optic, "no"]
  tech_support:
    type: category
    words: "tech support: {value}"
    levels: ["yes", "no"]
  online_security:
    type: category
    words: "online security: {value}"
    levels: ["yes", "no"]
"""
