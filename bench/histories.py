"""Public histories: what a model of the past is worth on later dates, against the simplest rival and against chance.

    python -m bench.histories FOLDER [--type auto] [--permutations 20]

FOLDER holds the public data sets `online_retail`, `ravenstack` and `mavenflix`. Each contract is what `churn init`
proposes. Prints a line of JSON for each result: the shop's area under the ROC curve on later dates, that of the days
since the last purchase alone on the same rows, and their difference, for several sets of as-of dates; the company's,
and that of the same model where the ends were given to other customers; that of two tables of subscriptions, and that
of their age alone, young ones first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.metrics import roc_auc_score

from churn_mlops.config import Settings
from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.date_range import first_day, last_day
from churn_mlops.data.snapshot.labels import training_dates
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.models.evaluate import evaluate
from churn_mlops.pipelines.training.backtest import BacktestScores, backtest_scores
from churn_mlops.pipelines.training.context import ModelSpec
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots, read_labelled

Floats = npt.NDArray[np.float64]
DRAWS = 1000
SETS = ((1, 30), (3, 30), (6, 30), (12, 30), (24, 14))
"""Sets of as-of dates: how many at most, and the days from one to the next."""


SUBSCRIPTIONS = {
    "mavenflix/subscriptions.csv": (None, "days_since_subscriptions_started"),
    "ravenstack/ravenstack_subscriptions.csv": ("subscription_id", "tenure"),
}
"""Tables of subscriptions, each with the customer that `churn init` is given, and the feature that holds the age."""


def proposed(address: str, customer: str | None = None) -> HistoryContract:
    """The contract that `churn init` proposes, with nothing changed."""
    return propose_history(open_every_table(address), name="data", customer=customer).contract


def periods_of(address: str, contract: HistoryContract, snapshots: int, every_days: int = 30) -> LabelledSnapshots:
    """Rows of the latest ``snapshots`` dates whose labels are final by the last day of the database."""
    tables = open_tables(address, contract)
    last = last_day(tables, contract)
    return read_labelled(tables, contract, last, every_days=every_days, max_dates=snapshots)


def against(later: BacktestScores, rival: Floats, draws: int = DRAWS) -> dict[str, Any]:
    """Areas under the ROC curve of the model and of a rival score on the same rows, with 95 % intervals.

    Customers are drawn with replacement, as many as there are; both scores are judged on the same draw.
    """
    draw = np.random.default_rng(0)
    _, place = np.unique(later.customers, return_inverse=True)
    rows_of = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    pairs = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[one] for one in draw.integers(0, len(rows_of), len(rows_of))])
        y = later.churned[rows]
        pairs.append((roc_auc_score(y, later.scores[rows]), roc_auc_score(y, rival[rows])))
    model, other = np.array(pairs).T
    whole = roc_auc_score(later.churned, later.scores), roc_auc_score(later.churned, rival)
    return {
        "auc": _interval(whole[0], model),
        "rival": _interval(whole[1], other),
        "difference": _interval(whole[0] - whole[1], model - other),
    }


def shop(folder: Path, model_type: str) -> Iterator[dict[str, Any]]:
    """The shop's results on its latest possible date for several sets of dates, and on earlier ones for the largest."""
    address = str(folder / "online_retail" / "online_retail.parquet")
    contract = proposed(address)
    # Of the dates to learn from, those after the gap are of no use: it takes the test date and three months before.
    for snapshots, every_days in SETS:
        periods = periods_of(address, contract, snapshots + 90 // every_days, every_days)
        yield _of_shop(periods, contract, model_type, learnt_from=snapshots, every_days=every_days)
    periods = periods_of(address, contract, 12)
    for day in periods.dates[-4:-1]:
        yield _of_shop(_until(periods, day), contract, model_type, learnt_from=12, every_days=30)


def subscriptions(folder: Path, model_type: str) -> Iterator[dict[str, Any]]:
    """The results of `SUBSCRIPTIONS` on their latest dates."""
    for name, (customer, age) in SUBSCRIPTIONS.items():
        address = str(folder / name)
        contract = proposed(address, customer)
        periods = periods_of(address, contract, 12)
        later = backtest_scores(periods, contract, ModelSpec(model_type, Settings().training.seed))
        assert later is not None
        young = -periods.rows.column(age).to_numpy()[later.test].astype(float)
        yield {
            "data": name,
            "customers": len(later.churned),
            "left": int(later.churned.sum()),
            "tested_on": [str(day) for day in later.tested_on],
            **against(later, young),
        }


def _of_shop(periods: LabelledSnapshots, contract: HistoryContract, model_type: str, **told: Any) -> dict[str, Any]:
    later = backtest_scores(periods, contract, ModelSpec(model_type, Settings().training.seed))
    if later is None:
        return {"data": "online_retail", "result": "too short", **told}
    silent = periods.rows.column("days_since_online_retail").to_numpy()[later.test]
    return {
        "data": "online_retail",
        **told,
        "trained_until": str(later.trained_until),
        "tested_on": [str(day) for day in later.tested_on],
        "customers": len(later.churned),
        "left": int(later.churned.sum()),
        **against(later, silent),
    }


def _until(periods: LabelledSnapshots, day: date) -> LabelledSnapshots:
    kept = periods.as_of <= np.datetime64(day, "D")
    return replace(periods, rows=periods.rows.filter(pa.array(kept)), as_of=periods.as_of[kept])


@dataclass(frozen=True)
class Company:
    """The customers of `ravenstack` at each date as if nobody ever left, and the days when they did.

    Features know nothing of ends; so ends can be given to other customers without making the snapshots anew.

    Args:
        contract: what `churn init` proposes.
        rows: customer, as-of date and features, whether the customer had left by then or not.
        names: the customers.
        starts: the day of each one's start, shape (customers,).
        ends: the days on which each one left, ascending.
    """

    contract: HistoryContract
    rows: pa.Table
    names: list[str]
    starts: npt.NDArray[np.datetime64]
    ends: list[npt.NDArray[np.datetime64]]

    def periods(self, given: npt.NDArray[np.intp]) -> LabelledSnapshots:
        """Rows to train on where customer ``i`` has the ends of customer ``given[i]``, shape (customers,)."""
        first = np.array([_first(self.ends[other], start) for other, start in zip(given, self.starts, strict=True)])
        places = {name: place for place, name in enumerate(self.names)}
        customers = self.rows.column(self.contract.customer).to_pylist()
        end = first[[places[name] for name in customers]]
        day = self.rows.column(AS_OF).to_numpy().astype("datetime64[D]")
        days = np.timedelta64(self.contract.label.days if self.contract.label else 0, "D")
        active = np.isnat(end) | (end > day)
        left = np.where(active & (end <= day + days), "yes", "no")
        rows = self.rows.drop_columns([AS_OF]).append_column(LEFT, pa.array(left)).filter(pa.array(active))
        typed = read_snapshot(ibis.memtable(rows), self.contract.flat(), label="known")
        return LabelledSnapshots(typed, day[active], ValidationReport(len(rows), ()), 0)


def read_company(folder: Path, snapshots: int = 12) -> Company:
    """The company at ``snapshots`` dates, the latest whose labels are final."""
    address = str(folder / "ravenstack")
    contract = proposed(address)
    home = contract.tables[contract.customers]
    kept = home.model_copy(update={"ends": None, "end": None, "end_known_at": None})
    endless = contract.model_copy(update={"label": None, "tables": {**contract.tables, contract.customers: kept}})
    tables = open_tables(address, endless)
    last = last_day(tables, contract)
    rows = read_history(tables, endless, training_dates(contract, first_day(tables, contract), last, 30, snapshots))
    starts = pd.read_csv(folder / "ravenstack" / "ravenstack_accounts.csv", parse_dates=["signup_date"])
    events = pd.read_csv(folder / "ravenstack" / "ravenstack_churn_events.csv", parse_dates=["churn_date"])
    by_name = {name: np.sort(days.to_numpy("datetime64[D]")) for name, days in events.groupby("account_id").churn_date}
    never = np.array([], dtype="datetime64[D]")
    names = list(starts.account_id)
    ends = [by_name.get(name, never) for name in names]
    return Company(contract, rows, names, starts.signup_date.to_numpy("datetime64[D]"), ends)


def _first(ends: npt.NDArray[np.datetime64], start: np.datetime64) -> np.datetime64:
    """The first end that is not before the start, as the contract counts it; not a time where there is none."""
    later = ends[ends >= start]
    return later[0] if len(later) else np.datetime64("NaT", "D")


def company(folder: Path, model_type: str, permutations: int) -> Iterator[dict[str, Any]]:
    """The company's result, and those where each customer was given another one's ends."""
    found = read_company(folder)
    model = ModelSpec(model_type, Settings().training.seed)
    customers = len(found.names)
    draws = [np.random.default_rng(seed).permutation(customers) for seed in range(permutations)]
    for place, given in enumerate([np.arange(customers), *draws]):
        later = backtest_scores(found.periods(given), found.contract, model)
        told = {"data": "ravenstack", "ends": f"shuffled {place}" if place else "real"}
        if later is not None:
            auc = evaluate(later.churned, later.scores, clusters=later.customers)["auc"]
            told |= {"customers": len(later.churned), "left": int(later.churned.sum())}
            told |= {"auc": [round(number, 4) for number in (auc.value, auc.low, auc.high)]}
        yield told


def _interval(value: float, draws: Floats) -> list[float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return [round(float(number), 4) for number in (value, low, high)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--type", default="auto")
    parser.add_argument("--permutations", type=int, default=20)
    given = parser.parse_args()
    results = (
        subscriptions(given.folder, given.type),
        company(given.folder, given.type, given.permutations),
        shop(given.folder, given.type),
    )
    for result in chain(*results):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
