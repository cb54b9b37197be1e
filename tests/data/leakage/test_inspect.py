"""Planted leaks of many kinds are caught, honest features are let be, and the checks know when they are blind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.leakage import LeakageReport, LeakFinding, inspect
from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.sources.open import open_table
from tests.data.leakage.honest_company import World, flat, world
from tests.data.leakage.leaky_companies import KINDS, LEAK


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_leak_is_caught_and_nothing_else_is(kind: str) -> None:
    made_up, unlabelled = KINDS[kind].table(seed=1)
    found = made_up.inspected(unlabelled)
    assert set(found.sure) == {LEAK}


@pytest.mark.parametrize("build", [world, flat])
@pytest.mark.parametrize("seed", range(20))
def test_an_honest_company_is_let_be(build: type[World], seed: int) -> None:
    found = build(seed, customers=1500).inspected()
    assert not found.findings
    assert not found.blind


def test_honest_rows_to_score_raise_no_suspicion() -> None:
    everything = world(3)
    last = everything.day == everything.day.max()
    found = everything.at(~last).inspected(everything.at(last).table)
    assert not found.findings


@pytest.mark.parametrize("strength", [1.0, 1.3, 1.6])
def test_a_strong_honest_feature_is_not_excluded(strength: float) -> None:
    """Up to an AUC of 0.87, by itself."""
    made_up = world(5)
    signal = strength * made_up.left + made_up.rng.normal(size=made_up.left.size)
    assert not made_up.with_columns(use_dropped=signal).inspected().sure


def test_the_length_of_a_contact_that_goes_with_the_label_is_worth_a_look_only() -> None:
    made_up = world(5)
    signal = 1.3 * made_up.left + made_up.rng.normal(size=made_up.left.size)
    assert not made_up.with_columns(basket=signal).inspected().findings
    (found,) = made_up.with_columns(call_seconds=signal).inspected().findings
    assert (found.feature, found.kind, found.sure) == ("call_seconds", "named", False)
    assert "the length of the contact that decided the label" in found.message


def test_a_season_that_turns_a_column_round_is_no_collapse() -> None:
    made_up = world(6)
    season = 5 * np.sin(2 * np.pi * made_up.day / 365)
    signal = 0.9 * made_up.left + made_up.rng.normal(size=made_up.left.size) + season
    assert not made_up.with_columns(seasonal=signal).inspected().sure


def test_a_plan_for_a_later_day_is_worth_a_look_only() -> None:
    made_up = world(7)
    contract_end = 19_358 + made_up.day + made_up.rng.integers(1, 700, made_up.day.size)
    (found,) = made_up.with_columns(contract_end=86_400.0 * contract_end).inspected().findings
    assert (found.kind, found.sure) == ("after_the_date", False)


def test_public_customers_hold_no_leak(public_data: Path) -> None:
    table = open_table(str(public_data / "telco" / "telco.csv"))
    contract = propose(table, name="telco", customer="customerID", label="Churn").contract
    rows = read_snapshot(table, contract, label="known")
    found = inspect(rows, rows[LABEL].to_numpy(), contract)
    assert not found.findings
    assert not found.blind


def test_with_too_few_churners_the_checks_report_that_they_are_blind() -> None:
    made_up = flat(1, customers=300)
    few = made_up.at(np.sort(np.r_[np.flatnonzero(made_up.left)[:5], np.flatnonzero(1 - made_up.left)]))
    blind = few.inspected().blind
    assert "days until the end" in {canary.name for canary in blind}
    assert all("blind with only 5 customers who left" in canary.message for canary in blind)


def test_the_label_at_the_next_date_is_no_canary_where_others_have_no_next_date_either() -> None:
    made_up = world(4)
    seen_until = made_up.rng.integers(2, 6, made_up.customer.max() + 1) * 30
    shorter = made_up.at(made_up.day <= seen_until[made_up.customer])
    reports = [each.inspected() for each in (made_up, shorter)]
    names = [{canary.name for canary in report.canaries} for report in reports]
    assert names[0] - names[1] == {"the label at the next date"}
    assert not reports[1].blind


def test_noise_is_found_useless_and_so_are_features_that_say_less() -> None:
    made_up = world(8)
    found = made_up.with_columns(dice=made_up.rng.integers(1, 7, made_up.day.size)).inspected()
    noise = [canary for canary in found.canaries if not canary.leaks]
    assert len(noise) == 2
    assert all(canary.as_it_should and "useless" in canary.message for canary in noise)
    assert "dice" in found.useless
    assert "trend" not in found.useless


def test_rows_sorted_by_the_label_are_reported() -> None:
    made_up = flat(1)
    by_label = made_up.at(np.argsort(made_up.left, kind="stable"))
    (found,) = by_label.inspected().findings
    assert (found.kind, found.sure) == ("order_of_rows", False)


def test_what_is_found_does_not_hang_on_the_customers_numbers() -> None:
    made_up = world(9, customers=800)
    made_up = made_up.with_columns(extra=made_up.left * 3 + made_up.rng.normal(size=made_up.left.size))
    other = replace(made_up, customer=made_up.rng.permutation(10_000)[made_up.customer])
    kinds = [{(f.feature, f.kind) for f in each.inspected().findings if f.sure} for each in (made_up, other)]
    assert kinds[0] == kinds[1] == {("extra", "too_good")}


def test_one_class_alone_says_nothing() -> None:
    contract = DataContract.from_dict({"name": "one", "features": {"x": {"type": "number"}}})
    assert inspect(pa.table({"x": [1.0, 2.0]}), np.zeros(2), contract) == LeakageReport()


def test_the_record_holds_plain_data() -> None:
    found = LeakageReport((LeakFinding("refund", "leavers_only", "is set for churners only"),))
    assert found.to_dict()["findings"][0]["feature"] == "refund"
    assert found.sure == {"refund": "is set for churners only"}
