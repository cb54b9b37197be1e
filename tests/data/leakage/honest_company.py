"""A made-up company whose customers leave for honest reasons, at many dates; leakage tests plant leaks in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.contract import DataContract
from churn_mlops.data.leakage import KnownRows, LeakageReport, inspect

Array = npt.NDArray[Any]
FIRST = np.datetime64("2023-01-01", "D")
EVERY = 30


@dataclass(frozen=True)
class World:
    """Rows of customers at dates, what is known of them then, and what becomes of them.

    ``ends`` is the day of the end of each row's customer, counted as ``day`` is; customers who never leave end late.
    """

    rng: np.random.Generator
    customer: Array
    day: Array
    left: Array
    ends: Array
    usage: Array
    columns: Mapping[str, Array] = field(default_factory=dict)
    dated: bool = True

    @property
    def last(self) -> int:
        """The day of the database: when the last label was final."""
        return int(self.day.max()) + EVERY

    def with_columns(self, **columns: Array) -> World:
        return replace(self, columns={**self.columns, **columns})

    def at(self, rows: Array) -> World:
        picked = {name: values[rows] for name, values in self.columns.items()}
        parts = {name: getattr(self, name)[rows] for name in ("customer", "day", "left", "ends", "usage")}
        return replace(self, columns=picked, **parts)

    @property
    def table(self) -> pa.Table:
        return pa.table({name: arrow(values) for name, values in self.columns.items()})

    @property
    def contract(self) -> DataContract:
        features = {
            name: {"type": "number"}
            if np.issubdtype(values.dtype, np.number)
            else {"type": "category", "levels": sorted({str(value) for value in values if value is not None})}
            for name, values in self.columns.items()
        }
        return DataContract.from_dict({"name": "made_up", "features": features})

    @property
    def as_of(self) -> Array | None:
        return FIRST + self.day.astype("timedelta64[D]") if self.dated else None

    def inspected(
        self, unlabelled: pa.Table | None = None, known: Mapping[str, KnownRows] | None = None
    ) -> LeakageReport:
        groups = self.customer if self.dated else None
        return inspect(
            self.table,
            self.left,
            self.contract,
            as_of=self.as_of,
            groups=groups,
            unlabelled=unlabelled,
            known=known,
        )


def arrow(values: Array) -> pa.Array:
    """A column as ``read_snapshot`` gives it."""
    if np.issubdtype(values.dtype, np.number):
        return pa.array(values.astype(np.float64))
    return pa.array(values.tolist(), pa.string()).dictionary_encode()


def world(seed: int, customers: int = 2000, dates: int = 9) -> World:
    """A company over ``dates`` as-of dates 30 days apart: seasons, a late shift, a use that drops before an end."""
    rng = np.random.default_rng(seed)
    start = rng.integers(-900, 0, customers)
    plan = rng.choice(["basic", "plus", "max"], customers)
    region = np.char.add("r", rng.integers(0, 40, customers).astype(str))
    loyal, level = rng.normal(size=customers), rng.gamma(4, 5, customers)
    there = np.ones(customers, dtype=bool)
    ends = np.full(customers, 10_000)
    parts = []
    for date in range(dates):
        day, late = date * EVERY, date >= dates - 2
        tenure = (day - start) / 30
        drop = rng.normal(0, 0.5, customers) + 0.4 * loyal
        use = rng.poisson(level * (1 + 0.3 * np.sin(date)) * np.exp(np.clip(drop, -2, 1)))
        tickets = rng.poisson(np.exp(-0.7 - 0.5 * drop))
        odds = (
            -3.4 - 0.03 * tenure + 0.8 * (plan == "basic") - 1.3 * drop + 0.3 * tickets + 0.6 * late * (plan == "max")
        )
        leaves = there & (rng.random(customers) < 1 / (1 + np.exp(-odds)))
        ends[leaves] = day + rng.integers(1, EVERY + 1, int(leaves.sum()))
        bill = np.round(30 + 2 * use + rng.normal(0, 5, customers), 2)
        rated = np.where(rng.random(customers) < 0.4, np.round(np.clip(4 + drop, 1, 5)), np.nan)
        found = dict(
            tenure=tenure, plan=plan, region=region, use=use, trend=drop, tickets=tickets, bill=bill, rated=rated,
            paid=np.round(bill * tenure / 3, 2),
        )  # fmt: skip
        rows = np.flatnonzero(there)
        parts.append((rows, np.full(rows.size, day), leaves[rows], use[rows], {n: v[rows] for n, v in found.items()}))
        there &= ~leaves
    joined = {name: np.concatenate([part[4][name] for part in parts]) for name in parts[0][4]}
    who, day, left, use = (np.concatenate([part[place] for part in parts]) for place in range(4))
    return World(rng, who, day, left.astype(np.int64), ends[who], use, joined)


def flat(seed: int, customers: int = 6000) -> World:
    """The same company at one date, as a flat table."""
    return replace(world(seed, customers, dates=1), dated=False)
