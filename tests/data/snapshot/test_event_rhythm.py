"""The days of inactivity follow the pauses of the customers, within what the history can show."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from churn_mlops.data.snapshot.event_rhythm import DEFAULT_DAYS, Rhythm, rhythm_of

FIRST = pd.Timestamp("2022-01-01 10:00")


def rhythm(days: Iterable[tuple[str, float]]) -> Rhythm:
    frame = pd.DataFrame(days, columns=["who", "day"])
    rows = pd.DataFrame({"who": frame["who"], "at": FIRST + pd.to_timedelta(frame["day"], unit="D")})
    return rhythm_of(ibis.memtable(pa.Table.from_pandas(rows, preserve_index=False)))


def every(pause: float, span: int, customers: int = 40) -> list[tuple[str, float]]:
    return [(f"c{who}", who % 7 + place * pause) for who in range(customers) for place in range(int(span / pause))]


@pytest.mark.parametrize(("pause", "span", "days"), [(1, 60, 7), (8, 365, 14), (31, 730, 45), (92, 1500, 120)])
def test_the_days_are_the_next_usual_ones_above_nearly_all_pauses(pause: float, span: int, days: int) -> None:
    found = rhythm(every(pause, span))
    assert (found.days, found.pause, found.is_short) == (days, pause, False)
    assert f"98 % of a customer's pauses are {pause} days or shorter" in str(found)


def test_a_few_long_pauses_do_not_count_and_several_rows_of_a_day_are_one() -> None:
    often = every(0.25, 60)
    rare = [(f"r{who}", day) for who in range(20) for day in (0, 200)]
    assert rhythm(often + rare) == Rhythm(7, 1)


def test_a_history_too_short_for_the_pauses_gives_at_most_a_quarter_of_it_and_says_so() -> None:
    found = rhythm(every(92, 470))
    assert (found.days, found.pause, found.is_short) == (90, 92, True)
    assert "the history is too short" in str(found)


def test_pauses_longer_than_all_usual_days_are_the_days_of_a_long_history_and_too_long_for_a_shorter_one() -> None:
    long, short = rhythm(every(580, 3000)), rhythm(every(580, 2400))
    assert (long.days, long.pause, long.is_short) == (580, 580, False)
    assert (short.days, short.pause, short.is_short) == (365, 580, True)
    assert "the history is too short" in str(short)
    assert short.fits(580)
    assert not short.fits(581)


def test_with_too_few_pauses_the_usual_days_are_taken_without_a_reason() -> None:
    found = rhythm([("a", 0), ("a", 30), ("b", 1)])
    assert (found, str(found)) == (Rhythm(DEFAULT_DAYS), "")
    assert rhythm([("a", 0)]) == Rhythm(DEFAULT_DAYS)
