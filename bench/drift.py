"""How often drift by feature is a false alarm, and how small a drift it finds; part of ``make study``.

Three simulations: years of a company without drift, whose customers come again every day; a population whose index is
just the bound, in several shapes; and indices that grow. Writes ``bench/drift.json``.

    python -m bench.drift [--years 100] [--draws 200000]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ncx2

from churn_mlops.monitoring.drift import ACT, WATCH
from churn_mlops.monitoring.feature_drift import LEVEL, feature_drift, stability_index

FEATURES, CELLS, CHANGING = 20, 10, 1 / 60
"""Of a company; on a day, so large a share of its customers have a new value of a feature."""
SIZES = (200, 1000, 10_000)
ROWS = 5000
FOUND = (0.5, 0.9)
RESULTS = Path("bench/drift.json")
Shares = npt.NDArray[np.float64]


def quiet_years(customers: int, years: int) -> dict[str, Any]:
    """The alarms of years without drift, and the days on which the bare bounds would have raised one."""
    draw = np.random.default_rng(customers)
    alarms = with_alarm = bare = acts = 0
    for _ in range(years):
        then = draw.multinomial(ROWS, np.full(CELLS, 1 / CELLS), size=FEATURES) / ROWS
        reference = {f"f{place}": {"cuts": [0.0] * (CELLS - 2), "shares": row} for place, row in enumerate(then)}
        values = draw.integers(0, CELLS, (FEATURES, customers))
        before = alarms
        for _ in range(365):
            changed = draw.random(values.shape) < CHANGING
            values[changed] = draw.integers(0, CELLS, int(changed.sum()))
            counts = {f"f{place}": np.bincount(row, minlength=CELLS).tolist() for place, row in enumerate(values)}
            found = feature_drift(reference, counts, ROWS)
            alarms += sum(one.status != "good" for one in found)
            bare += any((one.value or 0.0) >= WATCH for one in found)
            acts += any((one.value or 0.0) >= ACT for one in found)
        with_alarm += alarms > before
    days = 365 * years
    bounds = {"days_above_0.1": round(bare / days, 4), "days_above_0.25": round(acts / days, 4)}
    return {"customers": customers, "years": years, "years_with_an_alarm": with_alarm} | bounds


def shapes(cells: int) -> Iterator[tuple[str, Shares, Shares]]:
    """The training shares, and the spread that the population moves towards."""
    even = np.full(cells, 1 / cells)
    first = np.eye(cells)[0]
    yield "one level grows", even, first
    yield "one level is lost", even, (1 - first) / (cells - 1)
    yield "a slope", even, np.arange(1, cells + 1) / np.arange(1, cells + 1).sum()
    for share in (0.05, 0.01, 0.0):
        rare = np.full(cells, (1 - share) / (cells - 1))
        rare[0] = share
        yield f"a level of {share:.0%} grows", rare, first
    halves = 0.5 ** np.arange(1, cells + 1)
    yield "halves in turn", halves / halves.sum(), halves[::-1] / halves.sum()


def moved(then: Shares, towards: Shares, index: float) -> Shares | None:
    """The mixture of both whose index is ``index``; None where even ``towards`` has a smaller one."""
    if stability_index(towards, then) < index:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        mixed = (1 - share) * then + share * towards
        low, high = (share, high) if stability_index(mixed, then) < index else (low, share)
    return (1 - high) * then + high * towards


def drawn_indices(now: Shares, then: Shares, customers: int, rows: int, draws: int, seed: int) -> Shares:
    """The indices of samples, shape (draws,)."""
    draw = np.random.default_rng(seed)
    today = draw.multinomial(customers, now, size=draws) / customers
    training = draw.multinomial(rows, then, size=draws) / rows
    return np.array([stability_index(one, other) for one, other in zip(today, training, strict=True)])


def at_the_bound(bound: float, draws: int) -> list[dict[str, Any]]:
    """By shape, cells and customers: how often a single feature whose index is just ``bound`` raises an alarm."""
    found = []
    for cells in (3, 12):
        for name, then, towards in shapes(cells):
            now = moved(then, towards, bound)
            if now is None:
                continue
            for customers in SIZES[:2]:
                noise = 1 / customers + 1 / ROWS
                degrees = np.count_nonzero((now > 0) | (then > 0)) - 1
                chances = ncx2.sf(drawn_indices(now, then, customers, ROWS, draws, 5) / noise, degrees, bound / noise)
                about = {"bound": bound, "cells": cells, "shape": name, "customers": customers}
                found.append(about | {"alarms": float(np.mean(chances <= LEVEL))})
    return found


def smallest_found(draws: int) -> list[dict[str, Any]]:
    """By customers: the index of one of `FEATURES` features from which "watch" is raised on so many of the days."""
    then, towards = next((then, towards) for name, then, towards in shapes(CELLS) if name == "one level grows")
    found = []
    for customers in (*SIZES, 100_000):
        row: dict[str, Any] = {"customers": customers}
        for share in FOUND:
            low, high = WATCH, 2.0
            for _ in range(12):
                index = (low + high) / 2
                now = moved(then, towards, index)
                assert now is not None
                of_days = drawn_indices(now, then, customers, customers, draws, 9)
                noise = 2 / customers
                # One drifted feature among many: the first step of Benjamini and Yekutieli.
                level = LEVEL / (FEATURES * (1 / np.arange(1, FEATURES + 1)).sum())
                is_found = np.mean(ncx2.sf(of_days / noise, CELLS - 1, WATCH / noise) <= level) >= share
                low, high = (low, index) if is_found else (index, high)
            row[f"found_on_{share:.0%}_of_days"] = round(high, 3)
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--years", type=int, default=100)
    parser.add_argument("--draws", type=int, default=200_000)
    asked = parser.parse_args()
    start = time.perf_counter()
    results = {
        "level_of_a_day": LEVEL,
        "without_drift": [quiet_years(customers, asked.years) for customers in SIZES[:2]],
        "at_the_bound": [one for bound in (WATCH, ACT) for one in at_the_bound(bound, asked.draws)],
        "smallest_found": smallest_found(min(asked.draws, 2000)),
    }
    results["seconds"] = round(time.perf_counter() - start)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    worst = max(results["at_the_bound"], key=lambda one: float(one["alarms"]))
    print(json.dumps({"without_drift": results["without_drift"], "worst": worst, "found": results["smallest_found"]}))


if __name__ == "__main__":
    main()
