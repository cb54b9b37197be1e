"""Treated customers are left out, the control group counts by its share, and one run of each week is measured."""

from __future__ import annotations

from datetime import date, timedelta

from churn_mlops.pipelines.monitoring.run_rows import EXPLORERS_CONTROL_SHARE, treatment_of, weekly_runs
from churn_mlops.retention.arms import EXPLORER_CONTROL_SHARE
from churn_mlops.store.campaigns.arm_outcomes import ArmOn
from churn_mlops.store.scoring.runs import Run
from tests.store.builders import run


def test_a_customer_who_is_treated_anywhere_is_treated() -> None:
    arms = [
        ArmOn("A", False, 0.1, False),
        ArmOn("A", True, 0.2, False),
        ArmOn("B", True, 0.1, False),
        ArmOn("B", True, 0.2, False),
        ArmOn("C", True, 0.1, True),
    ]
    found = treatment_of(arms, {"B", "D"})
    # B has an override: they count in the arm that was drawn. D was called outside of any campaign.
    assert found.treated == {"A", "D"}
    assert found.control_share == {"B": 0.1 * 0.2, "C": EXPLORERS_CONTROL_SHARE}
    assert found.unseen == {"D"}


def test_customers_of_a_campaign_without_a_control_group_are_not_seen() -> None:
    arms = [ArmOn("A", False, 0.0, False), ArmOn("B", False, 0.1, False), ArmOn("C", False, 0.0, True)]
    assert treatment_of(arms, {"A"}).unseen == {"A"}


def test_the_share_of_explorers_is_that_of_the_draw() -> None:
    assert EXPLORERS_CONTROL_SHARE == EXPLORER_CONTROL_SHARE


def test_the_last_run_of_each_week_counts() -> None:
    monday = date(2026, 11, 2)
    runs = [Run(**vars(run(monday + timedelta(days=place)))) for place in range(16)]
    kept = [one.as_of for one in weekly_runs(runs, 2)]
    assert kept == [monday + timedelta(days=13), monday + timedelta(days=15)]
