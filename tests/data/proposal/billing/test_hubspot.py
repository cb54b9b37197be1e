"""A company that keeps its deals in HubSpot: a customer is there after a deal, and no end is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.data.proposal.history_proposal import HistoryProposal
from tests.companies.billing import hubspot
from tests.companies.billing.contracts import Account, accounts, signed
from tests.companies.billing.tables import write_csv
from tests.data.proposal.billing.reading import assert_purchases, proposed, said

DAYS = 400


@pytest.fixture(scope="module")
def people() -> list[Account]:
    return accounts(250, seed=8)


@pytest.fixture(scope="module")
def folder(people: list[Account], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(hubspot.fivetran(people), tmp_path_factory.mktemp("hubspot"))


@pytest.fixture(scope="module")
def found(folder: Path) -> HistoryProposal:
    return proposed(folder, inactive_days=DAYS)


def test_a_customer_without_a_deal_for_the_days_that_a_person_names_has_left(
    found: HistoryProposal, folder: Path, people: list[Account]
) -> None:
    home = found.contract.tables[found.contract.customers]
    assert (home.table, home.start, home.end) == ("deal", "property_closedate", None)
    assert_purchases(found, folder, signed(people), hubspot.company_id)


def test_the_findings_count_what_does_not_count(found: HistoryProposal, people: list[Account]) -> None:
    contracts = [contract for one in people for contract in one.contracts]
    left_out = said(found, "rows_not_counted")
    assert left_out["deal.is_deleted"].startswith(f"{sum(one.is_deleted for one in contracts)} rows")
    lost = sum(one.status == "Draft" for one in contracts)
    assert left_out["deal.property_hs_is_closed_won"].startswith(f"{lost} rows")


def test_no_feature_reads_todays_value(found: HistoryProposal) -> None:
    reads = {feature.reads for feature in found.contract.features.values()}
    assert {column for table, column in reads if table == "deal"} == {None, "property_amount", "property_dealtype"}
    assert {column for table, column in reads if table == "company"} == {"property_hs_analytics_source"}
    assert {column for table, column in reads if table == "ticket"} == {None}
    assert found.contract.set_aside["company.property_lifecyclestage"].reason == "suspected_leak"
    assert found.contract.set_aside["deal.property_dealstage"].reason == "suspected_leak"


def test_no_end_is_made_of_deals_that_are_rare(people: list[Account], tmp_path: Path) -> None:
    found = proposed(write_csv({"deal": hubspot.fivetran(people)["deal"]}, tmp_path))
    assert found.contract.label is None
    assert "no table says when a customer ends" in said(found, "system")["deal"]
    assert "--inactive-days" in said(found, "end_unknown")["label"]
