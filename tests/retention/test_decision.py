"""One rule decides for one customer and for many: by the score alone, and by the rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from churn_mlops.errors import DataError
from churn_mlops.retention import DecisionRule, Economics, action, break_even_probability, expected_gain
from churn_mlops.retention.decision import RISK_BANDS, actions
from churn_mlops.retention.ranking import decide
from tests.retention.rules import rules, scores

DEFAULTS = DecisionRule(Economics())


@given(rules, scores)
def test_many_customers_are_decided_about_as_one_by_one(rule: DecisionRule, scores: list[float]) -> None:
    found = decide(np.array(scores), rule)
    assert found.will_churn.tolist() == [rule.will_churn(score) for score in scores]
    assert found.worth_an_offer.tolist() == [rule.worth_an_offer(score) for score in scores]
    assert actions(found.worth_an_offer).tolist() == [action(score, rule.economics) for score in scores]


@given(rules, scores)
def test_a_band_begins_at_its_score(rule: DecisionRule, scores: list[float]) -> None:
    wanted = [RISK_BANDS[(score >= rule.medium_from) + (score >= rule.high_from)] for score in scores]
    assert rule.risk_band(np.array(scores)).tolist() == wanted


@given(rules, scores)
def test_the_gain_that_is_shown_is_above_zero_exactly_for_those_worth_an_offer(
    rule: DecisionRule, scores: list[float]
) -> None:
    found = decide(np.array(scores), rule)
    assert (found.expected_gain > 0).tolist() == found.worth_an_offer.tolist()
    assert found.expected_gain == pytest.approx(expected_gain(np.array(scores), rule.economics), abs=0.0101, rel=1e-9)


def test_the_smallest_gain_that_is_shown_is_a_cent() -> None:
    at = break_even_probability(DEFAULTS.economics)
    assert at is not None
    found = decide(np.array([at - 1e-6, at + 1e-6, at + 0.1]), DEFAULTS)
    assert found.worth_an_offer.tolist() == [False, True, True]
    assert found.expected_gain[1:].tolist() == [0.01, round(expected_gain(at + 0.1, DEFAULTS.economics), 2)]


@pytest.mark.parametrize(
    ("capacity", "contacted"), [(None, [1, 2, 3]), (0, []), (2, [1, 2]), (3, [1, 2, 3]), (9, [1, 2, 3])]
)
def test_the_contact_list_ends_at_the_capacity(capacity: int | None, contacted: list[int]) -> None:
    rule = DecisionRule(Economics(), capacity=capacity)
    ranks, worth = np.arange(1, 6), np.array([True, True, True, False, False])
    assert ranks[rule.on_contact_list(worth, ranks)].tolist() == contacted
    assert rule.contacts(int(worth.sum())) == len(contacted)


def test_a_score_that_is_no_probability_is_refused() -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        decide(np.array([0.5, np.nan]), DEFAULTS)
