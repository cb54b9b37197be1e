"""What a sign of a leak means, given how the rows of the feature are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.leakage import known_rows
from churn_mlops.data.leakage.known_rows import KnownRows
from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import LeakFinding
from churn_mlops.data.snapshot.event_rhythm import Rhythm
from tests.data.leakage.honest_company import World, world


def contract(label: dict[str, Any], **visits: str) -> HistoryContract:
    return HistoryContract.from_dict(
        {
            "name": "club",
            "customer": "member",
            "tables": {
                "members": {"start": "joined", "end": "quit"},
                "visits": {"event_time": "day", **visits},
                "calls": {"event_time": "day"},
            },
            "features": {
                "visits_30d": {"count": "visits", "days": 30},
                "days_since_visits": {"since_last": "visits"},
                "bad_calls": {"count": "calls", "where": {"result": "bad"}},
                "last_call": {"last": "calls.result", "levels": ["good", "bad"]},
                "calls_trend": {"ratio": {"count": "calls", "days": [30, 90]}},
                "tenure": {"age_of": "members.start", "unit": "days"},
                "plan": {"last": "members.plan", "levels": ["a", "b"]},
            },
            "label": label,
        }
    )


ENDS = {"event": "members.end"}
SILENCE = {"inactive": {"events": "visits", "days": 45}}


@pytest.mark.parametrize(
    ("label", "visits", "by"),
    [(SILENCE, {}, "label"), (ENDS, {"known_at": "loaded"}, "recorded"), (ENDS, {}, "dated")],
)
def test_what_a_contract_says_of_its_rows(label: dict[str, Any], visits: dict[str, str], by: str) -> None:
    found = known_rows(contract(label, **visits))
    assert {name: known.by for name, known in found.items()} == {
        "visits_30d": by,
        "days_since_visits": by,
        "bad_calls": "dated",
        "calls_trend": "dated",
    }
    assert {known.table for known in found.values()} == {"visits", "calls"}


@pytest.mark.parametrize(
    ("days", "rhythm", "said"),
    [
        (
            365,
            Rhythm(365, 584, is_short=True),
            "would call customers gone who return: 98 % of their pauses are 584 days",
        ),
        (365, Rhythm(365, 584, is_short=True), "the history is too short"),
        (90, Rhythm(30, 25), "are long for these customers: 98 % of their pauses are 25 days or shorter; choose fewer"),
        (90, Rhythm(30, 25), "choose fewer days, such as 30"),
        (90, None, "choose fewer days, but not fewer than their usual pauses"),
    ],
)
def test_days_no_longer_than_the_pauses_of_customers_are_never_to_become_fewer(
    days: int, rhythm: Rhythm | None, said: str
) -> None:
    made_up, values = leaky("silence")
    known = {"extra": KnownRows("label", "visits", days, rhythm=rhythm)}
    (found,) = made_up.with_columns(extra=values).inspected(known=known).findings
    assert said in found.message
    assert ("choose fewer" in found.message) == (rhythm is None or not rhythm.fits(days))


def leaky(kind: str) -> tuple[World, np.ndarray[Any, Any]]:
    made_up = world(1)
    left, size = made_up.left == 1, made_up.left.size
    if kind == "silence":  # nothing of the last days
        return made_up, np.where(left, 0.0, 1.0 + made_up.rng.poisson(5, size))
    if kind == "a row of the leaving":  # such as a survey of the reasons
        return made_up, np.where(left & (made_up.rng.random(size) < 0.6), 1.0, 0.0)
    return made_up, np.where(left, 19.99, np.round(made_up.rng.normal(40, 9, size), 1))  # a final bill


@pytest.mark.parametrize(
    ("kind", "by", "sure"),
    [
        ("silence", "dated", False),
        ("silence", "recorded", False),
        ("silence", "label", False),
        ("a row of the leaving", "dated", True),
        ("a row of the leaving", "recorded", False),
        ("a final bill", "dated", True),
    ],
)
def test_silence_is_believed_and_a_row_that_churners_alone_have_only_if_it_was_recorded(
    kind: str, by: Any, sure: bool
) -> None:
    made_up, values = leaky(kind)
    known = {"extra": KnownRows(by, "visits", 45)}
    unknown = made_up.with_columns(extra=values).inspected()
    assert set(unknown.sure) == {"extra"}
    found = made_up.with_columns(extra=values).inspected(known=known)
    assert ("extra" in found.sure) == sure
    assert {finding.feature for finding in found.findings} == {"extra"}


def test_a_feature_that_is_not_said_to_be_known_is_judged_as_before() -> None:
    made_up, values = leaky("silence")
    table = made_up.with_columns(extra=values)
    assert table.inspected(known={"use": KnownRows("recorded", "visits")}) == table.inspected()


def test_an_age_of_the_first_event_is_not_asked_about_as_if_it_were_overwritten() -> None:
    made = contract(SILENCE).model_dump(mode="json", exclude_defaults=True)
    made["tables"]["members"] = {"table": "visits", "start": "day"}
    made["features"] = {"tenure": {"age_of": "members.start", "unit": "days"}}
    known = known_rows(HistoryContract.from_dict(made))["tenure"]
    column, rows = Column("tenure", np.zeros(2), True), Labelled(np.array([0, 1], np.int8), np.arange(2), None)
    grows = LeakFinding("tenure", "grows", "ranks better the later the date", sure=False)
    assert known.by == "first"
    assert known.reviewed(grows, column, rows) is None
    other = LeakFinding("tenure", "leavers_only", "is set for churners only")
    assert known.reviewed(other, column, rows) == other
