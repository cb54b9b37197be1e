"""Whole numbers of events: only quantities are summed; codes are counted, and a place in the calendar is neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from tests.data.proposal.databases import tables

ROWS = 1_200
RNG = np.random.default_rng(3)


def proposed(step: Any = 0.25, **columns: Any) -> HistoryProposal:
    """The proposal for the visits of 60 customers, one every ``step`` days, with ``columns`` beside them."""
    place = np.arange(ROWS)
    at = pd.Timestamp("2024-01-01 06:00") + pd.to_timedelta(place * step, unit="D")
    frame = pd.DataFrame({"customer_id": [f"C{one % 60:03}" for one in place], "visited_at": at, **columns})
    return propose_history(tables({"visits": frame}), name="t")


def computed(proposal: HistoryProposal, column: str) -> set[str]:
    return {feature.aggregate for feature in proposal.contract.features.values() if feature.reads == ("visits", column)}


def said(proposal: HistoryProposal, kind: str) -> dict[str | None, str]:
    return {finding.column: finding.message for finding in proposal.findings if finding.kind == kind}


@pytest.mark.parametrize("name", ["ware", "sku_no", "coupon_upc"])
def test_long_numbers_of_one_length_are_counted_and_never_summed(name: str) -> None:
    found = proposed(**{name: 50_000_000_000 + RNG.integers(0, 80, ROWS) * 71_993})
    assert computed(found, name) == {"distinct"}
    assert "the different ones are counted" in said(found, "codes")[f"visits.{name}"]


@pytest.mark.parametrize(("first", "step"), [(1_000, 97), (10_000, 1)])
def test_shorter_numbers_that_may_be_codes_are_counted_and_asked_about(first: int, step: int) -> None:
    found = proposed(ware=first + RNG.integers(0, 90, ROWS) * step)
    assert computed(found, "ware") == {"distinct"}
    assert (
        "which may be codes: the different ones are counted; if they count something, write `sum`"
        in said(found, "codes")["visits.ware"]
    )


@pytest.mark.parametrize("name", ["year_built", "row_no"])
def test_years_and_numbers_called_like_identifiers_are_counted(name: str) -> None:
    assert computed(proposed(**{name: RNG.integers(1950, 2020, ROWS)}), name) == {"distinct"}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("amount_cents", 1_000 + RNG.integers(0, 90, ROWS) * 97),
        ("paid", 20_000_000 + RNG.integers(0, 90, ROWS) * 1_001),
        ("listed", np.array([999, 1_499, 1_999, 2_450, 4_995])[RNG.integers(0, 5, ROWS)]),
        ("measured", RNG.integers(1_200, 3_500, ROWS)),
        ("duration", RNG.integers(1, 4_000, ROWS)),
        ("points", RNG.integers(1, 90, ROWS) * 10),
        ("bought", RNG.geometric(0.4, ROWS)),
    ],
)
def test_money_durations_points_and_counts_stay_sums(name: str, numbers: np.ndarray) -> None:
    assert computed(proposed(**{name: numbers}), name) == {"sum", "ratio"}


def part(step: float, of: str) -> np.ndarray:
    at = pd.Series(pd.Timestamp("2024-01-01 06:00") + pd.to_timedelta(np.arange(ROWS) * step, unit="D"))
    parts = {
        "week": at.dt.isocalendar().week,
        "season": (at.dt.year - 2023) * 2 + (at.dt.month > 6),
        "weekday": (at.dt.day_of_week + 1) % 7,
        "daynum": (at - at.min()).dt.days + 5,
        "hour": at.dt.hour,
    }
    return np.asarray(parts[of], dtype="int64")


@pytest.mark.parametrize(
    ("step", "of"),
    [
        (0.25, "week"),
        (0.25, "season"),
        (0.25, "weekday"),
        (0.25, "daynum"),
        (0.25, "hour"),
        (1, "week"),
        (1, "weekday"),
    ],
)
def test_a_place_in_the_calendar_is_in_no_feature(step: float, of: str) -> None:
    found = proposed(step, **{of: part(step, of)})
    assert computed(found, of) == set()
    why = found.contract.set_aside[f"visits.{of}"]
    assert (why.reason, why.note.split(",")[0]) == ("date", "follows from visited_at")


def test_a_number_of_a_row_is_no_place_in_the_calendar_though_it_is_nearly_constant_or_grows() -> None:
    found = proposed(bought=1 + (RNG.random(ROWS) < 0.01), grown=RNG.poisson(5 + np.arange(ROWS) / 100))
    assert computed(found, "bought") == computed(found, "grown") == {"sum", "ratio"}
    assert said(found, "summed_numbers")["visits"].startswith("bought, grown: whole numbers that are summed")


def test_sums_with_the_name_of_a_quantity_are_no_question() -> None:
    found = proposed(minutes=RNG.integers(1, 300, ROWS), quantity=RNG.geometric(0.4, ROWS))
    assert said(found, "summed_numbers") == {}


def test_levels_that_differ_in_capitals_or_blanks_are_asked_about() -> None:
    found = proposed(method=np.array(["Paypal", "PayPal", "Cash", "cash "])[RNG.integers(0, 4, ROWS)])
    (question,) = (finding for finding in found.findings if finding.kind == "same_levels")
    assert question.column == "visits.method"
    assert "'PayPal'" in question.message
    assert "'Paypal'" in question.message
    assert "They are counted as different ones" in question.message


def test_ids_that_differ_in_capitals_are_other_ids() -> None:
    ids = [f"s{one:03}{'A' if one % 2 else 'a'}" for one in range(100)] + [f"S{one:03}a" for one in range(100)]
    assert said(proposed(session_id=np.array(ids)[np.arange(ROWS) % 200]), "same_levels") == {}


def test_more_amounts_than_are_summed_are_read_as_they_are_written() -> None:
    amounts = {f"amount_{place}": [f"{one % 90},{one % 7}5" for one in range(ROWS)] for place in range(8)}
    found = proposed(**amounts)
    assert found.contract.features["amount_0_so_far"].decimal == ","
    assert said(found, "codes") == {}
