"""Scraped points as the input series of `promtool test rules`, whose clock starts at 0: times are moved there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.quiet_year.pages import Points

READING, TIMES, COUNTER = "churn_store_read_timestamp_seconds", "_timestamp_seconds", "_total"
ABSENT, ENDS = "_", "stale"
PROBES = ("/health", "/ready", "/metrics")


def input_series(points: Points, start: float, step: int, count: int) -> list[dict[str, str]]:
    """Each series that is there between ``start`` and ``count`` steps later, with its values at the steps.

    The rules only add up the requests of all routes but the probes: these are added up here, which takes far less time.
    """
    steps = [start + step * place for place in range(count)]
    found: dict[str, list[float | None]] = {}
    for series, known in points.items():
        key, values = _shown_as(series), list(_values(series, known, steps))
        found[key] = _sum(found[key], values) if key in found else values
    return [
        {"series": series, "values": _short(list(_words(values)))}
        for series, values in found.items()
        if any(value is not None for value in values)
    ]


def _shown_as(series: str) -> str:
    """The name of the sum that a series is a part of."""
    if not series.startswith("churn_requests_total{"):
        return series
    return re.sub(
        r'route="([^"]*)"', lambda found: f'route="{"/health" if found[1] in PROBES else "/predict"}"', series
    )


def _sum(one: Sequence[float | None], other: Sequence[float | None]) -> list[float | None]:
    return [
        None if value is None and more is None else (value or 0.0) + (more or 0.0)
        for value, more in zip(one, other, strict=True)
    ]


def _values(series: str, known: Sequence[tuple[float, float | None]], steps: Sequence[float]) -> Iterator[float | None]:
    name, times = series.partition("{")[0], [at for at, _ in known]
    for at in steps:
        place = bisect_right(times, at) - 1
        value = None if place < 0 else known[place][1]
        following = known[place + 1] if place + 1 < len(known) else None
        yield None if value is None else _between(name, known[place][0], value, following, at, steps[0])


def _words(values: Sequence[float | None]) -> Iterator[str]:
    before = None
    for value in values:
        yield f"{value:.10g}" if value is not None else ABSENT if before is None else ENDS
        before = value


def _between(
    name: str, since: float, value: float, following: tuple[float, float | None] | None, at: float, start: float
) -> float:
    """The value ``at`` a time between two pages: counters grow evenly, and a server reads the store all the time."""
    if name == READING and value > 0:
        return value + (at - since) - start
    if name.endswith(TIMES):
        return value - start
    if name.endswith(COUNTER) and following is not None and following[1] is not None and following[1] > value:
        return round(value + (following[1] - value) * (at - since) / (following[0] - since), 3)
    return value


def _short(values: Sequence[str]) -> str:
    """The values in the notation of promtool, with equal ones together."""
    words = []
    for value, some in groupby(values):
        count = sum(1 for _ in some)
        if value == ABSENT:
            words.append(f"_x{count}")
        elif value == ENDS or count == 1:
            words += [value] * count
        else:
            words.append(f"{value}x{count - 1}")
    return " ".join(words)
