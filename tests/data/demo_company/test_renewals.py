"""The demo company knows when a contract renews: it follows from the plan alone, and no feature reads it."""

from __future__ import annotations

from tests.data.demo_company.test_history import LAST_DAY, Made, company

__all__ = ["company"]


def test_every_renewal_lies_ahead_of_its_plan_by_no_more_than_the_term_and_a_month(company: Made) -> None:
    term = "CASE contract_type WHEN 'two_year' THEN 730 ELSE 365 END"
    assert company.one("SELECT count(renews_on) FROM plans") > 3000
    assert (
        company.one(
            f"SELECT count(*) FROM plans WHERE renews_on NOT BETWEEN valid_from + 1 AND valid_from + {term} + 31"
        )
        == 0
    )


def test_a_customer_with_a_fixed_term_always_has_a_renewal_ahead(company: Made) -> None:
    for day in ("DATE '2025-02-28'", "DATE '2026-06-30'", LAST_DAY):
        known = f"""SELECT customer_id, arg_max(contract_type, valid_from) AS contract_type,
            arg_max({{'day': renews_on}}, valid_from).day AS renews_on
            FROM plans JOIN customers USING (customer_id)
            WHERE valid_from <= {day} AND coalesce(churn_date > {day}, true) GROUP BY 1"""
        fixed = f"FROM ({known}) WHERE contract_type <> 'month-to-month'"
        ((customers, ahead),) = company.rows(f"SELECT count(*), count(*) FILTER (renews_on > {day}) {fixed}")
        assert customers > 1000
        assert ahead == customers
        monthly = f"SELECT count(*) FILTER (renews_on <= {day}) FROM ({known}) WHERE contract_type = 'month-to-month'"
        assert company.one(monthly) == 0


def test_a_renewal_does_not_give_away_who_leaves(company: Made) -> None:
    """Of the customers who leave, no more than by chance end on the day of a renewal, and none has a plan after it."""
    ends = "customers JOIN plans USING (customer_id) WHERE churn_date IS NOT NULL"
    left = company.one("SELECT count(*) FROM customers WHERE churn_date IS NOT NULL")
    assert company.one(f"SELECT count(DISTINCT customer_id) FROM {ends} AND renews_on = churn_date") < 0.02 * left
    assert company.one(f"SELECT count(*) FROM {ends} AND valid_from > churn_date") == 0


def test_the_renewal_is_named_in_the_contract_and_is_no_feature(company: Made) -> None:
    assert company.contract.renewal == "plans.renews_on"
    assert "plans.renews_on" not in {".".join(map(str, one.reads)) for one in company.contract.features.values()}
