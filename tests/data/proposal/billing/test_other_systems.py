"""Companies that bill with Recurly, Chargebee and Zuora: each history is the one that the subscribers lived."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.proposal.history_proposal import HistoryProposal
from tests.companies.billing import chargebee, recurly, zuora
from tests.companies.billing.lives import Subscriber, subscribers, without_causes, without_trials
from tests.companies.billing.tables import write_csv, write_json_lines
from tests.data.proposal.billing.reading import assert_truth, proposed, said


@pytest.fixture(scope="module")
def people() -> list[Subscriber]:
    return subscribers(200, seed=12)


def test_recurly_has_service_until_it_expires(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_csv(recurly.fivetran(people), tmp_path)
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert (home.start, home.trial_end, home.end) == ("activated_at", "trial_ends_at", "expires_at")
    assert home.versions is not None
    assert (home.versions.key, home.versions.by) == ("id", "updated_at")  # no column says which version is today's
    assert "failed" not in home.where["state"]
    assert_truth(found, folder, people, recurly.account_id)
    invoices = found.contract.tables["invoice_history"]
    assert invoices.versions is not None  # an invoice has two versions, and counts once
    waiting = sum(spell.request is not None and not spell.is_over for one in people for spell in one.spells)
    assert f"{waiting} rows that asked" in said(found, "request")["subscription_history.canceled_at"]


def test_chargebee_names_an_end_before_it_comes(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_json_lines(chargebee.airbyte(people), tmp_path)
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert (home.start, home.trial_end, home.end) == ("started_at", "trial_end", "cancelled_at")
    assert home.formats["cancelled_at"] == "unix_seconds"
    assert home.versions is None
    assert said(found, "rows_not_counted")["subscription.deleted"].startswith("15 rows")
    assert_truth(found, folder, people, chargebee.customer_id)


def test_rows_that_airbyte_appends_are_versions(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_json_lines(chargebee.airbyte(people, appended=True), tmp_path)
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert home.versions is not None
    assert home.versions.by == "resource_version"
    assert_truth(found, folder, people, chargebee.customer_id)


@pytest.fixture(scope="module")
def amended(people: list[Subscriber], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, HistoryProposal]:
    folder = write_csv(zuora.fivetran(without_trials(people)), tmp_path_factory.mktemp("zuora"))
    return folder, proposed(folder)


def test_zuora_writes_a_row_for_each_amendment(people: list[Subscriber], amended: tuple[Path, HistoryProposal]) -> None:
    folder, found = amended
    home = found.contract.tables[found.contract.customers]
    assert (home.end, home.versions) == ("subscription_end_date", None)
    assert home.where["is_latest_version"] == ("TRUE",)
    assert_truth(found, folder, without_causes(without_trials(people)), zuora.account_id)
    assert "'Card declined'" in said(found, "involuntary")["subscription.cancel_reason"]


def test_amendments_count_by_their_numbers_if_none_is_marked(people: list[Subscriber], tmp_path: Path) -> None:
    folder = write_csv(zuora.fivetran(without_trials(people), marked=False), tmp_path)
    found = proposed(folder)
    home = found.contract.tables[found.contract.customers]
    assert home.versions is not None
    assert (home.versions.key, home.versions.by) == ("original_id", "version")
    assert_truth(found, folder, without_causes(without_trials(people)), zuora.account_id)


def test_the_reasons_that_a_person_names_make_failed_payments_unknown(
    people: list[Subscriber], amended: tuple[Path, HistoryProposal]
) -> None:
    folder, found = amended
    data = found.contract.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    data["label"]["involuntary"] = {"column": "cancel_reason", "values": ["Card declined"]}
    named = replace(found, contract=HistoryContract.from_dict(data))
    assert_truth(named, folder, without_trials(people), zuora.account_id)
