"""The figures of one company, and of all together."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.retraining.company import WINDOW, fitted, months
from bench.retraining.rules import CALENDARS, calendar, earned_by_truth, ours
from churn_mlops.pipelines.deployment.review import LEAST_SHARE


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
