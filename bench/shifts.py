"""Two years of shifts: which of them cost money, which of them page, and after how long.

    python -m bench.shifts [--customers 100000] [--each 200] [--peers PYTHON] [--out bench/shifts.json]

A model is fitted on nine months of the demo company and scores each of the 24 months after it. In each run one thing
changes for good, at once or over months: why customers leave, how many, who they are, or what the source says of
them. A shift is harmful where the lists earn 5 % or more less from then on, by the true probabilities of leaving.
Runs are drawn until there are ``--each`` harmless and as many harmful ones. Labels are drawn by the true
probabilities; the product sees only these. It pages where `money_lost` asks to act, as the alert `MoneyLost` does.

Two decisions: that of the settings' defaults, where customers are worth little and few are on a list; and one of a
company whose offers are cheap. With ``--peers``, an interpreter that has NannyML and Evidently, the same runs go
through them as they are set up by default (`bench/shift_peers.py`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.optimize import brentq
from scipy.special import expit, logit

from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract, load_contract
from churn_mlops.data.demo_company import write_company
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.train import fit_bundle
from churn_mlops.monitoring import ListGain, ListTerms, ScoredRows, money_lost, week_gain
from churn_mlops.monitoring.money.list_gain import ERRORS_OF_95
from churn_mlops.retention.economics import Economics

Floats = npt.NDArray[np.float64]
ROOT = Path(__file__).parents[1]
HISTORY, LEARNT, UNUSED, LIVE = 46, 9, 1, 24
"""Months that the company writes, that a model learns from, without a final label then, and that it is live."""
FIT_ROWS, PEER_ROWS = 60_000, 2_000
FINAL_AFTER, HORIZON = 37, 30
HARM = 0.05
DECISIONS = {
    "cheap offers": Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3),
    "defaults": Economics(),
}
NUMBERS = (
    "tenure", "monthly_charges", "total_charges", "logins_28d", "logins_trend", "days_since_login", "gigabytes_28d",
    "tickets_90d", "failed_payments_90d",
)  # fmt: skip
CATEGORIES = ("contract_type", "payment_method", "internet_service", "tech_support", "online_security")
REASONS = ("plan", "logins", "discount", "tickets", "inactivity", "services")
KINDS = ("reason lost", "unseen reason", "level", "group", "mix", "missing", "mixed up", "scaled")


@dataclass(frozen=True)
class Month:
    """The customers of a month: their rows, and their true probabilities of leaving, shape (customers,)."""

    rows: pa.Table
    true: Floats


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


@dataclass(frozen=True)
class Company:
    """The months of a company, and the model that scores them."""

    months: list[Month]
    bundle: Bundle

    def scores(self, rows: pa.Table) -> Floats:
        """The churn probabilities of a model, shape (rows,)."""
        return ChurnPredictor(self.bundle).score(rows)

    def shifted(self, shift: Shift) -> Iterator[tuple[pa.Table, Floats, Floats]]:
        """Rows, scores and true probabilities of each month."""
        draw = np.random.default_rng(shift.seed)
        for place, month in enumerate(self.months):
            rows, true = month.rows, month.true
            if (by := shift.strength(place)) > 0:
                rows, true = _CHANGES[shift.kind](shift, by, rows, true, draw)
            yield rows, self.scores(rows), true


def _reason_lost(
    shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator
) -> tuple[pa.Table, Floats]:
    """A reason to leave counts less."""
    return rows, expit(logit(true) - by * _reason(rows, REASONS[shift.what % len(REASONS)]))


def _unseen_reason(
    shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator
) -> tuple[pa.Table, Floats]:
    """As many leave, and partly for a reason that no column knows."""
    odds, mean = logit(true) + 1.5 * by * draw.normal(size=len(true)), float(true.mean())
    return rows, expit(odds + brentq(lambda more: float(expit(odds + more).mean()) - mean, -30, 30))


def _level(shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator) -> tuple[pa.Table, Floats]:
    """Everyone leaves more, or less."""
    return rows, expit(logit(true) + (by if shift.up else -by))


def _group(shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator) -> tuple[pa.Table, Floats]:
    """One group leaves more, or less."""
    values = _texts(rows, CATEGORIES[shift.what % len(CATEGORIES)])
    levels = sorted(set(values))
    is_meant = values == levels[shift.what // len(CATEGORIES) % len(levels)]
    return rows, expit(logit(true) + 1.5 * (by if shift.up else -by) * is_meant)


def _mix(shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator) -> tuple[pa.Table, Floats]:
    """Others are customers: more of those with large values of a feature, or of those with small ones."""
    values = _numbers(rows, NUMBERS[shift.what % len(NUMBERS)])
    weights = np.exp((by if shift.up else -by) * np.clip((values - values.mean()) / values.std(), -3, 3))
    chosen = draw.choice(len(true), len(true), p=weights / weights.sum())
    return rows.take(pa.array(chosen)), true[chosen]


def _missing(
    shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator
) -> tuple[pa.Table, Floats]:
    """The source has no value of a feature for some customers."""
    name = _feature(shift)
    column = rows.column(name)
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    empty = pc.if_else(pa.array(draw.random(len(true)) < by), pa.scalar(None, plain.type), plain)
    return _with(rows, name, empty.cast(column.type) if empty.type == column.type else _dictionary(empty)), true


def _mixed_up(
    shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator
) -> tuple[pa.Table, Floats]:
    """The source has the value of another customer for some."""
    some, order = np.flatnonzero(draw.random(len(true)) < by), np.arange(len(true))
    order[some] = draw.permutation(some)
    name = _feature(shift)
    return _with(rows, name, rows.column(name).take(pa.array(order))), true


def _scaled(
    shift: Shift, by: float, rows: pa.Table, true: Floats, draw: np.random.Generator
) -> tuple[pa.Table, Floats]:
    """The source has a number in another unit."""
    name = NUMBERS[shift.what % len(NUMBERS)]
    times = float(np.exp(3 * (by if shift.up else -by)))
    return _with(rows, name, pc.multiply(rows.column(name), times)), true


_CHANGES = {
    "reason lost": _reason_lost, "unseen reason": _unseen_reason, "level": _level, "group": _group, "mix": _mix,
    "missing": _missing, "mixed up": _mixed_up, "scaled": _scaled,
}  # fmt: skip


def _feature(shift: Shift) -> str:
    return (*NUMBERS, *CATEGORIES)[shift.what % (len(NUMBERS) + len(CATEGORIES))]


def _with(rows: pa.Table, name: str, column: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), name, column)


def _dictionary(column: Any) -> Any:
    return column.cast(pa.string()).dictionary_encode()


def _numbers(rows: pa.Table, name: str) -> Floats:
    return np.nan_to_num(rows.column(name).to_numpy(), nan=0.0)


def _texts(rows: pa.Table, name: str) -> npt.NDArray[np.object_]:
    return np.asarray(rows.column(name).cast(pa.string()).to_pylist(), dtype=object)


def _reason(rows: pa.Table, name: str) -> Floats:
    """What a reason adds to the log-odds of leaving, as the demo company draws them."""
    monthly = _texts(rows, "contract_type") == "month-to-month"
    if name == "plan":
        fiber = _texts(rows, "internet_service") == "fiber_optic"
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
    return np.asarray(0.5 * sum(_texts(rows, one) == "no" for one in ("tech_support", "online_security")))


@cache
def company(customers: int, seed: int) -> Company:
    """The demo company, and a model of its first months."""
    with tempfile.TemporaryDirectory() as name:
        files = write_company(Path(name), customers, HISTORY, seed)
        contract = load_contract(files.contract)
        assert isinstance(contract, HistoryContract)
        truth = pq.read_table(files.truth)
        dates = sorted(set(truth["as_of"].to_pylist()))[3 : 3 + LEARNT + UNUSED + LIVE]
        tables = open_tables(str(files.database), contract)
        months = [_month(read_history(tables, contract, [day], label=True), contract, truth, day) for day in dates]
    learnt = pa.concat_tables([month.rows for month in months[:LEARNT]])
    learnt = learnt.take(pa.array(np.random.default_rng(seed).permutation(len(learnt))[:FIT_ROWS]))
    y = learnt.column(LABEL).to_numpy().astype(np.float64)
    bundle = fit_bundle(learnt, y, contract.flat(), "additive_boosting", seed=seed)
    return Company(months[LEARNT + UNUSED :], bundle)


def _month(found: pa.Table, contract: HistoryContract, truth: pa.Table, day: date) -> Month:
    known = found.filter(pc.is_valid(found[LEFT])).drop_columns([AS_OF])
    rows = read_snapshot(ibis.memtable(known), contract.flat(), label="known")
    of_day = truth.filter(pc.equal(truth["as_of"], day))
    place = pc.index_in(rows.column(contract.customer), of_day["customer_id"])
    return Month(rows.drop_columns([contract.customer]), of_day["hazard"].take(place).to_numpy())


def earned(scores: Floats, true: Floats, economics: Economics) -> float:
    """The money of a month's list, by the true probabilities."""
    terms = _terms(economics, len(true))
    return float(terms.gains(true)[terms.gains(scores) > 0].sum())


def _terms(economics: Economics, customers: int) -> ListTerms:
    return ListTerms(economics.gain_from_leaver, economics.cost_of_stayer, None, HORIZON, customers)


def paged(gains: Sequence[ListGain]) -> int | None:
    """The place of the month whose final labels page, None where none does."""
    for place in range(len(gains)):
        lost = money_lost(gains[: place + 1], HORIZON)[-1]
        if lost.status == "act":
            return place
    return None


def observed(months: Sequence[tuple[Floats, Floats]], economics: Economics, seed: int) -> list[ListGain]:
    """What the product measures of each month, by drawn labels."""
    draw, found = np.random.default_rng(seed), []
    for place, (scores, true) in enumerate(months):
        left = (draw.random(len(true)) < true).astype(np.float64)
        rows = ScoredRows(np.arange(len(true)), scores, left, np.ones(len(true)))
        gain = week_gain(rows, _terms(economics, len(true)), "")
        if gain.value is not None and gain.low is not None and gain.high is not None:
            error = (gain.high - gain.low) / 2 / ERRORS_OF_95
            found.append(ListGain(date(2026, 1, 1) + timedelta(days=HORIZON * place), gain.value, error))
    return found


def one_run(seed: int, customers: int, samples: Path | None) -> dict[str, Any]:
    """A shift, whether it is harmful, and when it pages, for each decision."""
    made, shift = company(customers, 1), drawn(np.random.default_rng(seed))
    before = [(made.scores(month.rows), month.true) for month in made.months]
    whole = list(made.shifted(shift))
    after = [(scores, true) for _, scores, true in whole]
    row: dict[str, Any] = {"seed": seed, "kind": shift.kind, "start": shift.start, "ramp": shift.ramp}
    for name, economics in DECISIONS.items():
        then, now = (sum(earned(*month, economics) for month in of[shift.start :]) for of in (before, after))
        page = paged(observed(after, economics, seed))
        row[name] = {"fall": 1 - now / then, "page": page}
    if samples is not None:
        pq.write_table(_sample(whole, seed), samples / f"{seed}.parquet")
    return row


def _sample(whole: Sequence[tuple[pa.Table, Floats, Floats]], seed: int) -> pa.Table:
    """Some customers of each month with score and label, for the peers."""
    draw, parts = np.random.default_rng(seed), []
    for place, (rows, scores, true) in enumerate(whole):
        some = draw.permutation(len(true))[:PEER_ROWS]
        left = (draw.random(len(some)) < true[some]).astype(np.int64)
        part = rows.take(pa.array(some)).drop_columns([LABEL])
        plain = pa.schema(
            [(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type) for one in part.schema]
        )
        extra = {"score": pa.array(scores[some]), "left": pa.array(left), "month": pa.array(np.full(len(some), place))}
        part = part.cast(plain)
        for name, column in extra.items():
            part = part.append_column(name, column)
        parts.append(part)
    return pa.concat_tables(parts)


def quiet(seed: int, customers: int) -> dict[str, int | None]:
    """When a run without any shift pages, for each decision."""
    made = company(customers, 1)
    months = [(made.scores(month.rows), month.true) for month in made.months]
    return {name: paged(observed(months, economics, seed)) for name, economics in DECISIONS.items()}


def chosen(rows: Sequence[dict[str, Any]], decision: str, each: int) -> list[dict[str, Any]]:
    """The first ``each`` harmful and ``each`` harmless runs."""
    harmful = [row for row in rows if row[decision]["fall"] >= HARM][:each]
    return harmful + [row for row in rows if row[decision]["fall"] < HARM][:each]


def table(rows: Sequence[dict[str, Any]], decision: str, page: str) -> dict[str, Any]:
    """Precision and recall of the pages; a page before the shift is false, of a harmful run too.

    Args:
        rows: the runs.
        decision: a key of `DECISIONS`.
        page: the key of a row's pages; that of the product is the decision's own.
    """
    falls = np.array([row[decision]["fall"] for row in rows])
    starts = np.array([row["start"] for row in rows])
    pages = np.array([np.inf if (at := _page(row, decision, page)) is None else at for row in rows])
    harmful, at_all = falls >= HARM, np.isfinite(pages)
    early, late = at_all & (pages < starts), at_all & (pages >= starts)
    right, false = int((late & harmful).sum()), int((late & ~harmful).sum() + early.sum())
    after = (pages - starts)[late & harmful] * HORIZON
    bands = {"5 to 10 %": (0.05, 0.1), "10 to 20 %": (0.1, 0.2), "20 % and more": (0.2, np.inf)}
    return {
        "harmful": int(harmful.sum()),
        "harmless": int((~harmful).sum()),
        "precision": round(right / max(1, right + false), 3),
        "recall": round(right / max(1, int(harmful.sum())), 3),
        "recall_by_fall": {
            name: [int((late & of).sum()), int(of.sum())]
            for name, (low, high) in bands.items()
            for of in [harmful & (falls >= low) & (falls < high)]
        },
        "false_pages": false,
        "false_pages_a_quarter": round(false / (len(rows) * LIVE / 3), 4),
        "before_the_shift": int(early.sum()),
        "horizons_to_page": [float(np.quantile(after, q)) / HORIZON for q in (0.5, 0.9)] if len(after) else None,
        "days_to_page": [int(np.quantile(after, q)) + FINAL_AFTER for q in (0.5, 0.9)] if len(after) else None,
        "days_until_labels_are_final": FINAL_AFTER,
    }


def _page(row: dict[str, Any], decision: str, page: str) -> int | None:
    place: int | None = row[decision]["page"] if page == "product" else row["peers"][page]
    return place


def main() -> None:
    """Simulate, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--draws", type=int, default=600, help="most runs")
    parser.add_argument("--peers", type=Path, help="an interpreter with NannyML and Evidently")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "shifts.json")
    given = parser.parse_args()
    company(given.customers, 1)  # once, before the processes are forked
    found: dict[str, Any] = {"customers": given.customers, "months": LIVE}
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as pool:
        samples = None if given.peers is None else Path(name)
        runs = partial(one_run, customers=given.customers, samples=samples)
        rows = list(pool.map(runs, range(given.draws), chunksize=5))
        still = list(pool.map(partial(quiet, customers=given.customers), range(10**6, 10**6 + given.each // 2)))
        if given.peers is not None:
            _add_peers(given.peers, Path(name), rows)
    for decision in DECISIONS:
        taken = chosen(rows, decision, given.each)
        pages = ("product", *(rows[0].get("peers") or ()))
        found[decision] = {page: table(taken, decision, page) for page in pages}
        found[decision]["quiet_runs_that_page"] = [sum(one[decision] is not None for one in still), len(still)]
    print(json.dumps(found, indent=1))
    given.out.write_text(json.dumps({**found, "runs": rows}, indent=1) + "\n")


def _add_peers(interpreter: Path, samples: Path, rows: list[dict[str, Any]]) -> None:
    """The month in which each peer first raises an alert."""
    command = [str(interpreter), str(ROOT / "bench" / "shift_peers.py"), str(samples)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    peers = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        row["peers"] = peers[str(row["seed"])]


if __name__ == "__main__":
    main()
