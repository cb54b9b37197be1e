"""The rank is by score, and both lists are its first so many customers, whatever the rule and the scores."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from churn_mlops.retention import DecisionRule, Economics, rank_customers
from churn_mlops.retention.ranking import EXPLAINED, ListTotals, customer_column
from tests.retention.rules import rules, scores


@given(rules, scores)
def test_the_contact_list_is_those_worth_an_offer_best_first_cut_at_capacity(
    rule: DecisionRule, scores: list[float]
) -> None:
    ranking = rank_customers(np.array(scores), rule)
    worth = [place for place in ranking.order.tolist() if rule.worth_an_offer(scores[place])]
    contacted = ranking.order[ranking.on_contact_list].tolist()
    assert contacted == worth[: rule.capacity]
    assert ranking.totals.worth_an_offer == len(worth)
    assert ranking.totals.on_contact_list == len(contacted)


@given(rules, scores)
def test_the_contact_list_and_likely_churners_are_a_prefix_of_the_rank(rule: DecisionRule, scores: list[float]) -> None:
    ranking = rank_customers(np.array(scores), rule)
    totals = ranking.totals
    assert np.flatnonzero(ranking.on_contact_list).tolist() == list(range(totals.on_contact_list))
    assert np.flatnonzero(ranking.decisions.will_churn).tolist() == list(range(totals.likely))
    assert np.flatnonzero(ranking.decisions.worth_an_offer).tolist() == list(range(totals.worth_an_offer))


@given(rules, scores)
def test_customers_are_ranked_by_score_and_equal_scores_keep_their_order(
    rule: DecisionRule, scores: list[float]
) -> None:
    ranking = rank_customers(np.array(scores), rule)
    assert ranking.order.tolist() == sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    assert ranking.scores.tolist() == sorted(scores, reverse=True)
    assert ranking.ranks.tolist() == list(range(1, len(scores) + 1))


@given(rules, scores)
def test_customers_who_have_left_come_last_and_change_nothing_for_the_others(
    rule: DecisionRule, scores: list[float]
) -> None:
    left = np.arange(len(scores)) % 3 == 1
    ranking, alone = rank_customers(np.array(scores), rule, left), rank_customers(np.array(scores)[~left], rule)
    there = int((~left).sum())
    assert ranking.left.tolist() == [False] * there + [True] * int(left.sum())
    assert np.flatnonzero(~left)[alone.order].tolist() == ranking.order[:there].tolist()
    assert ranking.on_contact_list.tolist() == alone.on_contact_list.tolist() + [False] * int(left.sum())
    assert not ranking.decisions.will_churn[there:].any()
    assert not ranking.decisions.expected_gain[there:].any()
    assert ranking.totals.likely == alone.totals.likely
    assert ranking.totals.worth_an_offer == alone.totals.worth_an_offer


@given(rules, scores)
def test_more_capacity_takes_no_one_off_the_contact_list(rule: DecisionRule, scores: list[float]) -> None:
    unlimited = DecisionRule(rule.economics, rule.threshold, rule.medium_from, rule.high_from)
    fewer, more = (rank_customers(np.array(scores), one).on_contact_list for one in (rule, unlimited))
    assert bool(np.all(fewer <= more))


def test_reasons_are_given_to_both_lists_and_to_a_few_more_at_the_top() -> None:
    rule = DecisionRule(Economics(), capacity=200)
    assert ListTotals.of(1000, 30, 50, rule).explained == EXPLAINED
    assert ListTotals.of(1000, 30, 500, rule).explained == 200
    assert ListTotals.of(1000, 300, 500, rule).explained == 300
    assert ListTotals.of(20, 3, 5, rule).explained == 20


def test_without_customers_the_ranking_is_empty() -> None:
    ranking = rank_customers(np.array([]), DecisionRule(Economics()))
    assert ranking.totals == ListTotals(0, 0, 0, 0)
    assert ranking.order.tolist() == []


def test_a_customer_column_called_like_one_of_the_list_gets_another_name() -> None:
    assert [customer_column(name) for name in ("customer_id", "rank", "score", None)] == [
        "customer_id",
        "customer",
        "customer",
        "row",
    ]
