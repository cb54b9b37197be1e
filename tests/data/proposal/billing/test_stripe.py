"""A company that bills with Stripe: the history that is proposed is the one that its subscribers lived."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.data.proposal.history_proposal import HistoryProposal
from tests.companies.billing import stripe
from tests.companies.billing.lives import TODAY, Subscriber, subscribers, without_causes
from tests.companies.billing.tables import write_csv, write_json_lines
from tests.data.proposal.billing.reading import assert_truth, proposed, said


@pytest.fixture(scope="module")
def people() -> list[Subscriber]:
    return subscribers(300)


@pytest.fixture(scope="module")
def folder(people: list[Subscriber], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(stripe.fivetran(people), tmp_path_factory.mktemp("stripe"))


@pytest.fixture(scope="module")
def found(folder: Path) -> HistoryProposal:
    return proposed(folder)


def test_the_history_is_the_one_that_the_subscribers_lived(
    found: HistoryProposal, folder: Path, people: list[Subscriber]
) -> None:
    assert_truth(found, folder, people, stripe.customer_id)


def test_the_contract_says_what_counts(found: HistoryProposal) -> None:
    home = found.contract.tables[found.contract.customers]
    assert (home.table, home.start, home.trial_end, home.end) == (
        "subscription_history",
        "start_date",
        "trial_end",
        "ended_at",
    )
    assert home.where["_fivetran_active"] == ("true",)
    assert home.where["livemode"] == ("true",)
    assert "incomplete_expired" not in home.where["status"]
    assert found.contract.renewal == f"{found.contract.customers}.current_period_end"
    assert found.contract.label is not None
    assert found.contract.label.involuntary is not None
    assert found.contract.label.involuntary.column == "cancellation_details_reason"


def test_no_feature_reads_todays_value_of_a_subscription(found: HistoryProposal) -> None:
    reads = {feature.reads for feature in found.contract.features.values()}
    of_subscriptions = {column for table, column in reads if table == "subscription_history"}
    assert of_subscriptions <= {None, "currency"}
    assert ("subscription_history_versions", "quantity") in reads  # as it was at the time
    of_versions = {column for table, column in reads if table == "subscription_history_versions"}
    assert of_versions == {"quantity", "pause_collection_behavior"}  # not `_fivetran_active`, which is today's value
    assert {column for table, column in reads if table == "invoice"} == {None, "amount_due", "total"}
    assert "paid" not in {
        column
        for feature in found.contract.features.values()
        if feature.reads[0] == "invoice"
        for column in feature.where
    }
    assert "failed_payments_30d" in found.contract.features
    assert {table for table, _ in reads} >= {"app_login", "invoice", "charge"}


def test_the_findings_count_what_does_not_count(found: HistoryProposal, people: list[Subscriber]) -> None:
    spells = [spell for one in people for spell in one.spells]
    left_out = said(found, "rows_not_counted")
    assert left_out["subscription_history.livemode"].startswith("20 rows")
    never = 2 * sum(not spell.began for spell in spells)  # each in two versions
    assert left_out["subscription_history.status"].startswith(f"{never} rows")
    waiting = sum(spell.request is not None and spell.request <= TODAY and not spell.is_over for spell in spells)
    assert (
        f"{waiting:,} rows that asked have not ended yet" in said(found, "request")["subscription_history.canceled_at"]
    )
    failed = sum(spell.cause == "failed_payment" for spell in spells)
    assert (
        f"{failed} ended by a failed payment"
        in said(found, "involuntary")["subscription_history.cancellation_details_reason"]
    )
    paused = sum(spell.paused is not None for spell in spells)
    assert f"{paused} rows pause today" in said(found, "pause")["subscription_history.pause_collection_behavior"]


def test_airbyte_writes_times_as_numbers_and_one_row_a_subscription(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_json_lines(stripe.airbyte(people), tmp_path / "airbyte")
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert home.formats["ended_at"] == "unix_seconds"
    assert "says why a row ended" in said(found, "involuntary")["subscriptions"]
    assert_truth(found, folder, without_causes(people), stripe.customer_id)


def test_the_file_of_the_dashboard_is_read_too(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_csv(stripe.dashboard(people), tmp_path / "dashboard")
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert (home.start, home.end) == ("Start (UTC)", "Ended At (UTC)")
    assert_truth(found, folder, without_causes(people), stripe.customer_id)
