"""Two years of retraining: what is promoted, what is refused, what goes back by itself, and the money that it earns.

    python -m bench.retraining [--seeds 20] [--months 24] [--customers 10000] [--out bench/retraining.json]

A made-up company whose customers leave for reasons that change: slowly all the time, and all of a sudden twice. Each
month a version is fitted on the twelve months before it. The same versions go live by different rules:

- ours: the promotion gate, and the review four times a month, which may go back by itself;
- fixed calendars: each version goes live in its month, every 1, 3, 6 or 12 months.

The money of a month is that of its list by the true churn probabilities, so no chance of single customers is in it.
In a second run two of the versions are bad, for every rule. One was fitted on labels in a random order. The other was
shown what was not known at the time: it is excellent in training and bad afterwards, so the gate lets it pass.
Whether a version is worse than the one before is counted by the truth: right after a jump a bad version can be better.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import expit

from churn_mlops.config.settings import Training
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.deployment import Deployment
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.fitting.inputs import FitSettings
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.train import fit_bundle
from churn_mlops.monitoring import ListTerms, PairedRows, ScoredRows, shadow_gain
from churn_mlops.pipelines.deployment.review import LEAST_SHARE, decide_champion
from churn_mlops.pipelines.training.context import PromotionRules
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import decide_promotion
from churn_mlops.pipelines.training.test_set import COMPARED_CHURNERS, ComparedRows, at_latest_dates
from churn_mlops.retention.economics import Economics
from churn_mlops.store.measurements import StoredMeasurement
from tests.companies.customers import CONTRACT, customers

Floats = npt.NDArray[np.float64]
ROOT = Path(__file__).parents[1]
WINDOW, REVIEWS, TEST_SHARE = 12, 4, 0.2
MEAN, SPREAD, DRIFT, JUMP = 0.06, 1.2, 0.08, 1.0
"""Churners a month; standard deviation of the log-odds; how much the reasons move in a month, and in a jump."""
CALENDARS = (1, 3, 6, 12)
ECONOMICS = Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3)
RULES, TRAINING, MARK = PromotionRules(ECONOMICS), Training(), "a" * 16
START, MONTH = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=30)


@dataclass(frozen=True)
class Month:
    """The customers of a month.

    Args:
        rows: as the models take them.
        true: churn probabilities, shape (customers,).
        left: 1 where the customer left within the month, else 0.
        when: the share of the month after which they left; meaningless for the others.
        in_test_set: no version trains on them.
    """

    rows: pa.Table
    true: Floats
    left: Floats
    when: Floats
    in_test_set: npt.NDArray[np.bool_]


def months(seed: int, count: int, size: int) -> list[Month]:
    """The months of a company, ``WINDOW`` more than ``count``."""
    draw, weights, found = np.random.default_rng(seed), np.ones(5), []
    jumps = set(draw.choice(np.arange(WINDOW + 3, WINDOW + count - 3), min(2, max(count - 6, 0)), replace=False))
    for month in range(WINDOW + count):
        weights = weights + draw.normal(0, DRIFT, 5) + (draw.normal(0, JUMP, 5) if month in jumps else 0)
        frame = customers(size, seed=1000 * seed + month)
        true = _probabilities(SPREAD * _shape(frame) @ (weights / np.linalg.norm(weights)))
        left = (draw.random(size) < true).astype(np.float64)
        found.append(Month(_typed(frame), true, left, draw.random(size), draw.random(size) < TEST_SHARE))
    return found


def _probabilities(log_odds: Floats) -> Floats:
    """The same order with a mean of `MEAN`: how many leave does not change, but who."""
    shift = brentq(lambda shift: float(expit(log_odds + shift).mean()) - MEAN, -30, 30)
    return np.asarray(expit(log_odds + shift))


def _shape(frame: pd.DataFrame) -> Floats:
    early = np.exp(-frame["tenure"].to_numpy() / 12)
    charges = pd.to_numeric(frame["charges"], errors="coerce").fillna(70.0).to_numpy()
    columns = (
        frame["plan"] == "monthly", early, frame["senior"] == 1, frame["channel"] == "shop", (charges - 70) / 50,
    )  # fmt: skip
    found = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    return np.asarray((found - found.mean(axis=0)) / found.std(axis=0))


def _typed(frame: pd.DataFrame) -> pa.Table:
    return read_snapshot(ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False)), CONTRACT)


@dataclass(frozen=True)
class Fitted:
    """A version, and the rows on which it is compared."""

    bundle: Bundle
    compared: ComparedRows
    base_rate: float


def fitted(window: Sequence[Month], fault: str, seed: int) -> Fitted:
    """A version fitted on a window; ``fault`` is empty, ``shuffled`` or ``leak``."""
    parts = [(one.rows.filter(pa.array(~one.in_test_set)), one.left[~one.in_test_set]) for one in window]
    tested = [(one.rows.filter(pa.array(one.in_test_set)), one.left[one.in_test_set]) for one in window]
    y = np.concatenate([labels for _, labels in parts])
    if fault == "shuffled":
        parts = [(rows, np.random.default_rng(seed).permutation(labels)) for rows, labels in parts]
    if fault == "leak":
        parts, tested = ([(_leaking(rows, labels), labels) for rows, labels in some] for some in (parts, tested))
    bundle = fit_bundle(
        pa.concat_tables([rows for rows, _ in parts]),
        np.concatenate([labels for _, labels in parts]),
        CONTRACT,
        "logistic_regression",
        seed=seed,
        settings=FitSettings(threads=1),
    )
    return Fitted(bundle, _compared(tested), float(y.mean()))


def _compared(tested: Sequence[tuple[pa.Table, Floats]]) -> ComparedRows:
    """The rows of the test set at the newest months of a window, as training takes them."""
    y = np.concatenate([labels for _, labels in tested])
    first = np.datetime64(START.date())
    as_of = np.repeat(first + 30 * np.arange(len(tested)), [len(labels) for _, labels in tested])
    chosen = at_latest_dates(np.ones(len(y), dtype=bool), y, as_of, COMPARED_CHURNERS)
    rows = pa.concat_tables([rows for rows, _ in tested]).filter(pa.array(chosen))
    return ComparedRows(rows, y[chosen], as_of=as_of[chosen])


def _leaking(rows: pa.Table, left: Floats) -> pa.Table:
    """Rows whose charges say who left: they were loaded after the fact."""
    charges = rows.column("charges").to_numpy() - 60 * left
    place = rows.schema.get_field_index("charges")
    return rows.set_column(place, "charges", pa.array(charges, rows.schema.field("charges").type))


def terms(size: int) -> ListTerms:
    """By which a list earns."""
    return ListTerms(ECONOMICS.gain_from_leaver, ECONOMICS.cost_of_stayer, None, 30, size)


def earned(bundle: Bundle, month: Month) -> float:
    """The money of the month's list, by the true probabilities."""
    listed = terms(len(month.true)).gains(ChurnPredictor(bundle).score(month.rows)) > 0
    return float(terms(len(month.true)).gains(month.true)[listed].sum())


def live(fitted_: Fitted, version: int) -> LiveModel:
    """A version as champion."""
    since = START + MONTH * version
    deployment = Deployment(str(version), fitted_.bundle.sha256, "logistic_regression", since, "better")
    return LiveModel(deployment, fitted_.bundle, {"set_aside": MARK})


def is_promoted(candidate: Fitted, champion: LiveModel, place: int, size: int) -> bool:
    """Whether the gate promotes the version of a month."""
    data = SimpleNamespace(
        test=candidate.compared.rows, compared=candidate.compared, mark=MARK,
        train_y=np.full(1, candidate.base_rate),
    )  # fmt: skip
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()), customers=size, history=None)
    given = SimpleNamespace(prepared=prepared, backtest=None, bundle=candidate.bundle)
    return decide_promotion(cast(Candidate, given), champion, RULES, START + MONTH * place).promote


def goes_back(champion: LiveModel, before: Bundle, month: Month, share: float, size: int) -> bool:
    """Whether the review goes back, once a share of the month is over."""
    so_far = month.left * (month.when <= share)
    rows = ScoredRows(np.arange(size), ChurnPredictor(champion.bundle).score(month.rows), so_far, np.ones(size))
    gain = shadow_gain("", [PairedRows(rows, ChurnPredictor(before).score(month.rows), share)], terms(size))
    return decide_champion(champion.deployment, StoredMeasurement(**asdict(gain)), TRAINING, "USD").step == "roll_back"


@dataclass(frozen=True)
class Promoted:
    """A month in which a version went live, and the money of the month by the truth, of the one before and of it."""

    place: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        """In percent of what the one before earns, which can be little right after a jump."""
        return 100 * (self.after - self.before) / abs(self.before)

    @property
    def is_worse(self) -> bool:
        """Whether it earns less, by so much that the review would go back where it is sure."""
        return self.gain <= -100 * LEAST_SHARE


@dataclass
class Ours:
    """Two years by the gate and the review.

    Args:
        money: of each month.
        promoted: the months in which a version went live.
        went_back: the months in which the review went back, and the share of the month that was over.
    """

    money: list[float]
    promoted: list[Promoted]
    went_back: list[tuple[int, float]]


def ours(found: list[Month], versions: list[Fitted], size: int) -> Ours:
    """The rule of the product."""
    champion, before, since = live(versions[0], 0), None, 0
    result = Ours([], [], [])
    for place, version in enumerate(versions):
        month = found[WINDOW + place]
        if place and is_promoted(version, champion, place, size):
            money_of = (earned(of.bundle, month) for of in (champion, version))
            result.promoted.append(Promoted(place, *money_of))
            champion, before, since = live(version, place), champion, place
        money = 0.0
        for review in range(1, REVIEWS + 1):
            money += earned(champion.bundle, month) / REVIEWS
            is_watched = before is not None and place - since < 2  # 60 days
            if is_watched and before is not None and goes_back(champion, before.bundle, month, review / REVIEWS, size):
                result.went_back.append((place, review / REVIEWS))
                now = START + MONTH * (place + review / REVIEWS)
                champion, before = replace(before, deployment=replace(before.deployment, since=now)), None
        result.money.append(money)
    return result


def calendar(found: list[Month], versions: list[Fitted], every: int) -> float:
    """The money of a fixed calendar."""
    return sum(earned(versions[place - place % every].bundle, found[WINDOW + place]) for place in range(len(versions)))


def one_company(given: tuple[int, int, int]) -> dict[str, Any]:
    """The figures of a seed."""
    seed, count, size = given
    found = months(seed, count, size)
    windows = [found[place : place + WINDOW] for place in range(count)]
    versions = [fitted(window, "", seed) for window in windows]
    clean = ours(found, versions, size)
    draw = np.random.default_rng(10_000 + seed)
    shuffled, leak = sorted(draw.choice(np.arange(2, count - 2), 2, replace=False).tolist())
    injected = list(versions)
    injected[shuffled] = fitted(windows[shuffled], "shuffled", seed)
    injected[leak] = fitted(windows[leak], "leak", seed)
    faulty = ours(found, injected, size)
    slipped = next((one for one in faulty.promoted if one.place == leak), None)
    back = [share for place, share in faulty.went_back if place == leak]
    best = sum(earned_by_truth(month, size) for month in found[WINDOW:])
    return {
        "seed": seed,
        "money_of_the_truth": best,
        "ours": sum(clean.money),
        "calendars": {every: calendar(found, versions, every) for every in CALENDARS},
        "promoted": len(clean.promoted),
        "promoted_worse": [
            {"money": round(one.after - one.before), "percent": round(one.gain, 1)}
            for one in clean.promoted
            if one.gain < 0
        ],
        "went_back": len(clean.went_back),
        "bad_refused": not any(one.place == shuffled for one in faulty.promoted),
        "slipped": slipped is not None,
        "slipped_worse": slipped is not None and slipped.is_worse,
        "slipped_gain_percent": None if slipped is None else round(slipped.gain, 1),
        "back_after": back[0] if back else None,
        "ours_with_faults": sum(faulty.money),
        "calendars_with_faults": {every: calendar(found, injected, every) for every in CALENDARS},
    }


def earned_by_truth(month: Month, size: int) -> float:
    """The money of a list by the true probabilities: no model can earn more."""
    return float(np.maximum(terms(size).gains(month.true), 0).sum())


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of all seeds together."""
    return {
        "money_of_the_truth": round(float(np.mean([row["money_of_the_truth"] for row in rows]))),
        "without_faults": _against_calendars(rows, ""),
        "with_faults": _against_calendars(rows, "_with_faults"),
        "promoted": sum(row["promoted"] for row in rows),
        **_promoted_worse(rows),
        "went_back": sum(row["went_back"] for row in rows),
        "bad_refused": sum(row["bad_refused"] for row in rows),
        "slipped": sum(row["slipped"] for row in rows),
        "slipped_worse": sum(row["slipped_worse"] for row in rows),
        "slipped_worse_back_within_the_month": sum(
            row["slipped_worse"] and row["back_after"] is not None for row in rows
        ),
        "back_after": [row["back_after"] for row in rows],
    }


def _promoted_worse(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many versions without a fault went live that earn less by the truth in their first month, and how much."""
    worse = [one for row in rows for one in row["promoted_worse"]]
    lost = -sum(one["money"] for one in worse)
    return {
        "promoted_worse": len(worse),
        "promoted_worse_by_5_percent": sum(one["percent"] <= -100 * LEAST_SHARE for one in worse),
        "promoted_worse_lost": lost,
        "promoted_worse_lost_percent": round(100 * lost / sum(row["ours"] for row in rows), 3),
    }


def _against_calendars(rows: list[dict[str, Any]], run: str) -> dict[str, Any]:
    """The mean money of each rule, and ours less that of the calendar that earns most, with its standard error."""
    calendars = {every: float(np.mean([row[f"calendars{run}"][every] for row in rows])) for every in CALENDARS}
    best = max(calendars, key=calendars.__getitem__)
    ours = np.array([row[f"ours{run}"] for row in rows])
    differences = ours - np.array([row[f"calendars{run}"][best] for row in rows])
    return {
        "ours": round(float(ours.mean())),
        "calendars": {every: round(money) for every, money in calendars.items()},
        "best_calendar_months": best,
        "ours_less_best_percent": round(float(100 * differences.mean() / calendars[best]), 2),
        "standard_error": round(float(100 * differences.std(ddof=1) / np.sqrt(len(rows)) / calendars[best]), 2),
    }


def main() -> None:
    """Simulate, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "retraining.json")
    given = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(one_company, [(seed, given.months, given.customers) for seed in range(given.seeds)]))
    found = summary(rows)
    print(json.dumps(found, indent=1))
    about = {"seeds": given.seeds, "months": given.months, "customers": given.customers}
    given.out.write_text(json.dumps({**about, **found, "companies": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
