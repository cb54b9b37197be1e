"""The companies mean what their truth says, and the judge lets no silent mistake pass."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.findings import Finding
from tests.companies.known_truth.company import Company
from tests.companies.known_truth.draw import SHAPES, dealt, drawn, made
from tests.companies.known_truth.judge import QUESTIONS, judge
from tests.companies.known_truth.meant import meant
from tests.companies.known_truth.names import STYLES
from tests.companies.known_truth.structures import STRUCTURES


def plain(*shapes: str) -> Company:
    return made(np.random.default_rng(1), ["the end in the customers", "plain", *shapes])


def changed(contract: HistoryContract, table: str, **keys: object) -> HistoryContract:
    data = contract.model_dump(exclude_none=True, exclude_defaults=True)
    data["tables"][table] |= keys
    return HistoryContract.from_dict(data, where="a changed contract")


def verdicts(company: Company, contract: HistoryContract, *findings: Finding) -> dict[str, str]:
    return {one.aspect: one.verdict for one in judge(company, contract, findings, company.opened())}


@pytest.mark.parametrize("structure", [name for name in STRUCTURES if name != "a cohort"])
def test_the_contract_that_is_meant_is_right(structure: str) -> None:
    company = made(np.random.default_rng(2), [structure, "stripe", "rows known late", "a final bill"])
    found = verdicts(company, meant(company))
    assert set(found.values()) == {"right"}


def test_a_decoy_that_is_taken_for_the_end_is_silently_wrong() -> None:
    company = plain("trials")
    taken = changed(meant(company), "customers_", end="trial_end")
    assert verdicts(company, taken)["end"] == "silently wrong"


def test_only_a_question_about_the_end_that_names_the_right_column_is_one() -> None:
    company = plain("trials")
    taken = changed(meant(company), "customers_", end="trial_end")
    (kind,) = QUESTIONS["end"] - {"label_missing"}

    def verdict(kind: str, message: str) -> str:
        return verdicts(company, taken, Finding("label", kind, message))["end"]

    assert verdict(kind, "is the end customers.trial_end or customers.cancelled_at?") == "asked"
    assert verdict(kind, "is customers.trial_end the end?") == "silently wrong"
    assert verdict(kind, "customers.cancelled_at is another time.") == "silently wrong"
    assert verdict("present_values", "customers.cancelled_at: what is it?") == "silently wrong"


@pytest.mark.parametrize(("table", "keys", "aspect"), [
    ("orders", {"known_at": "_fivetran_synced"}, "known of orders"),
    ("customers_", {"start_known_at": "updated_at"}, "known of customers"),
    ("customers_", {"end_known_at": "updated_at"}, "known of customers, its end"),
    ("customers_", {"start": "updated_at"}, "start"),
    ("tickets", {"customer": "ticket_id"}, "link of tickets"),
])  # fmt: skip
def test_another_column_in_its_place_is_silently_wrong(table: str, keys: dict[str, str], aspect: str) -> None:
    company = plain("last loads of rows", "last changes of customers", "tickets")
    assert verdicts(company, changed(meant(company), table, **keys))[aspect] == "silently wrong"


def test_a_recorded_time_that_is_passed_over_is_silently_wrong() -> None:
    company = plain("rows known late")
    data = meant(company).model_dump(exclude_none=True, exclude_defaults=True)
    del data["tables"]["orders"]["known_at"]
    assert verdicts(company, HistoryContract.from_dict(data, where="it"))["known of orders"] == "silently wrong"


def test_a_feature_that_reads_what_the_leaving_wrote_is_silently_wrong() -> None:
    company = plain("a final bill")
    data = meant(company).model_dump(exclude_none=True, exclude_defaults=True)
    data["features"]["bill"] = {"last": "customers_.settlement"}
    assert verdicts(company, HistoryContract.from_dict(data, where="it"))["leaks"] == "silently wrong"


def test_a_list_with_customers_who_have_left_is_silently_wrong() -> None:
    company = plain()
    company.truth.active = frozenset(list(company.truth.active)[:-20])
    assert verdicts(company, meant(company))["list"] == "silently wrong"


def test_a_seed_gives_the_same_company_each_time() -> None:
    one, again = drawn(5), drawn(5)
    assert one.shapes == again.shapes
    tables = {name: table.to_pyarrow() for name, table in one.opened().items()}
    assert all(table.to_pyarrow().equals(tables[name]) for name, table in again.opened().items())


def test_no_customer_acts_after_their_end() -> None:
    life = drawn(3).lives
    assert (life.day <= life.last[life.who]).all()
    assert (life.day >= life.start[life.who]).all()
    assert life.day.max() == life.newest


def test_every_shape_is_dealt() -> None:
    assert {shape for shapes in dealt(1, len(STYLES)) for shape in shapes} == set(SHAPES)
