"""A far day that many rows have as their end stands for rows that go on."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.times.open_day import OpenDay, open_day
from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.proposal.databases import tables

_START = pd.Timestamp("2022-01-01")


def _frame(far: str, others: int = 60, many: int = 40, ends: str = "2024-06-01") -> pd.DataFrame:
    """Customers of which ``others`` left until the day ``ends``, and ``many`` have the end ``far``."""
    left = [pd.Timestamp(ends) - pd.Timedelta(7 * place, "D") for place in range(others)]
    count = others + many
    starts = [_START + pd.Timedelta(place % 60, "D") for place in range(count)]
    stays = [pd.Timestamp(far) if far else pd.NaT] * many
    return pd.DataFrame(
        {"customer_id": [f"K{place}" for place in range(count)], "since": starts, "until": left + stays}
    )


def _found(frame: pd.DataFrame) -> OpenDay | None:
    (look,) = look_at(tables({"members": frame}))
    return open_day(look, "until")


def test_a_far_day_of_many_rows_is_found() -> None:
    assert _found(_frame("2030-01-01")) == OpenDay(date(2030, 1, 1), 40, 100)


@pytest.mark.parametrize(
    "frame",
    [
        _frame("2030-01-01", many=12),
        _frame("2030-01-01", others=200),
        _frame("2025-05-31"),
        _frame("2030-01-01", others=0),
        _frame("2030-01-01").assign(renews=pd.Timestamp("2029-06-01")),
        _frame("9999-12-31"),
        _frame(""),
    ],
    ids=["few", "a small share", "near", "no other", "another time near it", "stands for none", "blank"],
)
def test_other_days_are_ends(frame: pd.DataFrame) -> None:
    assert _found(frame) is None


def test_rows_with_a_far_day_are_those_of_customers_who_stay() -> None:
    until = date(2024, 7, 1)
    plain = propose_history(tables({"members": _frame("", others=200, many=150)}), name="x", today=until)
    found = propose_history(tables({"members": _frame("2030-01-01", others=200, many=150)}), name="x", today=until)
    assert found.contract.label == plain.contract.label
    assert found.contract.tables == plain.contract.tables
    label = {one.message for one in plain.findings if one.kind == "label_choice"}
    assert {one.message for one in found.findings if one.kind == "label_choice"} == label != set()
    (asked,) = [one.message for one in found.findings if one.kind == "end_same_day"]
    assert asked.startswith("150 of 350 rows (42.9%) with an end have 2030-01-01, a year or more after all others")
