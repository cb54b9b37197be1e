"""A frozen snapshot shows which values were rewritten, and nothing about any customer."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.leakage import LeakFinding, changed, freeze, frozen_date, without

DAY = date(2024, 3, 31)
FEATURES = {"use": "sum of usage", "plan": "last of plans", "paid": "sum of payments"}
SOURCES = {"use": "usage", "plan": "plans", "paid": "payments"}
KEY = "a key"


def snapshot(rows: int = 2000) -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "customer": [f"c{row}" for row in range(rows)],
            "use": rng.gamma(2, 10, rows),
            "plan": pa.array(rng.choice(["basic", "plus"], rows).tolist()).dictionary_encode(),
            "paid": np.where(rng.random(rows) < 0.2, np.nan, rng.gamma(2, 10, rows)),
        }
    )


def left(rows: int = 2000) -> np.ndarray:
    return (np.arange(rows) % 20 == 0).astype(float)


def compared(then: pa.Table, now: pa.Table, y: np.ndarray | None = None) -> tuple[LeakFinding, ...]:
    frozen = freeze(then, "customer", DAY, KEY, FEATURES)
    return changed(frozen, now, "customer", left() if y is None else y, KEY, FEATURES, SOURCES)


def with_use(table: pa.Table, use: np.ndarray) -> pa.Table:
    return table.set_column(1, "use", pa.array(use))


def test_the_same_values_in_another_order_have_not_changed() -> None:
    then = snapshot()
    order = np.random.default_rng(2).permutation(len(then))
    assert compared(then, then.take(pa.array(order)), left()[order]) == ()


def test_a_sum_in_another_order_has_not_changed() -> None:
    then = snapshot()
    assert compared(then, with_use(then, then["use"].to_numpy() * (1 + 1e-13))) == ()


def test_values_rewritten_for_churners_are_a_leak_that_names_the_table() -> None:
    then = snapshot()
    use = np.where(left() == 1, 0.0, then["use"].to_numpy())
    (found,) = compared(then, with_use(then, use))
    assert (found.feature, found.kind, found.sure) == ("use", "rewritten", True)
    assert "for 100% of churners and 0% of others (table usage)" in found.message


def test_values_corrected_for_any_customer_are_worth_a_look() -> None:
    then = snapshot()
    use = np.where(np.arange(2000) % 7 == 0, 1.0, then["use"].to_numpy())
    (found,) = compared(then, with_use(then, use))
    assert (found.feature, found.sure) == ("use", False)
    assert "14% of its values of 2024-03-31" in found.message


def test_a_label_that_is_not_known_yet_does_not_hide_the_change() -> None:
    then = snapshot()
    (found,) = compared(then, with_use(then, then["use"].to_numpy() + 1), np.full(2000, np.nan))
    assert not found.sure


def test_a_feature_that_is_declared_otherwise_now_is_not_compared() -> None:
    then = snapshot()
    frozen = freeze(then, "customer", DAY, KEY, FEATURES)
    now = with_use(then, then["use"].to_numpy() * 2)
    declared = {**FEATURES, "use": "mean of usage"}
    assert changed(frozen, now, "customer", left(), KEY, declared) == ()


def test_customers_who_came_or_went_are_no_change() -> None:
    then = snapshot()
    assert compared(then.slice(0, 1500), then.slice(500), left()[500:]) == ()
    assert compared(then.slice(0, 10), then.slice(10), left()[10:]) == ()


def test_the_same_customers_are_kept_and_no_more_than_wanted() -> None:
    then = snapshot()
    frozen = freeze(then, "customer", DAY, KEY, FEATURES, most=100)
    assert len(frozen) < 100 * 8 * 5 + 2000
    assert frozen == freeze(then, "customer", DAY, KEY, FEATURES, most=100)
    assert frozen_date(frozen) == DAY


def test_neither_a_customer_nor_a_value_can_be_read_in_it() -> None:
    then = snapshot()
    frozen = freeze(then, "customer", DAY, KEY, FEATURES)
    assert b"c1999" not in frozen
    assert b"basic" not in frozen
    assert then["use"].to_numpy()[:1].tobytes() not in frozen
    assert frozen != freeze(then, "customer", DAY, "another key", FEATURES)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 299), min_size=10))
def test_the_share_that_differs_is_the_share_that_was_changed(places: set[int]) -> None:
    then = snapshot(300)
    use = then["use"].to_numpy().copy()
    use[list(places)] += 1
    (found,) = compared(then, with_use(then, use), np.full(300, np.nan))
    assert found.message.startswith(f"{len(places) / 300:.0%} of its values")


def test_what_is_no_frozen_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="no frozen snapshot"):
        frozen_date(b"something else")


def test_customers_are_taken_out_of_a_frozen_snapshot_as_if_they_had_never_been_there() -> None:
    gone = ["c3", "c1999"]
    frozen = freeze(snapshot(), "customer", DAY, KEY, FEATURES)
    others = snapshot().filter(pc.invert(pc.is_in(snapshot()["customer"], value_set=pa.array(gone))))
    shorter = without(frozen, gone, KEY)
    assert shorter == freeze(others, "customer", DAY, KEY, FEATURES)
    assert without(shorter, gone, KEY) is None
    assert without(frozen, ["nobody"], KEY) is None
    assert without(frozen, gone, "another key") is None
