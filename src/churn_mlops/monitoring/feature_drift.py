"""Drift by feature: which features are spread otherwise than in training, beyond what chance explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ncx2

from churn_mlops.monitoring.drift import ACT, FEWEST, WATCH
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.visible_text import visible

NAME = "feature_drift"
LEVEL = 0.05 / 365
"""Chance of a false alarm on one day: at most 5 % in a year, however much the days have in common (Bonferroni)."""
EVEN = 0.02
"""Both spreads are mixed with so much of an even one, so that no logarithm is infinite and rare cells do not dominate.

The same mixture of both never raises the index (data processing inequality), so it makes no alarm.
"""
Shares = npt.NDArray[np.float64]


def feature_drift(
    reference: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Sequence[int]], rows: float
) -> list[Measurement]:
    """The population stability index of each feature against training, and whether its drift is beyond doubt.

    The index of a sample is above 0 without any drift, by about (cells - 1) (1/n + 1/m). So each feature is tested.
    With n customers and m training rows, the index of the sample over (1/n + 1/m) has a noncentral chi-square
    distribution. Its degrees of freedom are the cells less 1, its noncentrality is the index of the population over
    (1/n + 1/m). "Watch" refutes an index of at most 0.1, "act" one of at most 0.25, over all features of the day.

    Sources: Siddiqi 2006 (index and bounds); Yurdakul and Naranjo 2020, "Statistical properties of the population
    stability index" (chi-square without drift); Read and Cressie 1988 (noncentral with it); Benjamini and Yekutieli
    2001 (false discoveries among features that depend on each other).

    Args:
        reference: of the bundle, by feature: ``shares`` of the training rows by its ``cuts`` or ``levels``.
        counts: by feature, the customers in each of the same cells; a feature without counts is left out.
        rows: training rows, as many as are independent of each other; infinite where the shares are exact.
    """
    known = {name: one for name, one in reference.items() if len(counts.get(name, ())) == len(one["shares"])}
    if not known:
        return []
    customers = {name: sum(counts[name]) for name in known}
    if min(customers.values()) < FEWEST:
        wait = f"Wait: drift needs {FEWEST} customers."
        return [too_little(NAME, name, wait, denominator=of) for name, of in customers.items()]
    now = {name: np.asarray(counts[name]) / customers[name] for name in known}
    then = {name: np.asarray(one["shares"], dtype=np.float64) for name, one in known.items()}
    index = {name: stability_index(now[name], then[name]) for name in known}
    noise = {name: 1 / customers[name] + 1 / rows for name in known}
    moved = {name: int(np.count_nonzero((now[name] > 0) | (then[name] > 0))) - 1 for name in known}

    def proven(bound: float) -> list[bool]:
        return discoveries([_chance(index[name], bound, noise[name], moved[name]) for name in known], LEVEL)

    found = []
    for name, is_watch, is_act in zip(known, proven(WATCH), proven(ACT), strict=True):
        status: Status = "act" if is_act else "watch" if is_watch else "good"
        step = _next_step(status, index[name], _largest_change(known[name], now[name], then[name]))
        found.append(Measurement(NAME, name, index[name], None, None, None, customers[name], status, step))
    return found


def stability_index(now: Shares, then: Shares) -> float:
    """The sum of (p - q) log(p / q) over the cells of two spreads, each mixed with `EVEN` of an even one.

    Args:
        now: shares that add up to 1, shape (cells,).
        then: the same of the training rows.
    """
    p, q = ((1 - EVEN) * shares + EVEN / len(shares) for shares in (now, then))
    return float(((p - q) * np.log(p / q)).sum())


def discoveries(chances: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses are refuted, so that at most a share of ``level`` of them are expected to be true.

    It holds for any dependence between them. The chance to refute any is at most ``level`` if all are true.

    Args:
        chances: their p-values.
        level: in [0, 1].
    """
    count = len(chances)
    places = np.arange(1, count + 1)
    ordered = np.sort(chances)
    below = ordered[ordered <= level * places / (count * (1 / places).sum())]
    return [bool(len(below)) and chance <= below[-1] for chance in chances]


def _chance(index: float, bound: float, noise: float, degrees: int) -> float:
    """The p-value of an index of at most ``bound``; 1 for a feature with one value, which cannot drift."""
    return 1.0 if degrees < 1 else float(ncx2.sf(index / noise, degrees, bound / noise))


def _next_step(status: Status, index: float, change: str) -> str:
    if status == "good":
        if index >= WATCH:
            return "Nothing to do: with so few customers, chance may move it so far."
        return "Nothing to do: the values are spread as in training."
    if status == "watch":
        return f"Look why it changed: {change}."
    return f"Check the source first, and train again if the change is real: {change}."


def _largest_change(reference: Mapping[str, Any], now: Shares, then: Shares) -> str:
    """The cell whose share changed most, such as "monthly was 31 % in training and is 44 % now"."""
    place = int(np.argmax(np.abs(now - then)))
    return f"{_cell(reference, place)} was {_percent(then[place])} in training and is {_percent(now[place])} now"


def _cell(reference: Mapping[str, Any], place: int) -> str:
    """A level, or a step of a number, in words on one line: a level may hold whatever the source does."""
    if "levels" in reference:
        level = visible(str(reference["levels"][place])).replace("\n", "\\n")
        return {"(other)": "other levels", "(missing)": "no value"}.get(level, level)
    cuts = [f"{cut:,.10g}" for cut in reference["cuts"]]
    if place > len(cuts):
        return "no value"
    if not cuts:
        return "any value"
    if place == 0:
        return f"up to {cuts[0]}"
    return f"above {cuts[-1]}" if place == len(cuts) else f"{cuts[place - 1]} to {cuts[place]}"


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share == 0 or share >= 0.0995 else 1}f} %"
