"""The daily run draws arms, and the control group is on no list, export or webhook: end to end, on a small company."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest

from churn_mlops.config import Settings, load_settings
from churn_mlops.errors import ConfigError, ContractError
from churn_mlops.pipelines.delivery.send_list import send_list
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.scoring.contact_list import ListTime
from churn_mlops.pipelines.scoring.households import households_in
from churn_mlops.pipelines.scoring.publish import Published, run_day
from churn_mlops.retention.arms import arm_of
from churn_mlops.retention.ranking import EXPLAINED
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.assignments import assignments_in
from churn_mlops.store.campaigns.campaigns import Campaign, NewCampaign, create_campaign, end_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.scoring.predictions import Prediction, predictions
from tests.command import Churn, runner
from tests.companies.daily import DAYS, FEW_FEATURES, write_daily_company
from tests.companies.small import Company
from tests.pipelines.delivery.webhook_receiver import Receiver, receiving

NOW = datetime.now(UTC)
TODAY = NOW.date()
EVERYONE = NewCampaign(
    "Spring", "20 % off", 10.0, "Thank you.", TODAY, "cli:anna", only_worth=False, control_share=0.3, explore_share=0.0
)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def settings(company: Company, receiver: Receiver, tmp_path: Path) -> Settings:
    given = company.settings.model_dump()
    given["store"] |= {"url": f"sqlite:///{tmp_path / 'store.db'}"}
    given["decision"] |= {"threshold": 0.2, "campaign_key": "our key"}
    hook = {"url": receiver.url, "secret": "k" * 16, "allowed_hosts": ["127.0.0.1"], "page_rows": 50}
    return Settings.model_validate(given | {"webhook": hook})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store.url) as store:
        yield store


def start(store: Store, **changed: object) -> Campaign:
    return create_campaign(store, replace(EVERYONE, **changed))  # type: ignore[arg-type]


def by_customer(store: Store, published: Published) -> dict[str, Prediction]:
    return {one.customer: one for one in predictions(store, published.run.as_of)}


def test_arms_are_drawn_with_the_list_and_the_control_group_is_in_the_store_alone(
    settings: Settings, store: Store, receiver: Receiver
) -> None:
    made = start(store)
    published = run_day(settings, now=NOW)
    found, arms = (
        by_customer(store, published),
        {one.customer: one.arm for one in assignments_in(store, made.id, limit=9999)},
    )
    assert arms == {name: arm_of("our key", "Spring", name, control_share=0.3, explore_share=0.0).arm for name in found}
    assert {name for name, one in found.items() if one.action == "offer"} == {
        n for n, a in arms.items() if a == "treated"
    }
    control = {name for name, one in found.items() if one.why_not == "control_group"}
    assert control == {name for name, arm in arms.items() if arm == "control"}
    assert {one.campaign_id for one in found.values()} == {made.id}
    shown = set(published.scored.customers.column("customer_id").to_pylist())
    assert shown == found.keys() - control
    assert published.run.worth_an_offer == published.scored.worth_an_offer == len(shown)
    send_list(settings, published.run.as_of, RetryClock(lambda seconds: False))
    sent = {row["customer_id"] for request in receiver.accepted() for row in request.document["customers"]}
    assert sent == shown


def test_everyone_on_the_contact_list_has_reasons_also_far_below_the_top(settings: Settings, store: Store) -> None:
    start(store, explore_share=0.0, control_share=0.5)
    strict = settings.model_copy(update={"decision": settings.decision.model_copy(update={"threshold": 1.0})})
    published = run_day(strict, now=NOW)
    found = by_customer(store, published)
    offered = [one for one in found.values() if one.action == "offer"]
    assert max(one.rank for one in offered) > 100 == EXPLAINED
    assert [one.customer for one in offered if not one.reasons] == []
    assert any(one.reasons is None for one in found.values())  # the control group below the top
    last = max(offered, key=lambda one: one.rank)
    explainer = published.scored.explainer
    assert explainer is not None
    texts = explainer.reasons(np.array([last.rank - 1]))
    assert last.reasons == [column[0] for column in texts.values() if column[0]]


def test_the_same_day_again_gives_the_same_rows_and_the_next_day_the_same_arms(
    settings: Settings, store: Store
) -> None:
    made = start(store, capacity=40, explore_share=0.1)
    first = by_customer(store, run_day(settings, now=NOW))
    assert by_customer(store, run_day(settings, now=NOW)) == first
    arms = assignments_in(store, made.id, limit=9999)
    later = settings.model_copy(update={"decision": settings.decision.model_copy(update={"campaign_key": "another"})})
    run_day(later, now=NOW + timedelta(days=1))
    assert [one for one in assignments_in(store, made.id, limit=9999) if one in arms] == arms
    assert sum(one.action == "offer" for one in first.values()) == 40


def test_a_date_before_the_newest_list_draws_no_arms(settings: Settings, store: Store) -> None:
    run_day(settings, now=NOW + timedelta(days=1))
    made = start(store)
    run_day(settings, now=NOW)
    assert assignments_in(store, made.id, limit=9999) == []
    run_day(settings, now=NOW + timedelta(days=1))
    assert assignments_in(store, made.id, limit=9999) != []


def test_wishes_and_contacts_keep_customers_off_the_list_and_off_the_webhook_after_it_was_made(
    settings: Settings, store: Store, receiver: Receiver
) -> None:
    start(store, control_share=0.0)
    first = run_day(settings, now=NOW)
    ranked = [one.customer for one in predictions(store, first.run.as_of)]
    wish, told, dismissed = ranked[:3]
    set_do_not_contact(store, wish, blocked=True, reason="they asked", by="cli:anna")
    contact = NewContact("k1", "a" * 64, told, NOW - timedelta(hours=1), "20 % off", "declined", "cli:anna")
    record_contact(store, contact)
    record_contact(store, replace(contact, key="k2", customer=dismissed, result="not_offered", dismissal="complaint"))
    expected = {wish: "do_not_contact", told: "offered_recently", dismissed: "dismissed_recently"}
    send_list(settings, first.run.as_of, RetryClock(lambda seconds: False))
    sent = {row["customer_id"]: row for request in receiver.accepted() for row in request.document["customers"]}
    assert {name: (sent[name]["action"], sent[name]["why_not"]) for name in expected} == {
        name: ("leave_alone", why_not) for name, why_not in expected.items()
    }
    assert {sent[name]["action"] for name in ranked[3:20]} == {"offer"}
    found = by_customer(store, run_day(settings, now=NOW))
    assert {name: found[name].why_not for name in expected} == expected


def test_a_campaign_that_ended_makes_no_offers_and_its_customers_are_followed(settings: Settings, store: Store) -> None:
    made = start(store)
    run_day(settings, now=NOW)
    end_campaign(store, made.id, by="cli:anna", reason="the budget is spent")
    found = by_customer(store, run_day(settings, now=NOW))
    assert {one.why_not for one in found.values()} == {"control_group", "followed"}
    later = by_customer(store, run_day(settings, now=NOW + timedelta(days=91)))
    assert {one.why_not for one in later.values()} == {None}


def test_an_export_and_the_list_of_a_file_lack_the_control_group(
    settings: Settings, store: Store, company: Company, tmp_path: Path, monkeypatch, capsys
) -> None:
    made = start(store)
    config = tmp_path / "config.json"
    config.write_text(settings.model_dump_json(), encoding="utf-8")
    churn: Churn = runner(monkeypatch, capsys)
    out = tmp_path / "list.csv"
    assert churn("--config", config, "score", "--out", out).code == 0
    control = {one.customer for one in assignments_in(store, made.id, limit=9999) if one.arm == "control"}
    text = out.read_text(encoding="utf-8")
    assert len(control) > 20
    assert not {name for name in control if name in text}
    document = json.loads(churn("--config", config, "score", "--from", settings.source.url, "--json").out)
    assert document["list"]
    assert not control & {row["customer_id"] for row in document["list"]}


def test_a_failed_payment_is_a_dunning_case_and_an_unknown_feature_is_named(settings: Settings, store: Store) -> None:
    def named(feature: str) -> Settings:
        return settings.model_copy(
            update={"decision": settings.decision.model_copy(update={"payment_failed": feature})}
        )

    found = by_customer(store, run_day(named("tenure"), now=NOW))
    failed = [one for one in found.values() if one.why_not == "payment_failed"]
    assert len(failed) > len(found) / 2
    assert {one.action for one in failed} == {"leave_alone"}
    with pytest.raises(ConfigError, match=r"decision.payment_failed names 'no_such', which is no feature"):
        run_day(named("no_such"), now=NOW)


def test_a_household_of_a_history_keeps_one_arm(tmp_path: Path) -> None:
    company = write_daily_company(tmp_path, 300, f"household: family\n{FEW_FEATURES}")
    with duckdb.connect(str(company.database("new"))) as connection:
        connection.execute("ALTER TABLE customers ADD COLUMN family TEXT")
        connection.execute("UPDATE customers SET family = 'F' || substr(customer_id, 1, length(customer_id) - 1)")
    address = f"sqlite:///{tmp_path / 'store.db'}"
    settings = load_settings(company.config("new", address))
    with open_store(address) as store:
        made = start(store, starts_on=DAYS[0])
        run_day(settings, DAYS[0])
        arms = assignments_in(store, made.id, limit=9999)
    families: dict[str, set[str]] = {}
    for one in arms:
        families.setdefault(one.customer[:-1], set()).add(one.arm)
    assert {one.arm for one in arms} == {"treated", "control"}
    assert len(families) < len(arms) / 2
    assert {len(found) for found in families.values()} == {1}


def test_households_are_read_and_a_missing_column_is_named() -> None:
    columns = {"id": ["C1", "C1", "C2", "C3"], "mail": ["b@x", "a@x", "a@x", None]}
    table = ibis.memtable(pa.table(columns))
    assert households_in(table, "id", "mail") == {"C1": "a@x", "C2": "a@x"}
    assert households_in(table, "id", None) == households_in(table, None, "mail") == {}
    with pytest.raises(ContractError, match="household 'post', which is no column"):
        households_in(table, "id", "post")


def test_a_list_of_a_past_date_counts_what_had_happened_by_its_end() -> None:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert ListTime.of(date(2026, 11, 22), now, asked_for=False) == ListTime(now.date(), now)
    past = ListTime.of(date(2026, 10, 1), now, asked_for=True)
    assert past == ListTime(date(2026, 10, 1), datetime(2026, 10, 2, tzinfo=UTC))
    assert ListTime.of(now.date(), now, asked_for=True).until == now
