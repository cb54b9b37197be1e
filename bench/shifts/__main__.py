"""Two years of shifts: which of them cost money, which of them page, and after how long.

    python -m bench.shifts [--each 200] [--peers PYTHON] [--out bench/shifts.json]
    python -m bench.shifts --customers 400000 --decisions defaults --out bench/shifts_large.json

A model is fitted on nine months of the demo company and scores each of the 24 months after it. In each run one thing
changes for good, at once or over months: why customers leave, how many, who they are, or what the source says of
them. A shift is harmful where the lists earn 5 % or more less from then on, by the true probabilities of leaving.
Runs are drawn until there are ``--each`` harmless and as many harmful ones. Labels are drawn by the true
probabilities; the product sees only these. It pages where `money_lost` asks to act, as the alert `MoneyLost` does.

Two decisions: that of the settings' defaults, where customers are worth little and few are on a list; and one of a
company whose offers are cheap. The limit is what a test finds that knows when the shift began, and what the lists
would have earned without it: the rest lies within the chance of labels. With ``--peers``, an interpreter that has
NannyML and Evidently, the same runs go through them as they are set up by default (`bench/shifts/peers.py`).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.shifts.changes import Floats, Month, drawn
from bench.shifts.company import LIVE, company
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.monitoring import ListGain, ListTerms, Measurement, ScoredRows, money_lost, week_gain
from churn_mlops.monitoring.money.list_gain import ERRORS_OF_95
from churn_mlops.retention.economics import Economics

HERE = Path(__file__).parent
PEER_ROWS = 2_000
BATCH = 20
FINAL_AFTER, HORIZON = 37, 30
HARM = 0.05
ONE_SIDED_95 = 1.645
BANDS = {"5 to 10 %": (0.05, 0.1), "10 to 20 %": (0.1, 0.2), "20 % and more": (0.2, math.inf)}
DECISIONS = {
    "cheap offers": Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3),
    "defaults": Economics(),
}


def earned(month: Month, economics: Economics) -> float:
    """The money of a month's list, by the true probabilities."""
    terms = _terms(economics, len(month.true))
    return float(terms.gains(month.true)[terms.gains(_scores(month)) > 0].sum())


def _scores(month: Month) -> Floats:
    assert month.scores is not None
    return month.scores


def _terms(economics: Economics, customers: int) -> ListTerms:
    return ListTerms(economics.gain_from_leaver, economics.cost_of_stayer, None, HORIZON, customers)


def paged(gains: Sequence[ListGain]) -> int | None:
    """The place of the month whose final labels page, None where none does."""
    for place in range(len(gains)):
        lost = money_lost(gains[: place + 1], HORIZON)[-1]
        if lost.status == "act":
            return place
    return None


def observed(months: Sequence[Month], economics: Economics, seed: int) -> list[ListGain]:
    """What the product measures of each month, by drawn labels."""
    draw, found = np.random.default_rng(seed), []
    for place, month in enumerate(months):
        left = (draw.random(len(month.true)) < month.true).astype(np.float64)
        gain = _gain(month, left, economics)
        if gain.value is not None and gain.low is not None and gain.high is not None:
            error = (gain.high - gain.low) / 2 / ERRORS_OF_95
            found.append(ListGain(date(2026, 1, 1) + timedelta(days=HORIZON * place), gain.value, error))
    return found


def _gain(month: Month, left: Floats, economics: Economics) -> Measurement:
    rows = ScoredRows(np.arange(len(left)), _scores(month), left, np.ones(len(left)))
    return week_gain(rows, _terms(economics, len(left)), "")


def expected(months: Sequence[Month], economics: Economics) -> list[float]:
    """What the product would measure of each month if as many left as the true probabilities say."""
    return [_gain(month, month.true, economics).value or 0.0 for month in months]


def within_reach(gains: Sequence[ListGain], without: Sequence[float], since: int) -> bool:
    """Whether a test finds the shift that knows its month, and what the lists would have earned without it.

    Args:
        gains: measured, one for each month.
        without: of :func:`expected`, for the months without the shift.
        since: the place of the first month that may have changed.
    """
    lost = sum(without[since:]) - sum(gain.value for gain in gains[since:])
    return lost > ONE_SIDED_95 * math.sqrt(sum(gain.error**2 for gain in gains[since:]))


@cache
def unshifted(customers: int) -> dict[str, list[float]]:
    """What is expected of each month without a shift, for each decision."""
    return {name: expected(company(customers, 1).months, economics) for name, economics in DECISIONS.items()}


def one_run(seed: int, customers: int, decisions: Sequence[str], samples: Path | None) -> dict[str, Any]:
    """A shift, whether it is harmful, and when it pages, for each of some `DECISIONS`."""
    made, shift = company(customers, 1), drawn(np.random.default_rng(seed))
    after = list(made.shifted(shift))
    row: dict[str, Any] = {"seed": seed, "kind": shift.kind, "start": shift.start, "ramp": shift.ramp}
    for name in decisions:
        economics = DECISIONS[name]
        then, now = (sum(earned(month, economics) for month in of[shift.start :]) for of in (made.months, after))
        gains = observed(after, economics, seed)
        limit = len(gains) == len(after) and within_reach(gains, unshifted(customers)[name], shift.start)
        row[name] = {"fall": 1 - now / then, "page": paged(gains), "within_reach": limit}
    if samples is not None:
        pq.write_table(_sample(after, seed), samples / f"{seed}.parquet")
    return row


def _sample(months: Sequence[Month], seed: int) -> pa.Table:
    """Some customers of each month with score and label, for the peers."""
    draw, parts = np.random.default_rng(seed), []
    for place, month in enumerate(months):
        some = draw.permutation(len(month.true))[:PEER_ROWS]
        left = (draw.random(len(some)) < month.true[some]).astype(np.int64)
        part = month.rows.take(pa.array(some)).drop_columns([LABEL])
        plain = pa.schema(
            [(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type) for one in part.schema]
        )
        own = {"score": _scores(month)[some], "left": left, "month": np.full(len(some), place)}
        part = part.cast(plain)
        for name, values in own.items():
            part = part.append_column(name, pa.array(values))
        parts.append(part)
    return pa.concat_tables(parts)


def quiet(seed: int, customers: int, decisions: Sequence[str]) -> dict[str, int | None]:
    """When a run without any shift pages, for each of some `DECISIONS`."""
    months = company(customers, 1).months
    return {name: paged(observed(months, DECISIONS[name], seed)) for name in decisions}


def chosen(rows: Sequence[dict[str, Any]], decision: str, each: int) -> list[dict[str, Any]]:
    """The first ``each`` harmful and ``each`` harmless runs."""
    harmful = [row for row in rows if row[decision]["fall"] >= HARM][:each]
    return harmful + [row for row in rows if row[decision]["fall"] < HARM][:each]


def is_enough(rows: Sequence[dict[str, Any]], decisions: Sequence[str], each: int) -> bool:
    """Whether there are ``each`` harmful and ``each`` harmless runs for each decision."""
    return all(len(chosen(rows, decision, each)) == 2 * each for decision in decisions)


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
    wait = FINAL_AFTER if page == "product" or "labels" in page else 0
    return {
        "harmful": int(harmful.sum()),
        "harmless": int((~harmful).sum()),
        "precision": round(right / max(1, right + false), 3),
        "recall": round(right / max(1, int(harmful.sum())), 3),
        "recall_by_fall": {
            name: [int((late & of).sum()), int(of.sum())]
            for name, (low, high) in BANDS.items()
            for of in [harmful & (falls >= low) & (falls < high)]
        },
        "false_pages": false,
        "false_pages_a_quarter": round(false / (len(rows) * LIVE / 3), 4),
        "before_the_shift": int(early.sum()),
        "horizons_to_page": [float(np.quantile(after, q)) / HORIZON for q in (0.5, 0.9)] if len(after) else None,
        "days_to_page": [int(np.quantile(after, q)) + wait for q in (0.5, 0.9)] if len(after) else None,
        "days_until_labels_are_final": FINAL_AFTER,
    }


def limit_of(rows: Sequence[dict[str, Any]], decision: str) -> dict[str, list[int]]:
    """By the fall of the lists' money: the shifts within reach of a test that knows their month, and all shifts."""
    found = {}
    for name, (low, high) in BANDS.items():
        of = [row[decision]["within_reach"] for row in rows if low <= row[decision]["fall"] < high]
        found[name] = [sum(of), len(of)]
    return found


def _page(row: dict[str, Any], decision: str, page: str) -> int | None:
    place: int | None = row[decision]["page"] if page == "product" else row["peers"][page]
    return place


def main() -> None:
    """Simulate, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--decisions", nargs="+", choices=DECISIONS, default=list(DECISIONS))
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--draws", type=int, default=600, help="most runs")
    parser.add_argument("--peers", type=Path, help="an interpreter with NannyML and Evidently")
    parser.add_argument("--out", type=Path, default=HERE.parent / "shifts.json")
    given = parser.parse_args()
    unshifted(given.customers)  # once, before the processes are forked
    found: dict[str, Any] = {"customers": given.customers, "months": LIVE}
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as pool:
        samples = None if given.peers is None else Path(name)
        of = {"customers": given.customers, "decisions": given.decisions}
        rows: list[dict[str, Any]] = []
        while len(rows) < given.draws and not is_enough(rows, given.decisions, given.each):
            seeds = range(len(rows), min(len(rows) + BATCH, given.draws))
            rows.extend(pool.map(partial(one_run, **of, samples=samples), seeds))
        still = list(pool.map(partial(quiet, **of), range(10**6, 10**6 + given.each // 2)))
        if given.peers is not None:
            _add_peers(given.peers, Path(name), rows)
    for decision in given.decisions:
        taken = chosen(rows, decision, given.each)
        pages = ("product", *(rows[0].get("peers") or ()))
        found[decision] = {page: table(taken, decision, page) for page in pages}
        found[decision]["limit"] = limit_of(taken, decision)
        found[decision]["quiet_runs_that_page"] = [sum(one[decision] is not None for one in still), len(still)]
    print(json.dumps(found, indent=1))
    runs = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    given.out.write_text(f'{json.dumps(found, indent=1)[:-2]},\n "runs": [\n{runs}\n ]\n}}\n')


def _add_peers(interpreter: Path, samples: Path, rows: list[dict[str, Any]]) -> None:
    """The month in which each peer first raises an alert."""
    command = [str(interpreter), str(HERE / "peers.py"), str(samples)]
    environ = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environ)
    peers = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        row["peers"] = peers[str(row["seed"])]


if __name__ == "__main__":
    main()
