"""A company that keeps its contracts in Salesforce: the history that is proposed is the one that its accounts lived."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from churn_mlops.config.settings import Source
from churn_mlops.data.proposal.history_proposal import HistoryProposal
from churn_mlops.pipelines.onboarding.init import InitRequest, initialize
from tests.companies.billing import salesforce
from tests.companies.billing.contracts import Account, accounts, as_subscribers, extended, signed
from tests.companies.billing.tables import at, write_csv
from tests.data.proposal.billing.reading import assert_purchases, assert_truth, proposed, said

LATE_DAYS = 31
"""A contract that begins so many days after another one is its renewal."""


@pytest.fixture(scope="module")
def people() -> list[Account]:
    return accounts(250)


@pytest.fixture(scope="module")
def folder(people: list[Account], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(salesforce.fivetran(people), tmp_path_factory.mktemp("salesforce"))


@pytest.fixture(scope="module")
def asked(folder: Path) -> HistoryProposal:
    return proposed(folder)


def test_the_last_day_of_a_contract_that_is_renewed_is_no_end(asked: HistoryProposal, people: list[Account]) -> None:
    assert asked.contract.label is None
    runs = [
        (contract.last, {other.start for other in one.contracts if other.counts})
        for one in people
        for contract in one.contracts
        if contract.counts and contract.status != "Activated" and contract.last is not None
    ]
    gaps = [min(((start - last).days for start in starts if start > last), default=999) for last, starts in runs]
    later = sum(1 < days <= LATE_DAYS for days in gaps)
    expected = (
        f"of {len(runs)} rows that have ended, {gaps.count(1)} go on in a new row on the day after, and {later} in"
    )
    assert expected in said(asked, "end_unknown")["label"]


def test_the_query_of_the_question_gives_the_history_that_the_accounts_lived(
    asked: HistoryProposal, folder: Path, people: list[Account], tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    for name in ("contract", "account"):
        shutil.copy(folder / f"{name}.csv", served)
    query = re.search(r"SELECT .* c(?=\. Change)", said(asked, "end_unknown")["label"])
    assert query is not None
    with duckdb.connect() as engine:
        engine.execute(f"CREATE VIEW contract AS FROM '{folder}/contract.csv'")
        engine.execute(f"COPY ({query[0]}) TO '{served}/contract_served.parquet'")
    found = proposed(served)
    home = found.contract.tables[found.contract.customers]
    assert (home.table, home.start, home.end) == ("contract_served", "start_date", "served_until")
    assert found.contract.renewal == f"{found.contract.customers}.end_date"
    assert_truth(found, served, as_subscribers(people, LATE_DAYS), salesforce.account_id)


def test_a_company_that_writes_a_later_end_into_its_contracts_is_asked_for_no_query(
    people: list[Account], tmp_path: Path
) -> None:
    folder = write_csv(salesforce.airbyte(extended(people, LATE_DAYS)), tmp_path)
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert (home.table, home.customer, home.start, home.end) == ("Contract", None, "StartDate", "EndDate")
    assert_truth(found, folder, as_subscribers(people, LATE_DAYS), salesforce.account_id)


def test_the_contract_says_what_counts(asked: HistoryProposal) -> None:
    home = asked.contract.tables[asked.contract.customers]
    assert "Draft" not in home.where["status"]
    assert home.where["is_deleted"] == ("false",)
    assert asked.contract.tables["opportunity"].where["is_won"] == ("true",)
    assert asked.contract.renewal is None


def test_no_feature_reads_todays_value(asked: HistoryProposal) -> None:
    reads = {feature.reads for feature in asked.contract.features.values()}
    assert {column for table, column in reads if table == "account"} == {"account_source"}
    assert {column for table, column in reads if table == "opportunity"} == {None, "amount", "type"}
    assert {column for table, column in reads if table == "case"} == {None, "origin"}
    assert not [column for table, column in reads if table == "contract"]
    assert asked.contract.set_aside["account.type"].reason == "suspected_leak"
    assert asked.contract.set_aside["contract.segment__c"].reason == "suspected_leak"


def test_the_findings_count_what_does_not_count(asked: HistoryProposal, people: list[Account]) -> None:
    contracts = [contract for one in people for contract in one.contracts]
    drafts = sum(contract.status == "Draft" for contract in contracts)
    deleted = sum(contract.is_deleted for contract in contracts)
    left_out = said(asked, "rows_not_counted")
    assert left_out["contract.status"].startswith(f"{drafts} rows")
    assert left_out["contract.is_deleted"].startswith(f"{deleted} rows")
    stopped = sum(contract.status == "Terminated" and contract.counts for contract in contracts)
    assert f"{stopped} rows count until end_date, 0 of which lie ahead" in said(asked, "stopped")["contract.status"]


@pytest.fixture(scope="module")
def deals(people: list[Account], tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = salesforce.fivetran(people)
    return write_csv({name: tables[name] for name in ("account", "opportunity")}, tmp_path_factory.mktemp("deals"))


def test_no_end_is_made_of_deals_that_are_rare(deals: Path) -> None:
    found = proposed(deals)
    assert found.contract.label is None
    assert "no table says when a customer ends" in said(found, "system")["opportunity"]
    assert "--inactive-days" in said(found, "end_unknown")["label"]


def test_a_customer_without_a_deal_for_the_days_that_a_person_names_has_left(
    deals: Path, people: list[Account]
) -> None:
    found = proposed(deals, inactive_days=400)
    home = found.contract.tables[found.contract.customers]
    assert (home.table, home.start, home.end) == ("opportunity", "close_date", None)
    assert_purchases(found, deals, signed(people), salesforce.account_id)


def test_a_table_of_the_companys_own_that_records_ends_comes_before_deals(
    people: list[Account], tmp_path: Path
) -> None:
    few = people[:120]
    tables, lives = salesforce.fivetran(few), as_subscribers(few, LATE_DAYS)
    own = [
        {"id": spell.number, "account": salesforce.account_id(one.number), "began": at(spell.start), "ended": at(over)}
        for one in lives
        for spell in one.spells
        for over in [spell.end if spell.is_over else None]
    ]
    kept = {
        "account": ("id", "created_date"),
        "opportunity": ("id", "account_id", "stage_name", "is_won", "close_date"),
    }
    deals = {
        name: [{column: row[column] for column in columns} for row in tables[name]] for name, columns in kept.items()
    }
    found = proposed(write_csv({**deals, "subscriptions": own}, tmp_path))
    assert not said(found, "system")
    assert found.contract.tables[found.contract.customers].end == "ended"
    assert_truth(found, tmp_path, lives, salesforce.account_id)


def test_one_file_of_contracts_is_no_table_with_a_row_for_each_customer(folder: Path, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    request = InitRequest(str(folder / "contract.csv"))
    found = initialize(request, contract, Source(), tmp_path / "churn.yaml").proposal
    assert isinstance(found, HistoryProposal)
    assert "contract_served" in contract.read_text(encoding="utf-8")
