"""``churn init`` on databases with a history: public ones as they were published, and small ones for its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from churn_mlops.config import load_settings
from churn_mlops.data.contract import HistoryContract, load_contract
from tests.cli.conftest import Churn
from tests.data.proposal.databases import shop, write_folder

CONTRACT = Path("config/contract.yaml")


def _contract() -> HistoryContract:
    found = load_contract(CONTRACT)
    assert isinstance(found, HistoryContract)
    return found


def _messages(printed: str) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for finding in json.loads(printed)["findings"]:
        found.setdefault((finding["column"], finding["kind"]), finding["message"])
    return found


def test_every_anomaly_of_a_public_company_of_five_tables_is_reported(churn: Churn, public_data: Path) -> None:
    said = _messages(churn("init", "--from", public_data / "ravenstack", "--json").out)
    early = said["feature_usage.usage_date", "before_start"]
    assert early.startswith("19,142 of 25,000 rows (76.6%) are dated before the subscription_id that they name starts")
    assert said["feature_usage.usage_date", "after_end"].startswith("290 of 25,000 rows (1.2%) are dated after")
    assert said["support_tickets.submitted_at", "before_start"].startswith("1,077 of 2,000 rows (53.8%)")
    assert said["feature_usage.usage_id", "duplicate_key"].startswith("21 of 25,000 rows (0.1%)")
    flag = said["accounts.churn_flag", "flag_contradicts"]
    assert "277 of 390 rows (71.0%) without 'TRUE' have a row in churn_events" in flag
    assert "35 of 110 rows (31.8%) with 'TRUE' do not" in flag
    assert "(%Y-%m-%d %H:%M), submitted_at like" in said["support_tickets.closed_at", "date_formats"]
    assert "175 of 352 customers" in said["churn_events", "several_ends"]
    assert "352 of 352 customers" in said["subscriptions", "still_open"]
    assert "352 of 500 customers (70.4%)" in said["label", "label_choice"]
    contract = _contract()
    assert contract.tables["accounts"].ends == "churn_events"
    assert contract.tables["feature_usage"].through is not None
    assert {"accounts.churn_flag", "subscriptions.churn_flag", "accounts.plan_tier"} <= set(contract.set_aside)
    text = CONTRACT.read_text()
    assert all(message in text for message in said.values() if not message.startswith("excluded ("))
    assert load_settings(environ={}).source.url == str(public_data / "ravenstack")


def test_every_anomaly_of_the_invoice_lines_of_a_public_shop_is_reported(churn: Churn, public_data: Path) -> None:
    said = _messages(churn("init", "--from", public_data / "online_retail" / "online_retail.parquet", "--json").out)
    assert said["online_retail.CustomerID", "link_blank"].startswith("135,080 of 541,909 rows")
    assert said["online_retail.InvoiceNo", "code_prefix"].startswith("9,288 of 541,909 rows (1.7%) begin with 'C'")
    assert said["online_retail.Quantity", "negative"].startswith("10,624 of 541,909 rows")
    assert said["online_retail", "repeated_rows"].startswith("5,268 of 541,909 rows")
    assert all(code in said["online_retail.StockCode", "odd_codes"] for code in ("'POST'", "'M'", "'D'"))
    contract = _contract()
    assert contract.customer == "CustomerID"
    assert contract.tables["customers"].start == "InvoiceDate"
    assert contract.label is not None
    assert contract.label.inactive is not None
    assert contract.label.inactive.days == 90


def test_a_folder_is_read_as_a_history_and_what_does_not_belong_to_one_is_refused(churn: Churn) -> None:
    write_folder(shop(), Path("shop"))
    refused = churn("init", "--from", "shop", "--label", "churned")
    assert refused.code == 1
    assert "belong to one table with a row for each customer: name it with `--table`" in refused.err
    refused = churn("init", "--from", "shop", "--table", "customer")
    assert (refused.code, "'customers'" in refused.err) == (1, True)
    refused = churn("init", "--from", "shop", "--table", "customers", "--inactive-days", 30)
    assert (refused.code, "needs a table of events" in refused.err) == (1, True)
    assert "name its column of customer IDs with `--customer`" in refused.err
    assert not CONTRACT.exists()
    found = churn("init", "--from", "shop", "--inactive-days", 60)
    assert found.code == 0
    assert "taken: a customer left who has no row in orders for 60 days" in found.out
    assert "tables: {customers: {table: customers, start: signup_date, end: cancelled_at}}" in CONTRACT.read_text()


def test_one_table_of_events_in_a_folder_names_the_customers_by_their_rows(churn: Churn) -> None:
    write_folder({"orders": shop()["orders"].rename(columns={"customer_id": "user"})}, Path("shop"))
    assert churn("init", "--from", "shop", "--inactive-days", 30).code == 0
    assert _contract().customer == "user"
    assert _contract().tables["customers"].table == "orders"
    assert load_settings(environ={}).source.url == "shop"


def test_a_folder_without_a_table_is_refused_with_what_to_do(churn: Churn) -> None:
    Path("empty").mkdir()
    refused = churn("init", "--from", "empty")
    assert (refused.code, "holds no table: give one with files in it that end in .csv" in refused.err) == (1, True)


@pytest.mark.parametrize("options", [["--as-of", "0001-01-05"], ["--as-of", "2026-01-01", "--until", "9999-12-31"]])
def test_a_date_that_no_company_can_mean_is_refused(churn: Churn, options: list[str]) -> None:
    refused = churn("score", *options)
    assert refused.code == 2
    assert "years 1900 to 2199" in refused.err
