"""The system that wrote some tables: their columns show it, whatever a person has called them."""

from __future__ import annotations

import pytest

from churn_mlops.data.presets import presets, recognise
from churn_mlops.data.presets.recognise import plain
from tests.pages import ROOT

STRIPE = ["id", "customer_id", "status", "start_date", "current_period_end", "canceled_at", "ended_at"]

CONTRACT = ["Id", "AccountId", "ContractNumber", "StartDate", "EndDate", "Status", "Segment__c"]
DEALS = ["Id", "AccountId", "StageName", "IsWon", "CloseDate", "Amount"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ended At (UTC)", "ended_at"), ("endedAt", "ended_at"), ("_fivetran_active", "fivetran_active")],
)
def test_a_column_has_one_plain_name_with_every_exporter(name: str, expected: str) -> None:
    assert plain(name) == expected


def test_a_table_alone_may_have_any_name() -> None:
    found = recognise({"export_of_may": STRIPE, "visits": ["customer_id", "at"]})
    assert found is not None
    assert (found.preset.system, found.customers.source) == ("Stripe", "export_of_may")


def test_the_history_of_subscriptions_is_preferred_to_the_table_of_todays_rows() -> None:
    found = recognise({"stripe_subscription": STRIPE, "stripe_subscription_history": [*STRIPE, "_fivetran_active"]})
    assert found is not None
    assert found.customers.source == "stripe_subscription_history"


def test_two_tables_of_other_names_are_not_guessed() -> None:
    assert recognise({"a": STRIPE, "b": STRIPE}) is None


def test_subscriptions_of_a_company_itself_are_of_no_system() -> None:
    assert recognise({"subscriptions": ["id", "customer_id", "status", "start_date", "end_date"]}) is None


def test_names_without_underscores_are_read_too() -> None:
    columns = "id accountid originalid version status subscriptionstartdate subscriptionenddate termenddate"
    found = recognise({"subscription": columns.split()})
    assert found is not None
    assert found.preset.system == "Zuora"
    assert found.customers.column(("subscription_end_date",)) == "subscriptionenddate"


def test_contracts_say_more_than_deals_about_who_is_a_customer() -> None:
    found = recognise({"Opportunity": DEALS, "Contract": CONTRACT})
    assert found is not None
    assert [(one.source, one.preset.kind) for one in found.tables] == [
        ("Contract", "customers"),
        ("Opportunity", "events"),
    ]


def test_deals_alone_say_who_is_a_customer_and_no_end() -> None:
    for tables, without_end in (({"Opportunity": DEALS}, False), ({"Opportunity": DEALS, "Contract": CONTRACT}, True)):
        found = recognise(tables, without_end=without_end)
        assert found is not None
        assert (found.customers.source, found.customers.preset.end) == ("Opportunity", ())


@pytest.mark.parametrize(
    "columns",
    [
        "deal_id property_dealstage property_closedate property_hs_is_closed_won hs_primary_associated_company",
        "id properties properties_dealstage properties_closedate properties_hs_is_closed_won company_id",
        "Record ID,Deal Stage,Close Date,Is Closed Won,Associated Company IDs (Primary)",
    ],
)
def test_the_words_before_the_properties_of_hubspot_do_not_count(columns: str) -> None:
    names = columns.split("," if "," in columns else " ")
    found = recognise({"deals": names})
    assert found is not None
    assert found.preset.system == "HubSpot"
    assert found.customers.column(("hs_is_closed_won", "is_closed_won")) == names[-2]


def test_a_system_that_bills_knows_better_when_a_customer_ended() -> None:
    beside = {
        "Opportunity": DEALS,
        "Contract": CONTRACT,
        "Case": ["Id", "AccountId", "CaseNumber", "CreatedDate", "Status"],
    }
    found = recognise({**beside, "subscription": STRIPE})
    assert found is not None
    assert found.preset.system == "Stripe"


def test_every_preset_has_its_page_with_the_meaning_of_each_decision() -> None:
    for preset in presets():
        page = (ROOT / preset.page).read_text(encoding="utf-8")
        assert f"# {preset.system}\n" in page
        home = preset.tables[0]
        cause = () if home.involuntary is None else home.involuntary.column[:1]
        for name in (home.time[0], *home.end[:1], *home.trial_end[:1], *home.request[:1], *home.renewal[:1], *cause):
            assert name.split("_", 1)[0] in page, (preset.system, name)
        for column, values in home.leave.items():
            assert f"`{column}`" in page
            assert any(f"`{value}`" in page for value in values)
