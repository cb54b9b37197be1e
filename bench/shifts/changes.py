"""The shifts: why customers leave, how many, who they are, or the source's word on them, changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import brentq
from scipy.special import expit, logit

Floats = npt.NDArray[np.float64]
NUMBERS = (
    "tenure", "monthly_charges", "total_charges", "logins_28d", "logins_trend", "days_since_login", "gigabytes_28d",
    "tickets_90d", "failed_payments_90d",
)  # fmt: skip
CATEGORIES = ("contract_type", "payment_method", "internet_service", "tech_support", "online_security")
REASONS = ("plan", "logins", "discount", "tickets", "inactivity", "services")
KINDS = ("reason lost", "unseen reason", "level", "group", "mix", "missing", "mixed up", "scaled")


@dataclass(frozen=True)
class Month:
    """The customers of a month: their rows, true probabilities of leaving, and scores, each of shape (customers,).

    ``scores`` is None where the rows say something else now, so that they are to be scored again.
    """

    rows: pa.Table
    true: Floats
    scores: Floats | None = None


@dataclass(frozen=True)
class Shift:
    """What changes.

    Args:
        kind: one of `KINDS`.
        size: in [0, 1]: how much of it.
        up: its direction, where it has one.
        what: picks the feature, the reason or the group.
        start: the first month that it touches.
        ramp: months until it is there whole; 0 for at once.
        seed: of its draws.
    """

    kind: str
    size: float
    up: bool
    what: int
    start: int
    ramp: int
    seed: int

    def strength(self, month: int) -> float:
        """How much of it is there in a month, in [0, size]."""
        if month < self.start:
            return 0.0
        return self.size * (min(1.0, (month - self.start + 1) / self.ramp) if self.ramp else 1.0)


def drawn(draw: np.random.Generator) -> Shift:
    """A shift of any kind and size, from the fifth month up to the end of the first year."""
    return Shift(
        kind=str(draw.choice(KINDS)),
        size=float(draw.random()),
        up=bool(draw.random() < 0.5),
        what=int(draw.integers(0, 1000)),
        start=int(draw.integers(4, 13)),
        ramp=int(draw.choice([0, 0, 3, 6])),
        seed=int(draw.integers(1 << 30)),
    )


def _reason_lost(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """A reason to leave counts less."""
    return _with_odds(month, logit(month.true) - by * _reason(month.rows, REASONS[shift.what % len(REASONS)]))


def _unseen_reason(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """As many leave, and partly for a reason that no column knows."""
    odds, mean = logit(month.true) + 1.5 * by * draw.normal(size=len(month.true)), float(month.true.mean())
    return _with_odds(month, odds + brentq(lambda more: float(expit(odds + more).mean()) - mean, -30, 30))


def _level(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """Everyone leaves more, or less."""
    return _with_odds(month, logit(month.true) + (by if shift.up else -by))


def _group(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """One group leaves more, or less."""
    values = _texts(month.rows, CATEGORIES[shift.what % len(CATEGORIES)])
    levels = sorted(pc.unique(values).to_pylist())
    is_meant = _equal(values, levels[shift.what // len(CATEGORIES) % len(levels)])
    return _with_odds(month, logit(month.true) + 1.5 * (by if shift.up else -by) * is_meant)


def _mix(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """Others are customers: more of those with large values of a feature, or of those with small ones."""
    values = _numbers(month.rows, NUMBERS[shift.what % len(NUMBERS)])
    weights = np.exp((by if shift.up else -by) * np.clip((values - values.mean()) / values.std(), -3, 3))
    chosen = draw.choice(len(values), len(values), p=weights / weights.sum())
    scores = None if month.scores is None else month.scores[chosen]
    return Month(month.rows.take(pa.array(chosen)), month.true[chosen], scores)


def _missing(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """The source has no value of a feature for some customers."""
    name = _feature(shift)
    column = month.rows.column(name)
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    empty = pc.if_else(pa.array(draw.random(len(column)) < by), pa.scalar(None, plain.type), plain)
    return _with_column(month, name, empty.cast(column.type) if empty.type == column.type else _dictionary(empty))


def _mixed_up(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """The source has the value of another customer for some."""
    customers = len(month.true)
    some, order = np.flatnonzero(draw.random(customers) < by), np.arange(customers)
    order[some] = draw.permutation(some)
    name = _feature(shift)
    return _with_column(month, name, month.rows.column(name).take(pa.array(order)))


def _scaled(shift: Shift, by: float, month: Month, draw: np.random.Generator) -> Month:
    """The source has a number in another unit."""
    name = NUMBERS[shift.what % len(NUMBERS)]
    times = float(np.exp(3 * (by if shift.up else -by)))
    return _with_column(month, name, pc.multiply(month.rows.column(name), times))


CHANGES = {
    "reason lost": _reason_lost, "unseen reason": _unseen_reason, "level": _level, "group": _group, "mix": _mix,
    "missing": _missing, "mixed up": _mixed_up, "scaled": _scaled,
}  # fmt: skip


def _feature(shift: Shift) -> str:
    return (*NUMBERS, *CATEGORIES)[shift.what % (len(NUMBERS) + len(CATEGORIES))]


def _with_odds(month: Month, odds: Floats) -> Month:
    return replace(month, true=expit(odds))


def _with_column(month: Month, name: str, column: Any) -> Month:
    rows = month.rows.set_column(month.rows.schema.get_field_index(name), name, column)
    return Month(rows, month.true)


def _dictionary(column: Any) -> Any:
    return column.cast(pa.string()).dictionary_encode()


def _numbers(rows: pa.Table, name: str) -> Floats:
    return np.asarray(np.nan_to_num(rows.column(name).to_numpy(), nan=0.0))


def _texts(rows: pa.Table, name: str) -> Any:
    return rows.column(name).cast(pa.string())


def _equal(texts: Any, text: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.equal(texts, text).to_numpy())


def _reason(rows: pa.Table, name: str) -> Floats:
    """What a reason adds to the log-odds of leaving, as the demo company draws them."""
    monthly = _equal(_texts(rows, "contract_type"), "month-to-month")
    if name == "plan":
        fiber = _equal(_texts(rows, "internet_service"), "fiber_optic")
        return np.asarray(0.8 * monthly + 0.4 * fiber + 0.8 * (monthly & fiber))
    if name == "logins":
        trend = rows.column("logins_trend").to_numpy()
        return np.asarray(-1.4 * np.clip(np.log(np.maximum(np.where(np.isnan(trend), 1, trend), 1e-9)), -1.5, 1))
    if name == "discount":
        return np.asarray(2.0 * monthly * np.exp(-(((_numbers(rows, "tenure") - 12) / 2) ** 2)))
    if name == "tickets":
        return np.asarray(0.4 * np.minimum(_numbers(rows, "tickets_90d"), 3))
    if name == "inactivity":
        return np.asarray(0.6 * (_numbers(rows, "days_since_login") >= 14))
    return np.asarray(0.5 * sum(_equal(_texts(rows, one), "no") for one in ("tech_support", "online_security")))
